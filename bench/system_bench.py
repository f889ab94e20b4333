# SPDX-License-Identifier: Apache-2.0
"""What `modelyard up` adds to a model's own time: deploy to first answer, a killed model, and its memory.

The model notes when its script started and when it had written endpoint.dat, so its own time is taken off.
"""
import http.client
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELYARD = ROOT / "build" / "bin" / "modelyard"
DEPLOYS = 50
KILLS = 20
WAIT_SECONDS_MAX = 30

START = "#!/bin/sh\nexec /usr/bin/python3 -S -E model.py $(date +%s%N)\n"
MODEL = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
class Apply(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = json.dumps(TIMES).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Apply)
with open("endpoint.tmp", "w") as out:
    json.dump({"url": f"http://127.0.0.1:{server.server_port}"}, out)
TIMES = {"started": int(sys.argv[1]), "wrote": time.time_ns()}
os.rename("endpoint.tmp", "endpoint.dat")
server.serve_forever()
"""


def payload():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text, mode in (("start.sh", START, 0o755), ("model.py", MODEL, 0o644)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), mode
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


class Server:
    def __init__(self, folder):
        self.process = subprocess.Popen([str(MODELYARD), "up", "--data", str(folder / "data"), "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, stderr=open(folder / "up.log", "wb"), text=True)
        line = self.process.stdout.readline().strip()
        if not line.startswith("ready "):
            raise SystemExit("`modelyard up` did not start: " + (folder / "up.log").read_text())
        self.address = urllib.parse.urlsplit(line.removeprefix("ready "))
        self.local = threading.local()

    def ask(self, method, path, body=None):
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=WAIT_SECONDS_MAX)
        self.local.connection.request(method, path, body)
        answer = self.local.connection.getresponse()
        return answer.status, answer.read()

    def first_answer(self, name):
        """The model's JSON, and when it came."""
        end = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < end:
            status, body = self.ask("GET", f"/models/{name}/apply")
            if status == 200:
                return json.loads(body), time.time_ns()
            time.sleep(0.0005)
        raise SystemExit(f"{name} did not answer within {WAIT_SECONDS_MAX} s: {body.decode()}")

    def deploy(self, name, instances=1):
        status, body = self.ask("POST", f"/api/v1/deployments?name={name}&version=1&instances={instances}", payload())
        if status not in (200, 201):
            raise SystemExit(f"deploy failed: {status} {body.decode()}")

    def remove(self, name):
        self.ask("DELETE", f"/api/v1/deployments/{name}")

    def status(self, name):
        return json.loads(self.ask("GET", f"/api/v1/deployments?name={name}")[1])[0]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Removals(threading.Thread):
    """When each endpoint left the snapshot, as a watching client saw it."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.seen = {}
        self.connection = http.client.HTTPConnection(server.address.hostname, server.address.port)
        self.connection.request("GET", "/api/v1/watch")
        self.answer = self.connection.getresponse()
        self.start()

    def run(self):
        for line in self.answer:
            if line.startswith(b"data:"):
                for change in json.loads(line[5:]).get("changes", []):
                    if change["kind"] == "removed":
                        self.seen[change["id"]] = time.time_ns()

    def of(self, instance):
        end = time.monotonic() + WAIT_SECONDS_MAX
        while instance not in self.seen:
            if time.monotonic() > end:
                raise SystemExit(f"{instance} never left the snapshot")
            time.sleep(0.0005)
        return self.seen[instance]


def milliseconds(nanoseconds):
    return nanoseconds / 1e6


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(what, values, goal):
    print(f"{what:52} p50 {percentile(values, .5):7.1f} ms   p99 {percentile(values, .99):7.1f} ms   goal {goal}")


def deploys(server):
    added = []
    for i in range(DEPLOYS):
        name = f"m{i}"
        began = time.time_ns()
        server.deploy(name)
        times, answered = server.first_answer(name)
        own = times["wrote"] - times["started"]
        added.append(milliseconds(answered - began - own))
        server.remove(name)
    report(f"deploy to first answer, above the model ({DEPLOYS}x)", added, "p99 <= 100 ms")


def kills(server):
    watcher = Removals(server)
    gone, back = [], []
    for i in range(KILLS):
        name = f"k{i}"
        server.deploy(name)
        before, _ = server.first_answer(name)
        instance = server.status(name)["instances"][0]
        killed = time.time_ns()
        os.kill(instance["pid"], signal.SIGKILL)
        gone.append(milliseconds(watcher.of(instance["id"]) - killed))
        while True:
            times, answered = server.first_answer(name)
            if times["started"] != before["started"]:
                break
        back.append(milliseconds(answered - killed - (times["wrote"] - times["started"])))
        server.remove(name)
    report(f"killed model out of the snapshot ({KILLS}x)", gone, "<= 50 ms")
    report(f"its replacement answers, above the model ({KILLS}x)", back, "<= 1000 ms")


def memory(server):
    for i in range(10):
        server.deploy(f"r{i}")
        server.first_answer(f"r{i}")
    for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith(("VmRSS", "RssAnon")):
            print(f"up with 10 deployments, {line.split(':')[0]:29} {int(line.split()[1]) / 1024:7.1f} MB  goal VmRSS < 40 MB")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-bench-"))
    try:
        server = Server(folder)
        try:
            deploys(server)
            kills(server)
            memory(server)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
