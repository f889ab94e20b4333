#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The faults that models of one machine with their registry in ZooKeeper survive: each is made on real servers, and what must not
happen is counted while it lasts. Runs under the Python of tools/python_packages.

    faults.py [--away SECONDS] [CASE...]      # --away: how long ZooKeeper is gone; 60 is the promise, 15 the suite's
"""
import argparse
import concurrent.futures
import contextlib
import functools
import json
import logging
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from kazoo.exceptions import NoNodeError
from kazoo.security import make_digest_acl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))

import controller  # noqa: E402
import models  # noqa: E402
from support.modelyard import MODELYARD, modelyard, run_cases, wait_until  # noqa: E402
from support.network import Cable  # noqa: E402
from support.zookeeper import ZooKeeper, free_ports  # noqa: E402

# What ends with a session need not be waited for longer than this: the servers grant no more.
SESSION_MS = 4_000
AGAIN_SECONDS_MAX = 40
AWAY_SECONDS = 15
QUERY = "MAAS_MODEL_APPLY(MAAS_GET_ENDPOINT('dga'), {'k': 'v'})"


def reachable(folder):
    """On a cluster clients come by the machine's name."""
    text = (folder / "model.py").read_text()
    (folder / "model.py").write_text(text.replace('("127.0.0.1", 0)', '("0.0.0.0", 0)'))
    return folder


@contextlib.contextmanager
def place(version="3.9", **options):
    with controller.place(version, **{"session_ms_max": SESSION_MS, **options}) as at:
        reachable(at.model)
        yield at


def case_on(*versions, **options):
    """A case on a place of its own for each version of the server."""
    def made(case):
        def run(version):
            with place(version, **options) as at:
                case(at)
        runs = []
        for version in versions:
            one = functools.partial(run, version)
            one.__name__ = case.__name__ + ("" if len(versions) == 1 else "_" + version.replace(".", "_"))
            runs.append(one)
        CASES.extend(runs)
        return case
    return made


CASES = []


def case(function):
    CASES.append(function)
    return function


def told(what, began):
    print(f"   {what}: {time.monotonic() - began:.2f} s", flush=True)


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def runner_of(pid):
    """The modelyard-runner above a model's process."""
    while True:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        if "(modelyard-runne" in stat:
            return pid
        pid = int(stat.rsplit(")", 1)[1].split()[1])
        assert pid > 1, "no runner above it"


def get(url, timeout=10):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


