#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The controller's launcher as an application master of a real YARN: containers of `sleep`, and what kills them.

Needs the program yarn_master (ninja yarn_master), beside modelyard.
"""
import base64
import contextlib
import json
import os
import pathlib
import re
import shlex
import signal
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import hadoop  # noqa: E402
from modelyard import MODELYARD, run_cases  # noqa: E402

MASTER = MODELYARD.parent / "yarn_master"
SLEEP = "exec 1>@LOG_DIR@/stdout 2>@LOG_DIR@/stderr; env; exec sleep 1000"
ODD = {"ODD": "a \"quoted\" $HOME `id` {{x}} <LOG_DIR> '\\ \u00e4"}  # what yarn_master puts into the spec
WAIT = 90  # other programs share the machine


def call(url, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read().decode()
    return json.loads(text) if text else {}


class Application:
    """yarn_master as an application; what it does goes to `folder`."""

    def __init__(self, mini, label="", attempts=1, rm="rm1"):
        self.mini, self.rm = mini, rm
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="am-", dir=mini.folder))
        masters = [mini.scheduler_address(name) for name in (("rm1", "rm2") if mini.ha else ("rm1",))]
        words = [str(MASTER), str(self.folder), SLEEP, label, *masters]
        command = "exec 1><LOG_DIR>/stdout 2><LOG_DIR>/stderr; exec " + " ".join(shlex.quote(word) for word in words)
        self.id = call(f"{mini.rm_url(rm)}/ws/v1/cluster/apps/new-application", {})["application-id"]
        call(f"{mini.rm_url(rm)}/ws/v1/cluster/apps", {
            "application-id": self.id, "application-name": "yarn_am", "application-type": "TEST", "queue": "default",
            "max-app-attempts": attempts, "keep-containers-across-application-attempts": attempts > 1,
            "resource": {"memory": 128, "vCores": 1},
            "am-container-spec": {"commands": {"command": command}},
        })

    def events(self):
        file = self.folder / "events"
        return file.read_text().splitlines() if file.exists() else []

    def wait(self, *starts, seconds=WAIT):
        """The first event that begins with one of the texts."""
        def found():
            return next((e for e in self.events() if e.startswith(starts)), None)
        try:
            return hadoop.wait_until(found, f"{starts} of {self.id}", seconds)
        except hadoop.Failed as why:
            raise hadoop.Failed(f"{why}\nevents: {self.events()}\n{self.logs()}") from None

    def say(self, line):
        with open(self.folder / "commands", "a") as out:
            out.write(line + "\n")

    def launch(self, name, memory=64):
        self.say(f"launch {name} {memory}")

    def container(self, name):
        return self.wait(f"placed {name} ").split()[2]

    def pids(self, program, where):
        """The processes of that name whose folder or command line holds the text."""
        found = []
        for pid in self.mini.container_processes():
            with contextlib.suppress(OSError):  # it has just ended
                proc = pathlib.Path(f"/proc/{pid}")
                places = os.readlink(proc / "cwd") + (proc / "cmdline").read_text()
                if (proc / "comm").read_text().strip() == program and where in places:
                    found.append(pid)
        return found

    def running(self, name):
        container = self.container(name)
        return hadoop.wait_until(lambda: self.pids("sleep", container), f"the process of {name}", WAIT)[0]

    def master_pid(self):
        return hadoop.wait_until(lambda: self.pids("yarn_master", str(self.folder)), "the application master", WAIT)[0]

    def state(self, rm=None):
        return call(f"{self.mini.rm_url(rm or self.rm)}/ws/v1/cluster/apps/{self.id}")["app"]

    def logs(self):
        texts = [f"{p}:\n{p.read_text(errors='replace')[-1500:]}" for p in self.mini.folder.glob(f"nm*/logs/{self.id}/*/std*")]
        return "\n".join(texts)

    def finish(self):
        self.say("finish")
        self.wait("finished")

    def kill(self):
        with contextlib.suppress(OSError):
            call(f"{self.mini.rm_url(self.rm)}/ws/v1/cluster/apps/{self.id}/state", {"state": "KILLED"}, "PUT")


@contextlib.contextmanager
def application(mini, **options):
    app = Application(mini, **options)
    try:
        app.wait("registered")
        yield app
    finally:
        app.kill()


def alive(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def launches_kills_and_says_why_they_end(mini):
    with application(mini) as app:
        app.launch("one")
        app.launch("two")
        app.launch("three")
        one, two, three = (app.running(name) for name in ("one", "two", "three"))
        token = next(mini.folder.glob(f"nm*/local/usercache/*/appcache/{app.id}/{app.container('one')}/container_tokens"))
        assert b"YARN_AM_RM_TOKEN" not in token.read_bytes(), "a worker has the master's token"
        told = next(mini.folder.glob(f"nm*/logs/{app.id}/{app.container('one')}/stdout"))
        spec = re.search(r"^MODELYARD_SPEC=(\S+)$", told.read_text(), re.M)[1]
        spec = json.loads(base64.urlsafe_b64decode(spec + "=" * (-len(spec) % 4)))
        assert spec["id"] == "one" and spec["container"] == app.container("one") and spec["env"] == ODD, spec
        app.say("kill one")
        app.wait("killed one")
        hadoop.wait_until(lambda: not alive(one), "the killed container's process", WAIT)
        os.kill(two, signal.SIGKILL)
        assert "killed by signal KILL (exit status 137)" in app.wait("exit two")
        assert alive(three)
        app.finish()
        hadoop.wait_until(lambda: not alive(three), "containers of a finished application", WAIT)
        assert app.state()["finalStatus"] == "SUCCEEDED", app.state()


def what_cannot_be_placed_waits_and_says_why(mini):
    with application(mini) as app:
        app.launch("huge", 100_000)
        assert "MB at most" in app.wait("refused huge"), app.events()
        app.launch("big1", 2048)
        app.wait("started big1")
        app.launch("big2", 2048)
        assert "2048 MB" in app.wait("waiting big2"), app.events()
        app.launch("small")
        app.wait("started small")
        app.say("kill big1")
        app.wait("started big2")
        app.finish()


def an_unknown_label_is_refused(mini):
    with application(mini, label="quantum") as app:
        app.launch("one")
        assert "'quantum'" in app.wait("refused one"), app.events()
        app.finish()


def resource_manager_killed_and_recovered(mini):
    with application(mini) as app:
        app.launch("one")
        app.launch("two")
        one, two = app.running("one"), app.running("two")
        mini.rm.kill()
        os.kill(two, signal.SIGKILL)
        app.launch("three")
        assert "does not answer" in app.wait("waiting three"), app.events()
        mini.rm.start()
        mini.wait_healthy(WAIT)
        app.wait("exit two")
        app.running("three")
        assert "_e01_" in app.container("three") or "container_e" in app.container("three"), app.events()
        assert alive(one) and not any(e.startswith("exit one") for e in app.events()), app.events()
        app.finish()


def the_masters_containers_outlive_it(mini):
    with application(mini, attempts=3) as app:
        app.launch("one")
        one = app.running("one")
        os.kill(app.master_pid(), signal.SIGKILL)
        app.wait("registered 2")
        app.wait("adopted one")
        assert alive(one)
        os.kill(one, signal.SIGKILL)
        app.wait("exit one")
        app.launch("two")
        app.running("two")
        app.finish()


def a_lost_node_is_told(mini):
    """Ends with one node fewer: the last of its cluster."""
    with application(mini) as app:
        for number in range(12):
            app.launch(f"n{number}", 1024 if number < 6 else 64)  # more than one node holds
        homes = {f"n{number}": os.readlink(f"/proc/{app.running(f'n{number}')}/cwd") for number in range(12)}
        master_node = int(app.state()["amHostHttpAddress"].split(":")[0].split(".")[3]) - 2
        other = mini.nodes[1 - master_node]
        lost = [name for name, home in homes.items() if home.startswith(f"{mini.folder}/{other.name}/")]
        assert lost, app.events()
        other.kill()
        for name in lost:
            assert "its node is gone" in app.wait(f"exit {name}"), app.events()
        app.finish()


def resource_manager_fails_over(mini):
    with application(mini) as app:
        app.launch("one")
        one = app.running("one")
        mini.make_standby("rm1")
        mini.make_active("rm2")
        app.rm = "rm2"
        app.launch("two")
        app.running("two")
        assert alive(one)
        app.finish()
        assert app.state("rm2")["finalStatus"] == "SUCCEEDED"


def with_cluster(cases, **options):
    """The cases as functions without arguments, on one cluster that begins with the first and ends with the last."""
    stack = contextlib.ExitStack()
    shared = {}

    def make(case, is_last):
        def run():
            try:
                if not shared:
                    shared["mini"] = stack.enter_context(hadoop.cluster(**options))
                case(shared["mini"])
            finally:
                if is_last:
                    stack.close()
        run.__name__ = case.__name__ + "".join(f"_{k}" for k in options if k in ("ha", "core", "version"))
        return run
    return [make(case, case is cases[-1]) for case in cases]


def main():
    privacy = {"hadoop.rpc.protection": "privacy"}
    integrity = {"hadoop.rpc.protection": "integrity"}
    lost = {"yarn.nm.liveness-monitor.expiry-interval-ms": 4000, "yarn.resourcemanager.nm.liveness-monitor.interval-ms": 500}
    everything = [launches_kills_and_says_why_they_end, what_cannot_be_placed_waits_and_says_why, an_unknown_label_is_refused,
                  resource_manager_killed_and_recovered, the_masters_containers_outlive_it]
    cases = [
        *with_cluster(everything),
        *with_cluster([a_lost_node_is_told], nodes=2, yarn=lost),
        *with_cluster([resource_manager_fails_over], ha=True),
        *with_cluster([launches_kills_and_says_why_they_end], core=privacy),
        *with_cluster([launches_kills_and_says_why_they_end], core=integrity, version="3.3"),
    ]
    wanted = sys.argv[1:]
    return run_cases([case for case in cases if not wanted or any(word in case.__name__ for word in wanted)])


if __name__ == "__main__":
    sys.exit(main())
