#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients of the reference's kind (Curator 2.7.1, strict binding) and Modelyard share one ZooKeeper: each reads and does what the
other writes. Servers 3.4.14 and 3.9."""
import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))

import models  # noqa: E402
from support import curator  # noqa: E402
from support.modelyard import MODELYARD, modelyard, run_cases, wait_until  # noqa: E402
from support.zookeeper import ZooKeeper  # noqa: E402

# As the reference's master registers an endpoint.
NODE = ('{"name":"dga","id":"container_9_9","address":"node1","port":50959,"sslPort":null,"payload":{"@class":'
        '"org.apache.metron.maas.config.ModelEndpoint","endpoint":{"url":"http://node1:50959","functions":{"apply":"apply"}},'
        '"name":"dga","version":"2.0","containerId":"container_9_9"},"registrationTimeUTC":1795394649215,"serviceType":"STATIC",'
        '"uriSpec":null}')
PLACE = "/maas/service/dga/container_9_9"


def every_version(case):
    def on(version):
        def run():
            with ZooKeeper(version) as zk:
                case(zk, curator.Program(zk.quorum))
        run.__name__ = f"{case.__name__}_{version.replace('.', '_')}"
        return run
    return [on("3.4"), on("3.9")]


def they_read_the_form_and_bind_it_strictly(_zk, theirs):
    theirs.put(PLACE, NODE)
    assert theirs.read() == [{"service": "dga", "id": "container_9_9", "address": "node1", "port": 50959, "type": "STATIC", "name": "dga",
                              "version": "2.0", "containerId": "container_9_9", "url": "http://node1:50959",
                              "functions": {"apply": "apply"}}]
    dynamic = json.loads(NODE)
    dynamic["serviceType"] = "DYNAMIC"
    del dynamic["sslPort"], dynamic["uriSpec"], dynamic["payload"]["endpoint"]["functions"]
    theirs.put(PLACE, json.dumps(dynamic))
    assert theirs.read()[0]["functions"] == {"apply": "apply"}
    for where in ("instance", "payload"):
        extra = json.loads(NODE)
        (extra if where == "instance" else extra["payload"])["weight"] = 1
        theirs.put(PLACE, json.dumps(extra))
        try:
            theirs.read()
        except curator.Failed as failed:
            assert "UnrecognizedProperty" in str(failed), failed
        else:
            raise AssertionError(f"an extra field in the {where} was not refused: the binding is not theirs")


def their_queue_is_first_in_first_out(_zk, theirs):
    request = '{"name":"dga","version":"1.0","numInstances":1,"memory":512,"action":"ADD","path":"/user/metron/models"}'
    assert theirs.offer(request, "null", '{"name":"dga"}') == [True, True, True]
    assert theirs.items() == {"qn-0000000000": request, "qn-0000000001": "null", "qn-0000000002": '{"name":"dga"}'}
    assert theirs.take() == request
    assert list(theirs.items()) == ["qn-0000000001", "qn-0000000002"]


def listed(zk):
    done = modelyard("list", "--zk", zk.quorum, "-o", "json")
    assert done.code == 0, done
    return {(model["name"], model["version"]): sorted(instance["id"] for instance in model["instances"]) for model in json.loads(done.out)}


def ours_reads_theirs(zk, theirs):
    theirs.register_static("dga", "9.0", "c1", "http://node1:1", {"apply": "score", "info": "about"})
    theirs.put("/maas/service/dga/odd", "rubbish")
    with theirs.registered("dga", "10.0", "c2", "http://node2:2"):
        assert theirs.get("/maas/service/dga/c2")["ephemeral"]
        assert listed(zk) == {("dga", "9.0"): ["c1"], ("dga", "10.0"): ["c2"]}
    wait_until(lambda: listed(zk) == {("dga", "9.0"): ["c1"]}, "the ephemeral one went with its session")
    assert theirs.unregister("dga", "c1")
    assert listed(zk) == {}


@contextlib.contextmanager
def controller(quorum):
    """`modelyard controller` that starts instances as processes of this machine."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-controller-"))
    with open(folder / "log", "w+", encoding="utf-8") as log:
        process = subprocess.Popen([str(MODELYARD), "controller", "--zk", quorum, "--launcher", "local", "--data", str(folder / "data"),
                                    "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            line = process.stdout.readline()
            log.seek(0)
            assert line.startswith("ready "), f"{line!r}: {log.read()[-3000:]}"
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def payload():
    """A model's folder that a request's path can name."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-payload-"))
    try:
        yield f"file://{models.echo(folder / 'echo')}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def their_requests_are_carried_out_and_they_read_ours(zk, theirs):
    with payload() as path, controller(zk.quorum):
        add = {"name": "dga", "version": "1.0", "numInstances": 2, "memory": 0, "action": "ADD", "path": path}
        theirs.offer("null", "junk " + uuid.uuid4().hex, add)
        found = wait_until(lambda: len(theirs.read()) == 2 and theirs.read(), "both instances are registered", 60)
        for endpoint in found:
            assert endpoint["type"] == "DYNAMIC" and (endpoint["name"], endpoint["version"]) == ("dga", "1.0"), endpoint
            assert endpoint["id"] == endpoint["containerId"] and endpoint["functions"] == {"apply": "apply"}, endpoint
            node = theirs.get(f"/maas/service/dga/{endpoint['id']}")
            assert node["ephemeral"] and list(json.loads(node["data"])) == list(json.loads(NODE)), node
        wait_until(lambda: theirs.items() == {}, "nothing of the queue is left: the junk is set aside")
        theirs.offer({**add, "numInstances": 1})
        wait_until(lambda: len(theirs.read()) == 3, "a second ADD adds", 60)
        theirs.offer({**add, "action": "REMOVE", "numInstances": 3, "path": None})
        wait_until(lambda: theirs.read() == [], "REMOVE removes that many", 60)


CASES = [run for case in (they_read_the_form_and_bind_it_strictly, their_queue_is_first_in_first_out, ours_reads_theirs,
                          their_requests_are_carried_out_and_they_read_ours) for run in every_version(case)]

if __name__ == "__main__":
    wanted = sys.argv[1:]
    sys.exit(run_cases([case for case in CASES if not wanted or case.__name__ in wanted]))
