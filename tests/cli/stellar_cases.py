# SPDX-License-Identifier: Apache-2.0
"""`modelyard stellar` and `modelyard functions`: once, in bulk, in a conversation at a terminal."""
import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import tempfile
import time

import models
from model_cases import Folder
from support.modelyard import MODELYARD, modelyard, up


def one_expression():
    for expression, variables, out in (("1 + 1", None, 2), ("TO_UPPER(name)", '{"name":"dga"}', "DGA"), ("[1, 'a', null]", None, [1, "a", None]),
                                       ("MAP_GET('a', m)", '{"m":{"a":{"b":1}}}', {"b": 1}), ("missing", None, None)):
        done = modelyard("stellar", "-e", expression, *(["--vars", variables] if variables else []))
        assert done.code == 0 and json.loads(done.out) == out, done


def what_does_not_work_is_1_with_a_caret():
    for words, text in ((["-e", "1 +"], "^"), (["-e", "NO_SUCH(1)"], "NO_SUCH"), (["-e", "1 / 0"], "1:"), (["-e", "x", "--vars", "{"], "column 2"),
                        (["-e", "TO_UPER(x)", "--check"], "TO_UPPER")):
        done = modelyard("stellar", *words)
        assert done.code == 1 and done.out == "" and text in done.err, done
    for words in (["--batch", "-e", "1"], ["--check"], ["-e"], ["--max-time", "soon"]):
        assert modelyard("stellar", *words).code == 2, words
    assert modelyard("stellar", "-e", "1", "--check").out == "good\n"


def bounds_are_options_and_are_named():
    words = ["stellar", "-e", "LENGTH(MAP(l, x -> x + 1))", "--vars", json.dumps({"l": [1] * 5000})]
    assert modelyard(*words).out == "5000\n"
    done = modelyard(*words, "--max-steps", "1000")
    assert done.code == 1 and "steps" in done.err, done


def a_batch_answers_each_line_in_order():
    lines = [b'{"id":"1","expr":"a + 1","vars":{"a":1}}', b"no json", b"\xff\xfe", b'{"id":"2","expr":"1 +"}', b"", b'{"id":"3","expr":"TO_UPPER(\'x\')"}']
    done = modelyard("stellar", "--batch", stdin=b"\n".join(lines) + b"\n")
    assert done.code == 0, done
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert len(answers) == len(lines), answers
    assert answers[0] == {"id": "1", "value": 2, "type": "Integer"} and answers[5]["value"] == "X", answers
    assert all("error" in answers[i] and "value" not in answers[i] for i in (1, 2, 3)), answers


def models_are_called_from_expressions():
    with up() as server, Folder() as folder:
        assert server.run("deploy", models.server(folder / "m", 'self.send(200, {"is_malicious": arguments["host"]})'), "--wait").code == 0
        expression = "MAP_GET('is_malicious', MAAS_MODEL_APPLY(MAAS_GET_ENDPOINT('m'), {'host': 'a b'}))"
        done = server.run("stellar", "-e", expression)
        assert done.code == 0 and json.loads(done.out) == "a b", done
        done = server.run("stellar", "--batch", stdin=json.dumps({"id": 1, "expr": expression}) + "\n")
        assert json.loads(done.out)["value"] == "a b", done
        assert json.loads(server.run("stellar", "-e", "MAAS_GET_ENDPOINT('absent')").out) is None


def lines_of_a_pipe_are_a_script():
    done = modelyard("stellar", stdin="a := 3\na + 4\n[1,\n2]\n")
    assert done.code == 0 and "7" in done.out and "2" in done.out, done
    done = modelyard("stellar", stdin="1 +)\n2\n")
    assert done.code == 1 and "2" in done.out, done


class Terminal:
    """`modelyard stellar` at a pseudo terminal."""

    def __init__(self, home):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(MODELYARD, [str(MODELYARD), "stellar"], {**os.environ, "HOME": home, "XDG_STATE_HOME": "", "TERM": "xterm", "NO_COLOR": "1"})
        self.expect("stellar> ")

    def expect(self, text, seconds=10):
        got, end = "", time.monotonic() + seconds
        while text not in got:
            if time.monotonic() > end or not select.select([self.fd], [], [], end - time.monotonic())[0]:
                raise AssertionError(f"no {text!r} in {got!r}")
            try:
                got += os.read(self.fd, 4096).decode(errors="replace")
            except OSError:
                raise AssertionError(f"ended without {text!r}: {got!r}") from None
        return got

    def send(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        self.send("\x04")
        while True:
            try:
                if not os.read(self.fd, 4096):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def a_conversation_at_a_terminal():
    with tempfile.TemporaryDirectory() as home:
        terminal = Terminal(home)
        terminal.send("a := 20\n")
        terminal.expect("stellar> ")
        terminal.send("a + 22\n")
        assert "42" in terminal.expect("42")
        terminal.send("TO_UPP\t'done')\n")  # the tab key completes
        terminal.expect('"DONE"')
        terminal.send("1 + (\n")
        terminal.expect("... ")  # not whole yet
        terminal.send("6)\n")
        terminal.expect("7")
        terminal.send("?TO_UPPER\n")
        terminal.expect("TO_UPPER(")
        terminal.send("some junk")
        terminal.send("\x03")  # ^C clears the line and does not end it
        terminal.expect("stellar> ")
        terminal.send("%vars\n")
        terminal.expect("a = 20")
        assert terminal.end() == 0
        history = pathlib.Path(home, ".local/state/modelyard/stellar_history").read_text()
        assert "a\\040+\\04022" in history or "a + 22" in history, history
        again = Terminal(home)
        again.send("\x1b[A\n")  # the last line of before
        again.expect("%vars")
        assert again.end() == 0


def functions_are_listed_and_explained():
    names = {function["name"] for function in json.loads(modelyard("functions", "-o", "json").out)}
    assert {"TO_UPPER", "MAAS_MODEL_APPLY", "URL_TO_HOST", "IN_SUBNET"} <= names, names
    assert "TO_UPPER" in modelyard("functions").out
    assert "TO_UPPER(" in modelyard("functions", "to_upper").out
    assert modelyard("functions", "-o", "markdown").out.startswith("#")
    done = modelyard("functions", "TO_UPER")
    assert done.code == 3 and "TO_UPPER" in done.err, done


def a_configuration_is_checked():
    from support.modelyard import ROOT
    assert modelyard("config", "check", ROOT / "config" / "zookeeper").code == 0
    with Folder() as folder:
        (folder / "parsers").mkdir()
        (folder / "parsers" / "x.json").write_text('{\n  "parserClassName": "org.apache.metron.parsers.GrokParser",\n  "fieldTransformations": [\n'
                                                   '    {"transformation": "STELLAR", "output": ["a"], "config": {"a": "TO_UPPER("}}]\n}')
        done = modelyard("config", "check", folder)
        assert done.code == 1 and "x.json:4:" in done.err and "^" in done.err, done
        found = json.loads(modelyard("config", "check", folder, "-o", "json").out)
        assert found["good"] is False and found["errors"], found
    assert modelyard("config", "check", "/nowhere").code == 3


CASES = [one_expression, what_does_not_work_is_1_with_a_caret, bounds_are_options_and_are_named, a_batch_answers_each_line_in_order,
         models_are_called_from_expressions, lines_of_a_pipe_are_a_script, a_conversation_at_a_terminal, functions_are_listed_and_explained,
         a_configuration_is_checked]
