# SPDX-License-Identifier: Apache-2.0
"""Squid lines through `modelyard sensor run` on one core, without model calls: to standard output and into the store.

Each run is pinned to one core; with the store, the server shares it. CPU time is told beside the rate, as a busy machine bends the
rate alone, and the resident memory after 100,000 and 1,000,000 lines shows that it does not grow. The rival is the work one would do
by hand: Python's re with a regular expression for the same line, json.dumps, and sqlite3 with stock FTS5.
"""
import json
import os
import pathlib
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELYARD = pathlib.Path(os.environ.get("MODELYARD", ROOT / "build" / "bin" / "modelyard"))
LINES = (100_000, 1_000_000)
STORED_LINES = (100_000, int(os.environ.get("STORED_LINES", 1_000_000)))
RIVAL_LINES = 50_000
CORE = max(os.sched_getaffinity(0))


def write_log(path, count):
    chance = random.Random(1)
    number = chance.randrange
    with open(path, "w", encoding="ascii") as out:
        for i in range(count):
            out.write(
                f"{1461576382.642 + i / 10:.3f} {number(1000):6d} 10.{number(256)}.{number(256)}.{number(256)} TCP_MISS/200 "
                f"{number(100000)} GET http://host{number(1000)}.example{number(50000)}.com/path/{number(1000)}/page.html"
                f"?q={number(100000)} - DIRECT/199.{number(256)}.{number(256)}.{number(256)} text/html\n")


def write_config(folder):
    """The shipped sensor without its model."""
    shipped = ROOT / "config" / "zookeeper"
    parser = json.loads((shipped / "parsers" / "squid.json").read_text())
    transformation = parser["fieldTransformations"][0]
    kept = ["full_hostname", "domain_without_subdomains"]
    transformation["output"] = kept
    transformation["config"] = {name: transformation["config"][name] for name in kept}
    (folder / "parsers").mkdir(parents=True)
    (folder / "parsers" / "squid.json").write_text(json.dumps(parser))
    (folder / "patterns").symlink_to(ROOT / "config" / "patterns")


def pinned(command, **options):
    return subprocess.Popen(["taskset", "-c", str(CORE), *map(str, command)], **options)


def finish(process):
    """Waits; CPU seconds and megabytes at most."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{process.args} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def told(name, lines, seconds, cpu, text=""):
    print(f"{name:24} {lines:9,} lines  {lines / seconds:9,.0f}/s  {lines / cpu:9,.0f} per CPU second  {text}", flush=True)


def to_stdout(config, log, lines):
    began = time.monotonic()
    command = [MODELYARD, "sensor", "run", "squid", "--config", config, "--source", f"file:{log}", "--sink", "stdout", "--once"]
    with open(os.devnull, "w", encoding="ascii") as null:
        cpu, memory = finish(pinned(command, stdout=null, stderr=null))
    told("sensor to stdout", lines, time.monotonic() - began, cpu, f"{memory:.0f} MB")


def process_cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def to_store(config, logs, folder):
    server = pinned([MODELYARD, "up", "--data", folder / "data", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL, text=True)
    url = server.stdout.readline().split()[1]
    pid = server.pid
    for log, lines in logs:
        before, began = process_cpu(pid), time.monotonic()
        command = [MODELYARD, "sensor", "run", "squid", "--config", config, "--source", f"file:{log}", "--once", "--server", url]
        cpu, memory = finish(pinned(command, stderr=subprocess.DEVNULL))
        seconds = time.monotonic() - began
        told("sensor and store", lines, seconds, cpu + process_cpu(pid) - before,
             f"sensor {memory:.0f} MB, server {resident(pid):.0f} MB")
    server.send_signal(signal.SIGTERM)
    server.wait(30)


def rival(log, folder):
    line_of = re.compile(r"(?P<timestamp>\d+\.\d+)\s+(?P<elapsed>\d+) (?P<ip_src_addr>\S+) (?P<action>\w+)/(?P<code>\d+) "
                         r"(?P<bytes>\d+) (?P<method>\w+) (?P<url>\S+)[^0-9]*(?P<ip_dst_addr>\S+)?")
    os.sched_setaffinity(0, {CORE})
    for name, store in (("rival: Python to stdout", False), ("rival: Python and FTS5", True)):
        database = sqlite3.connect(folder / "rival.db")
        database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS docs(id TEXT PRIMARY KEY, json TEXT);"
                               "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(json, content='docs')")
        usage, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        with open(log, encoding="ascii") as source, open(os.devnull, "w", encoding="ascii") as null:
            for number, line in enumerate(source):
                if number == RIVAL_LINES:
                    break
                document = line_of.search(line).groupdict()
                host = document["url"].split("/")[2]
                document.update(original_string=line.rstrip(), full_hostname=host, domain=".".join(host.split(".")[-2:]))
                text = json.dumps(document)
                if store:
                    row = database.execute("INSERT INTO docs VALUES(?,?)", (str(number), text)).lastrowid
                    database.execute("INSERT INTO words(rowid,json) VALUES(?,?)", (row, text))
                else:
                    null.write(text + "\n")
        database.commit()
        after = resource.getrusage(resource.RUSAGE_SELF)
        told(name, RIVAL_LINES, time.monotonic() - began, after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime)


def main():
    with tempfile.TemporaryDirectory(prefix="modelyard-sensor-bench.") as name:
        folder = pathlib.Path(name)
        write_config(folder / "config")
        for lines in sorted({*LINES, *STORED_LINES}):
            write_log(folder / f"{lines}.log", lines)
        for lines in LINES:
            to_stdout(folder / "config", folder / f"{lines}.log", lines)
        to_store(folder / "config", [(folder / f"{lines}.log", lines) for lines in STORED_LINES], folder)
        rival(folder / f"{LINES[0]}.log", folder)


if __name__ == "__main__":
    main()
