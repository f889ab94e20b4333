#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clients/java: built and tested as Maven resolves it, then the same classes with other versions of Curator and ZooKeeper's client on
the class path, each against real servers. One line of counts."""
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "clients/java"
RUNS = [["package"], ["-P", "zookeeper-3.4", "surefire:test"], ["-P", "curator-5", "surefire:test"]]


def main():
    passed = failed = 0
    for arguments in RUNS:
        done = subprocess.run(["mvn", "-B", *arguments], cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900,
                              check=False)
        totals = re.findall(r"Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)\s*$", done.stdout, re.M)
        total, *bad = map(int, totals[-1]) if totals else (0, 1)
        passed += total - sum(bad)
        failed += sum(bad) or int(done.returncode != 0)
        print(f"{'ok' if done.returncode == 0 else 'FAILED'} mvn {' '.join(arguments)}: {total} tests", flush=True)
        if done.returncode != 0:
            print(done.stdout[-6000:])
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
