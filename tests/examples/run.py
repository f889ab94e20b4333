#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Any language is the promise: every folder of examples/ is deployed on a real `modelyard up`, called, and removed.

usage: run.py [--binary build/bin/modelyard] [EXAMPLE...]      The last line is `N passed, N failed`.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
READY_WITHIN = 30  # seconds until `up` serves
ENDS_WITHIN = 20  # seconds that the contract gives `up` after SIGTERM
DEPLOY_WAIT = 240  # seconds; a first Go build compiles its standard library
GENERATED_NAME = "xkqzvbn.com"

# What each example answers. Every example must have a row: a new folder without one fails.
EXPECTED = {
    "mock_dga": {"yahoo.com": "legit", "amazon.com": "legit", GENERATED_NAME: "malicious", "a b&c=é%": "malicious"},
    "shell": {"yahoo.com": "legit", GENERATED_NAME: "malicious", "XKQ%ZVBNM&=.example": "malicious"},
    "java": {"yahoo.com": "legit", GENERATED_NAME: "malicious", "xkqzvé b&c=.com": "malicious"},
    "node": {"yahoo.com": "legit", GENERATED_NAME: "malicious", "xkqzvé b&c=.com": "malicious"},
    "go": {"yahoo.com": "legit", GENERATED_NAME: "malicious", "xkqzvé b&c=.com": "malicious"},
}


class Failure(Exception):
    """A promise that was not kept; the text says which."""


def check(condition, text):
    if not condition:
        raise Failure(text)


class Yard:
    """`modelyard up` on a data folder of its own and a free port, and the command line that talks to it."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.log = open(folder / "up.log", "wb")
        # Proxies of the surroundings have nothing to do with loopback.
        self.environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen([binary, "up", "--data", folder / "data", "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.environment)
        self.url = self._ready_line()
        self.environment["MODELYARD_SERVER"] = self.url

    def _ready_line(self):
        timer = threading.Timer(READY_WITHIN, self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                if line.startswith("ready http"):
                    return line.split()[1]
        finally:
            timer.cancel()
        raise Failure(f"`modelyard up` did not say ready within {READY_WITHIN} s; see {self.log.name}")

    def run(self, *arguments, timeout=60):
        return subprocess.run([self.binary, *arguments], env=self.environment, capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL)

    def must(self, *arguments, timeout=60):
        done = self.run(*arguments, timeout=timeout)
        check(done.returncode == 0,
              f"modelyard {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"`modelyard up` lives {ENDS_WITHIN} s after SIGTERM") from None
        finally:
            self.log.close()
        check(status == 0, f"`modelyard up` ended with {status} after SIGTERM")


@contextlib.contextmanager
def yard(binary, folder):
    running = Yard(binary, folder)
    try:
        yield running
    finally:
        running.stop()


def instance_of(server, name):
    models = json.loads(server.must("list", name, "-o", "json"))
    check(len(models) == 1 and models[0]["name"] == name and len(models[0]["instances"]) == 1,
          f"list shows one instance of {name}, not {models}")
    return models[0]["instances"][0]


def process_of(server, name):
    rows = json.loads(server.must("status", name, "-o", "json"))
    check(len(rows) == 1 and rows[0]["state"] == "ready", f"status of {name} is ready, not {rows}")
    return rows[0]["instances"][0]["pid"]


def status_without_host(url):
    """A call with no host at all: a model answers it with a status of its own instead of hanging or dying."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url + "/apply", timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def gone(pid, within):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not os.path.exists(f"/proc/{pid}"):
            return True
        time.sleep(0.02)  # polls: between two looks, not instead of one
    return False


