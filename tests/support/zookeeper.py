# SPDX-License-Identifier: Apache-2.0
"""Real ZooKeeper servers for tests: 3.4.14 and 3.9.3 from Maven Central, 3.8 from Debian; one server or an ensemble of three.

    with ZooKeeper("3.9") as zk:                       # or ZooKeeper("3.9", size=3)
        zk.quorum                                      # "127.0.0.1:20123"
        zk.kill(0); zk.restart(0); zk.leader(); zk.freeze(0); zk.thaw(0)

Everything is on loopback ports below the range of outgoing connections, so that a port stays free while its server is down.
A server ends with the thread that started it: start servers from the main thread.

The C++ harness (tests/cluster/zookeeper_server.h) runs what `zookeeper.py prepare` prints.
"""
import argparse
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VERSIONS = ("3.4", "3.8", "3.9")
START_SECONDS_MAX = 30
# A session lives at least two ticks: what waits for an expiry waits a second.
TICK_MS = 500
PORTS = range(15_000, 32_000)


def class_path(version):
    """The jars, as Java's -cp wants them."""
    if version == "3.8":
        folder = pathlib.Path("/usr/share/java")
        names = ["zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-simple", "metrics-core", "snappy-java", "commons-cli"]
        jars = [folder / f"{name}.jar" for name in names] + sorted(folder.glob("netty*.jar"))
    else:
        fetched = subprocess.run([ROOT / "tools/jars/fetch", f"zookeeper-{version}"], check=True, stdout=subprocess.PIPE, text=True)
        jars = sorted(pathlib.Path(fetched.stdout.strip()).glob("*.jar"))
        # 3.4 logs by log4j, which would want a file of its own: its messages go to Java's own logging or nowhere.
        jars = [jar for jar in jars if "slf4j-log4j12" not in jar.name]
    return ":".join(map(str, jars))


