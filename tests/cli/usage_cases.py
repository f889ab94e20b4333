# SPDX-License-Identifier: Apache-2.0
"""The command line by itself: usage, help, exit codes, what needs no server."""
import json
import os
import pathlib
import subprocess
import tempfile

from support.modelyard import MODELYARD, modelyard

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there

COMMANDS = ["up", "deploy", "scale", "remove", "list", "status", "call", "run", "logs", "events", "watch", "doctor", "stellar",
            "sensor run", "sensor test", "sensor tap", "search", "config check", "functions", "version", "help"]

WRONG = [
    (["frobnicate"], "unknown command"),
    (["delpoy", "x"], "did you mean `modelyard deploy`"),
    (["sensor", "rnu"], "did you mean `modelyard sensor run`"),
    (["sensor"], "one more word"),
    (["status", "--verbos"], "unknown option"),
    (["deploy", "x", "--instnaces", "2"], "did you mean --instances"),
    (["deploy", "x", "--instances", "two"], "whole number"),
    (["deploy", "x", "--memory", "1.5"], "whole number"),
    (["deploy", "x", "--wait=soon"], "whole number"),
    (["deploy"], "missing"),
    (["deploy", "x", "--", "python3"], "two sources"),
    (["deploy", "--"], "no command follows --"),
    (["scale", "dga"], "--instances"),
    (["scale", "--instances", "2"], "missing"),
    (["remove"], "missing"),
    (["logs"], "missing"),
    (["call"], "missing"),
    (["logs", "dga", "--tail", "x"], "whole number"),
    (["list", "a", "b"], "unexpected argument"),
    (["list", "-o", "xml"], "table or json"),
    (["status", "../../etc"], "no model name"),
    (["status", "dga@../1"], "no version"),
    (["status", "--server"], "needs a value"),
    (["status", "--server", "ftp://x"], "--server"),
    (["search", "--limit", "0"], "from 1 to"),
]


def every_command_has_help_with_an_example():
    overview = modelyard("--help")
    assert overview.code == 0, overview
    for command in COMMANDS:
        done = modelyard(*command.split(), "--help")
        assert done.code == 0, done
        assert f"modelyard {command}" in done.out and "Examples:" in done.out, done
        assert f"\n  {command} " in overview.out, f"{command} is not in the overview"


def wrong_usage_is_2_and_says_what_is_wrong():
    for words, text in WRONG:
        done = modelyard(*words, server=NOBODY)
        assert done.code == 2, (words, done)
        assert text in done.err and done.err.startswith("modelyard: "), (words, done)
        assert done.out == "", (words, done)


def a_server_that_is_not_there_is_4_and_says_what_to_do():
    for words in (["list"], ["status"], ["events"], ["logs", "dga"], ["watch"], ["search"], ["remove", "dga"], ["call", "dga", "x=1"],
                  ["scale", "dga@1", "--instances", "2"]):
        done = modelyard(*words, server=NOBODY)
        assert done.code == 4, (words, done)
        assert NOBODY in done.err and "modelyard up" in done.err, (words, done)


def something_that_is_no_modelyard_is_told():
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = modelyard("status", server=f"http://127.0.0.1:{server.server_port}")
        assert done.code == 1 and "is it a modelyard server" in done.err, done
    finally:
        server.shutdown()


def output_to_a_closed_pipe_ends_quietly():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([MODELYARD, "--help"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.stderr == b"", done


def output_to_a_full_disk_is_told():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([MODELYARD, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"No space left" in done.stderr, done


def manual_completion_and_reference_are_made():
    with tempfile.TemporaryDirectory() as folder:
        done = modelyard("help", "--man", folder)
        assert done.code == 0, done
        pages = {page.name for page in pathlib.Path(folder).iterdir()}
        assert {"modelyard.1", "modelyard-deploy.1", "modelyard-sensor-run.1"} <= pages, pages
    completion = modelyard("help", "--completion", "bash").out
    script = completion + '\nCOMP_WORDS=(modelyard dep); COMP_CWORD=1; _modelyard; echo "${COMPREPLY[@]}"'
    script += '\nCOMP_WORDS=(modelyard deploy --inst); COMP_CWORD=2; _modelyard; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["deploy", "--instances"], done
    assert "## modelyard deploy" in modelyard("help", "--markdown").out


def doctor_works_without_a_server():
    with tempfile.TemporaryDirectory() as folder:
        done = modelyard("doctor", "--data", folder, "-o", "json", server=NOBODY)
        assert done.code == 0, done
        found = {finding["check"]: finding for finding in json.loads(done.out)}
        assert found["server"]["state"] == "note" and "modelyard up" in found["server"]["advice"], found
        assert found["runner"]["state"] == "ok", found


def doctor_names_a_data_folder_that_cannot_be_written():
    folder = __file__ + "/data"  # below a file, where not even root may write
    done = modelyard("doctor", "--data", folder, server=NOBODY)
    assert done.code == 1 and "data folder" in done.out and "--data" in done.out, done


CASES = [every_command_has_help_with_an_example, wrong_usage_is_2_and_says_what_is_wrong,
         a_server_that_is_not_there_is_4_and_says_what_to_do, something_that_is_no_modelyard_is_told,
         output_to_a_closed_pipe_ends_quietly, output_to_a_full_disk_is_told, manual_completion_and_reference_are_made,
         doctor_works_without_a_server, doctor_names_a_data_folder_that_cannot_be_written]
