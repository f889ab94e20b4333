# SPDX-License-Identifier: Apache-2.0
"""The stream as its users run it: real processes, a real model, a real store; bad lines, bad models, kills at any moment."""
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.modelyard import MODELYARD, ROOT, modelyard, run_cases, up, wait_until  # noqa: E402

CONFIG = ROOT / "config" / "zookeeper"
HERE = pathlib.Path(__file__).resolve().parent


def line(host, at=1461576382.642, path="/"):
    return f"{at:.3f}    161 127.0.0.1 TCP_MISS/200 103701 GET http://{host}{path} - DIRECT/199.27.79.73 text/html\n"


class Folder:
    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="modelyard-stream-"))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def deploy_model(server):
    with Folder() as folder:
        shutil.copy(HERE / "model.py", folder)
        (folder / "start.sh").write_text("#!/bin/sh\nexec /usr/bin/python3 model.py\n")
        done = server.run("deploy", folder, "--name", "dga", "--version", "1.0", "--wait")
        assert done.code == 0, done


def sensor_run(server, source, *options, sink="store", **more):
    return server.run("sensor", "run", "squid", "--config", CONFIG, "--source", source, "--sink", sink, "--once", *options, **more)


def stored(server, *query, limit=100000):
    return server.json("search", *query, "--limit", str(limit))


def documents_of(done):
    return [json.loads(text) for text in done.out.splitlines()]


def the_walk_through():
    with up() as server, Folder() as folder:
        deploy_model(server)
        log = folder / "access.log"
        log.write_text(line("yahoo.com") + line("www.badguy.com"))
        done = sensor_run(server, f"file:{log}")
        assert done.code == 0, done
        documents = stored(server, "--sensor", "squid")
        by_host = {d["domain_without_subdomains"]: d for d in documents}
        assert set(by_host) == {"yahoo.com", "badguy.com"}, documents
        legit, malicious = by_host["yahoo.com"], by_host["badguy.com"]
        assert legit["is_malicious"] == "legit" and "is_alert" not in legit, legit
        assert malicious["is_malicious"] == "malicious" and malicious["is_alert"] == "true", malicious
        assert malicious["threat:triage:level"] == 100 and malicious["threat:triage:score"] == 100, malicious
        assert malicious["source:type"] == "squid" and malicious["timestamp"] == 1461576382642, malicious
        assert malicious["full_hostname"] == "www.badguy.com" and malicious["original_string"] == line("www.badguy.com").rstrip("\n")


def a_file_again_adds_nothing_and_a_grown_one_only_the_new_lines():
    with up() as server, Folder() as folder:
        log = folder / "access.log"
        log.write_text("".join(line(f"h{i}.com") for i in range(50)))
        for _ in range(2):
            assert sensor_run(server, f"file:{log}").code == 0
            assert len(stored(server)) == 50
        with open(log, "a") as more:
            more.write("".join(line(f"n{i}.com") for i in range(7)))
        assert sensor_run(server, f"file:{log}").code == 0
        documents = stored(server)
        assert len(documents) == 57 and len({d["guid"] for d in documents}) == 57


def a_rotated_file_is_read_from_its_start():
    with up() as server, Folder() as folder:
        log = folder / "access.log"
        log.write_text("".join(line(f"h{i}.com") for i in range(5)))
        assert sensor_run(server, f"file:{log}").code == 0
        log.rename(folder / "access.log.1")
        log.write_text("".join(line(f"r{i}.com") for i in range(3)))
        done = sensor_run(server, f"file:{log}")
        assert done.code == 0, done
        assert len(stored(server)) == 8


def bad_lines_become_error_documents_and_the_good_ones_pass():
    with up() as server, Folder() as folder:
        log = folder / "access.log"
        long_line = b"x" * (10 << 20) + b"\n"
        log.write_bytes(line("a.com").encode() + b"\n" + b"\xff\xfe not utf-8\n" + long_line + b"no squid line\n" + line("b.com").encode())
        done = sensor_run(server, f"file:{log}")
        assert done.code == 0, done
        assert "4" in done.err, f"the summary counts the broken lines: {done.err}"
        good = stored(server, "--sensor", "squid")
        bad = stored(server, "--sensor", "error")
        assert {d["full_hostname"] for d in good} == {"a.com", "b.com"}, good
        assert len(bad) == 4, [d.get("message", "")[:100] for d in bad]
        for document in bad:
            assert document["error_type"] == "parser_error" and document["failed_sensor_type"] == "squid", document
            assert "raw_message" in document and document["source:type"] == "error", document
        assert any(d["raw_message"] == "no squid line" for d in bad)


