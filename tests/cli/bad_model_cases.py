# SPDX-License-Identifier: Apache-2.0
"""What bad payloads and bad models get: a message that names the thing, and nothing lost."""
import io
import json
import tarfile
import urllib.error
import urllib.request

import models
from model_cases import Folder, answer, status_of
from support.modelyard import up, wait_until

# Refused before anything starts: nothing is recorded.
REFUSED = [
    ("no_sh", lambda f: models.write(f, {"model.py": ""}), [".sh"]),
    ("empty_folder", lambda f: models.write(f, {}), [".sh"]),
    ("two_sh", lambda f: models.write(f, {"a.sh": "", "b.sh": ""}), ["a.sh", "b.sh"]),
    ("absent", lambda f: f, ["absent"]),
    ("link_out", lambda f: link_out(f), ["secret"]),
]

# Started, but never ready: exit 1 with the cause, recorded until removed.
NEVER_READY = [
    ("exits", models.exits, ["cannot find the weights"]),
    ("silent", models.silent, ["endpoint.dat"]),
    ("malformed", lambda f: models.endpoint(f, '{"url":'), ["endpoint.dat"]),
    ("no_object", lambda f: models.endpoint(f, '["http://127.0.0.1:1"]'), ["endpoint.dat"]),
    ("no_url", lambda f: models.endpoint(f, '{"functions":{"apply":"apply"}}'), ["endpoint.dat", "url"]),
    ("no_answer", lambda f: models.endpoint(f, '{"url":"http://127.0.0.1:1"}'), ["127.0.0.1:1"]),
    ("not_executable_text", lambda f: models.write(f, {"start.sh": "\x7fELF nonsense"}), ["start.sh"]),
]


def link_out(folder):
    models.echo(folder)
    (folder / "secret").symlink_to("/etc/passwd")
    return folder


def a_bad_payload_is_refused_and_not_recorded():
    with up() as server, Folder() as folder:
        for name, make, texts in REFUSED:
            done = server.run("deploy", make(folder / name), "--name", "m", "--wait=20")
            assert done.code in (1, 3) and (name == "absent" or done.code == 1), (name, done)
            for text in texts:
                assert text in done.err, (name, done)
            assert server.json("status") == [], name


def a_model_that_does_not_come_up_is_1_with_the_cause():
    with up() as server, Folder() as folder:
        for name, make, texts in NEVER_READY:
            done = server.run("deploy", make(folder / name), "--name", name, "--wait=4")
            assert done.code == 1, (name, done)
            for text in texts:
                assert text in done.err, (name, done)
            assert status_of(server, name)["ready"] == 0
            assert server.run("remove", name).code == 0


def odd_names_are_refused():
    with up() as server, Folder() as folder:
        source = models.echo(folder / "m")
        for name in ("..", "a/b", "../../x", "a b", "", "-x", "x" * 200, "a\nb", "é"):
            done = server.run("deploy", source, f"--name={name}")
            assert done.code == 2 and "name" in done.err, (name, done)
            done = server.run("deploy", source, f"--version={name}")
            assert done.code == 2 and "version" in done.err, (name, done)
        assert server.json("status") == []


def a_tar_that_leaves_its_folder_is_refused():
    with up() as server:
        for name, kind, target in (("../evil", tarfile.REGTYPE, ""), ("/tmp/evil", tarfile.REGTYPE, ""), ("link", tarfile.SYMTYPE, "/etc/passwd"),
                                   ("hard", tarfile.LNKTYPE, "../../x"), ("device", tarfile.CHRTYPE, ""), ("pipe", tarfile.FIFOTYPE, "")):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as tar:
                info = tarfile.TarInfo("start.sh")
                tar.addfile(info, io.BytesIO())
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, target
                tar.addfile(info)
            request = urllib.request.Request(server.url + "/api/v1/deployments?name=evil&version=1", buffer.getvalue(), method="POST")
            try:
                urllib.request.urlopen(request, timeout=10)
                raise AssertionError(f"{name} was taken")
            except urllib.error.HTTPError as error:
                assert error.code == 400, (name, error.code)
                assert name.split("/")[-1] in json.loads(error.read())["error"]["message"], name
        assert server.json("status") == []


