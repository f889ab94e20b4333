#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`modelyard controller` on real ZooKeeper servers, old and new: requests as the reference writes them, endpoints as its clients read
them, restarts that restart no model, leaders that are killed, frozen and refused. Runs under the Python of tools/python_packages."""
import contextlib
import json
import logging
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from kazoo.client import KazooClient

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))

import models  # noqa: E402
from support.modelyard import MODELYARD, modelyard, run_cases, wait_until  # noqa: E402
from support.zookeeper import ZooKeeper  # noqa: E402

KEYS = {"name", "id", "address", "port", "sslPort", "payload", "registrationTimeUTC", "serviceType", "uriSpec"}
TAKE_OVER_SECONDS_MAX = 20


class Controller:
    """One controller process; several may share a folder."""

    def __init__(self, zk, folder, *options):
        self.zk, self.folder, self.options, self.process = zk, folder, options, None

    def spawn(self):
        self.log = self.folder / "controller.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(MODELYARD), "controller", "--zk", self.zk.quorum, "--data", str(self.folder / "data"), "--listen", "127.0.0.1:0",
                 "--log-level", "debug", *self.options], stdout=subprocess.PIPE, stderr=log, text=True)
        return self

    def start(self):
        self.spawn()
        line = self.process.stdout.readline().strip()
        assert line.startswith("ready http://"), f"no ready line but {line!r}: {self.log.read_text()[-3000:]}"
        self.url = line.removeprefix("ready ")
        return self

    def get(self, path, method="GET", body=None, follow=True):
        request = urllib.request.Request(self.url + path, method=method, data=body)
        opener = urllib.request.build_opener() if follow else urllib.request.build_opener(NoRedirect)
        try:
            with opener.open(request, timeout=20) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read().decode()

    def info(self):
        return json.loads(self.get("/api/v1/info")[2])

    def status(self):
        return {(one["name"], one["version"]): one for one in json.loads(self.get("/api/v1/deployments")[2])}

    def ready(self, name="dga", version="1.0"):
        return self.status().get((name, version), {}).get("ready", 0)

    def pids(self):
        return sorted(instance["pid"] for one in self.status().values() for instance in one["instances"])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            return self.process.wait(25)
        return None


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Place:
    """A ZooKeeper, a data folder, a model, and a client of the reference's kind."""

    def __init__(self, version, **options):
        self.zk = ZooKeeper(version, **options).start()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-controller-"))
        self.model = models.echo(self.folder / "model")
        self.client = KazooClient(self.zk.quorum, timeout=10, connection_retry={"max_tries": -1, "delay": 0.1, "max_delay": 1})
        self.client.start(timeout=15)
        self.controllers = []

    def controller(self, *options):
        made = Controller(self.zk, self.folder, *options)
        self.controllers.append(made)
        return made

    def put(self, data):
        text = data if isinstance(data, str) else json.dumps(data)
        self.client.create("/maas/queue/qn-", text.encode(), sequence=True, makepath=True)

    def add(self, instances=1, path=None, name="dga", memory=512):
        self.put({"name": name, "version": "1.0", "numInstances": instances, "memory": memory, "action": "ADD",
                  "path": str(path or self.model)})

    def remove(self, instances=1, name="dga"):
        self.put({"name": name, "version": "1.0", "numInstances": instances, "memory": 0, "action": "REMOVE", "path": None})

    def queued(self):
        return self.client.get_children("/maas/queue") if self.client.exists("/maas/queue") else []

    def endpoints(self, name="dga"):
        path = f"/maas/service/{name}"
        if not self.client.exists(path):
            return {}
        found = {}
        for child in self.client.get_children(path):
            try:
                found[child] = self.client.get(f"{path}/{child}")
            except Exception:  # gone between the list and the read
                continue
        return found

    def stop(self):
        # What a killed controller left is ended by one that drains.
        for one in self.controllers:
            one.end()
        last = Controller(self.zk, self.folder)
        try:
            last.start()
            wait_until(lambda: last.info()["role"] == "leader", "the last one leads")
            last.end()
        except AssertionError:
            last.kill()
        self.client.stop()
        self.zk.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def place(version="3.9", **options):
    made = Place(version, **options)
    try:
        yield made
    finally:
        made.stop()


def on_old_and_new(case):
    def at(version):
        def run():
            with place(version) as made:
                case(made)
        run.__name__ = f"{case.__name__}_{version.replace('.', '_')}"
        return run
    return [at("3.4"), at("3.9")]