def try_example(server, example):
    name = f"try-{example.replace('_', '-')}"
    source = ROOT / "examples" / example
    server.must("deploy", source, "--name", name, f"--wait={DEPLOY_WAIT}", timeout=DEPLOY_WAIT + 30)
    for host, verdict in EXPECTED[example].items():
        answer = json.loads(server.must("call", name, f"host={host}"))
        check(answer.get("is_malicious") == verdict, f"{example} calls {host!r} {verdict}, not {answer}")
    check(status_without_host(instance_of(server, name)["url"].rstrip("/")) in (200, 400),
          f"{example} answers a call without a host")
    answer = json.loads(server.must("call", name, "host=yahoo.com"))
    check(answer.get("is_malicious") == "legit", f"{example} still answers after it")
    pid = process_of(server, name)
    server.must("remove", name)
    check(gone(pid, within=20), f"process {pid} of {example} lives 20 s after remove")
    check(server.run("call", name, "host=yahoo.com").returncode == 3, f"after remove, call says there is no {name}")


def contract_holds(example):
    """What a reader copies: one .sh, a README of two lines, no endpoint.dat left behind by somebody's try."""
    folder = ROOT / "examples" / example
    scripts = list(folder.glob("*.sh"))
    check(len(scripts) == 1, f"{example} has exactly one .sh, not {[s.name for s in scripts]}")
    check(os.access(scripts[0], os.X_OK), f"{scripts[0].name} of {example} can be started by hand")
    check(not (folder / "endpoint.dat").exists(), f"{example} has no stale endpoint.dat")
    lines = (folder / "README.md").read_text().splitlines()
    check(len(lines) == 2, f"the README of {example} has two lines, not {len(lines)}")
    check(re.search(rf"modelyard deploy examples/{example}\b", lines[1]), f"the README of {example} says how to try it")


def finds_the_python_with_flask(folder):
    """The first python3 in PATH may be one without Flask: the model then starts with Debian's."""
    work = folder / "another-python"
    shutil.copytree(ROOT / "examples" / "mock_dga", work / "model")
    (work / "bin").mkdir()
    (work / "bin" / "python3").write_text("#!/bin/sh\nexit 1\n")
    (work / "bin" / "python3").chmod(0o755)
    model = subprocess.Popen(["./rest.sh"], cwd=work / "model", env={**os.environ, "PATH": f"{work}/bin:/usr/bin:/bin"},
                             stdout=subprocess.PIPE, text=True)
    try:
        timer = threading.Timer(READY_WITHIN, model.kill)
        timer.start()
        check("mock_dga answers on" in model.stdout.readline(), "it starts with /usr/bin/python3")
        timer.cancel()
        url = json.loads((work / "model" / "endpoint.dat").read_text())["url"]
        check(status_without_host(url) == 200, "and answers")
    finally:
        model.kill()
        model.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "build" / "bin" / "modelyard", type=pathlib.Path)
    parser.add_argument("examples", nargs="*")
    arguments = parser.parse_args()
    examples = arguments.examples or sorted(p.name for p in (ROOT / "examples").iterdir() if p.is_dir())

    passed = failed = 0

    def row(name, test, *parameters):
        nonlocal passed, failed
        started = time.monotonic()
        try:
            test(*parameters)
            passed += 1
            print(f"ok     {name} ({time.monotonic() - started:.1f} s)", flush=True)
        except (Failure, subprocess.TimeoutExpired, OSError, ValueError, KeyError) as error:
            failed += 1
            print(f"FAILED {name}: {error}", flush=True)

    folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-examples-"))
    try:
        for example in examples:
            row(f"{example} keeps the contract", contract_holds, example)
        if "mock_dga" in examples:
            row("mock_dga finds the python3 that has Flask", finds_the_python_with_flask, folder)
        with yard(arguments.binary.resolve(), folder) as server:
            for example in examples:
                row(f"{example} deployed and called", try_example, server, example)
    except (Failure, OSError) as error:
        failed += 1
        print(f"FAILED {error}", flush=True)
        with contextlib.suppress(OSError):
            print((folder / "up.log").read_text(errors="replace")[-4000:])
    else:
        if failed:
            print((folder / "up.log").read_text(errors="replace")[-4000:])
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
