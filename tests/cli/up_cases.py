# SPDX-License-Identifier: Apache-2.0
"""`modelyard up` as a process: its ready line, its end, its refusals, its guard."""
import http.client
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

import models
from support.modelyard import MODELYARD, Up, modelyard, up, wait_until


def refused(*options, folder=None):
    with tempfile.TemporaryDirectory() as own:
        done = modelyard("up", "--data", folder or f"{own}/data", *options, timeout=20)
        assert done.out == "", done
        return done


def request(url, method="GET", path="/api/v1/deployments", body=None, headers=None):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.putrequest(method, path, skip_host="Host" in (headers or {}))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def ready_line_and_a_clean_end_and_the_same_port_again():
    for number in (signal.SIGTERM, signal.SIGINT):
        with up() as server:
            assert request(server.url, path="/healthz")[0] == 200
            wait_until(lambda: request(server.url, path="/readyz")[0] == 200, "readyz")
            assert request(server.url, path="/")[0] == 200, "the console"
            server.process.send_signal(number)
            began = time.monotonic()
            assert server.process.wait(25) == 0, (server.folder / "up.log").read_text()
            assert time.monotonic() - began < 20
            assert server.process.stdout.read() == "", "one line on stdout and no other"
            first = server.url
            server.start()  # the same port, at once
            assert server.url == first


def refuses_to_listen_off_loopback_without_a_token():
    for listen in ("0.0.0.0:0", "[::]:0", ":0"):
        done = refused("--listen", listen)
        assert done.code == 2 and "--token-file" in done.err, done


def judges_the_token_file():
    with tempfile.TemporaryDirectory() as folder:
        token = pathlib.Path(folder) / "token"
        for content, mode, text in (("x" * 32, 0o644, "chmod 600"), ("short", 0o600, "16 characters"), ("", 0o600, "16 characters")):
            token.write_text(content)
            token.chmod(mode)
            done = refused("--listen", "0.0.0.0:0", "--token-file", token)
            assert done.code in (1, 2) and text in done.err, done
        done = refused("--token-file", f"{folder}/absent")
        assert done.code == 3 and "absent" in done.err, done


def a_token_is_asked_for():
    with tempfile.TemporaryDirectory() as folder:
        token = pathlib.Path(folder) / "token"
        token.write_text("0123456789abcdef0123456789abcdef\n")
        token.chmod(0o600)
        with up("--token-file", str(token)) as server:
            assert request(server.url, path="/healthz")[0] == 200
            assert request(server.url)[0] == 401
            assert request(server.url, headers={"Authorization": "Bearer wrong"})[0] == 401
            assert request(server.url, headers={"Authorization": "Bearer " + token.read_text().strip()})[0] == 200
            done = server.run("status")
            assert done.code == 1 and "--token-file" in done.err, done
            assert server.run("status", "--token-file", token).code == 0
            assert server.run("status", environment={"MODELYARD_TOKEN": token.read_text().strip()}).code == 0


def a_page_of_another_site_may_not_call():
    with up() as server:
        host = server.url.removeprefix("http://")
        for headers, status in (({}, 200), ({"Origin": f"http://{host}"}, 200), ({"Origin": "http://evil.example"}, 403),
                                ({"Origin": "null"}, 403), ({"Host": "evil.example"}, 403), ({"Host": f"evil.example:{host.split(':')[1]}"}, 403)):
            got, body = request(server.url, headers=headers)
            assert got == status, (headers, got, body)
            if status == 403:
                assert json.loads(body)["error"]["code"] == "permission_denied", body
        got, body = request(server.url, "POST", "/api/v1/deployments?name=x", b"", {"Origin": "http://evil.example"})
        assert got == 403, body
        assert server.json("status") == []


