# SPDX-License-Identifier: Apache-2.0
"""A small Hadoop of real servers on loopback: NameNode, DataNode, ResourceManagers, NodeManagers, timeline server.

    with hadoop.cluster(nodes=2) as mini:
        mini.conf                   # a HADOOP_CONF_DIR for clients
        mini.rm.kill(); mini.rm.start(); mini.wait_healthy()

Jars come from Maven Central by tools/jars/fetch. Every file is below mini.folder, every port is chosen by the system,
every process is ended by its number. Node manager i has the host name 127.0.0.(2+i).
"""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k", "-Djava.net.preferIPv4Stack=true"]
CLASSES = {
    "namenode": ("org.apache.hadoop.hdfs.server.namenode.NameNode", 256),
    "datanode": ("org.apache.hadoop.hdfs.server.datanode.DataNode", 256),
    "resourcemanager": ("org.apache.hadoop.yarn.server.resourcemanager.ResourceManager", 384),
    "nodemanager": ("org.apache.hadoop.yarn.server.nodemanager.NodeManager", 256),
    "timelineserver": ("org.apache.hadoop.yarn.server.applicationhistoryservice.ApplicationHistoryServer", 256),
}
ADMIN = "org.apache.hadoop.yarn.client.cli.RMAdminCLI"
RM_ADDRESSES = ("scheduler.address", "resource-tracker.address", "address", "admin.address", "webapp.address")
LOG4J = """log4j.rootLogger=INFO,out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
"""


class Failed(Exception):
    pass


def jars(version):
    done = subprocess.run([str(ROOT / "tools/jars/fetch"), f"hadoop-{version}"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"the jars of Hadoop {version}: {done.stderr[-2000:]}")
    return done.stdout.strip().splitlines()[-1]


def free_ports(count, host="127.0.0.1"):
    """Below the range that the kernel gives to connecting sockets, so that a server which restarts finds its port free."""
    ports = []
    while len(ports) < count:
        port = random.randrange(12000, 30000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind((host, port))
            if port not in ports:
                ports.append(port)
    return ports


def write_xml(path, properties):
    rows = "".join(f"  <property><name>{escape(k)}</name><value>{escape(str(v))}</value></property>\n" for k, v in properties.items())
    path.write_text(f"<configuration>\n{rows}</configuration>\n")


def fetch(url, timeout=5):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


def wait_until(condition, what, seconds):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s; last was {value!r}")
        time.sleep(0.05)  # polls: the condition lies in another process


class Daemon:
    """One JVM with its own configuration folder; start() after kill() continues on the same files and ports."""

    def __init__(self, cluster, name, kind, overrides=None):
        self.cluster, self.name, self.kind = cluster, name, kind
        self.conf = cluster.folder / f"conf-{name}"
        self.log = cluster.folder / "logs" / f"{name}.log"
        self.process = None
        self.overrides = overrides or {}

    def command(self, *arguments):
        main, memory = CLASSES[self.kind]
        opens = ["--add-opens=java.base/java.lang=ALL-UNNAMED"] if self.cluster.version == "3.3" else []
        return ["java", *JVM, f"-Xmx{memory}m", *opens, "-cp", f"{self.conf}:{self.cluster.jars}/*", main, *arguments]

    def start(self, *arguments):
        self.cluster.write_conf(self.conf, self.overrides)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.command(*arguments), stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            cwd=self.cluster.folder, env=self.cluster.environment())
        return self

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self, seconds=10):
        if not self.alive():
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self, size=3000):
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""


