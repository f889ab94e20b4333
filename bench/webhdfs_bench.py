# SPDX-License-Identifier: Apache-2.0
"""Upload of a payload of 200 MB to HDFS: bin/maas_deploy.sh beside Java's HDFS client, turn by turn against the same servers.

Whole commands first, as a person waits for them (both judge, create, send, rename or close); then what the rival needs inside a JVM
that has sent the same file before.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support import hadoop  # noqa: E402
from support.zookeeper import ZooKeeper  # noqa: E402

MODELYARD = pathlib.Path(os.environ.get("MODELYARD_BINARY", ROOT / "build" / "bin" / "modelyard"))
SIZE_MB = 200
TURNS = 5
COPY = """
import java.io.*;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.*;
public class Copy {
  public static void main(String[] words) throws Exception {
    FileSystem fs = FileSystem.get(new Configuration());
    for (int turn = 0; turn < Integer.parseInt(words[2]); ++turn) {
      long began = System.nanoTime();
      try (InputStream in = new BufferedInputStream(new FileInputStream(words[0]), 1 << 16);
           FSDataOutputStream out = fs.create(new Path(words[1]), true)) {
        in.transferTo(out);
      }
      System.out.println("seconds " + (System.nanoTime() - began) / 1e9);
    }
  }
}
"""


def timed(command, environment):
    began = time.monotonic()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, timeout=300)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds, done.stdout


def show(name, seconds):
    median = statistics.median(seconds)
    print(f"{name:50} median {median:6.2f} s  {SIZE_MB / median:6.0f} MB/s   ({', '.join(f'{s:.2f}' for s in seconds)})", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder, ZooKeeper("3.9") as zookeeper, hadoop.cluster(with_yarn=False) as mini:
        model = pathlib.Path(folder) / "model"
        model.mkdir()
        (model / "rest.sh").write_text("#!/bin/sh\nexec true\n")
        with open(model / "weights", "wb") as out:
            for _ in range(SIZE_MB):
                out.write(os.urandom(1_000_000))
        (pathlib.Path(folder) / "Copy.java").write_text(COPY)
        subprocess.run(["javac", "-cp", f"{mini.jars}/*", "-d", folder, f"{folder}/Copy.java"], check=True)
        java = ["java", "-cp", f"{folder}:{mini.conf}:{mini.jars}/*"]
        environment = {**mini.environment(), "MODELYARD_BINARY": str(MODELYARD), "HADOOP_USER_NAME": "root"}
        deploy = [ROOT / "bin" / "maas_deploy.sh", "-zq", zookeeper.quorum, "-mo", "ADD", "-n", "m", "-v", "1", "-ni", 1, "-m", 512,
                  "-lmp", model, "-hmp", "/bench/ours"]
        shell = [*java, "org.apache.hadoop.fs.FsShell", "-put", "-f", model / "weights", "/bench/theirs"]
        timed([*java, "org.apache.hadoop.fs.FsShell", "-mkdir", "-p", "/bench"], environment)
        ours, theirs = [], []
        timed(deploy, environment)  # the servers are warm for both
        for _ in range(TURNS):
            ours.append(timed(deploy, environment)[0])
            theirs.append(timed(shell, environment)[0])
        _, text = timed([*java, "Copy", model / "weights", "/bench/theirs", TURNS + 1], environment)
        show("maas_deploy.sh, the whole command", ours)
        show("rival: hdfs dfs -put, the whole command", theirs)
        warm = [float(line.split()[1]) for line in text.splitlines() if line.startswith("seconds ")]
        show("rival: inside a warm JVM", warm[1:])


if __name__ == "__main__":
    main()
