#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line and the HTTP API, as their users have them: the real programs, each case with a server of its own.

usage: run.py [CASE...]        The last line is `N passed, N failed`.
"""
import concurrent.futures
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import bad_model_cases  # noqa: E402
import model_cases  # noqa: E402
import recovery_cases  # noqa: E402
import stellar_cases  # noqa: E402
import up_cases  # noqa: E402
import usage_cases  # noqa: E402

AT_ONCE = 4  # most of a case is waiting for models to start


def attempt(case):
    began = time.monotonic()
    try:
        case()
        return f"ok {case.__name__} ({time.monotonic() - began:.1f} s)", True
    except Exception:  # a case may fail in any way; the others go on
        return f"FAILED {case.__name__} ({time.monotonic() - began:.1f} s)\n{traceback.format_exc()}", False


def main():
    cases = [case for module in (usage_cases, stellar_cases, up_cases, model_cases, recovery_cases, bad_model_cases) for case in module.CASES]
    if wanted := sys.argv[1:]:
        known = {case.__name__: case for case in cases}
        if unknown := [name for name in wanted if name not in known]:
            print(f"run.py: no case {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
            return 2
        cases = [known[name] for name in wanted]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for text, good in pool.map(attempt, cases):
            print(text, flush=True)
            passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