class Cluster:
    """version: "3.5" or "3.3". nodes: node managers. ha: two resource managers, rm1 made active. timeline: with a
    timeline server (v1.5, in memory). labels: {"gpu": [index of a node, ...]}. yarn, hdfs, core, scheduler: further
    properties, by the files' names."""

    def __init__(self, folder, version="3.5", nodes=1, ha=False, timeline=False, labels=None, with_yarn=True, node_memory_mb=4096,
                 yarn=None, hdfs=None, core=None, scheduler=None):
        self.folder, self.version, self.ha, self.labels = pathlib.Path(folder), version, ha, labels or {}
        self.jars = jars(version)
        self.node_memory_mb = node_memory_mb
        self.extra = {"yarn": yarn or {}, "hdfs": hdfs or {}, "core": core or {}, "scheduler": scheduler or {}}
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        ports = free_ports(6 + 2 * len(RM_ADDRESSES) + 3)
        names = ["nn", "nn_http", "dn", "dn_http", "dn_ipc", "nn2"]
        self.port = dict(zip(names, ports))
        rest = ports[len(names):]
        self.rm_ports = {rm: dict(zip(RM_ADDRESSES, rest[i * len(RM_ADDRESSES):])) for i, rm in enumerate(("rm1", "rm2"))}
        self.timeline_ports = rest[-3:]
        self.timeline_url = f"http://127.0.0.1:{self.timeline_ports[1]}" if timeline else ""
        self.namenode = Daemon(self, "namenode", "namenode")
        self.datanode = Daemon(self, "datanode", "datanode")
        self.rms, self.nodes, self.timeline = [], [], None
        if with_yarn:
            ids = ("rm1", "rm2") if ha else ("rm1",)
            self.rms = [Daemon(self, rm, "resourcemanager", {"yarn.resourcemanager.ha.id": rm} if ha else {}) for rm in ids]
            self.nodes = [Daemon(self, f"nm{i}", "nodemanager", self.node_properties(i)) for i in range(nodes)]
            if timeline:
                self.timeline = Daemon(self, "timeline", "timelineserver")
        self.conf = self.folder / "conf"
        self.write_conf(self.conf, {})

    # Where things answer ---------------------------------------------------------------------------------------------

    @property
    def rm(self):
        return self.rms[0]

    @property
    def hdfs_url(self):
        return f"hdfs://127.0.0.1:{self.port['nn']}"

    @property
    def webhdfs_url(self):
        return f"http://127.0.0.1:{self.port['nn_http']}/webhdfs/v1"

    def rm_url(self, rm="rm1"):
        return f"http://127.0.0.1:{self.rm_ports[rm]['webapp.address']}"

    def scheduler_address(self, rm="rm1"):
        return f"127.0.0.1:{self.rm_ports[rm]['scheduler.address']}"

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME")}
        return {**kept, "USER": "root", "HADOOP_CONF_DIR": str(self.conf)}

    # Configuration ---------------------------------------------------------------------------------------------------

    def node_properties(self, index):
        host = f"127.0.0.{2 + index}"
        address, localizer, web, _ = free_ports(4, host)
        data = self.folder / f"nm{index}"
        return {
            "yarn.nodemanager.hostname": host,
            "yarn.nodemanager.address": f"{host}:{address}",
            "yarn.nodemanager.localizer.address": f"{host}:{localizer}",
            "yarn.nodemanager.webapp.address": f"{host}:{web}",
            "yarn.nodemanager.local-dirs": data / "local",
            "yarn.nodemanager.log-dirs": data / "logs",
        }

    def core_site(self):
        return {"fs.defaultFS": self.hdfs_url, "hadoop.tmp.dir": self.folder / "tmp", "hadoop.http.staticuser.user": "root",
                "ipc.client.connect.max.retries": 3, "ipc.client.connect.retry.interval": 300, **self.extra["core"]}

    def hdfs_site(self):
        return {
            "dfs.replication": 1,
            "dfs.namenode.name.dir": f"file://{self.folder}/name",
            "dfs.datanode.data.dir": f"file://{self.folder}/data",
            "dfs.namenode.rpc-address": f"127.0.0.1:{self.port['nn']}",
            "dfs.namenode.http-address": f"127.0.0.1:{self.port['nn_http']}",
            "dfs.datanode.address": f"127.0.0.1:{self.port['dn']}",
            "dfs.datanode.http.address": f"127.0.0.1:{self.port['dn_http']}",
            "dfs.datanode.ipc.address": f"127.0.0.1:{self.port['dn_ipc']}",
            "dfs.datanode.hostname": "127.0.0.1",
            "dfs.webhdfs.enabled": "true",
            "dfs.namenode.safemode.extension": 0,
            **self.extra["hdfs"],
        }

    def rm_properties(self):
        if not self.ha:
            return {f"yarn.resourcemanager.{key}": f"127.0.0.1:{port}" for key, port in self.rm_ports["rm1"].items()}
        both = {"yarn.resourcemanager.ha.enabled": "true", "yarn.resourcemanager.ha.rm-ids": "rm1,rm2",
                "yarn.resourcemanager.cluster-id": "mini", "yarn.resourcemanager.ha.automatic-failover.enabled": "false"}
        for rm, ports in self.rm_ports.items():
            both[f"yarn.resourcemanager.hostname.{rm}"] = "127.0.0.1"
            both |= {f"yarn.resourcemanager.{key}.{rm}": f"127.0.0.1:{port}" for key, port in ports.items()}
        return both

    def yarn_site(self):
        properties = {
            "yarn.resourcemanager.hostname": "127.0.0.1",
            **self.rm_properties(),
            "yarn.resourcemanager.recovery.enabled": "true",
            "yarn.resourcemanager.store.class": "org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore",
            "yarn.resourcemanager.fs.state-store.uri": f"file://{self.folder}/rmstore",
            "yarn.resourcemanager.work-preserving-recovery.scheduling-wait-ms": 500,
            "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": 200,
            "yarn.resourcemanager.connect.retry-interval.ms": 300,
            "yarn.client.failover-sleep-base-ms": 100,
            "yarn.client.failover-sleep-max-ms": 500,
            "yarn.resourcemanager.am.max-attempts": 4,
            "yarn.nodemanager.resource.memory-mb": self.node_memory_mb,
            "yarn.nodemanager.resource.cpu-vcores": 16,
            "yarn.nodemanager.vmem-check-enabled": "false",
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 99,
            "yarn.scheduler.minimum-allocation-mb": 64,
            "yarn.scheduler.maximum-allocation-mb": min(2048, self.node_memory_mb),
        }
        if self.timeline_url:
            rpc, web, https = self.timeline_ports
            properties |= {
                "yarn.timeline-service.enabled": "true", "yarn.timeline-service.version": "1.5",
                "yarn.timeline-service.hostname": "127.0.0.1", "yarn.timeline-service.address": f"127.0.0.1:{rpc}",
                "yarn.timeline-service.webapp.address": f"127.0.0.1:{web}",
                "yarn.timeline-service.webapp.https.address": f"127.0.0.1:{https}",
                "yarn.timeline-service.store-class": "org.apache.hadoop.yarn.server.timeline.MemoryTimelineStore",
                "yarn.timeline-service.generic-application-history.enabled": "false",
            }
        if self.labels:
            properties |= {"yarn.node-labels.enabled": "true", "yarn.node-labels.fs-store.root-dir": f"file://{self.folder}/labels"}
        return {**properties, **self.extra["yarn"]}

    def scheduler_site(self):
        properties = {"yarn.scheduler.capacity.root.queues": "default", "yarn.scheduler.capacity.root.default.capacity": 100,
                      "yarn.scheduler.capacity.maximum-am-resource-percent": 0.8}
        if self.labels:
            for queue in ("root", "root.default"):
                properties[f"yarn.scheduler.capacity.{queue}.accessible-node-labels"] = ",".join(self.labels)
                for label in self.labels:
                    properties[f"yarn.scheduler.capacity.{queue}.accessible-node-labels.{label}.capacity"] = 100
        return {**properties, **self.extra["scheduler"]}

    def write_conf(self, folder, overrides):
        folder.mkdir(exist_ok=True)
        # The jars lack these folders, without which the daemons' web servers do not start.
        for web in ("hdfs/WEB-INF", "datanode/WEB-INF", "secondary"):
            (folder / "webapps" / web).mkdir(parents=True, exist_ok=True)
        write_xml(folder / "core-site.xml", self.core_site())
        write_xml(folder / "hdfs-site.xml", self.hdfs_site())
        write_xml(folder / "yarn-site.xml", {**self.yarn_site(), **overrides})
        write_xml(folder / "capacity-scheduler.xml", self.scheduler_site())
        (folder / "log4j.properties").write_text(LOG4J)

    # Life ------------------------------------------------------------------------------------------------------------

    def daemons(self):
        return [*self.nodes, *self.rms, *([self.timeline] if self.timeline else []), self.datanode, self.namenode]

    def start(self):
        data = self.folder / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        if not (self.folder / "name").exists():
            self.namenode.start("-format", "-force", "-nonInteractive")
            if self.namenode.process.wait(120) != 0:
                raise Failed(f"the NameNode's files could not be made:\n{self.namenode.tail()}")
        for daemon in reversed(self.daemons()):
            daemon.start()
        if self.ha:
            wait_until(lambda: self.rm_state("rm1") == "STANDBY", "rm1 up", 60)
            self.make_active("rm1")
        self.wait_healthy()
        self.set_labels()
        return self

    def wait_healthy(self, seconds=90):
        def healthy():
            for daemon in self.daemons():
                if daemon.process and not daemon.alive():
                    raise Failed(f"{daemon.name} ended with {daemon.process.returncode}:\n{daemon.tail()}")
            running = sum(node.alive() for node in self.nodes)
            return (self.live_datanodes() >= 1 and (not self.rms or self.active_nodes() >= running)
                    and (not self.timeline or self.timeline_answers()))
        wait_until(healthy, f"Hadoop {self.version} healthy", seconds)

    def live_datanodes(self):
        try:
            text = fetch(f"http://127.0.0.1:{self.port['nn_http']}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState")
            found = re.search(r'"NumLiveDataNodes"\s*:\s*(\d+)', text)
            safe = re.search(r'"FSState"\s*:\s*"Operational"', text)
            return int(found[1]) if found and safe else 0
        except OSError:
            return 0

    def active_nodes(self):
        for rm in self.rm_ports:
            try:
                return json.loads(fetch(f"{self.rm_url(rm)}/ws/v1/cluster/metrics"))["clusterMetrics"]["activeNodes"]
            except (OSError, ValueError, KeyError):
                pass  # a standby redirects to the other
        return 0

    def timeline_answers(self):
        try:
            return "Timeline" in fetch(f"{self.timeline_url}/ws/v1/timeline/")
        except OSError:
            return False

    def rm_state(self, rm):
        try:
            return json.loads(fetch(f"{self.rm_url(rm)}/ws/v1/cluster/info"))["clusterInfo"]["haState"]
        except (OSError, ValueError, KeyError):
            return ""

    def admin(self, *arguments):
        command = ["java", *JVM, "-Xmx128m", "-cp", f"{self.rms[0].conf}:{self.jars}/*", ADMIN, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment(), cwd=self.folder, timeout=60)
        if done.returncode != 0:
            raise Failed(f"rmadmin {arguments}: {done.stdout}{done.stderr[-2000:]}")
        return done.stdout

    def make_active(self, rm):
        self.admin("-transitionToActive", rm)

    def make_standby(self, rm):
        self.admin("-transitionToStandby", rm)

    def set_labels(self):
        if not self.labels:
            return
        self.admin("-addToClusterNodeLabels", ",".join(f"{label}(exclusive=true)" for label in self.labels))
        for label, indexes in self.labels.items():
            for index in indexes:
                self.admin("-replaceLabelsOnNode", f"{self.nodes[index].overrides['yarn.nodemanager.address']}={label}")

    def container_processes(self):
        """The processes whose working folder lies below a node manager's: what a killed one leaves behind."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if os.readlink(entry / "cwd").startswith(f"{self.folder}/nm"):
                    found.append(int(entry.name))
        return found

    def stop(self):
        for daemon in self.daemons():
            if daemon.alive():
                daemon.process.send_signal(signal.SIGCONT)
                daemon.process.terminate()
        for daemon in self.daemons():
            daemon.end()
        for pid in self.container_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def cluster(**options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-hadoop-"))
    mini = Cluster(folder, **options)
    try:
        yield mini.start()
    finally:
        try:
            mini.stop()
        finally:
            if os.environ.get("MODELYARD_KEEP"):
                print(f"kept {folder}", flush=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)
