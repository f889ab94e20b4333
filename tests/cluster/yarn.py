#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The controller as YARN's application master, with real ZooKeeper, HDFS and YARN: the walk-through of the mock DGA service with
the reference's scripts, and what it survives. Runs under the Python of tools/python_packages.

    tests/cluster/yarn.py [CASE…]      MODELYARD_HADOOP=3.3 for the older Hadoop
"""
import json
import logging
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import hadoop  # noqa: E402
from support.modelyard import MODELYARD, ROOT, run_cases, wait_until  # noqa: E402
from support.zookeeper import ZooKeeper  # noqa: E402

DEPLOY, SERVICE = ROOT / "bin" / "maas_deploy.sh", ROOT / "bin" / "maas_service.sh"
USER = "metron"
SERVICE_ROOT, OWN = "/maas/service", "/maas/modelyard"
ENDPOINT_KEYS = ["name", "id", "address", "port", "sslPort", "payload", "registrationTimeUTC", "serviceType", "uriSpec"]

# A model of the reference's contract that needs python3 alone: answers what it was asked, and who it is.
MODEL = r'''
import http.server, json, os, pathlib, sys, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/exit": os._exit(int(query.get("code", 1)))
        verdict = "legit" if query.get("host") in ("yahoo.com", "amazon.com") else "malicious"
        body = json.dumps({"is_malicious": verdict, "pid": os.getpid(), "say": SAY}).encode()
        self.send_response(200); self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
print("model starts", flush=True)
pathlib.Path("endpoint.dat").write_text(json.dumps({"url": "http://0.0.0.0:%d" % server.server_address[1]}))
server.serve_forever()
'''


class Place:
    """Set by main: the servers that all cases share."""


class Ran:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.out[-3000:]}\nstderr: {self.err[-3000:]}"


def environment():
    variables = {k: v for k, v in os.environ.items() if k not in ("HADOOP_CONF_DIR", "YARN_CONF_DIR", "HADOOP_HOME")}
    return variables | {"MODELYARD_BINARY": str(MODELYARD), "MODELYARD_BUNDLE": Place.bundle, "HADOOP_USER_NAME": USER, "HADOOP_CONF_DIR": str(Place.hadoop.conf)}


def run(*words, timeout=180):
    return Ran(subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout, env=environment(), cwd="/",
                              check=False))


def modelyard(*words, **options):
    return run(MODELYARD, *words, "--zk", Place.quorum, **options)


def deploy(*words):
    return run(DEPLOY, "-zq", Place.quorum, *words)


def add(name="dga", version="1.0", instances=1, local=None, path=None, memory=256):
    done = deploy("-mo", "ADD", "-n", name, "-v", version, "-ni", instances, "-m", memory, "-hmp", path or f"/user/{USER}/{name}-{version}",
                  *(["-lmp", local] if local else []))
    assert done.code == 0, done


def remove(name="dga", version="1.0", instances=1):
    done = deploy("-mo", "REMOVE", "-n", name, "-v", version, "-ni", instances)
    assert done.code == 0, done


def hdfs(path, op, method="GET", user=USER, **query):
    words = urllib.parse.urlencode({"op": op, "user.name": user, **query})
    request = urllib.request.Request(f"{Place.hadoop.webhdfs_url}{path}?{words}", method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def rm(path):
    with urllib.request.urlopen(f"{Place.hadoop.rm_url()}/ws/v1/cluster/{path}", timeout=10) as answer:
        return json.loads(answer.read())


def endpoints(name="dga"):
    """What ZooKeeper holds: id -> endpoint."""
    out = {}
    try:
        for node in Place.zk.get_children(f"{SERVICE_ROOT}/{name}"):
            data, stat = Place.zk.get(f"{SERVICE_ROOT}/{name}/{node}")
            out[node] = json.loads(data) | {"ephemeral": stat.ephemeralOwner != 0}
    except NoNodeError:
        return {}  # one went between the two looks: whoever waits looks again
    return out


def url_of(endpoint):
    return endpoint["payload"]["endpoint"]["url"]


def ask(url, path="/apply?host=cnn.com", timeout=5):
    with urllib.request.urlopen(url + path, timeout=timeout) as answer:
        return json.loads(answer.read())


def shown(condition, what, seconds):
    """wait_until() that says what there was instead."""
    try:
        return wait_until(condition, what, seconds)
    except AssertionError as why:
        raise AssertionError(f"{why}; {states()}") from None


def answering(count, name="dga", seconds=60):
    """The pids of `count` registered instances that answer; fails when there are others."""
    def look():
        found = endpoints(name)
        if len(found) != count:
            return None
        try:
            return {node: ask(url_of(endpoint))["pid"] for node, endpoint in found.items()}
        except OSError:
            return None
    return shown(look, f"{count} instances of {name} answer", seconds)


def states():
    try:
        done = modelyard("status", "-o", "json")
        return [(d["name"], d["version"], d["state"], (d["error"] or "")[:300], [i["state"] for i in d["instances"]]) for d in json.loads(done.out)]
    except (ValueError, OSError):
        return "no status"


def leader():
    try:
        for node in sorted(Place.zk.get_children(f"{OWN}/leader")):
            return json.loads(Place.zk.get(f"{OWN}/leader/{node}")[0])
    except NoNodeError:
        pass
    return None


def gone(name="dga", seconds=60):
    wait_until(lambda: not endpoints(name), f"{name} is gone", seconds)
    shown(lambda: not any(d[0] == name for d in states()), f"the deployment {name} is gone", seconds)


def model(folder, say="hello", script="exec /usr/bin/python3 model.py\n"):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rest.sh").write_text("#!/bin/sh\n" + script)
    (folder / "model.py").write_text(f"SAY = {say!r}\n" + MODEL)
    return folder


def application():
    apps = rm("apps?states=RUNNING,ACCEPTED")["apps"]
    return apps["app"][0] if apps else None


def master_pid():
    """Of the application master's own process."""
    pid = leader()["pid"]
    name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    assert name.startswith("modelyard"), name
    return pid


