# SPDX-License-Identifier: Apache-2.0
"""What the Python tests share: a real `modelyard up` in a folder of its own, commands, waiting, counting. Standard library only."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODELYARD = pathlib.Path(os.environ.get("MODELYARD_BINARY", ROOT / "build" / "bin" / "modelyard"))
WAIT_SECONDS_MAX = 20


def wait_until(condition, what, seconds=WAIT_SECONDS_MAX):
    """The first true value of condition(); fails the case when none comes in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s; last was {value!r}")
        time.sleep(0.01)  # polls: the condition lies in another process


class Done:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.out[-3000:]}\nstderr: {self.err[-3000:]}"


def modelyard(*arguments, server=None, stdin="", timeout=60, environment=None):
    command = [str(MODELYARD), *map(str, arguments)]
    environment = {**os.environ, **({"MODELYARD_SERVER": server} if server else {}), **(environment or {})}
    binary = isinstance(stdin, bytes)
    return Done(subprocess.run(command, input=stdin, capture_output=True, text=not binary, timeout=timeout, env=environment, cwd=ROOT))


class Up:
    """One server; start() after kill() continues on the same data folder."""

    def __init__(self, folder, *options):
        self.folder, self.options, self.process = pathlib.Path(folder), options, None
        self.listen = "127.0.0.1:0"

    def start(self):
        self.log = open(self.folder / "up.log", "ab")
        self.process = subprocess.Popen([str(MODELYARD), "up", "--data", str(self.folder / "data"), "--listen", self.listen, *self.options],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=ROOT)
        line = self.process.stdout.readline().strip()
        assert line.startswith("ready http://"), f"no ready line but {line!r}: {(self.folder / 'up.log').read_text()[-3000:]}"
        self.url = line.removeprefix("ready ")
        self.listen = self.url.removeprefix("http://")
        return self

    def run(self, *arguments, **options):
        return modelyard(*arguments, server=self.url, **options)

    def json(self, *arguments):
        done = self.run(*arguments, "-o", "json")
        assert done.code == 0, done
        return json.loads(done.out)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(25)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("up did not end within 25 s of SIGTERM") from None
        return self.process.returncode if self.process else None


@contextlib.contextmanager
def up(*options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-test-"))
    server = Up(folder, *options)
    try:
        yield server.start()
    finally:
        try:
            if server.process and server.process.poll() is not None:  # a case killed it: its models must end all the same
                server.start()
            server.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def run_cases(cases):
    """Runs each function, prints a line for each and 'N passed, N failed'; the exit status."""
    passed = failed = 0
    for case in cases:
        began = time.monotonic()
        try:
            case()
            passed += 1
            print(f"ok {case.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        except Exception:  # a case may fail in any way; the others go on
            failed += 1
            print(f"FAILED {case.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