def a_stale_endpoint_file_is_not_deployed():
    with up() as server, Folder() as folder:
        source = models.echo(folder / "m")
        (source / "endpoint.dat").write_text('{"url":"http://127.0.0.1:1"}')
        assert server.run("deploy", source, "--wait").code == 0
        assert answer(server, "m", "x=1")["got"] == {"x": "1"}
        assert (source / "endpoint.dat").exists()


def unknown_keys_and_half_written_files_are_tolerated():
    with up() as server, Folder() as folder:
        before = ('open("endpoint.dat", "w").write(\'{"url":"http://127\')\n'
                  'time.sleep(0.2)')
        source = models.server(folder / "m", before=before)
        text = (source / "model.py").read_text().replace('"functions":', '"colour": "blue", "functions":')
        (source / "model.py").write_text(text)
        assert server.run("deploy", source, "--wait").code == 0
        assert answer(server, "m", "x=1")["got"] == {"x": "1"}


def a_failing_call_is_1_with_the_cause():
    answers = {
        "status500": 'self.send(500, {"oops": 1})',
        "rubbish": 'self.send(200, b"<html>")',
        "hangs": 'time.sleep(60)',
        "closes": 'self.connection.shutdown(2)',
    }
    with up() as server, Folder() as folder:
        for name, code in answers.items():
            assert server.run("deploy", models.server(folder / name, code), "--wait").code == 0
            done = server.run("call", name, "x=1")
            assert done.code == 1 and done.out == "" and name in done.err, (name, done)
            status = gateway_status(f"{server.url}/models/{name}/apply?x=1")
            assert status == GATEWAY_STATUS[name], (name, status)


# The gateway passes what a model answers; it judges no content.
GATEWAY_STATUS = {"status500": 502, "rubbish": 200, "hangs": 504, "closes": 502}


def gateway_status(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def an_address_that_is_not_http_is_registered_and_call_says_why():
    before = 'import socket\nsock = socket.socket(); sock.bind(("127.0.0.1", 0)); sock.listen()'
    with up() as server, Folder() as folder:
        source = models.server(folder / "m", before=before)
        text = (source / "model.py").read_text().replace("http://127.0.0.1:{server.server_port}", "tcp://127.0.0.1:{sock.getsockname()[1]}")
        (source / "model.py").write_text(text)
        done = server.run("deploy", source, "--wait")
        assert done.code == 0, done
        assert server.json("list")[0]["instances"][0]["url"].startswith("tcp://")
        done = server.run("call", "m", "x=1")
        assert done.code == 1 and "tcp" in done.err, done


def memory_over_the_limit_is_named():
    before = 'print("eating", flush=True)\nhog = []\nfor _ in range(60): hog.append(bytearray(16 << 20)); time.sleep(0.01)'
    with up() as server, Folder() as folder:
        done = server.run("deploy", models.server(folder / "m", before=before), "--memory", "100", "--wait=30")
        assert done.code == 1 and "memory" in done.err, done
        assert "memory" in status_of(server, "m")["error"]


def much_output_does_not_block_a_model():
    before = 'for i in range(20000): print("line", i, "x" * 100)'
    with up() as server, Folder() as folder:
        assert server.run("deploy", models.server(folder / "m", before=before), "--wait").code == 0
        assert answer(server, "m", "x=1")["got"] == {"x": "1"}
        lines = server.run("logs", "m", "--tail", "50").out.splitlines()
        assert len(lines) == 50, len(lines)


def a_model_that_ignores_term_is_killed():
    before = 'import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)'
    with up() as server, Folder() as folder:
        assert server.run("deploy", models.server(folder / "m", before=before), "--wait").code == 0
        pid = answer(server, "m")["pid"]
        assert server.run("remove", "m").code == 0
        from model_cases import alive
        wait_until(lambda: not alive(pid) and server.json("status") == [], "gone", 20)


CASES = [a_bad_payload_is_refused_and_not_recorded, a_model_that_does_not_come_up_is_1_with_the_cause, odd_names_are_refused,
         a_tar_that_leaves_its_folder_is_refused, a_stale_endpoint_file_is_not_deployed, unknown_keys_and_half_written_files_are_tolerated,
         a_failing_call_is_1_with_the_cause, an_address_that_is_not_http_is_registered_and_call_says_why, memory_over_the_limit_is_named,
         much_output_does_not_block_a_model, a_model_that_ignores_term_is_killed]