def free_ports(count):
    """Free loopback ports in turn, by a counter that all tests of the user share: two that start at once get different ones."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "modelyard"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "test-ports", "a+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        last, taken = int(counter.read() or 0), []
        for _ in range(len(PORTS)):
            last = (last + 1) % len(PORTS)
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", PORTS[last]))
                except OSError:
                    continue
            taken.append(PORTS[last])
            if len(taken) == count:
                break
        counter.truncate(0)
        counter.write(str(last))
    assert len(taken) == count, "no free ports on loopback"
    return taken


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def make_certificates(folder):
    """ca.pem, and for server (127.0.0.1, localhost) and client NAME.pem, NAME.key and both in NAME.both.pem."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ["-newkey", "rsa:2048", "-nodes"]
    openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    (folder / "server.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    (folder / "client.ext").write_text("extendedKeyUsage=clientAuth\n")
    for name in ("server", "client"):
        openssl(folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        (folder / f"{name}.both.pem").write_text((folder / f"{name}.key").read_text() + (folder / f"{name}.pem").read_text())
    return folder


def write_private(path, text):
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def config_lines(options, server, peers, certificates):
    lines = [f"tickTime={TICK_MS}", "initLimit=20", "syncLimit=10", f"dataDir={server['folder']}", f"clientPort={server['port']}",
             f"clientPortAddress={options['address']}", "maxClientCnxns=0", "admin.enableServer=false", "4lw.commands.whitelist=*"]
    if options["session_ms_max"]:
        lines.append(f"maxSessionTimeout={options['session_ms_max']}")
    if len(peers) > 1:
        lines += [f"server.{peer['id']}=127.0.0.1:{peer['quorum_port']}:{peer['election_port']}" for peer in peers]
    if options["tls"]:
        lines += [f"secureClientPort={server['secure_port']}", "secureClientPortAddress=127.0.0.1",
                  "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory", "ssl.clientAuth=need",
                  f"ssl.keyStore.location={certificates}/server.both.pem", "ssl.keyStore.type=PEM",
                  f"ssl.trustStore.location={certificates}/ca.pem", "ssl.trustStore.type=PEM", "ssl.hostnameVerification=false"]
    if options["sasl"]:
        lines += ["authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider", "sessionRequireClientSASLAuth=true"]
    return lines


def java_command(options, server):
    # setpriv: the server ends when whoever started it dies.
    command = ["setpriv", "--pdeathsig", "KILL", "--", "java", "-Xms32m", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
               "-Dzookeeper.forceSync=no", "-Dzookeeper.extendedTypesEnabled=false"]
    if options["sasl"]:
        command.append(f"-Djava.security.auth.login.config={server['folder']}/jaas.conf")
    return command + ["-cp", class_path(options["version"]), "org.apache.zookeeper.server.quorum.QuorumPeerMain", f"{server['folder']}/zoo.cfg"]


def prepare(folder, version, size=1, tls=False, sasl=None, address="127.0.0.1", session_ms_max=None):
    """Writes the files of the servers; what to run. sasl: "user:password" of DIGEST-MD5, which every client must then show."""
    assert version in VERSIONS, version
    folder = pathlib.Path(folder)
    options = {"version": version, "tls": tls, "sasl": sasl, "address": address, "session_ms_max": session_ms_max}
    ports = free_ports(4 * size)
    servers = [{"id": i + 1, "folder": str(folder / f"server{i + 1}"), "port": ports[4 * i], "secure_port": ports[4 * i + 1],
                "quorum_port": ports[4 * i + 2], "election_port": ports[4 * i + 3]} for i in range(size)]
    certificates = make_certificates(folder / "certificates") if tls else None
    for server in servers:
        place = pathlib.Path(server["folder"])
        place.mkdir(parents=True)
        if sasl:
            user, password = sasl.split(":", 1)
            write_private(place / "jaas.conf", "Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required\n"
                          f'  user_{user}="{password}";\n}};\n')
        (place / "zoo.cfg").write_text("\n".join(config_lines(options, server, servers, certificates)) + "\n")
        (place / "myid").write_text(f"{server['id']}\n")
        server["command"] = java_command(options, server)
        server["log"] = str(place / "server.log")
    return {"servers": servers, "certificates": str(certificates or "")}


def four(port, word):
    """The answer to a four letter word; "" when nobody answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.sendall(word.encode())
            parts = []
            while part := link.recv(65536):
                parts.append(part)
        return b"".join(parts).decode(errors="replace")
    except OSError:
        return ""


class ZooKeeper:
    """One server or an ensemble. start() and stop(), or a `with` block; the folder goes with it. host: of a cable, where it runs;
    session_ms_max: sessions live no longer than that, whatever a client asks for."""

    def __init__(self, version="3.9", size=1, tls=False, sasl=None, host=None, session_ms_max=None):
        self.folder, self.host = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-zookeeper-")), host
        self.address = host.address if host else "127.0.0.1"
        self.plan = prepare(self.folder, version, size, tls, sasl, self.address, session_ms_max)
        self.servers, self.processes = self.plan["servers"], [None] * size

    @property
    def quorum(self):
        return ",".join(f"{self.address}:{server['port']}" for server in self.servers)

    @property
    def secure_quorum(self):
        return ",".join(f"127.0.0.1:{server['secure_port']}" for server in self.servers)

    @property
    def certificates(self):
        return pathlib.Path(self.plan["certificates"])

    def start(self):
        for index in range(len(self.servers)):
            self._launch(index)
        for index in range(len(self.servers)):
            self._await(index)
        return self

    def _launch(self, index):
        server = self.servers[index]
        command = self.host.command(server["command"]) if self.host else server["command"]
        with open(server["log"], "ab") as log:
            self.processes[index] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def _await(self, index):
        server, end = self.servers[index], time.monotonic() + START_SECONDS_MAX
        while "Mode:" not in self._ask(server["port"], "srvr"):
            ended = self.processes[index].poll()
            if ended is not None or time.monotonic() > end:
                tail = pathlib.Path(server["log"]).read_text(errors="replace")[-3000:]
                raise AssertionError(f"ZooKeeper {server['id']} does not serve (exit {ended}):\n{tail}")
            time.sleep(0.02)  # polls: the server tells nobody when it serves

    def _ask(self, port, word):
        if not self.host:
            return four(port, word)
        return self.host.run(["timeout", "5", "bash", "-c", f"exec 3<>/dev/tcp/{self.address}/{port}; echo {word} >&3; cat <&3"]).stdout

    def kill(self, index=0):
        self.processes[index].kill()
        self.processes[index].wait()

    def restart(self, index=0):
        """The same data on the same port; waits until it serves."""
        if self.processes[index].poll() is None:
            self.kill(index)
        self._launch(index)
        self._await(index)

    def freeze(self, index=0):
        self.processes[index].send_signal(signal.SIGSTOP)

    def thaw(self, index=0):
        self.processes[index].send_signal(signal.SIGCONT)

    def leader(self):
        """The index of the server that leads now; None while there is none."""
        for index, server in enumerate(self.servers):
            if self.processes[index].poll() is None and "Mode: leader" in self._ask(server["port"], "srvr"):
                return index
        return None

    def stop(self):
        for process in self.processes:
            if process and process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["prepare", "fetch"])
    parser.add_argument("--version", choices=VERSIONS, default="3.9")
    parser.add_argument("--folder")
    parser.add_argument("--size", type=int, default=1)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--sasl-file", help="a file with user:password")
    arguments = parser.parse_args()
    if arguments.verb == "fetch":
        for version in VERSIONS:
            class_path(version)
        return 0
    sasl = pathlib.Path(arguments.sasl_file).read_text().strip() if arguments.sasl_file else None
    json.dump(prepare(arguments.folder, arguments.version, arguments.size, arguments.tls, sasl), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
