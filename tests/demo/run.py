# SPDX-License-Identifier: Apache-2.0
"""The demo, run as continuous integration runs it: its two documents, its exit status, and what it leaves behind."""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
passed = failed = 0


def check(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f"{'ok' if good else 'FAILED'} {name} {'' if good else detail}")


def processes():
    """Command lines of what runs from this checkout's build."""
    found = set()
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if "modelyard-demo-" in line or "modelyard-squid-" in line:
                found.add(f"{entry.name} {line}")
    return found


def git_status():
    return subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout


def main():
    before = git_status()
    done = subprocess.run([sys.executable, "tools/demo.py"], cwd=ROOT, capture_output=True, text=True, timeout=240,
                          env={**os.environ, "CI": "true"}, stdin=subprocess.DEVNULL)
    check("ends with 0", done.returncode == 0, done.stdout + done.stderr)
    documents = []
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            documents.append(json.loads(line))
    check("prints two documents", len(documents) == 2, done.stdout)
    legit = next((d for d in documents if d.get("is_malicious") == "legit"), {})
    malicious = next((d for d in documents if d.get("is_malicious") == "malicious"), {})
    check("the legit one has no alert", legit.get("source:type") == "squid" and "is_alert" not in legit, legit)
    check("and no triage", not any(key.startswith("threat:triage") for key in legit), legit)
    check("the malicious one is an alert", malicious.get("is_alert") == "true" and malicious.get("source:type") == "squid", malicious)
    check("of level 100", malicious.get("threat:triage:level") == 100 and malicious.get("threat:triage:score") == 100, malicious)
    check("LIST is printed", "Model dga @ 1.0" in done.stdout, done.stdout)
    check("no process is left", not processes(), processes())
    check("git status is as before", git_status() == before, git_status())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
