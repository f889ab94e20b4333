#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line and the gateway on a cluster with a real ZooKeeper: what works without a controller, what without ZooKeeper, and
what is said when something is not there."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))

import models  # noqa: E402
from support.modelyard import MODELYARD, modelyard, run_cases, wait_until  # noqa: E402
from support.zookeeper import ZooKeeper  # noqa: E402


class Program:
    """A server command in a folder of its own, from its ready line to its end."""

    def __init__(self, folder, *words):
        self.log = folder / f"{words[0]}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(MODELYARD), *map(str, words)], stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline().strip()
        assert line.startswith("ready http://"), f"{line!r}: {self.log.read_text()[-3000:]}"
        self.url = line.removeprefix("ready ")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(25)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end within 25 s of SIGTERM: {self.log.read_text()[-3000:]}") from None


def get(url, timeout=10):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


class Cluster:
    def __init__(self, zk, folder):
        self.zk, self.folder, self.programs = zk, folder, []

    def controller(self):
        return self._program("controller", "--zk", self.zk.quorum, "--data", self.folder / "data", "--listen", "127.0.0.1:0",
                             "--backoff-first", "50")

    def gateway(self):
        return self._program("gateway", "--zk", self.zk.quorum, "--listen", "127.0.0.1:0")

    def _program(self, *words):
        self.programs.append(Program(self.folder, *words))
        return self.programs[-1]

    def run(self, *words, **options):
        return modelyard(*words, environment={"MODELYARD_ZK": self.zk.quorum}, **options)

    def json(self, *words):
        done = self.run(*words, "-o", "json")
        assert done.code == 0, done
        return json.loads(done.out)

    def deploy(self, instances=1):
        payload = models.echo(self.folder / "echo")
        text = (payload / "model.py").read_text()
        # On a cluster clients come by the machine's name.
        (payload / "model.py").write_text(text.replace('("127.0.0.1", 0)', '("0.0.0.0", 0)'))
        done = self.run("deploy", payload, "--name", "echo", "--instances", instances, "--wait=60")
        assert done.code == 0, done
        wait_until(lambda: len(self.instances()) == instances, "they are registered")

    def instances(self):
        return [instance for model in self.json("list", "echo") for instance in model["instances"]]

    def close(self):
        for program in self.programs:
            with contextlib.suppress(Exception):  # what a case killed is gone already
                program.stop()
        # A case that killed its controller: the models end with another one.
        ended = Program(self.folder, "controller", "--zk", self.zk.quorum, "--data", self.folder / "data", "--listen", "127.0.0.1:0")
        ended.stop()


@contextlib.contextmanager
def cluster(version="3.9"):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-cluster-"))
    try:
        with ZooKeeper(version) as zk:
            made = Cluster(zk, folder)
            try:
                yield made
            finally:
                made.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Caller:
    """Calls over and over until it is stopped; counts what failed."""

    def __init__(self, url):
        self.url, self.answers, self.failures, self.ended = url, 0, [], threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.ended.is_set():
            try:
                get(self.url, timeout=10)
                self.answers += 1
            except (OSError, urllib.error.URLError) as error:
                self.failures.append(str(error))
            self.ended.wait(0.005)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def some_more(self, count=20):
        wanted = self.answers + count
        wait_until(lambda: self.answers >= wanted, "calls are answered")


def everything_by_zk():
    with cluster() as here:
        here.controller()
        here.deploy(instances=2)
        assert json.loads(here.run("call", "echo", "k=v").out)["got"] == {"k": "v"}
        assert {instance["state"] for instance in here.instances()} == {"ready"}
        assert here.json("status", "echo")[0]["ready"] == 2
        assert "listening" in here.run("logs", "echo").out
        assert any(event["kind"] == "ready" for event in here.json("events", "echo"))
        assert here.run("scale", "echo", "--version", "1", "--instances", "1").code == 0
        wait_until(lambda: len(here.instances()) == 1, "one is drained")
        done = here.run("stellar", "-e", "MAAS_MODEL_APPLY(MAAS_GET_ENDPOINT('echo'), {'a': 'b'})")
        assert done.code == 0 and json.loads(done.out)["got"] == {"a": "b"}, done
        assert here.run("remove", "echo").code == 0
        wait_until(lambda: here.instances() == [], "none is left")
        for words in (["call", "echo"], ["logs", "echo"], ["remove", "echo"], ["scale", "echo", "--version", "1", "--instances", "2"]):
            # The deployment itself goes when the last instance has.
            wait_until(lambda words=words: here.run(*words).code == 3, f"{words} says that there is no such thing")