def two_hundred_lines_through_a_model_that_takes_100_ms():
    """One thread, under a second, order kept: evaluations wait side by side. The best of three, the machine being shared."""
    with up() as server, Folder() as folder:
        deploy_model(server)
        log = folder / "access.log"
        log.write_text("".join(line("takes100.com", path=f"/{i}") for i in range(200)))
        times = []
        for _ in range(3):
            began = time.monotonic()
            done = sensor_run(server, f"file:{log}", sink="stdout")
            times.append(time.monotonic() - began)
            assert done.code == 0, done
            documents = documents_of(done)
            assert [d["url"].rsplit("/", 1)[1] for d in documents] == [str(i) for i in range(200)], "order is kept"
            assert all(d["is_malicious"] == "malicious" for d in documents)
            if times[-1] < 1:
                return
        raise AssertionError(f"took {times} s")


def two_hundred_different_hosts_wait_side_by_side_too():
    """No two calls are the same, so nothing is saved by asking once."""
    with up() as server, Folder() as folder:
        deploy_model(server)
        log = folder / "access.log"
        log.write_text("".join(line(f"takes100.h{i}.com") for i in range(200)))
        config = folder / "config"
        shutil.copytree(CONFIG, config)
        parser = config / "parsers" / "squid.json"
        parser.write_text(parser.read_text().replace("'host' : domain_without_subdomains", "'host' : full_hostname"))
        times = []
        for _ in range(3):
            began = time.monotonic()
            done = server.run("sensor", "run", "squid", "--config", config, "--source", f"file:{log}", "--sink", "stdout", "--once")
            times.append(time.monotonic() - began)
            assert done.code == 0, done
            assert [d["full_hostname"] for d in documents_of(done)] == [f"takes100.h{i}.com" for i in range(200)]
            assert all("is_malicious" in d for d in documents_of(done))
            if times[-1] < 1:
                return
        raise AssertionError(f"took {times} s")


def a_model_that_misbehaves_costs_its_answer_not_the_stream():
    with up() as server, Folder() as folder:
        deploy_model(server)
        log = folder / "access.log"
        hosts = ["fails.com", "rubbish.com", "close.com", "never.com", "takes300.com", "fine.com"]
        log.write_text("".join(line(host) for host in hosts))
        done = sensor_run(server, f"file:{log}", sink="stdout")
        assert done.code == 0, done
        verdict = {d["full_hostname"]: d.get("is_malicious") for d in documents_of(done)}
        assert list(verdict) == hosts, done
        assert verdict["fine.com"] == "malicious" and verdict["takes300.com"] == "malicious", verdict
        for host in hosts[:4]:
            assert verdict[host] is None, verdict


def no_model_at_all_gives_null():
    with up() as server, Folder() as folder:
        log = folder / "access.log"
        log.write_text(line("yahoo.com"))
        done = sensor_run(server, f"file:{log}", sink="stdout")
        assert done.code == 0, done
        (document,) = documents_of(done)
        assert "is_malicious" not in document and document["full_hostname"] == "yahoo.com", document


def the_sensor_killed_at_any_moment_loses_and_doubles_nothing():
    with up() as server, Folder() as folder:
        log = folder / "access.log"
        log.write_text("".join(line(f"h{i}.com") for i in range(30000)))
        for seen in (1, 8000, 16000):
            process = subprocess.Popen([str(MODELYARD), "sensor", "run", "squid", "--config", str(CONFIG), "--source", f"file:{log}", "--sink",
                                        "store", "--once", "--server", server.url], stderr=subprocess.DEVNULL)
            wait_until(lambda: process.poll() is not None or len(stored(server, "--sensor", "squid")) >= seen, "documents", 60)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert sensor_run(server, f"file:{log}", timeout=120).code == 0
        documents = stored(server, "--sensor", "squid")
        hosts = [d["full_hostname"] for d in documents]
        assert len(hosts) == 30000 and len(set(hosts)) == 30000, (len(hosts), len(set(hosts)))


def the_server_killed_while_a_sensor_writes_loses_and_doubles_nothing():
    with up() as server, Folder() as folder:
        log = folder / "access.log"
        log.write_text("".join(line(f"h{i}.com") for i in range(20000)))
        process = subprocess.Popen([str(MODELYARD), "sensor", "run", "squid", "--config", str(CONFIG), "--source", f"file:{log}", "--sink", "store",
                                    "--once", "--server", server.url], stderr=subprocess.PIPE, text=True)
        wait_until(lambda: process.poll() is not None or len(stored(server, "--sensor", "squid")) > 0, "a document", 60)
        server.kill()
        server.start()
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        hosts = [d["full_hostname"] for d in stored(server, "--sensor", "squid")]
        assert len(hosts) == 20000 and len(set(hosts)) == 20000, (len(hosts), len(set(hosts)))