def runner_of(pid):
    """The runner above a model's process."""
    while pid > 1:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        parent = int(stat.rpartition(")")[2].split()[1])
        if "--container" in pathlib.Path(f"/proc/{parent}/cmdline").read_text() and \
                pathlib.Path(f"/proc/{parent}/comm").read_text().startswith("modelyard-runn"):
            return parent
        pid = parent
    raise AssertionError("no runner above it")


def the_service_is_started_with_the_references_script():
    done = run(SERVICE, "-zq", Place.quorum, "-mm", "128", "-mc", "1")
    assert done.code == 0 and "is running" in done.out, done
    app = application()
    assert app["state"] == "RUNNING" and app["user"] == USER, app
    wait_until(leader, "a leader stands in ZooKeeper", 30)
    record = leader()
    assert record["launcher"] == "yarn" and record["application"] == app["id"], record
    master_pid()


def the_walk_through_of_the_mock_dga_service():
    # The mock of examples/ needs Flask; the same contract with what every node has.
    with tempfile.TemporaryDirectory() as folder:
        local = model(pathlib.Path(folder) / "mock_dga")
        (local / "endpoint.dat").write_text('{"url":"http://stale:1"}')
        done = deploy("-lmp", local, "-hmp", f"/user/{USER}/models", "-mo", "ADD", "-m", "512", "-n", "dga", "-v", "1.0", "-ni", "1")
        assert done.code == 0, done
    answering(1)
    (node, endpoint), = endpoints().items()
    assert node == endpoint["id"] == endpoint["payload"]["containerId"] and node.startswith("container_"), endpoint
    assert [key for key in endpoint if key != "ephemeral"] == ENDPOINT_KEYS and endpoint["ephemeral"], endpoint
    assert endpoint["serviceType"] == "DYNAMIC" and endpoint["address"] not in ("localhost", "127.0.0.1", "0.0.0.0"), endpoint
    listed = deploy("-mo", "LIST")
    assert listed.code == 0 and "Model dga @ 1.0" in listed.out and url_of(endpoint) in listed.out, listed
    assert ask(url_of(endpoint), "/apply?host=yahoo.com")["is_malicious"] == "legit"
    called = modelyard("call", "dga", "host=cnn.com")
    assert called.code == 0 and json.loads(called.out)["is_malicious"] == "malicious", called
    containers = [c for c in Place.hadoop.container_processes()]
    assert containers, "no container's process"


