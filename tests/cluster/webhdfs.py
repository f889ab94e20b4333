#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""WebHDFS and YARN's REST interface against Hadoop 3.5.0 and 3.3.6: the suites of webhdfs_servers_test, each with the servers in
the state that its name says. webhdfs.py [VERSION...]"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support import hadoop  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("MODELYARD_BUILD", ROOT / "build")) / "bin" / "webhdfs_servers_test"
DFS_ADMIN = "org.apache.hadoop.hdfs.tools.DFSAdmin"
FS_SHELL = "org.apache.hadoop.fs.FsShell"


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def suite(self, name, mini):
        with tempfile.NamedTemporaryFile(suffix=".json") as report:
            done = subprocess.run([str(PROGRAM), f"--gtest_filter={name}.*", f"--gtest_output=json:{report.name}"], capture_output=True,
                                  text=True, timeout=300, env={**os.environ, "HADOOP_CONF_DIR": str(mini.conf), "YARN_CONF_DIR": ""})
            try:
                counts = json.load(open(report.name))
                failed, total = counts["failures"], counts["tests"]
            except (OSError, ValueError, KeyError):
                failed, total = 1, 1
        # A filter that matches nothing is a mistake of this file, not a success.
        if total == 0 or (done.returncode != 0 and failed == 0):
            failed, total = 1, max(total, 1)
        self.passed += total - failed
        self.failed += failed
        print(f"{'ok    ' if not failed else 'FAILED'} {mini.version} {name}: {total - failed} of {total}", flush=True)
        if failed:
            print(done.stdout[-6000:], done.stderr[-3000:], flush=True)


def java(mini, main, *arguments):
    command = ["java", *hadoop.JVM, "-Xmx128m", "-cp", f"{mini.conf}:{mini.jars}/*", main, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=mini.environment(), cwd=mini.folder, timeout=120)
    if done.returncode != 0:
        raise hadoop.Failed(f"{main} {arguments}: {done.stdout}{done.stderr[-2000:]}")


def one_version(version, tally):
    with hadoop.cluster(version=version, timeline=True) as mini:
        tally.suite("Files", mini)
        tally.suite("Yarn", mini)
        tally.suite("TimelineServer", mini)
        java(mini, FS_SHELL, "-mkdir", "/space", "/names")
        java(mini, DFS_ADMIN, "-setSpaceQuota", "1m", "/space")
        java(mini, DFS_ADMIN, "-setQuota", "1", "/names")
        tally.suite("Full", mini)
        java(mini, DFS_ADMIN, "-safemode", "enter")
        tally.suite("SafeMode", mini)
        java(mini, DFS_ADMIN, "-safemode", "leave")
        mini.datanode.kill()
        tally.suite("NoDataNode", mini)
        mini.namenode.kill()
        tally.suite("NoNameNode", mini)


def pair_of_managers(tally):
    with hadoop.cluster(version="3.5", ha=True) as mini:
        tally.suite("YarnPair", mini)
        mini.make_standby("rm1")
        mini.make_active("rm2")
        tally.suite("YarnPair", mini)
        mini.rm.kill()
        tally.suite("YarnPair", mini)


def main():
    tally = Tally()
    for version in sys.argv[1:] or ["3.5", "3.3"]:
        one_version(version, tally)
    if not sys.argv[1:]:
        pair_of_managers(tally)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