def requests_of_the_reference_are_carried_out(at):
    at.add(2)
    one = at.controller().start()
    wait_until(lambda: one.ready() == 2, "two are ready")
    nodes = at.endpoints()
    assert len(nodes) == 2, nodes
    for name, (data, stat) in nodes.items():
        node = json.loads(data)
        assert set(node) == KEYS, node
        assert node["id"] == name == node["payload"]["containerId"], node
        assert node["serviceType"] == "DYNAMIC" and stat.ephemeralOwner != 0
        assert node["address"] == socket.gethostname() and node["address"] not in ("localhost", "127.0.0.1"), node
        assert set(node["payload"]) == {"@class", "endpoint", "name", "version", "containerId"}, node
    assert not at.queued()
    done = modelyard("list", "--zk", at.zk.quorum, "-o", "json")
    assert done.code == 0 and len(json.loads(done.out)[0]["instances"]) == 2, done
    at.remove(1)
    wait_until(lambda: len(at.endpoints()) == 1, "one is left")
    at.remove(1)
    wait_until(lambda: not one.status() and not at.endpoints(), "all are gone")


def junk_and_null_leave_the_queue(at):
    empty = models.write(at.folder / "no-script", {"model.py": ""})
    at.put("null")
    at.put("{oops")
    at.put({"name": "dga", "version": "1.0", "numInstances": 1, "memory": 1, "action": "EXPLODE", "path": "/x"})
    at.add(1, path="/does/not/exist", name="absent")
    at.add(1, path=empty, name="scriptless")
    at.remove(1, name="nobody")
    at.put("null")
    at.add(1)
    one = at.controller().start()
    wait_until(lambda: one.ready() == 1, "the good one is ready")
    wait_until(lambda: not at.queued(), "the queue is empty")
    kept = sorted(at.client.get_children("/maas/modelyard/rejected"))
    reasons = [json.loads(at.client.get("/maas/modelyard/rejected/" + name)[0]) for name in kept]
    assert len(reasons) == 5 and all(entry["reason"] for entry in reasons), reasons
    text = json.dumps(reasons)
    assert "EXPLODE" in text and "/does/not/exist" in text and ".sh" in text and "nobody" in text, text
    events = json.loads(one.get("/api/v1/events")[2])
    assert sum(event["kind"] == "refused" for event in events) == 5, events


def a_restart_restarts_no_model(at):
    one = at.controller("--keep-models").start()
    at.add(2)
    wait_until(lambda: one.ready() == 2, "two are ready")
    before, nodes = one.pids(), set(at.endpoints())
    one.kill()
    two = at.controller("--keep-models").start()
    wait_until(lambda: two.info()["role"] == "leader" and two.get("/readyz")[0] == 200, "it leads and knows all", TAKE_OVER_SECONDS_MAX)
    assert two.end() == 0
    three = at.controller().start()
    wait_until(lambda: three.info()["role"] == "leader" and three.ready() == 2, "the next one too", TAKE_OVER_SECONDS_MAX)
    assert three.pids() == before and set(at.endpoints()) == nodes
    assert all(entry["restarts"] == 0 for entry in three.status().values())
    at.add(1)
    wait_until(lambda: three.ready() == 3, "requests are taken")
    assert set(before) < set(three.pids())


def a_killed_leader_is_followed_in_time(at):
    one = at.controller().start()
    at.add(2)
    wait_until(lambda: one.ready() == 2, "two are ready")
    two = at.controller().start()
    info = two.info()
    assert info["role"] == "follower" and info["leader"] == one.url, info
    assert two.ready() == 2 and two.get("/readyz")[2].startswith("ready\nrole: follower"), "it serves reads"
    code, headers, _ = two.get("/api/v1/deployments/dga/1.0", "PUT", b'{"instances":1}', follow=False)
    assert code == 307 and headers["location"] == one.url + "/api/v1/deployments/dga/1.0", (code, headers)
    before = one.pids()
    began = time.monotonic()
    one.kill()
    at.add(1)  # while nobody leads
    wait_until(lambda: two.info()["role"] == "leader", "the second leads", TAKE_OVER_SECONDS_MAX)
    wait_until(lambda: two.ready() == 3, "the request is carried out", TAKE_OVER_SECONDS_MAX)
    assert time.monotonic() - began < 15, "within 15 s"
    assert set(before) < set(two.pids()), (before, two.pids())
    victim = before[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: two.ready() == 3 and victim not in two.pids(), "the adopted one is watched")