def its_status_and_its_events_can_be_read():
    status = modelyard("status", "-o", "json")
    deployment, = json.loads(status.out)
    assert (deployment["state"], deployment["wanted"], deployment["ready"]) == ("ready", 1, 1), deployment
    elsewhere = modelyard("logs", "dga")
    assert elsewhere.code == 1 and "runs in container_" in elsewhere.err and "http://" in elsewhere.err, elsewhere
    placed = [event for event in json.loads(modelyard("events", "dga", "-o", "json").out) if event["kind"] == "placed"]
    (node, _), = endpoints().items()
    assert any(node in event["text"] for event in placed), placed


def more_instances_and_versions_and_back():
    with tempfile.TemporaryDirectory() as folder:
        add(instances=2, path=f"/user/{USER}/models")
        pids = answering(3)
        assert len(set(pids.values())) == 3, pids
        add(version="2.0", local=model(folder, say="two"))
    answering(4)
    wait_until(lambda: json.loads(modelyard("call", "dga").out)["say"] == "two", "the greatest version is called")
    remove(version="2.0")
    remove(instances=2)
    left = answering(1)
    assert set(left.values()) <= set(pids.values()), (left, pids)


def a_killed_model_is_replaced():
    before = answering(1)
    os.kill(next(iter(before.values())), signal.SIGKILL)
    wait_until(lambda: not set(before) & set(endpoints()), "its endpoint goes", 10)
    after = answering(1)
    assert set(after.values()) != set(before.values()), (before, after)


def a_killed_runner_takes_its_model_along_and_is_replaced():
    before = answering(1)
    pid = next(iter(before.values()))
    os.kill(runner_of(pid), signal.SIGKILL)
    wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the model goes with its runner", 2)
    after = answering(1)
    assert set(after.values()) != {pid}, (before, after)


def a_killed_master_comes_back_and_keeps_the_models():
    add(instances=2, path=f"/user/{USER}/models")
    before = answering(3)
    pid, began = master_pid(), time.monotonic()
    os.kill(pid, signal.SIGKILL)
    while leader() is None or leader()["pid"] == pid:
        for node, endpoint in endpoints().items():
            assert ask(url_of(endpoint))["pid"] == before[node]
        assert time.monotonic() < began + 60, "no new master"
        time.sleep(0.05)  # polls: the resource manager starts the next attempt
    remove(instances=1)
    after = answering(2)
    assert set(after.items()) <= set(before.items()), (before, after)
    remove(instances=1)
    answering(1)


def a_restarted_resource_manager_is_joined_again():
    before = answering(1)
    Place.hadoop.rm.kill()
    for _ in range(5):
        assert {ask(url_of(endpoint))["pid"] for endpoint in endpoints().values()} == set(before.values())
    Place.hadoop.rm.start()
    Place.hadoop.wait_healthy()
    add(instances=1, path=f"/user/{USER}/models")
    after = answering(2, seconds=90)
    assert set(before.items()) <= set(after.items()), (before, after)
    remove(instances=1)
    answering(1)


def what_cannot_be_placed_waits_says_why_and_holds_up_nobody():
    with tempfile.TemporaryDirectory() as folder:
        add(name="huge", instances=40, memory=1024, local=model(folder))
        add(name="small", local=model(folder, say="small"))
        answering(1, name="small")
    def waits():
        return next((d for d in states() if d[0] == "huge" and d[2] in ("waiting", "degraded", "starting") and d[3]), None)
    said = shown(waits, "status says why", 30)
    assert "MB" in said[3] or "queue" in said[3], said
    remove(name="huge", instances=40)
    remove(name="small")
    gone("huge")
    gone("small")


