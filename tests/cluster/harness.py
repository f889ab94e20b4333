#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the other suites stand on: the servers of tests/support/zookeeper.py and the cable of tests/support/network.py do what
they say. Runs under the Python of tools/python_packages."""
import logging
import os
import pathlib
import subprocess
import sys

from kazoo.client import KazooClient

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.modelyard import run_cases, wait_until  # noqa: E402
from support.network import Cable  # noqa: E402
from support.zookeeper import VERSIONS, ZooKeeper, four  # noqa: E402


def connect(quorum, **options):
    client = KazooClient(quorum, timeout=10, **options)
    client.start(timeout=15)
    return client


def data_outlives_a_killed_server():
    for version in VERSIONS:
        with ZooKeeper(version) as zk:
            assert f"version: {version}" in four(zk.servers[0]["port"], "srvr"), version
            client = connect(zk.quorum)
            client.create("/kept", b"1")
            zk.kill()
            zk.restart()
            assert client.retry(client.get, "/kept")[0] == b"1"
            client.stop()


def an_ensemble_chooses_another_leader():
    with ZooKeeper("3.9", size=3) as zk:
        client = connect(zk.quorum)
        client.create("/kept", b"1")
        first = zk.leader()
        zk.kill(first)
        second = wait_until(lambda: zk.leader() is not None and [zk.leader()], "another leads")[0]
        assert second != first
        assert client.retry(client.get, "/kept")[0] == b"1"
        client.stop()


def passwords_and_keys_are_for_their_owner_alone():
    with ZooKeeper("3.9", tls=True, sasl="yard:pass word") as zk:
        server = pathlib.Path(zk.servers[0]["folder"])
        assert oct((server / "jaas.conf").stat().st_mode & 0o777) == "0o600"
        assert oct(zk.folder.stat().st_mode & 0o777) == "0o700"
        assert "pass word" not in " ".join(zk.servers[0]["command"])


def nothing_is_left_behind():
    zk = ZooKeeper("3.9").start()
    pid, folder = zk.processes[0].pid, zk.folder
    zk.stop()
    assert not os.path.exists(f"/proc/{pid}") and not folder.exists()


ECHO = """
import socket, sys
with socket.create_server((sys.argv[1], 7777)) as server:
    link, _ = server.accept()
    while data := link.recv(100):
        print(data.decode(), flush=True)
"""

SPEAK = """
import socket, sys
with socket.create_connection((sys.argv[1], 7777), timeout=10) as link:
    for line in sys.stdin:
        link.sendall(line.encode())
"""


def a_cut_cable_loses_what_is_sent_until_it_is_healed():
    with Cable() as cable:
        echo = cable.left.popen([sys.executable, "-u", "-c", ECHO, cable.left.address], stdout=subprocess.PIPE)
        os.set_blocking(echo.stdout.fileno(), False)
        wait_until(lambda: ":7777" in cable.left.run(["ss", "-ltn"]).stdout, "the server listens")
        speak = cable.right.popen([sys.executable, "-u", "-c", SPEAK, cable.left.address], stdin=subprocess.PIPE, text=True)
        heard = []

        def hears(word):
            heard.append(echo.stdout.read() or b"")
            return word.encode() in b"".join(heard)

        def say(word):
            speak.stdin.write(word + "\n")
            speak.stdin.flush()

        say("before")
        wait_until(lambda: hears("before"), "the first line")
        cable.cut()
        say("during")
        # The bytes lie in the sender's queue, sent and never acknowledged; nobody was told of an error.
        wait_until(lambda: "7777" in cable.right.run(["ss", "-tnoi", "dst", cable.left.address]).stdout, "the connection is there")
        wait_until(lambda: "retrans:" in cable.right.run(["ss", "-tnoi", "dst", cable.left.address]).stdout, "it sends again and again")
        assert not hears("during") and speak.poll() is None
        cable.heal()
        wait_until(lambda: hears("during"), "the second line, after the cable is healed")
        speak.stdin.close()
        assert speak.wait(10) == 0
        names = [cable.left.name, cable.right.name]
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    assert not any(name in left for name in names), left


CASES = [data_outlives_a_killed_server, an_ensemble_chooses_another_leader, passwords_and_keys_are_for_their_owner_alone,
         nothing_is_left_behind, a_cut_cable_loses_what_is_sent_until_it_is_healed]

if __name__ == "__main__":
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    sys.exit(run_cases([case for case in CASES if not sys.argv[1:] or case.__name__ in sys.argv[1:]]))