def list_call_watch_and_gateway_need_no_controller():
    for version in ("3.4", "3.9"):
        with cluster(version) as here:
            controller = here.controller()
            here.deploy(instances=2)
            watch = subprocess.Popen([str(MODELYARD), "watch", "--zk", here.zk.quorum], stdout=subprocess.PIPE, text=True)
            gateway = here.gateway()
            controller.kill()
            assert len(here.instances()) == 2
            assert here.run("call", "echo").code == 0
            assert json.loads(get(gateway.url + "/models/echo/apply?k=v"))["got"] == {"k": "v"}
            assert len(json.loads(get(gateway.url + "/api/v1/models"))[0]["instances"]) == 2
            assert get(gateway.url + "/readyz") == "ready\n"
            assert "modelyard_endpoints 2" in get(gateway.url + "/metrics")
            done = modelyard("call", "echo", server=gateway.url)
            assert done.code == 0, done  # a gateway is a server, too
            done = here.run("call", "nobody")
            assert done.code == 3, done
            # The leader's node goes with its session.
            done = wait_until(lambda: (d := here.run("status")).code == 4 and "no controller leads" in d.err and d, "nobody leads", 30)
            assert "modelyard controller --zk" in done.err, done
            here.controller()
            wait_until(lambda: here.run("remove", "echo").code == 0, "the next one leads", 40)
            line = json.loads(watch.stdout.readline())
            assert line["kind"] == "removed" and line["name"] == "echo" and line["id"], line
            watch.send_signal(signal.SIGINT)
            assert watch.wait(10) == 0
            assert gateway.stop() == 0


def a_frozen_and_a_killed_zookeeper_fail_no_call():
    with cluster() as here:
        here.controller()
        here.deploy(instances=2)
        gateway = here.gateway()
        with Caller(gateway.url + "/models/echo/apply") as caller:
            caller.some_more()
            here.zk.freeze()
            caller.some_more(400)
            here.zk.thaw()
            caller.some_more()
            here.zk.kill()
            caller.some_more(400)
            assert "modelyard_zookeeper_current 0" in get(gateway.url + "/metrics")
            here.zk.restart()
            wait_until(lambda: "modelyard_zookeeper_current 1" in get(gateway.url + "/metrics"), "it is back", 30)
            caller.some_more(200)
        assert caller.failures == [], caller.failures[:3]
        wait_until(lambda: here.run("call", "echo").code == 0, "direct calls, too")


def a_killed_runner_is_replaced_and_calls_go_on():
    with cluster() as here:
        here.controller()
        here.deploy(instances=2)
        gateway = here.gateway()
        before = {instance["url"] for instance in here.instances()}
        victim = here.json("status", "echo")[0]["instances"][0]
        with Caller(gateway.url + "/models/echo/apply") as caller:
            caller.some_more()
            os.kill(runner_of(victim["pid"]), signal.SIGKILL)
            wait_until(lambda: not pathlib.Path(f"/proc/{victim['pid']}").exists(), "its model goes with it")
            now = wait_until(lambda: (urls := {i["url"] for i in here.instances()}) - before and len(urls) == 2 and urls, "replaced", 40)
            caller.some_more()
        assert caller.failures == [], caller.failures[:3]
        assert len(now & before) == 1, "the other one was left alone"


def runner_of(pid):
    """The modelyard-runner above a model's process."""
    while True:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        if "(modelyard-runne" in stat:
            return pid
        pid = int(stat.rsplit(")", 1)[1].split()[1])
        assert pid > 1, "no runner above it"


def what_is_not_there_is_said():
    done = modelyard("list", "--zk", "127.0.0.1:1")
    assert done.code == 4 and "ZooKeeper 127.0.0.1:1 does not answer" in done.err and "doctor" in done.err, done
    done = modelyard("gateway", "--zk", "127.0.0.1:1", "--listen", "127.0.0.1:0", timeout=40)
    assert done.code == 4 and "does not answer" in done.err, done
    assert modelyard("list", "--zk", "127.0.0.1:many").code == 2
    assert modelyard("gateway", "--listen", "127.0.0.1:0").code == 2
    done = modelyard("doctor", "--zk", "127.0.0.1:1")
    assert done.code == 1 and "problem" in done.out and "127.0.0.1:1" in done.out, done
    with ZooKeeper("3.9") as zk:
        for words in (["list"], ["call", "dga"], ["status"], ["watch"]):
            done = modelyard(*words, "--zk", zk.quorum + "/nowhere")
            assert done.code == 4 and "chroot /nowhere does not exist" in done.err, (words, done)
        done = modelyard("status", "--zk", zk.quorum)
        assert done.code == 4 and "no controller leads" in done.err, done
        assert modelyard("list", "--zk", zk.quorum, "-o", "json").out.strip() == "[]"
        assert modelyard("call", "dga", "--zk", zk.quorum).code == 3


def doctor_looks_at_each_server():
    with ZooKeeper("3.9", size=3) as zk:
        done = modelyard("doctor", "--zk", zk.quorum, "-o", "json")
        checks = [check for check in json.loads(done.out) if check["check"].startswith("zookeeper ")]
        assert len(checks) == 3 and all(check["state"] == "ok" for check in checks), checks
        assert sorted(check["text"].rsplit(" ", 1)[1] for check in checks) == ["follower", "follower", "leader"], checks
        zk.kill(zk.leader())
        wait_until(lambda: zk.leader() is not None, "another leads")
        done = modelyard("doctor", "--zk", zk.quorum, "-o", "json")
        states = [check["state"] for check in json.loads(done.out) if check["check"].startswith("zookeeper ")]
        assert sorted(states) == ["ok", "ok", "problem"] and done.code == 1, done


CASES = [everything_by_zk, list_call_watch_and_gateway_need_no_controller, a_frozen_and_a_killed_zookeeper_fail_no_call,
         a_killed_runner_is_replaced_and_calls_go_on, what_is_not_there_is_said, doctor_looks_at_each_server]

if __name__ == "__main__":
    wanted = sys.argv[1:]
    sys.exit(run_cases([case for case in CASES if not wanted or case.__name__ in wanted]))
