#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libmodelyard-client as somebody else has it: installed into a prefix, found by CMake and pkg-config, used by programs in C++ and C
against a server and against ZooKeeper. MODELYARD_BUILD names the build folder (default build)."""
import contextlib
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))

import models  # noqa: E402
from support import curator  # noqa: E402
from support.modelyard import ROOT, run_cases, up, wait_until  # noqa: E402
from support.zookeeper import ZooKeeper  # noqa: E402

BUILD = ROOT / os.environ.get("MODELYARD_BUILD", "build")
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-client-"))
PREFIX = SCRATCH / "prefix"
NOT_FOUND, UNAVAILABLE, DEADLINE, FAILED = 2, 3, 4, 6
INVALID = 1


def run(*command, environment=None, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, **(environment or {})}, **options)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def examples(language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs/clients.md").read_text(), re.M | re.S)


@functools.cache
def built():
    """The folder with the programs of tests/package/client_cpp and the examples of docs/clients.md."""
    run("cmake", "--install", BUILD, "--prefix", PREFIX, "--component", "client")
    sources = {"example_cpp.cc": examples("cpp"), "example_c.c": examples("c")}
    for name, found in sources.items():
        assert len(found) == 1, f"{name}: {len(found)} examples"
        (SCRATCH / name).write_text(found[0])
    folder = SCRATCH / "programs"
    run("cmake", "-S", ROOT / "tests/package/client_cpp", "-B", folder, f"-DCMAKE_PREFIX_PATH={PREFIX}",
        "-DEXAMPLES=" + ";".join(str(SCRATCH / name) for name in sources))
    run("cmake", "--build", folder)
    return folder


def library():
    built()
    return next(PREFIX.rglob("libmodelyard-client.so.0"))


class Asks:
    """The C++ program, asked line by line."""

    def __init__(self, kind, address):
        self.process = subprocess.Popen([built() / "asks", kind, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(SCRATCH / "asks.log", "a", encoding="utf-8"), text=True)
        self.greeting = self.process.stdout.readline().strip()

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self):
        self.process.stdin.close()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the program does not end") from None
        self.process.stdout.close()
        assert status == 0, f"the program ended with {status}"


@contextlib.contextmanager
def asks(kind, address):
    program = Asks(kind, address)
    try:
        assert program.greeting == "connected", program.greeting
        yield program
    finally:
        program.end()


@contextlib.contextmanager
def deployed(instances=2):
    with up() as server:
        done = server.run("deploy", models.echo(server.folder / "echo"), "--name", "echo", "--version", "1.0", "--instances", instances,
                          "--wait")
        assert done.code == 0, done
        yield server


def only_the_headers_names_leave_the_library():
    names = run("nm", "-D", "--defined-only", "-C", library()).splitlines()
    assert len(names) > 20, names
    others = [name for name in names if not re.search(r" (modelyard_\w+|modelyard::sdk::(Client|Snapshot|version).*|MODELYARD_0)(@@MODELYARD_0)?$", name)]
    assert not others, others
    assert not [name for name in names if "Impl::" in name], "what is hidden leaves it"
    assert "spdlog" not in run("ldd", library()), "the host's log is not the library's"


def the_headers_stand_alone():
    built()
    (SCRATCH / "alone.c").write_text("#include <modelyard/c_client.h>\nint main(void) { return 0; }\n")
    (SCRATCH / "alone.cc").write_text("#include <modelyard/c_client.h>\n#include <modelyard/client.h>\nint main() {}\n")
    run("gcc", "-std=c90", "-pedantic", "-Wall", "-Wextra", "-Werror", f"-I{PREFIX}/include", "-fsyntax-only", SCRATCH / "alone.c")
    for compiler in ("g++", "clang++-16"):
        run(compiler, "-std=c++17", "-Wall", "-Wextra", "-Wshadow", "-Werror", f"-I{PREFIX}/include", "-fsyntax-only", SCRATCH / "alone.cc")


def pkg_config_finds_it():
    folder = library().parent
    flags = run("pkg-config", "--cflags", "--libs", "modelyard-client", environment={"PKG_CONFIG_PATH": f"{folder}/pkgconfig"}).split()
    out = SCRATCH / "by_pkg_config"
    run("gcc", "-std=c99", ROOT / "tests/package/client_cpp/asks_c.c", "-o", out, *flags, f"-Wl,-rpath,{folder}")
    done = subprocess.run([out, "server", "http://127.0.0.1:1", "m", "apply", "k", "v"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.stdout.startswith(f"error {UNAVAILABLE} connect: "), done


def says_why_it_cannot_connect():
    assert Asks("server", "http://127.0.0.1:1").greeting.startswith(f"error {UNAVAILABLE} "), "nobody there"
    assert Asks("server", "gopher://x").greeting.startswith("error "), "no url"
    assert Asks("server", "").greeting == f"error {INVALID} one of quorum and server must be given"
    assert Asks("quorum", "127.0.0.1:port").greeting.startswith(f"error {INVALID} "), "no quorum"
    away = Asks("quorum", "127.0.0.1:1").greeting
    assert away.startswith(f"error {UNAVAILABLE} ") and "127.0.0.1:1" in away, away


def follows_and_calls_by_a_server():
    with deployed() as server, asks("server", server.url) as ask:
        assert ask("size") == "2"
        assert ask("choose echo").startswith("echo@1.0 http://"), ask("choose echo")
        assert '"got": {"host": "ya hoo.com"}'.replace(" hoo", "hoo") in ask("call echo - apply yahoo.com")
        assert ask("call echo 1.0 /other/path x").startswith('{"path": "/other/path"')
        assert ask("choose nobody") == f"error {NOT_FOUND} no instance of a model named nobody is registered"
        assert ask("choose echo 7") == f"error {NOT_FOUND} no instance of version 7 of echo is registered"
        assert ask("call nobody - apply x").startswith(f"error {NOT_FOUND} ")
        assert ask("storm echo 8 200") == "ok 1600, failed 0, instances 2"
        assert server.run("deploy", server.folder / "echo", "--name", "echo", "--version", "10.0", "--wait").code == 0
        wait_until(lambda: ask("versions echo") == "1.0 10.0", "the second version is pushed")
        assert ask("choose echo").startswith("echo@10.0 ")
        assert "1:echo@10.0" in ask("changes") and "wrong" not in ask("changes"), ask("changes")


def calls_go_on_while_the_server_is_away():
    with deployed() as server, asks("server", server.url) as ask:
        server.kill()
        wait_until(lambda: ask("is_connected") == "0", "it is noticed")
        assert ask("size") == "2"
        assert ask("storm echo 4 100") == "ok 400, failed 0, instances 2"
        server.start()
        wait_until(lambda: ask("is_connected") == "1", "it is connected again")
        assert ask("size") == "2"


def deadlines_hold():
    with up() as server:
        slow = models.server(server.folder / "slow", answer="time.sleep(3); self.send(200, {})")
        assert server.run("deploy", slow, "--name", "slow", "--version", "1", "--wait").code == 0
        with asks("server", server.url) as ask:
            assert ask("call slow - apply x 200").startswith(f"error {DEADLINE} slow@1, instance "), "too late"
            assert ask("close_while_calling slow") == "cancelled 8"


def c_programs_do_the_same():
    with deployed() as server:
        out = run(built() / "asks_c", "server", server.url, "echo", "apply", "host", "yahoo.com")
        assert out.count("endpoint echo@1.0 apply apply\n") == 2, out
        assert '"got": {"host": "yahoo.com"}' in out, out
        assert "connected 1 version 0.1.0 told 0\n" in out, out


def follows_zookeeper_of(version):
    with ZooKeeper(version) as zk, deployed(1) as server:
        url = server.json("list")[0]["instances"][0]["url"]
        theirs = curator.Program(zk.quorum)
        theirs.register_static("dga", "9.0", "c1", url)
        with asks("quorum", zk.quorum) as ask:
            size = ask("size")
            assert size == "1", size
            assert '"got": {"host": "yahoo.com"}' in ask("call dga - apply yahoo.com")
            theirs.register_static("dga", "10.0", "c2", url)
            wait_until(lambda: ask("versions dga") == "9.0 10.0", "the second is pushed")
            assert ask("choose dga").startswith("dga@10.0 ")
            theirs.put("/maas/service/dga/odd", "{")
            zk.kill()
            wait_until(lambda: ask("is_connected") == "0", "it is noticed")
            assert ask("storm dga 4 50") == "ok 200, failed 0, instances 1"
            zk.restart()
            wait_until(lambda: ask("is_connected") == "1", "it is connected again")
            theirs.unregister("dga", "c2")
            wait_until(lambda: ask("versions dga") == "9.0", "it follows again")
        for name, language in (("example_cpp", "C++"), ("example_c", "C")):
            assert '"got": {"host": "yahoo.com"}' in run(built() / name, zk.quorum), f"the example in {language}"
        the_example_in_java(zk.quorum)


def the_example_in_java(quorum):
    found = examples("java")
    assert len(found) == 1, found
    folder = SCRATCH / "java"
    folder.mkdir(exist_ok=True)
    (folder / "Example.java").write_text(found[0])
    java = ROOT / "clients/java"
    # The jar alone: its tests are java_client.py.
    run("mvn", "-B", "-q", "-f", java, "package", "-Dmaven.test.skip=true")
    run("mvn", "-B", "-q", "-f", java, "dependency:build-classpath", f"-Dmdep.outputFile={folder}/classpath", "-DincludeScope=runtime")
    path = f"{java}/target/modelyard-client-0.1.0.jar:{(folder / 'classpath').read_text().strip()}:{folder}"
    run("javac", "--release", "8", "-Xlint:-options", "-cp", path, folder / "Example.java")
    out = run("java", "-cp", path, "Example", quorum)
    assert "null 9.0" in out, out


def follows_zookeeper_3_4():
    follows_zookeeper_of("3.4")


def follows_zookeeper_3_9():
    follows_zookeeper_of("3.9")


CASES = [only_the_headers_names_leave_the_library, the_headers_stand_alone, pkg_config_finds_it, says_why_it_cannot_connect,
         follows_and_calls_by_a_server, calls_go_on_while_the_server_is_away, deadlines_hold, c_programs_do_the_same,
         follows_zookeeper_3_4, follows_zookeeper_3_9]

if __name__ == "__main__":
    wanted = sys.argv[1:]
    try:
        sys.exit(run_cases([case for case in CASES if not wanted or case.__name__ in wanted]))
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
