# SPDX-License-Identifier: Apache-2.0
"""Two hosts on a cable that a test can cut: network namespaces joined by a pair of virtual interfaces. Needs root.

    with Cable() as cable:
        server = cable.left.popen([...])      # listens on cable.left.address
        client = cable.right.popen([...])
        cable.cut()                           # packets vanish both ways, no end is told; cut(only=cable.left) of those it sends
        cable.heal()

Programs that still run in the two hosts are killed when the block ends.
"""
import itertools
import os
import shutil
import signal
import subprocess

NUMBERS = itertools.count()
# A unicast address of nobody: what is sent there, the other end drops.
NOBODY = "02:00:00:00:00:fe"


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Host:
    def __init__(self, name, device, address):
        self.name, self.device, self.address = name, device, address

    def command(self, arguments):
        return ["ip", "netns", "exec", self.name, *map(str, arguments)]

    def popen(self, arguments, **options):
        return subprocess.Popen(self.command(arguments), **options)

    def run(self, arguments, **options):
        return subprocess.run(self.command(arguments), **{"capture_output": True, "text": True, "timeout": 60, **options})

    def processes(self):
        return [int(pid) for pid in ip("netns", "pids", self.name).split()]


class Cable:
    def __init__(self):
        if os.geteuid() != 0:
            raise PermissionError("network namespaces need root: run this test as root, as continuous integration does")
        if not shutil.which("ip"):
            raise FileNotFoundError("the command ip is missing: ./dev setup installs it (iproute2)")
        word = f"my{os.getpid()}x{next(NUMBERS)}"
        self.left = Host(f"{word}l", "cable", "10.77.0.1")
        self.right = Host(f"{word}r", "cable", "10.77.0.2")

    def __enter__(self):
        try:
            for host in (self.left, self.right):
                ip("netns", "add", host.name)
                ip("-n", host.name, "link", "set", "lo", "up")
            ip("-n", self.left.name, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.right.name)
            for host in (self.left, self.right):
                ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", host.device)
                ip("-n", host.name, "link", "set", host.device, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _ends(self, only):
        return [(here, there) for here, there in ((self.left, self.right), (self.right, self.left)) if only in (None, here)]

    def cut(self, only=None):
        for here, there in self._ends(only):
            ip("-n", here.name, "neighbour", "replace", there.address, "lladdr", NOBODY, "nud", "permanent", "dev", here.device)

    def heal(self, only=None):
        for here, there in self._ends(only):
            ip("-n", here.name, "neighbour", "del", there.address, "dev", here.device)

    def __exit__(self, *_):
        for host in (self.left, self.right):
            if host.name not in ip("netns", "list"):
                continue
            for pid in host.processes():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it ended by itself
            ip("netns", "del", host.name)
