# SPDX-License-Identifier: Apache-2.0
"""A client of the reference's kind, in Java: Curator 2.7.1's service discovery and queue (tests/cluster/java).

    theirs = curator.Program("127.0.0.1:2181")
    theirs.read()                                    # every endpoint; Failed when one node cannot be read
    theirs.offer({"name": "dga", ...})
    with theirs.registered("dga", "1.0", "c1", "http://h:1"): ...      # DYNAMIC: an ephemeral node
"""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "tests/cluster/java"
JVM = ["-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
QUEUE = "/maas/queue"
SERVICE_ROOT = "/maas/service"


class Failed(Exception):
    pass


def compiled(jars="curator-2", program="CuratorProgram.java"):
    """The class path of a program of tests/cluster/java, compiled against the jars of tools/jars; kept until a source changes."""
    done = subprocess.run([str(ROOT / "tools/jars/fetch"), jars], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"the jars {jars}: {done.stderr[-2000:]}")
    folder = done.stdout.strip().splitlines()[-1]
    sources = [SOURCES / program, *sorted((SOURCES / "org").rglob("*.java"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + folder.encode()).hexdigest()[:16]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "modelyard" / "java"
    classes = cache / f"{pathlib.Path(program).stem}-{digest}"
    if not classes.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        part = tempfile.mkdtemp(dir=cache)
        done = subprocess.run(["javac", "--release", "8", "-Xlint:-options", "-proc:none", "-cp", f"{folder}/*", "-d", part, *map(str, sources)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(part)
            raise Failed(f"javac: {done.stdout}{done.stderr}")
        try:
            os.rename(part, classes)
        except OSError:  # another test was quicker
            shutil.rmtree(part)
    return f"{classes}:{folder}/*"


class Program:
    def __init__(self, quorum, service_root=SERVICE_ROOT, queue=QUEUE):
        self.quorum, self.service_root, self.queue = quorum, service_root, queue
        self.command = ["java", *JVM, "-cp", compiled(), "CuratorProgram"]

    def _run(self, command, path, *arguments):
        done = subprocess.run([*self.command, command, self.quorum, path, *arguments], capture_output=True, text=True, timeout=90,
                              check=False)
        if done.returncode != 0:
            raise Failed(done.stderr[-6000:])
        return json.loads(done.stdout.strip().splitlines()[-1])

    def read(self):
        """[{"service", "id", "address", "port", "type", "name", "version", "containerId", "url", "functions"}]"""
        return self._run("read", self.service_root)

    def register_static(self, name, version, instance, url, functions=None):
        return self._run("register", self.service_root, "STATIC", name, version, instance, url, json.dumps(functions) if functions else "-")

    def unregister(self, name, instance):
        return self._run("unregister", self.service_root, name, instance)

    @contextlib.contextmanager
    def registered(self, name, version, instance, url):
        """An ephemeral endpoint, as long as the block runs."""
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen([*self.command, "register", self.quorum, self.service_root, "DYNAMIC", name, version, instance,
                                        url, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
            try:
                if process.stdout.readline().strip() != "true":
                    errors.seek(0)
                    raise Failed(errors.read()[-6000:])
                yield
            finally:
                process.stdin.close()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                process.stdout.close()

    def put(self, path, data):
        """The node as it is: persistent, parents too."""
        return self._run("put", path, data)

    def get(self, path):
        """{"data", "ephemeral"}; None: there is none."""
        return self._run("get", path)

    def offer(self, *requests):
        """Each a dictionary, or the text itself."""
        texts = [request if isinstance(request, str) else json.dumps(request) for request in requests]
        return self._run("offer", self.queue, *texts)

    def items(self):
        """{"qn-0000000001": "…"}, lowest first."""
        return self._run("list", self.queue)

    def take(self):
        return self._run("take", self.queue)