class Calls:
    """One call after the other until the block ends: what was answered, what failed. call() fails by an exception."""

    def __init__(self, what, call):
        self.what, self.call, self.answers, self.failures, self.slowest = what, call, 0, [], 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                self.call()
                self.answers += 1
            except (OSError, AssertionError, ValueError, subprocess.TimeoutExpired) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.ended.wait(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.ended.set()
        self.thread.join()
        if kind is None:
            print(f"   {self.what}: {self.answers} calls, {len(self.failures)} failed, slowest {self.slowest * 1000:.0f} ms", flush=True)
            assert self.answers and not self.failures, (self.what, self.failures[:3])

    def some_more(self, count=20):
        wanted = self.answers + count
        wait_until(lambda: self.answers >= wanted or self.failures, f"{self.what} are answered", AGAIN_SECONDS_MAX)


class WatchingClient:
    """A program that lives, holds the models that ZooKeeper pushes to it, and calls them."""

    def __init__(self, quorum):
        self.process = subprocess.Popen([str(MODELYARD), "stellar", "--batch", "--zk", quorum], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def __call__(self):
        self.process.stdin.write(json.dumps({"id": 1, "expr": QUERY}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer.get("value", {}) and answer["value"]["got"] == {"k": "v"}, answer

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self.process.stdout.close()


@contextlib.contextmanager
def gateway(at):
    with open(at.folder / "gateway.log", "ab") as log:
        process = subprocess.Popen([str(MODELYARD), "gateway", "--zk", at.zk.quorum, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                   stderr=log, text=True)
    try:
        line = process.stdout.readline().strip()
        assert line.startswith("ready http://"), (line, (at.folder / "gateway.log").read_text()[-3000:])
        yield line.removeprefix("ready ")
    finally:
        process.terminate()
        process.wait(25)
        process.stdout.close()


@contextlib.contextmanager
def callers(at):
    """A gateway and a watching client, both calling all the while; no call may fail."""
    client = WatchingClient(at.zk.quorum)
    with gateway(at) as url:
        client()
        with Calls("the gateway", lambda: get(url + "/models/dga/apply?k=v")) as first, Calls("the watching client", client) as second:
            def some_more(count=20):
                first.some_more(count)
                second.some_more(count)
            some_more()
            yield some_more
    client.end()


def instances(leader):
    return {one["id"]: one for deployment in leader.status().values() for one in deployment["instances"]}


def events(leader):
    return json.loads(leader.get("/api/v1/events?limit=1000")[2])


def leads(at, *options, instances=0):
    leader = at.controller(*options).start()
    wait_until(lambda: leader.info()["role"] == "leader", "it leads", AGAIN_SECONDS_MAX)
    if instances:
        at.add(instances)
        wait_until(lambda: leader.ready() == instances and len(at.endpoints()) == instances, "they are ready", AGAIN_SECONDS_MAX)
    return leader


def await_removal(at, name, action, seconds):
    """How long the clients' snapshot still holds the endpoint after the action."""
    path, gone = f"/maas/service/dga/{name}", threading.Event()
    assert at.client.exists(path, watch=lambda _: gone.set())
    began = time.monotonic()
    action()
    assert gone.wait(seconds), f"{name} is still registered after {seconds} s"
    return began


@case_on("3.9")
def a_killed_model_is_replaced(at):
    leader = leads(at, instances=2)
    victim = next(iter(instances(leader).values()))
    with callers(at) as some_more:
        began = await_removal(at, victim["id"], lambda: os.kill(victim["pid"], signal.SIGKILL), 2)
        told("out of the clients' snapshot", began)
        wait_until(lambda: leader.ready() == 2 and victim["pid"] not in leader.pids() and len(at.endpoints()) == 2, "replaced")
        told("replaced", began)
        some_more()


@case_on("3.9")
def a_killed_runner_takes_its_tree_along_and_is_replaced(at):
    family = reachable(models.with_child(at.folder / "family"))
    leader = leads(at)
    at.add(2, path=family)
    wait_until(lambda: leader.ready() == 2 and len(at.endpoints()) == 2, "two are ready", AGAIN_SECONDS_MAX)
    victim, other = instances(leader).values()
    tree = json.loads(get(victim["url"] + "/apply"))
    pids = [tree["pid"], tree["child"]]
    assert all(map(is_alive, pids)) and tree["pid"] == victim["pid"]
    began = time.monotonic()
    os.kill(runner_of(victim["pid"]), signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, pids)), "the model and its grandchild are gone", 2)
    told("the tree is gone", began)
    wait_until(lambda: leader.ready() == 2 and victim["pid"] not in leader.pids(), "replaced", AGAIN_SECONDS_MAX)
    urls = {one["url"] for one in instances(leader).values()}
    wait_until(lambda: {json.loads(data)["payload"]["endpoint"]["url"] for data, _ in at.endpoints().values()} == urls, "registered")
    told("replaced", began)
    assert other["pid"] in leader.pids(), "the other one was left alone"


@case_on("3.9")
def a_killed_leader_is_followed_and_nothing_else_moves(at):
    first = leads(at, instances=2)
    second = at.controller().start()
    assert second.info()["role"] == "follower"
    pids, nodes = first.pids(), {name: stat.czxid for name, (_, stat) in at.endpoints().items()}
    with callers(at) as some_more:
        began = time.monotonic()
        first.kill()
        wait_until(lambda: second.info()["role"] == "leader" and second.ready() == 2, "the second leads", AGAIN_SECONDS_MAX)
        told("the second leads", began)
        some_more()
    assert second.pids() == pids and all(one["restarts"] == 0 for one in second.status().values())
    assert {name: stat.czxid for name, (_, stat) in at.endpoints().items()} == nodes, "registered as before"
    at.remove(1)
    wait_until(lambda: len(second.pids()) == 1 and len(at.endpoints()) == 1, "it decides", AGAIN_SECONDS_MAX)


@case_on("3.9", size=3)
def calls_go_on_while_the_leader_of_zookeeper_is_killed(at):
    leader = leads(at, instances=2)
    pids = leader.pids()

    def call():
        done = modelyard("call", "dga", "k=v", "--zk", at.zk.quorum)
        assert done.code == 0 and json.loads(done.out)["got"] == {"k": "v"}, done

    with callers(at) as some_more, Calls("modelyard call", call) as commands:
        commands.some_more(3)
        began, killed = time.monotonic(), at.zk.leader()
        at.zk.kill(killed)
        wait_until(lambda: at.zk.leader() is not None, "another leads")
        told("ZooKeeper has another leader", began)
        commands.some_more(5)
        some_more()
    wait_until(lambda: len(at.endpoints()) == 2 and leader.info()["role"] == "leader", "all is as before", AGAIN_SECONDS_MAX)
    assert leader.pids() == pids


@case_on("3.4", "3.9")
def zookeeper_is_gone(at):
    leader = leads(at, instances=2)
    pids, sessions = leader.pids(), {stat.ephemeralOwner for _, stat in at.endpoints().values()}
    urls = [one["url"] for one in instances(leader).values()]
    with callers(at) as some_more, Calls("the models themselves", lambda: [get(url + "/apply") for url in urls]) as direct:
        at.zk.kill()
        end = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < end:
            some_more()
            direct.some_more()
        at.zk.restart()
        began = time.monotonic()
        wait_until(lambda: leader.info()["role"] == "leader" and leader.ready() == 2, "it leads again", AGAIN_SECONDS_MAX)

        def registered():
            with contextlib.suppress(Exception):  # the test's own client comes back in its own time
                return {stat.ephemeralOwner for _, stat in at.endpoints().values()}
            return set()
        wait_until(lambda: len(registered()) == 2 and not registered() & (sessions if AWAY_SECONDS > 60 else set()), "all are registered",
                   AGAIN_SECONDS_MAX)
        told(f"all is back after {AWAY_SECONDS:.0f} s away", began)
        some_more()
    assert leader.pids() == pids and all(one["restarts"] == 0 for one in leader.status().values())
    at.add(1)
    wait_until(lambda: leader.ready() == 3, "requests are taken", AGAIN_SECONDS_MAX)


@case_on("3.9")
def a_runner_loses_its_session_and_registers_again(at):
    leader = leads(at, instances=1)
    (name, model), = instances(leader).items()
    before = at.endpoints()[name][1].ephemeralOwner
    runner = runner_of(model["pid"])
    began = await_removal(at, name, lambda: os.kill(runner, signal.SIGSTOP), 20)
    try:
        told("its session has expired", began)
        wait_until(lambda: instances(leader)[name]["state"] == "unreachable", "the controller knows")
        assert leader.ready() == 0 and is_alive(model["pid"])
    finally:
        os.kill(runner, signal.SIGCONT)
    began = time.monotonic()
    wait_until(lambda: leader.ready() == 1 and name in at.endpoints(), "it is registered again")
    told("registered again", began)
    assert at.endpoints()[name][1].ephemeralOwner != before
    now = instances(leader)[name]
    assert now["pid"] == model["pid"] and now["restarts"] == 0, now
    assert get(model["url"] + "/apply")


class Machine:
    """A host of a cable with a controller; what is asked of it is asked there."""

    def __init__(self, host, zk, folder, *prefix):
        self.host, self.zk, self.log = host, zk, folder / f"{host.name}.log"
        with open(self.log, "ab") as log:
            self.process = host.popen([*prefix, MODELYARD, "controller", "--zk", zk.quorum, "--data", folder / "data", "--listen",
                                       "127.0.0.1:0", "--log-level", "debug"], stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline().strip()
        assert line.startswith("ready http://"), f"{line!r}: {self.log.read_text()[-3000:]}"
        self.url = line.removeprefix("ready ")

    def json(self, *words):
        done = self.host.run([MODELYARD, *words, "-o", "json"])
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def instances(self):
        return [one for deployment in self.json("status", "--server", self.url) for one in deployment["instances"]]

    def ready(self):
        return [one for one in self.instances() if one["state"] == "ready"]

    def deploy(self, payload):
        done = self.host.run([MODELYARD, "deploy", payload, "--name", "dga", "--version", "1.0", "--wait=60", "--server", self.url])
        assert done.returncode == 0, done
        return wait_until(self.ready, "it is ready")[0]

    def registered(self):
        """What clients find, asked where ZooKeeper is."""
        found = self.json("list", "--zk", self.zk.quorum)
        return [one["url"] for model in found for one in model["instances"]]


@contextlib.contextmanager
def two_hosts():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-faults-"))
    try:
        with Cable() as cable, ZooKeeper("3.9", host=cable.left, session_ms_max=SESSION_MS) as zk:
            yield cable, zk, folder, reachable(models.echo(folder / "model"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def listed(cable, zk):
    done = cable.left.run([MODELYARD, "list", "--zk", zk.quorum, "-o", "json"])
    assert done.returncode == 0, done
    return [one["url"] for model in json.loads(done.stdout) for one in model["instances"]]


@case
def a_runner_behind_a_cut_is_registered_again():
    with two_hosts() as (cable, zk, folder, payload):
        machine = Machine(cable.right, zk, folder)
        before = machine.deploy(payload)
        wait_until(lambda: listed(cable, zk) == [before["url"]], "it is registered")
        cable.cut()
        began = time.monotonic()
        wait_until(lambda: listed(cable, zk) == [], "its session has expired")
        told("out of the clients' snapshot", began)
        assert cable.right.run(["curl", "-sf", before["url"] + "/apply"]).returncode == 0, "it answers behind the cut"
        cable.heal()
        began = time.monotonic()
        wait_until(lambda: listed(cable, zk) == [before["url"]], "it is registered again", AGAIN_SECONDS_MAX)
        told("registered again after the cut", began)
        wait_until(lambda: machine.ready(), "the controller sees it", AGAIN_SECONDS_MAX)
        now, = machine.instances()
        assert (now["pid"], now["id"], now["restarts"]) == (before["pid"], before["id"], 0), (before, now)


@case
def a_zombie_behind_a_cut_is_drained_and_never_registered_again():
    """A machine is cut off; another takes its place (its name, its files, none of its processes) and starts the instance anew."""
    with two_hosts() as (cable, zk, folder, payload):
        old = Machine(cable.right, zk, folder)
        zombie = old.deploy(payload)
        runner = runner_of(zombie["pid"])
        wait_until(lambda: listed(cable, zk) == [zombie["url"]], "it is registered")
        cable.cut()
        wait_until(lambda: listed(cable, zk) == [], "its session has expired")
        shutil.copytree(folder / "data", folder / "other", ignore=shutil.ignore_patterns("instances"))
        new = Machine(cable.left, zk, folder, "unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c",
                      f'mount --bind {folder}/other {folder}/data && exec "$@"', "sh")
        fresh = wait_until(new.ready, "the instance runs on the other machine", AGAIN_SECONDS_MAX)[0]
        assert fresh["id"] == zombie["id"] and is_alive(zombie["pid"]) and is_alive(runner), (fresh, zombie)
        watch = cable.left.popen([MODELYARD, "watch", "--zk", zk.quorum], stdout=subprocess.PIPE, text=True)
        wait_until(lambda: listed(cable, zk) == [fresh["url"]], "the new one is registered")
        cable.heal()
        began = time.monotonic()
        wait_until(lambda: not is_alive(zombie["pid"]) and not is_alive(runner), "the zombie is drained and ends", AGAIN_SECONDS_MAX)
        told("the zombie is gone after the cut", began)
        wait_until(lambda: "role: follower" in cable.right.run(["curl", "-s", old.url + "/readyz"]).stdout, "the old controller follows",
                   AGAIN_SECONDS_MAX)
        assert listed(cable, zk) == [fresh["url"]]
        now, = new.ready()
        assert (now["pid"], now["restarts"]) == (fresh["pid"], fresh["restarts"])
        new.host.run([MODELYARD, "remove", "dga", "--server", new.url])
        changes = []
        while not (changes and changes[-1]["kind"] == "removed"):
            changes.append(json.loads(watch.stdout.readline()))
        assert all(change["url"] == fresh["url"] for change in changes), changes
        said = "".join(path.read_text(errors="replace") for path in (folder / "data" / "instances").rglob("runner.log"))
        assert "is not wanted any more" in said, said[-2000:]


def tree_of(client, path):
    """Every node below and when it was changed last; who stands for leadership left out."""
    found = {}
    with contextlib.suppress(NoNodeError):
        stat = client.exists(path)
        if stat and not path.startswith("/maas/modelyard/leader"):
            found[path] = (stat.czxid, stat.mzxid)
            for name in client.get_children(path):
                found.update(tree_of(client, f"{path}/{name}"))
    return found


@case_on("3.9")
def a_frozen_leader_decides_nothing_when_it_wakes(at):
    first = leads(at, instances=2)
    second = at.controller().start()
    victim = first.pids()[0]
    os.kill(first.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    # What it sees first when it wakes: a child of its own has ended, a request lies in the queue.
    os.kill(runner_of(victim), signal.SIGKILL)
    wait_until(lambda: second.info()["role"] == "leader", "the second leads", AGAIN_SECONDS_MAX)
    told("the second leads", began)
    at.add(1)
    wait_until(lambda: second.ready() == 3 and not at.queued() and len(at.endpoints()) == 3, "three are ready", AGAIN_SECONDS_MAX)
    assert second.get("/api/v1/deployments/dga/1.0", "PUT", b'{"instances":2}')[0] == 200
    wait_until(lambda: len(second.pids()) == 2 and len(at.endpoints()) == 2 and len(instances(second)) == 2, "two are left",
               AGAIN_SECONDS_MAX)
    pids, history, nodes = second.pids(), events(second), tree_of(at.client, "/maas")
    assert victim not in pids
    mark = len(first.log.read_text())
    began = time.monotonic()
    os.kill(first.process.pid, signal.SIGCONT)
    wait_until(lambda: first.info()["role"] == "follower" and first.info()["leader"] == second.url, "the first follows", AGAIN_SECONDS_MAX)
    wait_until(lambda: first.ready() == 2 and first.pids() == pids, "it shows what the second did", AGAIN_SECONDS_MAX)
    told("it follows", began)
    # What waits for the guard's lock of a dead runner is done by then.
    quiet = time.monotonic() + 6
    wait_until(lambda: time.monotonic() > quiet or second.pids() != pids, "it stays quiet")
    assert second.pids() == pids and all(map(is_alive, pids)) and all(one["restarts"] == 1 for one in second.status().values())
    assert events(second) == history, events(second)[len(history):]
    now = tree_of(at.client, "/maas")
    assert now == nodes, set(now.items()) ^ set(nodes.items())
    assert "spawn" not in first.log.read_text()[mark:]
    assert second.info()["role"] == "leader"


REQUESTS = 100
KEYS = [("alpha", "1.0"), ("alpha", "2.0"), ("beta", "1.0"), ("gamma", "10.0")]


@case_on("3.9")
def requests_are_carried_out_once_while_controllers_are_killed(at):
    chance = random.Random(17)
    payload = models.silent(at.folder / "silent")
    wanted = {key: 0 for key in KEYS}
    todo = list(KEYS)  # the first of each is an ADD
    while len(todo) < REQUESTS:
        todo.append(chance.choice(KEYS))
    kills, current = 0, leads(at)
    standby = at.controller().start()
    for number, key in enumerate(todo):
        name, version = key
        # At most a few of each: it is their count that shows a request that was lost or carried out twice.
        add = wanted[key] == 0 or (wanted[key] < 6 and chance.random() < 0.6) or wanted[key] == 1
        wanted[key] += 1 if add else -1
        at.put({"name": name, "version": version, "numInstances": 1, "memory": 64 if add else 0, "action": "ADD" if add else "REMOVE",
                "path": str(payload) if add else None})
        if number % 20 == 19:
            # At a random moment of the work on these: when so many of them are left.
            left = chance.randrange(1, 18)
            wait_until(lambda: len(at.queued()) <= left, "some are carried out", 60)
            current.kill()
            kills += 1
            current, standby = standby, at.controller().start()
    wait_until(lambda: not at.queued(), "the queue is empty", 90)
    leader = wait_until(lambda: next((one for one in (current, standby) if one.info()["role"] == "leader"), None), "one leads")
    found = {key: one["wanted"] for key, one in leader.status().items()}
    print(f"   {REQUESTS} requests, {kills} kills, wanted {sum(wanted.values())}", flush=True)
    assert found == wanted, (found, wanted)
    assert not at.client.exists("/maas/modelyard/rejected") or not at.client.get_children("/maas/modelyard/rejected")

    def started():
        return {key: len(one["instances"]) for key, one in leader.status().items()} == wanted
    wait_until(started, "as many run as are wanted", 60)
    ids = [name for name in instances(leader)]
    assert len(ids) == len(set(ids)) == sum(wanted.values())


@case_on("3.9")
def a_model_that_dies_at_once_is_tried_within_the_bounds(at):
    starts = at.folder / "starts"
    bad = models.write(at.folder / "bad", {"start.sh": models.script(
        f"date +%s%N >> {starts}\necho cannot find the weights >&2\nexit 3")})
    leader = leads(at, "--backoff-first", "10", "--backoff-max", "200")
    at.add(1, path=bad)
    began = time.monotonic()
    wait_until(lambda: starts.exists() and len(starts.read_text().split()) > 20, "it was started 21 times", 60)
    told("20 deaths", began)
    times = [int(text) / 1e6 for text in starts.read_text().split()]
    waits = [after - before for before, after in zip(times, times[1:])]
    # At once; 10, 20, 40, 80, 160 and then 200 ms, each give or take a fifth.
    least = [0] + [0.8 * min(200, 10 * 2 ** i) for i in range(len(waits) - 1)]
    assert all(wait >= low - 1 for wait, low in zip(waits, least)), waits
    assert sorted(waits[6:])[len(waits[6:]) // 2] < 2_000, f"the longest wait is 200 ms: {waits}"
    state = leader.status()[("dga", "1.0")]
    assert state["state"] == "crash-loop" and "cannot find the weights" in state["error"], state
    assert state["restarts"] >= 20 and not at.endpoints(), state
    # The same name and version with a payload that works.
    done = leader_deploy(leader, at.model)
    assert done.code == 0, done
    wait_until(lambda: leader.status()[("dga", "1.0")]["state"] == "ready" and len(at.endpoints()) == 1, "the mended one comes up")
    assert not leader.status()[("dga", "1.0")]["error"]


def leader_deploy(leader, payload):
    return modelyard("deploy", payload, "--name", "dga", "--version", "1.0", "--wait=60", server=leader.url, timeout=90)


class ReferenceMaster:
    """Takes the lowest item as soon as there is one, as the reference's queue consumer does; keeps none."""

    def __init__(self, quorum):
        self.client = controller.KazooClient(quorum, timeout=10, connection_retry={"max_tries": -1, "delay": 0.1, "max_delay": 1})
        self.client.start(timeout=15)
        self.taken = []
        self.client.ensure_path("/maas/queue")
        self.client.ChildrenWatch("/maas/queue", self._take)

    def _take(self, names):
        for name in sorted(names):
            with contextlib.suppress(NoNodeError):
                self.taken.append(self.client.get(f"/maas/queue/{name}")[0])
                self.client.delete(f"/maas/queue/{name}")

    def stop(self):
        self.client.stop()
        self.client.close()


def static_node(name, url):
    port = int(url.rsplit(":", 1)[1])
    return json.dumps({"name": "old", "id": name, "address": "localhost", "port": port, "sslPort": None, "payload": {
        "@class": "org.apache.metron.maas.config.ModelEndpoint", "endpoint": {"url": url, "functions": {"apply": "apply"}}, "name": "old",
        "version": "1.0", "containerId": name}, "registrationTimeUTC": 1795394649215, "serviceType": "STATIC", "uriSpec": None}).encode()


def refused(at, *options, quorum=None):
    words = ["controller", "--zk", quorum or at.zk.quorum, "--data", at.folder / "data", "--listen", "127.0.0.1:0", *options]
    return modelyard(*words, timeout=40)


@case_on("3.9")
def a_living_reference_master_is_noticed(at):
    master = ReferenceMaster(at.zk.quorum)
    try:
        began = time.monotonic()
        done = refused(at)
        told("refused", began)
        assert done.code == 1 and "--take-over" in done.err and "/maas/queue" in done.err and not done.out, done
        # A stale registration, and one that answers: neither goes by itself.
        dead, alive = f"http://localhost:{free_ports(1)[0]}", f"http://localhost:{at.zk.servers[0]['port']}"
        at.client.create("/maas/service/old/container_1", static_node("container_1", dead), makepath=True)
        at.client.create("/maas/service/old/container_2", static_node("container_2", alive))
        done = refused(at)
        assert done.code == 1 and "--take-over" in done.err, done
        leader = at.controller("--take-over").start()
        wait_until(lambda: leader.info()["role"] == "leader", "it takes over")
    finally:
        master.stop()
    wait_until(lambda: not at.queued(), "nothing is left of the probes")
    at.add(1)
    wait_until(lambda: leader.ready() == 1, "it takes requests")
    assert len(at.endpoints("old")) == 2, "no registration of the reference was touched"

    def prune(*words):
        return modelyard("prune", "--zk", at.zk.quorum, *words)
    shown = json.loads(prune("-o", "json").out)
    assert {one["id"]: one["answers"] for one in shown} == {"container_1": False, "container_2": True}, shown
    done = prune("--all-stale", "--dry-run")
    assert done.code == 0 and "would be removed" in done.out and len(at.endpoints("old")) == 2, done
    done = prune("--all-stale")
    assert done.code == 0 and "container_1" in done.out and set(at.endpoints("old")) == {"container_2"}, done
    done = prune("container_2")
    assert done.code == 1 and "answer and were kept" in done.err and set(at.endpoints("old")) == {"container_2"}, done
    assert leader.ready() == 1 and len(at.endpoints()) == 1


@case_on("3.9")
def what_cannot_work_is_said(at):
    nowhere = f"127.0.0.1:{free_ports(1)[0]}"
    wrong = {"quorum": (nowhere, 4, [nowhere, "refused", "doctor"]), "chroot": (at.zk.quorum + "/nowhere", 4, ["/nowhere", "does not exist"]),
             "port": ("127.0.0.1:many", 2, ["many"]), "empty": ("", 2, ["--zk"])}
    commands = [["list"], ["call", "dga"], ["status"], ["prune"], ["deploy", str(at.model), "--name", "dga"], ["remove", "dga"],
                ["controller", "--data", str(at.folder / "none"), "--listen", "127.0.0.1:0"], ["gateway", "--listen", "127.0.0.1:0"]]

    def check(what, words):
        quorum, code, parts = wrong[what]
        done = modelyard(*words, "--zk", quorum, timeout=40)
        assert done.code == code and not done.out, (what, words, done)
        assert all(part in done.err for part in parts), (what, words, done)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for checked in [pool.submit(check, what, words) for what in wrong for words in commands]:
            checked.result()
    assert sorted(at.client.get_children("/")) == ["zookeeper"], "none of them made a node"


@case_on("3.9")
def nodes_of_somebody_else_are_named(at):
    at.client.add_auth("digest", "them:secret")
    theirs = [make_digest_acl("them", "secret", all=True)]
    at.client.create("/maas", acl=theirs)
    done = refused(at)
    assert done.code == 1 and "/maas" in done.err and "--zk-secret-file" in done.err and "secret" in done.err and not done.out, done
    assert at.client.get_children("/maas") == [], "nothing half made"
    at.client.create("/maas/service", acl=theirs)
    done = modelyard("list", "--zk", at.zk.quorum)
    assert done.code == 1 and "/maas/service: not permitted" in done.err and "secret" in done.err, done
    at.client.delete("/maas", recursive=True)
    at.client.create("/metron/maas/config", b"{}", acl=theirs, makepath=True)
    at.client.set_acls("/metron/maas/config", theirs)
    done = refused(at)
    assert done.code == 1 and "/metron/maas/config" in done.err, done
    at.client.delete("/metron/maas/config")
    # One endpoint that may not be read hides no other.
    at.client.ensure_path("/maas/service/dga")
    at.client.create("/maas/service/dga/theirs", b"{}", acl=theirs)
    leader = leads(at)
    at.add(1)
    wait_until(lambda: leader.ready() == 1 and len(at.client.get_children("/maas/service/dga")) == 2, "it is registered")
    done = modelyard("list", "--zk", at.zk.quorum, "-o", "json")
    assert done.code == 0 and len(json.loads(done.out)[0]["instances"]) == 1, done
    assert modelyard("call", "dga", "--zk", at.zk.quorum).code == 0
    assert leader.ready() == 1


def main():
    global AWAY_SECONDS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--away", type=float, default=AWAY_SECONDS)
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    AWAY_SECONDS = arguments.away
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    return run_cases([one for one in CASES if not arguments.cases or any(one.__name__.startswith(word) for word in arguments.cases)])


if __name__ == "__main__":
    sys.exit(main())