def stdin_is_a_source():
    with up() as server:
        done = sensor_run(server, "stdin", sink="stdout", stdin=line("a.com") + line("b.com"))
        assert done.code == 0 and [d["full_hostname"] for d in documents_of(done)] == ["a.com", "b.com"], done


def sensor_test_shows_each_stage():
    with Folder() as folder:
        log = folder / "access.log"
        log.write_text(line("www.yahoo.com") + "rubbish\n")
        keys = {}
        for stage in ("parse", "transform", "enrich", "index"):
            done = modelyard("sensor", "test", "squid", "--config", CONFIG, "--stage", stage, log)
            assert done.code == 0, done
            first, second = documents_of(done)
            keys[stage] = set(first)
            assert "error_type" in second or "error:type" in second, second
        assert "url" in keys["parse"] and "full_hostname" not in keys["parse"] and "guid" not in keys["parse"], keys
        assert {"full_hostname", "source.type", "guid", "original_string"} <= keys["transform"], keys
        assert "source.type" in keys["enrich"] and "source:type" in keys["index"], keys


def a_configuration_that_is_refused_names_the_place():
    with Folder() as folder:
        log = folder / "access.log"
        log.write_text(line("a.com"))
        rows = {
            "syntax": (lambda text: text.replace('"sensorTopic"', 'oops "sensorTopic"'), "parsers/squid.json:"),
            "expression": (lambda text: text.replace("URL_TO_HOST(url)", "URL_TO_HOST(url"), "URL_TO_HOST(url"),
            "unknown_key": (lambda text: text.replace('"sensorTopic"', '"sensorTopics"'), "sensorTopics"),
        }
        for name, (change, words) in rows.items():
            config = folder / name
            shutil.copytree(CONFIG, config)
            parser = config / "parsers" / "squid.json"
            parser.write_text(change(parser.read_text()))
            done = modelyard("sensor", "test", "squid", "--config", config, log)
            assert done.code == 1 and done.out == "", (name, done)
            assert words in done.err and "^" in done.err, (name, done)
            assert modelyard("config", "check", config).code == 1
        done = modelyard("sensor", "test", "nosuch", "--config", CONFIG, log)
        assert done.code in (1, 3) and "nosuch" in done.err, done
        assert modelyard("config", "check", CONFIG).code == 0


def hostile_searches_are_searched_or_refused_in_words():
    with up() as server, Folder() as folder:
        log = folder / "access.log"
        log.write_text(line("yahoo.com") + line("10.0.0.1"))
        assert sensor_run(server, f"file:{log}").code == 0
        for query in ("yahoo.com", "http://yahoo.com/", "199.27.79.73", "TCP_MISS", "yaho*"):
            assert len(stored(server, query)) >= 1, query
        assert len(stored(server, "nothing-like-this")) == 0
        for query in ('"', "' OR 1=1 --", "NEAR(", "a AND", "*", "^", ":", "source:type:", "(((((", "\U0001f600", "-x"):
            done = server.run("search", "--limit", "5", "-o", "json", "--", query)
            assert done.code in (0, 1, 2), (query, done)
            assert "SQL" not in done.err.upper() or done.code == 0, (query, done)


def following_a_file_takes_lines_as_they_come_and_ends_on_sigterm():
    with up() as server, Folder() as folder:
        log = folder / "access.log"
        log.write_text(line("a.com"))
        process = subprocess.Popen([str(MODELYARD), "sensor", "run", "squid", "--config", str(CONFIG), "--source", f"file:{log}", "--sink", "store",
                                    "--server", server.url], stderr=subprocess.PIPE, text=True)
        wait_until(lambda: len(stored(server)) == 1, "the first line")
        with open(log, "a") as more:
            more.write(line("b.com"))
        wait_until(lambda: len(stored(server)) == 2, "the second line")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, process.stderr.read()


CASES = [the_walk_through, a_file_again_adds_nothing_and_a_grown_one_only_the_new_lines, a_rotated_file_is_read_from_its_start,
         bad_lines_become_error_documents_and_the_good_ones_pass, two_hundred_lines_through_a_model_that_takes_100_ms,
         two_hundred_different_hosts_wait_side_by_side_too, a_model_that_misbehaves_costs_its_answer_not_the_stream,
         no_model_at_all_gives_null, the_sensor_killed_at_any_moment_loses_and_doubles_nothing,
         the_server_killed_while_a_sensor_writes_loses_and_doubles_nothing, stdin_is_a_source, sensor_test_shows_each_stage,
         a_configuration_that_is_refused_names_the_place, hostile_searches_are_searched_or_refused_in_words,
         following_a_file_takes_lines_as_they_come_and_ends_on_sigterm]

if __name__ == "__main__":
    chosen = [case for case in CASES if not sys.argv[1:] or case.__name__ in sys.argv[1:]]
    sys.exit(run_cases(chosen))
