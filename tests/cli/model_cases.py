# SPDX-License-Identifier: Apache-2.0
"""Models on a real `modelyard up`: deploy, call, scale, roll, remove, look, watch."""
import itertools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import models
from support.modelyard import MODELYARD, up, wait_until


class Folder:
    def __enter__(self):
        self.own = tempfile.TemporaryDirectory(prefix="modelyard-cli-")
        return pathlib.Path(self.own.name)

    def __exit__(self, *_):
        self.own.cleanup()


def status_of(server, name):
    found = server.json("status", name)
    assert len(found) == 1, found
    return found[0]


def answer(server, *words):
    done = server.run("call", *words)
    assert done.code == 0, done
    return json.loads(done.out)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def deploy_call_list_status_logs_events_remove():
    with up() as server, Folder() as folder:
        done = server.run("deploy", models.echo(folder / "my_model"), "--version", "1.0", "--instances", "2", "--wait")
        assert done.code == 0 and "my_model@1.0" in done.out, done
        assert answer(server, "my_model", "host=a b&c=é%", "empty=")["got"] == {"host": "a b&c=é%", "empty": ""}
        assert answer(server, "my_model@1.0", "x=1")["path"] == "/apply"

        listed = server.json("list")
        assert [sorted(model) for model in listed] == [["instances", "name", "version"]], listed
        assert (listed[0]["name"], listed[0]["version"], len(listed[0]["instances"])) == ("my_model", "1.0", 2)
        assert all(sorted(instance) == ["host", "id", "state", "url"] and instance["state"] == "ready" for instance in listed[0]["instances"])
        table = server.run("list").out.splitlines()
        assert table[0] == "Model my_model @ 1.0" and len(table) == 3, table
        assert all(any(instance["url"] in line for line in table[1:]) for instance in listed[0]["instances"]), table

        status = status_of(server, "my_model@1.0")
        assert {"name", "version", "wanted", "ready", "restarts", "state", "error", "instances"} <= set(status), status
        assert (status["wanted"], status["ready"], status["restarts"], status["state"], status["error"]) == (2, 2, 0, "ready", None), status
        assert all({"id", "url", "state", "host", "pid", "since"} <= set(instance) for instance in status["instances"])
        assert all(alive(instance["pid"]) for instance in status["instances"])
        assert "unlimited" in server.run("status", "my_model").out
        assert "my_model" in server.run("status").out

        logs = server.run("logs", "my_model")
        assert logs.code == 0 and "out| listening" in logs.out and "request" in logs.out, logs
        one = status["instances"][0]["id"]
        records = [json.loads(line) for line in server.run("logs", "my_model", "--instance", one, "-o", "json").out.splitlines()]
        assert records and all(record["instance"] == one and sorted(record) == ["instance", "line", "stream"] for record in records)

        kinds = [event["kind"] for event in server.json("events", "my_model")]
        assert kinds[0] == "deployed" and kinds.count("ready") == 2, kinds
        assert server.run("events").code == 0

        pids = [instance["pid"] for instance in status["instances"]]
        done = server.run("remove", "my_model")
        assert done.code == 0, done
        wait_until(lambda: server.json("status") == [] and server.json("list") == [], "removed")
        wait_until(lambda: not any(alive(pid) for pid in pids), "processes gone")
        assert any(event["kind"] == "removed" for event in server.json("events", "my_model"))


def unknown_names_are_3():
    with up() as server, Folder() as folder:
        assert server.run("deploy", models.echo(folder / "m"), "--version", "1", "--wait").code == 0
        for words in (["call", "absent", "x=1"], ["call", "m@9", "x=1"], ["logs", "absent"], ["logs", "m@9"], ["remove", "absent"],
                      ["remove", "m@9"], ["scale", "absent", "--instances", "2"], ["scale", "m@9", "--instances", "2"], ["status", "absent"],
                      ["logs", "m", "--instance", "m-1-000000"]):
            done = server.run(*words)
            assert done.code == 3 and done.out == "" and words[1].split("@")[0] in done.err, (words, done)
        assert server.json("list", "absent") == []


def the_same_again_sets_the_wanted_number():
    with up() as server, Folder() as folder:
        source = models.echo(folder / "m")
        assert server.run("deploy", source, "--wait").code == 0
        before = status_of(server, "m@1")
        done = server.run("deploy", source, "--wait")
        assert done.code == 0 and "unchanged" in done.out, done
        assert json.loads(server.run("deploy", source, "--instances", "3", "--wait", "-o", "json").out)["changed"] is True
        after = status_of(server, "m@1")
        assert after["ready"] == 3 and after["revision"] == before["revision"] == 1, after
        assert before["instances"][0]["pid"] in [instance["pid"] for instance in after["instances"]]
        assert server.run("scale", "m", "--version", "1", "--instances", "1").code == 0
        wait_until(lambda: len(status_of(server, "m")["instances"]) == 1 and status_of(server, "m")["ready"] == 1, "scaled down")
        assert server.run("scale", "m@1", "--instances", "2").code == 0
        wait_until(lambda: status_of(server, "m")["ready"] == 2, "scaled up")
        assert server.run("remove", "m@1", "--instances", "1").code == 0
        wait_until(lambda: status_of(server, "m")["wanted"] == 1 and status_of(server, "m")["ready"] == 1, "one fewer")


