# SPDX-License-Identifier: Apache-2.0
"""The walk-through: `modelyard up`, the mock DGA model, a real squid over local sites, its access.log through the sensor.

Everything lives in a temporary folder and on loopback ports. ^C ends it; with CI=true it ends by itself.
"""
import contextlib
import http.server
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import string
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELYARD = ROOT / "build" / "bin" / "modelyard"
CI = os.environ.get("CI") == "true"
STEP_SECONDS_MAX = 60


class Failed(Exception):
    """What went wrong, in words for the person who started the demo."""


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def run(*arguments, server=None):
    """A modelyard command's standard output."""
    command = [str(MODELYARD), *arguments] + (["--server", server] if server else [])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=STEP_SECONDS_MAX)
    if done.returncode != 0:
        raise Failed(f"`modelyard {' '.join(arguments)}` ended with {done.returncode}:\n{done.stderr.strip()}")
    sys.stderr.write(done.stderr)
    return done.stdout


def wait_until(what, condition):
    end = time.monotonic() + STEP_SECONDS_MAX
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what} took longer than {STEP_SECONDS_MAX} s")
        time.sleep(0.05)  # polls: squid tells nobody when it is ready, its log does


@contextlib.contextmanager
def process(command, name, **options):
    """Runs it for the length of the block; ends it by TERM, after 20 s by KILL."""
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True, **options)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            print(f"demo: {name} did not end within 20 s and was killed", file=sys.stderr)
            child.kill()
            child.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def console_address():
    """The usual port where it is free, so that the address is one to remember; any other where it is not, and in CI."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 0 if CI else 8800))
            return f"127.0.0.1:{0 if CI else 8800}"
        except OSError:
            return "127.0.0.1:0"


@contextlib.contextmanager
def up(folder):
    with process([str(MODELYARD), "up", "--data", str(folder / "data"), "--listen", console_address()], "modelyard up",
                 stdout=subprocess.PIPE, stderr=open(folder / "up.log", "wb"), text=True) as child:
        line = child.stdout.readline().strip()
        if not line.startswith("ready "):
            raise Failed("`modelyard up` did not start:\n" + (folder / "up.log").read_text())
        yield line.removeprefix("ready ")


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"<html><body>{self.headers.get('Host')}</body></html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def sites():
    """The web sites that squid reaches, whatever their name, on one loopback port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def squid(folder, site_port):
    """A proxy of our own whose every request goes to the local sites: no name is looked up, nothing leaves the machine."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-squid-"))  # its own folder: squid gives up root and must traverse it
    home.chmod(0o711)
    logs = home / "logs"
    logs.mkdir()
    if os.geteuid() == 0:
        shutil.chown(logs, "proxy", "proxy")
    port = free_port()
    config = home / "squid.conf"
    config.write_text(f"""
http_port 127.0.0.1:{port}
cache_peer 127.0.0.1 parent {site_port} 0 no-query originserver name=sites
never_direct allow all
http_access allow all
cache deny all
access_log stdio:{logs}/access.log
cache_log {logs}/cache.log
cache_store_log none
pid_filename none
coredump_dir {logs}
dns_nameservers 127.0.0.1
pinger_enable off
netdb_filename none
shutdown_lifetime 1 seconds
""")
    binary = shutil.which("squid", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if binary is None:
        raise Failed("squid is not installed; ./dev setup installs it")
    cache_log = logs / "cache.log"
    try:
        with process([binary, "-N", "-f", str(config)], "squid", stdout=subprocess.DEVNULL,
                     stderr=open(folder / "squid.err", "wb")) as child:
            def listening():
                if child.poll() is not None:
                    raise Failed("squid did not start:\n" + (folder / "squid.err").read_text())
                return cache_log.exists() and "Accepting HTTP Socket connections" in cache_log.read_text(errors="replace")
            wait_until("starting squid", listening)
            yield port, logs / "access.log"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def browse(port, log, hosts):
    for host in hosts:
        done = subprocess.run(["squidclient", "-h", "127.0.0.1", "-p", str(port), f"http://{host}/"], capture_output=True,
                              timeout=STEP_SECONDS_MAX)
        if done.returncode != 0:
            raise Failed(f"squid did not answer for {host}: {done.stderr.decode(errors='replace')}")
    wait_until("squid's access.log", lambda: log.exists() and len(log.read_text().splitlines()) >= len(hosts))
    return log.read_text()


def show(document):
    """One document as a person would want to read it: the verdict first, then the fields."""
    alert = document.get("is_alert") == "true"
    colour = ("\033[31m" if alert else "\033[32m") if sys.stdout.isatty() else ""
    plain = "\033[0m" if colour else ""
    score = document.get("threat:triage:level")
    verdict = f"ALERT, level {score:g}" if alert else "no alert"
    print(f"{colour}● {document.get('domain_without_subdomains')} is {document.get('is_malicious')}: {verdict}{plain}")
    width = max(len(key) for key in document)
    for key in sorted(document):
        print(f"    {key:{width}}  {document[key]}")


def demo(folder):
    random_host = "".join(random.choices(string.ascii_lowercase, k=16)) + ".com"
    with up(folder) as server:
        print(f"Modelyard is up: {server}")
        title("1. Deploy a model written in Python:  modelyard deploy examples/mock_dga --name dga --version 1.0 --wait")
        print(run("deploy", "examples/mock_dga", "--name", "dga", "--version", "1.0", "--wait", server=server).strip())
        print(run("list", server=server).rstrip())
        title("2. Browse through squid: yahoo.com, amazon.com and a name nobody would choose")
        with sites() as site_port, squid(folder, site_port) as (port, log):
            print(browse(port, log, ["yahoo.com", "amazon.com", random_host]).rstrip())
            title("3. Squid's log through the sensor:  modelyard sensor run squid --source file:access.log --sink store --once")
            print(run("sensor", "run", "squid", "--config", "config/zookeeper", "--source", f"file:{log}", "--sink", "store", "--once",
                      server=server).rstrip())
        found = json.loads(run("search", "-o", "json", "--sensor", "squid", server=server))
        legit = [d for d in found if d.get("domain_without_subdomains") == "yahoo.com"]
        malicious = [d for d in found if d.get("domain_without_subdomains") == random_host]
        if len(legit) != 1 or len(malicious) != 1:
            raise Failed(f"expected one document of each kind in the store, found {json.dumps(found, indent=2)}")
        title("4. What is stored: one document of a site that the model knows, one of a site that it does not")
        for document in (legit[0], malicious[0]):
            print(json.dumps(document, ensure_ascii=False, sort_keys=True)) if CI else show(document)
        if CI:
            return
        title(f"The console is at {server} — models and alerts, live. ^C ends the demo and everything it started.")
        signal.pause()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-demo-"))
    try:
        demo(folder)
    except KeyboardInterrupt:
        print("\nending")
    except (Failed, subprocess.TimeoutExpired) as why:
        print(f"demo: {why}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
