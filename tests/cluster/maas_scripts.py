#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bin/maas_deploy.sh and bin/maas_service.sh with real ZooKeeper, HDFS and YARN: what they send, what they refuse and how they
say it. Runs under the Python of tools/python_packages."""
import io
import json
import logging
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request

from kazoo.client import KazooClient

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import hadoop  # noqa: E402
from support.modelyard import MODELYARD, ROOT, run_cases  # noqa: E402
from support.zookeeper import ZooKeeper  # noqa: E402

DEPLOY, SERVICE = ROOT / "bin" / "maas_deploy.sh", ROOT / "bin" / "maas_service.sh"
QUEUE = "/maas/queue"


class Place:
    """Set by main: the servers that all cases share."""


class Ran:
    def __init__(self, done, seconds):
        self.code, self.out, self.err, self.seconds = done.returncode, done.stdout, done.stderr, seconds

    def __repr__(self):
        return f"exit {self.code} after {self.seconds:.1f} s\nstdout: {self.out[-3000:]}\nstderr: {self.err[-3000:]}"


def run(script, *words, conf=True, user="root", cwd="/", timeout=120, **environment):
    variables = {k: v for k, v in os.environ.items() if k not in ("HADOOP_CONF_DIR", "YARN_CONF_DIR", "HADOOP_HOME")}
    variables |= {"MODELYARD_BINARY": str(MODELYARD), "HADOOP_USER_NAME": user, **environment}
    if conf:
        variables["HADOOP_CONF_DIR"] = str(Place.hadoop.conf)
    began = time.monotonic()
    done = subprocess.run([str(script), *map(str, words)], capture_output=True, text=True, timeout=timeout, env=variables, cwd=cwd)
    return Ran(done, time.monotonic() - began)


def deploy(*words, quorum=None, **options):
    return run(DEPLOY, "-zq", quorum or Place.quorum, *words, **options)


def add(path, *more, local=None, **options):
    return deploy("-mo", "ADD", "-n", "dga", "-v", "1.0", "-ni", 1, "-m", 512, "-hmp", path, *(["-lmp", local] if local else []), *more,
                  **options)


def queue():
    items = Place.zk.get_children(QUEUE) if Place.zk.exists(QUEUE) else []
    return [Place.zk.get(f"{QUEUE}/{item}")[0].decode() for item in sorted(items)]


def nothing_was_requested():
    assert not queue(), queue()


def empty_queue():
    Place.zk.delete(QUEUE, recursive=True) if Place.zk.exists(QUEUE) else None


def hdfs(path, op, method="GET", **query):
    words = "&".join(f"{k}={v}" for k, v in {"op": op, "user.name": "root", **query}.items())
    request = urllib.request.Request(f"{Place.hadoop.webhdfs_url}{path}?{words}", method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def names(path):
    return sorted(file["pathSuffix"] for file in json.loads(hdfs(path, "LISTSTATUS"))["FileStatuses"]["FileStatus"])


def model(folder, scripts=("rest.sh",), **files):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for script in scripts:
        (folder / script).write_text("#!/bin/sh\nexec true\n")
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


def the_options_are_shown_from_anywhere():
    with tempfile.TemporaryDirectory() as folder:
        for script, name in ((DEPLOY, "ModelSubmission"), (SERVICE, "MaaSClient")):
            link = pathlib.Path(folder) / script.name
            link.symlink_to(script)
            for word in ("-h", "--help"):
                shown = run(link, word, conf=False, cwd=folder)
                assert shown.code == 0 and shown.out.startswith(f"usage: {name}\n"), shown
        shown = run(DEPLOY, "-h").out
        for option in (" -hmp,--hdfs_model_path <arg>", " -lmp,--local_model_path <arg>", " -mo,--mode <arg>", " -h,--help  "):
            assert option in shown, (option, shown)
        shown = run(SERVICE, "-h").out
        for option in (" -nle,--node_label_expression <arg>   ", " -c,--create  ", " -mc,--master_vcores <arg>"):
            assert option in shown, (option, shown)


def wrong_command_lines_are_told():
    for words, says in ((["-mo", "LIST"], "-zq is missing"), (["-zq", "x:1"], "-mo is missing"),
                        (["-zq", "x:1", "-mo", "MOVE"], "-mo must be ADD, LIST or REMOVE"),
                        (["-zq", "x:1", "-mo", "LIST", "-xyz"], "'-xyz' is no option"),
                        (["-zq", "x:1", "-mo", "ADD", "-n", "dga", "-v", "1", "-ni", "many"], "-ni"),
                        (["-zq", "x:1", "-mo", "ADD", "-n", "../x", "-v", "1", "-ni", "1"], "is no model name"),
                        (["-zq", "x:y", "-mo", "LIST"], "-zq")):
        done = run(DEPLOY, *words)
        assert done.code == 2 and says in done.err, (words, done)


def add_copies_the_files_and_requests_once():
    empty_queue()
    with tempfile.TemporaryDirectory() as folder:
        local = model(folder, weights="w" * 100_000)
        (local / "lib").mkdir()
        (local / "lib" / "a b.txt").write_text("deep")
        done = add("/user/metron/models", local=local)
        assert done.code == 0 and "ADD of 1 instance of dga @ 1.0 requested" in done.out, done
    assert names("/user/metron/models") == ["lib", "rest.sh", "weights"]
    assert hdfs("/user/metron/models/lib/a%20b.txt", "OPEN") == b"deep"
    assert queue() == ['{"name":"dga","version":"1.0","numInstances":1,"memory":512,"action":"ADD","path":"/user/metron/models"}'], queue()


def add_again_replaces_what_changed():
    empty_queue()
    with tempfile.TemporaryDirectory() as folder:
        local = model(folder, data="one")
        assert add("/user/metron/again", local=local).code == 0
        (local / "data").write_text("two, and longer")
        assert add("/user/metron/again", local=local).code == 0
    assert hdfs("/user/metron/again/data", "OPEN") == b"two, and longer"
    assert names("/user/metron/again") == ["data", "rest.sh"]
    assert len(queue()) == 2


def add_without_files_looks_at_the_folder():
    empty_queue()
    with tempfile.TemporaryDirectory() as folder:
        assert add("/user/metron/there", local=model(folder)).code == 0
    empty_queue()
    assert add("/user/metron/there").code == 0
    assert len(queue()) == 1
    empty_queue()
    done = add("/user/metron/nowhere")
    assert done.code != 0 and "/user/metron/nowhere" in done.err, done
    nothing_was_requested()


def remove_requests_once():
    empty_queue()
    done = deploy("--mode=remove", "-n", "dga", "--version", "1.0", "-ni", 2, conf=False)
    assert done.code == 0, done
    assert queue() == ['{"name":"dga","version":"1.0","numInstances":2,"memory":0,"action":"REMOVE","path":null}'], queue()


def list_needs_zookeeper_alone():
    def endpoint(name, version, number):
        node = f"container_9_{number}"
        Place.zk.ensure_path(f"/maas/service/{name}")
        Place.zk.create(f"/maas/service/{name}/{node}", json.dumps({
            "name": name, "id": node, "address": "node1", "port": 36161, "sslPort": None,
            "payload": {"@class": "org.apache.metron.maas.config.ModelEndpoint",
                        "endpoint": {"url": f"http://node1:{36160 + number}", "functions": {"apply": "apply"}},
                        "name": name, "version": version, "containerId": node},
            "registrationTimeUTC": 1, "serviceType": "STATIC", "uriSpec": None}).encode())
    endpoint("dga", "1.0", 1)
    endpoint("dga", "2.0", 2)
    endpoint("other", "1", 3)
    listed = deploy("-mo", "LIST", conf=False)
    assert listed.code == 0, listed
    lines = [line.split()[0] if line.startswith(" ") else line for line in listed.out.splitlines()]
    assert lines == ["Model dga @ 1.0", "http://node1:36161", "Model dga @ 2.0", "http://node1:36162", "Model other @ 1",
                     "http://node1:36163"], lines
    one = deploy("-mo", "list", "-n", "dga", "-v", "2.0", conf=False)
    assert "Model dga @ 2.0" in one.out and "1.0" not in one.out and "other" not in one.out, one
    Place.zk.delete("/maas/service", recursive=True)


def bad_payloads_are_refused_before_anything_is_sent():
    empty_queue()
    with tempfile.TemporaryDirectory() as folder:
        for local, says in ((model(f"{folder}/none", scripts=(), readme="x"), ".sh"), (model(f"{folder}/two", scripts=("a.sh", "b.sh")), ".sh"),
                            (pathlib.Path(folder) / "absent", "is no folder")):
            done = add("/user/metron/bad", local=local)
            assert done.code == 1 and says in done.err, done
        assert "bad" not in names("/user/metron")
        # A script of an earlier version that lies there would make two.
        assert add("/user/metron/mixed", local=model(f"{folder}/first", scripts=("old.sh",))).code == 0
        empty_queue()
        done = add("/user/metron/mixed", local=model(f"{folder}/second", scripts=("new.sh",)))
        assert done.code == 1 and "old.sh" in done.err, done
        assert names("/user/metron/mixed") == ["old.sh"]
    nothing_was_requested()


def hdfs_that_refuses_is_told_in_words():
    empty_queue()
    hdfs("/full", "MKDIRS", "PUT")
    hadoop_admin("-setSpaceQuota", "1m", "/full")
    with tempfile.TemporaryDirectory() as folder:
        local = model(folder, weights="w" * 2_000_000)
        for path, user, code, says in (("/full/dga", "root", 1, "Quota"), ("/forbidden", "alice", 1, "HDFS sees you as alice"),
                                       ("/a:b", "root", 1, "':'")):
            done = add(path, local=local, user=user)
            assert done.code == code and says in done.err, done
        without = add("/x", local=local, conf=False)
        assert without.code == 1 and "HADOOP_CONF_DIR" in without.err, without
        away = pathlib.Path(folder) / "conf"
        away.mkdir()
        (away / "core-site.xml").write_text("<configuration><property><name>fs.defaultFS</name><value>hdfs://127.0.0.1:1</value></property>"
                                            "<property><name>dfs.namenode.http-address</name><value>127.0.0.1:1</value></property></configuration>")
        done = add("/x", local=local, conf=False, HADOOP_CONF_DIR=str(away))
        assert done.code == 4 and "the NameNode of hdfs://127.0.0.1:1" in done.err and str(away) in done.err, done
        (away / "core-site.xml").write_text("<configuration>")
        done = add("/x", local=local, conf=False, HADOOP_CONF_DIR=str(away))
        assert done.code == 1 and f"{away}/core-site.xml:1" in done.err, done
    nothing_was_requested()


def a_wrong_quorum_costs_no_upload():
    with tempfile.TemporaryDirectory() as folder:
        local = model(folder)
        for quorum, says in (("127.0.0.1:1", "127.0.0.1:1"), (Place.quorum + "/no/such/chroot", "chroot")):
            done = add("/user/metron/quorum", local=local, quorum=quorum)
            assert done.code in (1, 3, 4) and says in done.err and done.seconds < 20, done
        assert "quorum" not in names("/user/metron")


def hadoop_admin(*words):
    mini = Place.hadoop
    command = ["java", *hadoop.JVM, "-Xmx128m", "-cp", f"{mini.conf}:{mini.jars}/*", "org.apache.hadoop.hdfs.tools.DFSAdmin", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=mini.environment(), cwd=mini.folder, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


# maas_service ----------------------------------------------------------------------------------------------------------

# In place of the programs: says how it was started and then waits, without ever speaking to YARN.
PRETENDER = """#!/bin/sh
{ printf '%s\\n' "$@"; echo "conf=$HADOOP_CONF_DIR"; ls "$HADOOP_CONF_DIR"; env; } >"$REPORT.part"
grep -c modelyard.installation "$HADOOP_TOKEN_FILE_LOCATION" | sed 's/^/secrets=/' >>"$REPORT.part"
mv "$REPORT.part" "$REPORT"
exec tail -f /dev/null
"""


def bundle(folder, report):
    path = pathlib.Path(folder) / "bundle.tar.gz"
    script = PRETENDER.replace("$REPORT", str(report)).encode()
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo("bin/modelyard")
        entry.size, entry.mode = len(script), 0o755
        tar.addfile(entry, io.BytesIO(script))
    return path


def service(*words, **options):
    return run(SERVICE, "-zq", Place.quorum, *words, **options)


def applications():
    apps = json.loads(hadoop.fetch(f"{Place.hadoop.rm_url()}/ws/v1/cluster/apps"))["apps"]
    return apps["app"] if apps else []


def what_yarn_cannot_give_is_told_before_anything_is_sent():
    with tempfile.TemporaryDirectory() as folder:
        programs = bundle(folder, f"{folder}/report")
        for words, says in ((["-q", "nowhere"], "there is no queue nowhere; there are default"),
                            (["-mm", 1_000_000], "-mm 1000000: the cluster gives one container at most"),
                            (["-mc", 4000], "-mc 4000"), (["-nle", "gpu"], "no node labels")):
            done = service(*words, MODELYARD_BUNDLE=str(programs))
            assert done.code == 1 and says in done.err, (words, done)
        done = service("-e", "=x", MODELYARD_BUNDLE=str(programs))
        assert done.code == 2 and "-e must be key=value" in done.err, done
        done = service(MODELYARD_BUNDLE=f"{folder}/absent")
        assert done.code == 1 and "MODELYARD_BUNDLE" in done.err, done
        away = pathlib.Path(folder) / "conf"
        away.mkdir()
        (away / "core-site.xml").write_text((Place.hadoop.conf / "core-site.xml").read_text())
        (away / "yarn-site.xml").write_text("<configuration><property><name>yarn.resourcemanager.webapp.address</name>"
                                            "<value>127.0.0.1:1</value></property></configuration>")
        done = service(MODELYARD_BUNDLE=str(programs), HADOOP_CONF_DIR=str(away), conf=False)
        assert done.code == 4 and "the resource manager: 127.0.0.1:1" in done.err and str(away) in done.err, done
    assert not applications(), applications()


def the_application_gets_what_was_asked_and_ends_in_time():
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report"
        done = service("-mm", 137, "-mc", 2, "-e", "A=b c", "-e", "D=$x'y", "-j", "maas.jar", "-l", "log4j.properties", "-t", 25_000,
                       "-zr", "/metron/maas/other config", "-d", "models", "-c", MODELYARD_BUNDLE=str(bundle(folder, report)))
        assert done.code == 1 and "within 25000 ms" in done.err, done
        for note in ("-j is taken and has no effect", "-l is taken and has no effect", "-d has no effect"):
            assert note in done.err, (note, done)
        told = report.read_text().splitlines()
        for line in ("controller", "yarn", Place.quorum, "/metron/maas/other config", "core-site.xml", "hdfs-site.xml", "yarn-site.xml",
                     "secrets=1", "MODELYARD_TIMELINE_DOMAIN=models"):
            assert line in told, (line, told)
        environment = dict(line.split("=", 1) for line in told if "=" in line)
        assert json.loads(environment["MODELYARD_MODEL_ENVIRONMENT"]) == {"A": "b c", "D": "$x'y"}, environment
        secret = hdfs("/user/root/.modelyard/secret", "OPEN").decode().strip()
        assert len(secret) == 64 and secret not in report.read_text().replace("\n", ""), "the secret comes in the token file alone"
    app = [one for one in applications() if one["name"] == "MaaS"][-1]
    assert app["state"] == "KILLED" and app["applicationType"] == "MODELYARD", app
    assert not any(name.startswith("application_") for name in names("/user/root/.modelyard")), "its own folder is gone again"


def an_application_that_fails_says_why():
    with tempfile.TemporaryDirectory() as folder:
        broken = pathlib.Path(folder) / "bundle.tar.gz"
        with tarfile.open(broken, "w:gz") as tar:
            tar.addfile(tarfile.TarInfo("empty"))
        done = service(MODELYARD_BUNDLE=str(broken), timeout=180)
        assert done.code == 1 and "application_" in done.err and "failed: Application" in done.err and "127" in done.err, done


CASES = [the_options_are_shown_from_anywhere, wrong_command_lines_are_told, add_copies_the_files_and_requests_once,
         add_again_replaces_what_changed, add_without_files_looks_at_the_folder, remove_requests_once, list_needs_zookeeper_alone,
         bad_payloads_are_refused_before_anything_is_sent, hdfs_that_refuses_is_told_in_words, a_wrong_quorum_costs_no_upload,
         what_yarn_cannot_give_is_told_before_anything_is_sent, the_application_gets_what_was_asked_and_ends_in_time,
         an_application_that_fails_says_why]


def main():
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    with ZooKeeper("3.9") as zookeeper, hadoop.cluster(version="3.5") as mini:
        Place.quorum, Place.hadoop = zookeeper.quorum, mini
        Place.zk = KazooClient(zookeeper.quorum, timeout=10)
        Place.zk.start(timeout=15)
        for folder in ("/user/root", "/user/metron"):
            hdfs(folder, "MKDIRS", "PUT")
        try:
            return run_cases([case for case in CASES if not sys.argv[1:] or case.__name__ in sys.argv[1:]])
        finally:
            Place.zk.stop()


if __name__ == "__main__":
    sys.exit(main())