def more_memory_than_the_cluster_has_is_refused_with_the_maximum():
    with tempfile.TemporaryDirectory() as folder:
        add(name="giant", memory=900_000, local=model(folder))
    said = shown(lambda: next((d for d in states() if d[0] == "giant" and "most" in d[3]), None), "status names the maximum", 30)
    assert "MB" in said[3], said
    remove(name="giant")
    gone("giant")


def a_payload_deleted_from_hdfs_is_sent_again_or_named():
    with tempfile.TemporaryDirectory() as folder:
        add(name="lost", local=model(folder))
    before = answering(1, name="lost")
    hdfs(f"/user/{USER}/.modelyard/payloads", "DELETE", "DELETE", recursive="true")
    hdfs(f"/user/{USER}/lost-1.0", "DELETE", "DELETE", recursive="true")
    os.kill(next(iter(before.values())), signal.SIGKILL)
    answering(1, name="lost")
    remove(name="lost")
    gone("lost")


def a_path_that_is_not_there_is_refused_with_its_reason():
    done = deploy("-mo", "ADD", "-n", "nowhere", "-v", "1", "-ni", "1", "-m", "64", "-hmp", f"/user/{USER}/nowhere")
    if done.code == 0:
        def rejected():
            nodes = Place.zk.get_children(f"{OWN}/rejected") if Place.zk.exists(f"{OWN}/rejected") else []
            return [r for r in (json.loads(Place.zk.get(f"{OWN}/rejected/{n}")[0]) for n in nodes) if "nowhere" in r["data"]]
        reason = wait_until(rejected, "it is kept with its reason", 30)[0]["reason"]
        assert "nowhere" in reason, reason
    assert not any(d[0] == "nowhere" for d in states())


def the_service_ends_with_its_application_and_leaves_nothing_registered():
    app = application()
    remove()
    gone()
    request = urllib.request.Request(f"{Place.hadoop.rm_url()}/ws/v1/cluster/apps/{app['id']}/state?user.name={USER}", method="PUT",
                                     data=b'{"state":"KILLED"}', headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=20).close()
    wait_until(lambda: rm(f"apps/{app['id']}")["app"]["state"] == "KILLED", "YARN ended it", 60)
    wait_until(lambda: not Place.zk.get_children(f"{OWN}/leader"), "nobody leads", 30)


CASES = [the_service_is_started_with_the_references_script, the_walk_through_of_the_mock_dga_service, its_status_and_its_events_can_be_read,
         more_instances_and_versions_and_back, a_killed_model_is_replaced, a_killed_runner_takes_its_model_along_and_is_replaced,
         a_killed_master_comes_back_and_keeps_the_models, a_restarted_resource_manager_is_joined_again,
         what_cannot_be_placed_waits_says_why_and_holds_up_nobody, more_memory_than_the_cluster_has_is_refused_with_the_maximum,
         a_payload_deleted_from_hdfs_is_sent_again_or_named, a_path_that_is_not_there_is_refused_with_its_reason,
         the_service_ends_with_its_application_and_leaves_nothing_registered]


def main():
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    version = os.environ.get("MODELYARD_HADOOP", "3.5")
    with ZooKeeper("3.9") as zookeeper, hadoop.cluster(version=version, nodes=2) as mini:
        Place.quorum, Place.hadoop = zookeeper.quorum, mini
        Place.zk = KazooClient(zookeeper.quorum, timeout=10)
        Place.zk.start(timeout=15)
        hdfs(f"/user/{USER}", "MKDIRS", "PUT", user="root")
        hdfs(f"/user/{USER}", "SETOWNER", "PUT", user="root", owner=USER)
        Place.bundle = subprocess.run([str(ROOT / "tools/bundle"), "--build", str(MODELYARD.parent.parent)], check=True, text=True,
                                      capture_output=True).stdout.strip()
        chosen = [case for case in CASES if case is CASES[0] or not sys.argv[1:] or case.__name__ in sys.argv[1:]]
        try:
            if run_cases(chosen[:1]):
                return 1  # without the service every other case would only wait
            return run_cases(chosen[1:])
        finally:
            Place.zk.stop()


if __name__ == "__main__":
    sys.exit(main())