def versions_are_ordered_as_versions_and_removed_together():
    with up() as server, Folder() as folder:
        for version in ("9.0", "10.0"):
            assert server.run("deploy", models.echo(folder / "m", revision=version), "--version", version, "--wait").code == 0
        assert answer(server, "m", "x=1")["revision"] == "10.0"
        assert answer(server, "m@9.0", "x=1")["revision"] == "9.0"
        assert [model["version"] for model in server.json("list")] == ["9.0", "10.0"]
        done = server.run("scale", "m", "--instances", "2")
        assert done.code == 2 and "10.0" in done.err, done
        assert server.run("remove", "m").code == 0
        wait_until(lambda: server.json("status") == [], "both removed")


def a_changed_payload_is_rolled_without_a_gap():
    with up() as server, Folder() as folder:
        source = models.echo(folder / "m", revision="old")
        assert server.run("deploy", source, "--instances", "2", "--wait").code == 0
        caller = subprocess.Popen([MODELYARD, "watch", "--server", server.url], stdout=subprocess.PIPE, text=True)
        models.echo(source, revision="new")
        done = server.run("deploy", source, "--instances", "2", "--wait")
        assert done.code == 0, done
        assert answer(server, "m", "x=1")["revision"] == "new"
        wait_until(lambda: {instance["revision"] for instance in status_of(server, "m")["instances"]} == {2}, "all on revision 2")
        status = status_of(server, "m")
        assert status["state"] == "ready" and [revision["number"] for revision in status["revisions"]] == [1, 2], status
        assert all(revision["digest"].startswith("sha256:") and revision["by"] for revision in status["revisions"]), status
        caller.send_signal(signal.SIGINT)
        changes = [json.loads(line) for line in caller.communicate(timeout=10)[0].splitlines()]
        assert caller.returncode == 0
        serving = 2
        for _, together in itertools.groupby(changes, key=lambda change: change["at"]):  # one new snapshot
            serving += sum({"added": 1, "removed": -1}.get(change["kind"], 0) for change in together)
            assert serving >= 2, changes


def a_broken_update_keeps_the_old():
    with up() as server, Folder() as folder:
        source = models.echo(folder / "m", revision="old")
        assert server.run("deploy", source, "--wait").code == 0
        pid = status_of(server, "m")["instances"][0]["pid"]
        (source / "model.py").unlink()
        done = server.run("deploy", models.exits(source), "--wait=30")
        assert done.code == 1 and "cannot find the weights" in done.err and "update-failed" in done.err, done
        status = status_of(server, "m")
        assert status["state"] == "update-failed" and "cannot find the weights" in status["error"], status
        assert [instance["pid"] for instance in status["instances"] if instance["state"] == "ready"] == [pid], status
        assert answer(server, "m", "x=1")["revision"] == "old"
        done = server.run("deploy", models.echo(source, revision="newer"), "--wait")
        assert done.code == 0 and answer(server, "m", "x=1")["revision"] == "newer", done


def aliases_come_first_then_paths():
    with up() as server, Folder() as folder:
        source = models.server(folder / "m", models.ECHO, functions={"apply": "v1/apply", "explain": "v1/why"})
        assert server.run("deploy", source, "--wait").code == 0
        assert answer(server, "m", "x=1")["path"] == "/v1/apply"
        assert answer(server, "m", "explain", "x=1")["path"] == "/v1/why"
        assert answer(server, "m", "/other/path", "x=1")["path"] == "/other/path"
        assert answer(server, "m")["got"] == {}


def environment_reaches_the_model_and_nothing_else_does():
    with up() as server, Folder() as folder:
        source = models.server(folder / "m", 'self.send(200, dict(os.environ))')
        done = server.run("deploy", source, "--env", "COLOUR=deep blue", "--env", "EMPTY=", "--wait",
                          environment={"SECRET": "1", "LANG": "C.UTF-8", "https_proxy": "http://p:1", "LC_TIME": "C"})
        assert done.code == 0, done
        got = answer(server, "m")
        assert (got["COLOUR"], got["EMPTY"], got["LANG"], got["https_proxy"], got["LC_TIME"]) == ("deep blue", "", "C.UTF-8", "http://p:1", "C"), got
        assert got["PATH"] == os.environ["PATH"] and "SECRET" not in got, got
        done = server.run("deploy", source, "--env", "novalue")
        assert done.code == 2 and "K=V" in done.err, done