def a_frozen_leader_decides_nothing_when_it_wakes(at):
    one = at.controller().start()
    at.add(2)
    wait_until(lambda: one.ready() == 2, "two are ready")
    two = at.controller().start()
    os.kill(one.process.pid, signal.SIGSTOP)
    wait_until(lambda: two.info()["role"] == "leader", "the second leads", TAKE_OVER_SECONDS_MAX)
    assert two.get("/api/v1/deployments/dga/1.0", "PUT", b'{"instances":3}')[0] == 200
    wait_until(lambda: two.ready() == 3, "three are ready")
    pids = two.pids()
    os.kill(one.process.pid, signal.SIGCONT)
    wait_until(lambda: one.info()["role"] == "follower" and one.info()["leader"] == two.url, "the first follows")
    wait_until(lambda: one.ready() == 3, "and shows what the second did")
    assert two.pids() == pids and all(entry["restarts"] == 0 for entry in two.status().values())
    assert one.get("/api/v1/deployments/dga/1.0", "PUT", b'{"instances":1}', follow=False)[0] == 307


def each_request_is_carried_out_once_while_controllers_are_killed(at):
    at.controller().start()
    wanted = 0
    for i in range(24):
        at.add(1, name="dga") if i % 4 else at.put("null")
        wanted += 1 if i % 4 else 0
        if i % 8 == 7:
            at.controllers[-1].kill()
            at.controller().start()
    last = at.controllers[-1]
    wait_until(lambda: not at.queued(), "the queue is empty", 40)
    # The queue's item and the deployment change in one transaction: what is stored now is final. The leader shows it a moment later.
    stored = json.loads(at.client.get("/maas/modelyard/deployments/dga@1.0")[0])
    assert stored["instances"] == wanted, stored
    wait_until(lambda: last.status()[("dga", "1.0")]["wanted"] == wanted, "the controller shows it")


def zookeeper_may_be_away(at):
    one = at.controller().start()
    at.add(1)
    wait_until(lambda: one.ready() == 1, "one is ready")
    before = one.pids()
    at.zk.kill()
    url = one.status()[("dga", "1.0")]["instances"][0]["url"]
    end = time.monotonic() + 8  # longer than the session lives
    while time.monotonic() < end:
        with urllib.request.urlopen(url + "/apply?host=x", timeout=5) as answer:
            assert answer.status == 200
        time.sleep(0.1)  # polls: the model answers all the while
    at.zk.restart()
    wait_until(lambda: one.info()["role"] == "leader" and one.ready() == 1, "it leads again", 30)
    wait_until(lambda: len(at.endpoints()) == 1, "the endpoint is back", 30)
    assert one.pids() == before
    at.add(1)
    wait_until(lambda: one.ready() == 2, "requests are taken", 30)


def what_is_wrong_is_said(at):
    def refused(*options, zk=None):
        words = ["controller", "--data", str(at.folder / "other"), "--listen", "127.0.0.1:0", "--zk", zk or at.zk.quorum, *options]
        return modelyard(*words, timeout=40)

    away = refused(zk="127.0.0.1:1,127.0.0.1:2")
    assert away.code == 4 and "127.0.0.1:1" in away.err and "refused" in away.err and "doctor" in away.err, away
    chroot = refused(zk=at.zk.quorum + "/nowhere")
    assert chroot.code == 4 and "/nowhere" in chroot.err, chroot
    assert refused(zk="a:b:c").code == 2
    one = at.controller().start()
    other = refused("--zk-secret-file", secret(at.folder / "same", (at.folder / "data" / "zk-secret").read_text()))
    assert other.code == 1 and "--launcher" not in other.out and "leads" in other.err, other
    stranger = refused("--zk-secret-file", secret(at.folder / "wrong", "0123456789abcdef0123"))
    assert stranger.code == 1 and "secret" in stranger.err, stranger
    assert oct((at.folder / "data" / "zk-secret").stat().st_mode & 0o777) == "0o600"
    key = (at.folder / "data" / "zk-secret").read_text().strip()
    assert key not in one.log.read_text()
    at.add(1)
    wait_until(lambda: one.ready() == 1, "one is ready")
    model = one.pids()[0]
    assert "ZK_SECRET" not in pathlib.Path(f"/proc/{model}/environ").read_text(), "the model does not know it"


def secret(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def with_place(case):
    def run():
        with place() as made:
            case(made)
    run.__name__ = case.__name__
    return run


CASES = [*on_old_and_new(requests_of_the_reference_are_carried_out), *on_old_and_new(junk_and_null_leave_the_queue),
         *on_old_and_new(a_restart_restarts_no_model), *on_old_and_new(a_killed_leader_is_followed_in_time),
         with_place(a_frozen_leader_decides_nothing_when_it_wakes),
         with_place(each_request_is_carried_out_once_while_controllers_are_killed), with_place(zookeeper_may_be_away),
         with_place(what_is_wrong_is_said)]

if __name__ == "__main__":
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    sys.exit(run_cases([case for case in CASES if not sys.argv[1:] or any(case.__name__.startswith(word) for word in sys.argv[1:])]))
