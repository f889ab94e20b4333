# SPDX-License-Identifier: Apache-2.0
"""What is killed comes back, what lives is left alone, nothing is left behind."""
import json
import os
import signal
import time

import models
from model_cases import Folder, alive, answer, status_of
from support.modelyard import up, wait_until


def a_killed_model_is_replaced_and_its_children_are_gone():
    with up() as server, Folder() as folder:
        assert server.run("deploy", models.with_child(folder / "m"), "--wait").code == 0
        first = answer(server, "m")
        assert alive(first["child"])
        os.kill(first["pid"], signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: not alive(first["child"]), "children gone", 2)

        def another():
            done = server.run("call", "m")
            return done.code == 0 and json.loads(done.out)["pid"] != first["pid"]

        wait_until(another, "another answers", 5 - (time.monotonic() - killed))
        assert status_of(server, "m")["restarts"] == 1
        kinds = [event["kind"] for event in server.json("events", "m")]
        assert "failed" in kinds and "restarted" in kinds, kinds


def a_killed_server_adopts_what_lives():
    with up() as server, Folder() as folder:
        assert server.run("deploy", models.echo(folder / "m"), "--instances", "3", "--wait").code == 0
        before = {instance["id"]: instance["pid"] for instance in status_of(server, "m")["instances"]}
        for _ in range(2):
            server.kill()
            assert all(alive(pid) for pid in before.values())
            server.start()
            wait_until(lambda: status_of(server, "m")["ready"] == 3, "ready again")
            status = status_of(server, "m")
            assert {instance["id"]: instance["pid"] for instance in status["instances"]} == before, status
            assert status["restarts"] == 0 and len(server.json("list")[0]["instances"]) == 3


def what_died_while_the_server_was_dead_is_replaced():
    with up() as server, Folder() as folder:
        assert server.run("deploy", models.echo(folder / "m"), "--instances", "2", "--wait").code == 0
        instances = status_of(server, "m")["instances"]
        server.kill()
        os.kill(instances[0]["pid"], signal.SIGKILL)
        wait_until(lambda: not alive(instances[0]["pid"]), "dead")
        server.start()

        def replaced():
            pids = [instance["pid"] for instance in status_of(server, "m")["instances"] if instance["state"] == "ready"]
            return len(pids) == 2 and instances[0]["pid"] not in pids and instances[1]["pid"] in pids

        wait_until(replaced, "replaced")


def a_killed_runner_takes_its_model_with_it():
    with up() as server, Folder() as folder:
        assert server.run("deploy", models.with_child(folder / "m"), "--wait").code == 0
        first = answer(server, "m")
        runner = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_runner_of(pid, status_of(server, "m")["instances"][0]["id"])]
        assert runner, "no runner found"
        os.kill(runner[0], signal.SIGKILL)
        wait_until(lambda: not alive(first["pid"]) and not alive(first["child"]), "model tree gone", 2)
        wait_until(lambda: status_of(server, "m")["ready"] == 1, "replaced", 5)


def is_runner_of(pid, instance):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode(errors="replace").split("\0")
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            parent = int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return False
    if "modelyard-runner" not in words[0] or not any(instance in word for word in words):
        return False
    try:  # the topmost of them: its parent is no runner
        with open(f"/proc/{parent}/cmdline", "rb") as file:
            return b"modelyard-runner" not in file.read().split(b"\0")[0]
    except OSError:
        return True


def a_crash_loop_is_shown_with_the_last_log_lines():
    with up() as server, Folder() as folder:
        done = server.run("deploy", models.exits(folder / "m"), "--wait=30")
        assert done.code == 1 and "crash-loop" in done.err and "cannot find the weights" in done.err, done
        status = status_of(server, "m")
        assert status["state"] == "crash-loop" and "cannot find the weights" in status["error"], status
        assert server.run("logs", "m", "--previous").out.count("cannot find the weights") >= 1
        assert server.run("doctor").code == 1
        assert server.run("remove", "m").code == 0
        wait_until(lambda: server.json("status") == [], "removed")


CASES = [a_killed_model_is_replaced_and_its_children_are_gone, a_killed_server_adopts_what_lives,
         what_died_while_the_server_was_dead_is_replaced, a_killed_runner_takes_its_model_with_it,
         a_crash_loop_is_shown_with_the_last_log_lines]