def a_python_function_and_a_command_are_sources():
    with up() as server, Folder() as folder:
        (folder / "app.py").write_text("def score(host: str, n: int = 1) -> dict:\n    return {'host': host, 'twice': n * 2}\n")
        done = server.run("deploy", f"{folder}/app.py:score", "--wait")
        assert done.code == 0, done
        assert answer(server, "app", "host=x", "n=21") == {"host": "x", "twice": 42}
        (folder / "serve.py").write_text(
            "import http.server, os\n"
            "class H(http.server.BaseHTTPRequestHandler):\n"
            "    def do_GET(self):\n"
            "        self.send_response(200); self.end_headers(); self.wfile.write(b'{\"ok\":true}')\n"
            "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()\n")
        done = server.run("deploy", "--name", "cmd", "--wait", "--", "python3", folder / "serve.py")
        assert done.code == 0, done
        assert answer(server, "cmd", "x=1") == {"ok": True}


def watch_prints_each_change_flushed_and_ends_with_0():
    with up() as server, Folder() as folder:
        watch = subprocess.Popen([MODELYARD, "watch", "--server", server.url], stdout=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: watched(server) == 1, "watching")
            assert server.run("deploy", models.echo(folder / "m"), "--version", "2", "--wait").code == 0
            added = json.loads(watch.stdout.readline())
            assert sorted(added) == ["at", "id", "kind", "name", "url", "version"], added
            assert (added["kind"], added["name"], added["version"]) == ("added", "m", "2"), added
            server.kill()
            server.start()  # the watcher waits for it; nothing changed, nothing is printed
            wait_until(lambda: watched(server) == 1, "watching again")
            assert server.run("remove", "m").code == 0
            removed = json.loads(watch.stdout.readline())
            assert (removed["kind"], removed["id"]) == ("removed", added["id"]), removed
        finally:
            watch.send_signal(signal.SIGINT)
            assert watch.wait(10) == 0


def watched(server):
    """How many connections other than this question's the server has."""
    import urllib.request
    with urllib.request.urlopen(server.url + "/metrics", timeout=10) as response:
        for line in response.read().decode().splitlines():
            if line.startswith("modelyard_watchers "):
                return int(float(line.split()[1]))
    return 0


def logs_follow_prints_lines_as_they_come():
    with up() as server, Folder() as folder:
        assert server.run("deploy", models.echo(folder / "m"), "--wait").code == 0
        follow = subprocess.Popen([MODELYARD, "logs", "m", "--follow", "--server", server.url], stdout=subprocess.PIPE, text=True)
        try:
            assert "listening" in follow.stdout.readline()
            answer(server, "m", "word=unmistakable")
            assert "unmistakable" in follow.stdout.readline()
        finally:
            follow.send_signal(signal.SIGINT)
            assert follow.wait(10) == 0


def a_payload_deployed_while_another_is_removed_stays():
    with up() as server, Folder() as folder:
        for i in range(8):  # a removal clears old payloads away; what was stored meanwhile is none of them
            assert server.run("deploy", models.echo(folder / f"m{i}", revision=str(i)), "--wait=30").code == 0, i
            assert server.run("remove", f"m{i}").code == 0
        assert server.run("deploy", models.echo(folder / "last", revision="8"), "--wait=30").code == 0


def run_tries_a_model_without_a_server():
    with Folder() as folder:
        from support.modelyard import modelyard
        done = modelyard("run", models.echo(folder / "good"), "host=x", timeout=60)
        assert done.code == 0 and '"host"' in done.out, done
        for name, make, text in (("exits", models.exits, "weights"), ("none", lambda f: models.write(f, {"readme": "x"}), ".sh")):
            done = modelyard("run", make(folder / name), timeout=60)
            assert done.code == 1 and text in done.out + done.err, done


CASES = [deploy_call_list_status_logs_events_remove, unknown_names_are_3, the_same_again_sets_the_wanted_number,
         versions_are_ordered_as_versions_and_removed_together, a_changed_payload_is_rolled_without_a_gap, a_broken_update_keeps_the_old,
         aliases_come_first_then_paths, environment_reaches_the_model_and_nothing_else_does, a_python_function_and_a_command_are_sources,
         watch_prints_each_change_flushed_and_ends_with_0, logs_follow_prints_lines_as_they_come,
         a_payload_deployed_while_another_is_removed_stays, run_tries_a_model_without_a_server]
