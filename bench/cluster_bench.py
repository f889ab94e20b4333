#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An endpoint change to 1,000 watching clients on one ZooKeeper: ours (one process with 1,000 sessions) beside Curator's TreeCache
(1,000 sessions in one JVM), by turns in one run. Goal: ours at most half the p99 of Java's, 20 ms."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.zookeeper import ZooKeeper  # noqa: E402

BUILD = ROOT / os.environ.get("MODELYARD_BUILD", "build")
CLIENTS, CHANGES, ROUNDS = (int(os.environ.get(f"BENCH_{name}", default)) for name, default in
                            (("CLIENTS", 1000), ("CHANGES", 50), ("ROUNDS", 2)))


def output(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout.strip()


def java(folder):
    jars = output(ROOT / "tools/jars/fetch", "curator-5").splitlines()[-1]
    output("javac", "-proc:none", "-cp", f"{jars}/*", "-d", folder, ROOT / "bench/java/TreeCacheWatchers.java")
    return ["java", "-Xmx2g", "-Xss256k", "-cp", f"{folder}:{jars}/*", "TreeCacheWatchers"]


def main():
    folder = tempfile.mkdtemp(prefix="modelyard-bench-")
    try:
        rival = java(folder)
        found = {"ours": [], "TreeCache": []}
        with ZooKeeper("3.9") as zk:
            watchers = BUILD / "bin/watchers"
            output(watchers, zk.quorum, 0, 0)
            for _ in range(ROUNDS):
                found["ours"].append(json.loads(output(watchers, zk.quorum, CLIENTS, CHANGES)))
                found["TreeCache"].append(json.loads(output(*rival, zk.quorum, "/maas/service", "/m/c0", CLIENTS, CHANGES).splitlines()[-1]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"endpoint change to {CLIENTS} clients, {CHANGES} changes, best of {ROUNDS}:")
    best = {}
    for name, rounds in found.items():
        best[name] = min(rounds, key=lambda one: one["p99_us"])
        print(f"  {name:10} p50 {best[name]['p50_us'] / 1000:6.1f} ms, p99 {best[name]['p99_us'] / 1000:6.1f} ms, "
              f"greatest {best[name]['max_us'] / 1000:6.1f} ms")
    ratio = best["ours"]["p99_us"] / best["TreeCache"]["p99_us"]
    print(f"  p99 is {ratio:.2f} of TreeCache's (goal: at most 0.50, and 20 ms)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