def a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = refused("--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        assert done.code == 1 and str(taken.getsockname()[1]) in done.err and "--listen" in done.err, done


def two_on_one_folder_is_refused():
    with up() as server:
        done = refused("--listen", "127.0.0.1:0", folder=server.folder / "data")
        assert done.code == 1 and str(server.folder / "data") in done.err, done
        assert server.json("status") == []


def a_folder_that_cannot_be_written_is_named():
    with tempfile.TemporaryDirectory() as own:
        blocked = pathlib.Path(own) / "file"
        blocked.write_text("")
        done = refused("--listen", "127.0.0.1:0", folder=blocked / "data")
        assert done.code == 1 and str(blocked) in done.err, done
    done = refused("--listen", "127.0.0.1:0", folder="/proc/modelyard")
    assert done.code in (1, 3) and "/proc/modelyard" in done.err, done


def a_folder_of_a_newer_format_is_left_alone():
    with up() as server:
        server.stop()
        registry = server.folder / "data" / "registry.db"
        with sqlite3.connect(registry) as database:
            database.execute("pragma user_version = 9999")
        database.close()
        done = refused("--listen", "127.0.0.1:0", folder=server.folder / "data")
        assert done.code == 1 and "newer" in done.err and "registry.db" in done.err, done
        with sqlite3.connect(registry) as database:
            assert database.execute("pragma user_version").fetchone() == (9999,)
            database.execute("pragma user_version = 1")
        database.close()
        os.remove(registry)  # up() ends with a start; let it be a fresh one


def nonsense_is_answered_as_an_error():
    with up() as server:
        rows = [
            ("GET", "/api/v1/deployments?name=../x", None, 400), ("GET", "/nothing", None, 404), ("DELETE", "/api/v1/models", None, 405),
            ("PUT", "/api/v1/deployments/dga/1", b"not json", 400), ("PUT", "/api/v1/deployments/dga/1", b'{"instances":"2"}', 400),
            ("PUT", "/api/v1/deployments/dga/1", b'{"instances":2}', 404), ("PUT", "/api/v1/deployments/dga/1", b'{"instances":-1}', 400),
            ("DELETE", "/api/v1/deployments/dga", None, 404), ("GET", "/api/v1/logs/dga", None, 404),
            ("GET", "/api/v1/logs/dga?tail=x", None, 400), ("GET", "/api/v1/events?limit=0", None, 400),
            ("GET", "/api/v1/documents?alert=maybe", None, 400), ("GET", "/api/v1/documents?limit=x", None, 400),
            ("POST", "/api/v1/documents", b"{", 400), ("POST", "/api/v1/calls", b"{}", 400),
            ("POST", "/api/v1/deployments?name=x", b"this is no tar", 400), ("POST", "/api/v1/deployments?name=x/y", b"", 400),
            ("POST", "/api/v1/deployments", b"", 400), ("GET", "/api/v1/offsets", None, 400),
            ("PUT", "/api/v1/deployments/dga/1", b"x" * (2 << 20), 413), ("GET", "/models/absent/apply", None, 404),
        ]
        for method, path, body, status in rows:
            try:
                got, text = request(server.url, method, path, body)
            except (BrokenPipeError, ConnectionResetError):
                assert status == 413, (method, path)  # it answered and closed before all was sent
                continue
            assert got == status, (method, path, got, text)
            if text:
                error = json.loads(text)["error"]
                assert error["code"] and error["message"], text
        assert server.json("status") == []


def metrics_are_prometheus_text():
    with up() as server:
        status, text = request(server.url, path="/metrics")
        assert status == 200
        samples = [line for line in text.splitlines() if line and not line.startswith("#")]
        for line in samples:
            float(line.rsplit(" ", 1)[1])
        names = {line.split("{")[0].split(" ")[0] for line in samples}
        assert {"modelyard_info", "modelyard_settled", "process_resident_memory_bytes"} <= names, names


def models_are_drained_at_the_end_or_kept():
    for keep in (False, True):
        with tempfile.TemporaryDirectory() as folder, up(*(["--keep-models"] if keep else [])) as server:
            done = server.run("deploy", models.echo(folder + "/m"), "--name", "m", "--wait")
            assert done.code == 0, done
            pid = server.json("status")[0]["instances"][0]["pid"]
            assert server.stop() == 0
            assert pathlib.Path(f"/proc/{pid}").exists() == keep
            server.start()
            wait_until(lambda: server.json("status")[0]["ready"] == 1, "ready again")
            status = server.json("status")[0]
            assert (status["instances"][0]["pid"] == pid) == keep and status["restarts"] == 0, status
            server.run("remove", "m")
            wait_until(lambda: server.json("status") == [], "removed")


def logs_can_be_json():
    with up("--log-format", "json") as server:
        server.stop()
        for line in (server.folder / "up.log").read_text().splitlines():
            assert json.loads(line)["text"], line
        server.start()


CASES = [ready_line_and_a_clean_end_and_the_same_port_again, refuses_to_listen_off_loopback_without_a_token, judges_the_token_file,
         a_token_is_asked_for, a_page_of_another_site_may_not_call, a_taken_port_is_named, two_on_one_folder_is_refused,
         a_folder_that_cannot_be_written_is_named, a_folder_of_a_newer_format_is_left_alone, nonsense_is_answered_as_an_error,
         metrics_are_prometheus_text, models_are_drained_at_the_end_or_kept, logs_can_be_json]
