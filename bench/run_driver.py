#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the driver beside its peers and prints what came out as Markdown (docs/performance.md says how and why)."""

import argparse
import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.contenders import COUNTED, GROUPS  # noqa: E402
from harness.cycles import run_group  # noqa: E402
from harness.machine import describe, share_taken_by_others  # noqa: E402
from harness.measure import Failed, Place, count_work  # noqa: E402
from harness.report import failures, markdown  # noqa: E402
from harness.server import Server, ServerError  # noqa: E402

SOURCE = Path(__file__).resolve().parent


@dataclass
class Plan:
    cycles: int
    seconds: float
    warm_up: float
    share: float  # of the rows of a full run

    def rows(self, group) -> int:
        return int(group.rows * self.share)


def options():
    known = [group.key for group in GROUPS] + ["instructions"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("quick", nargs="?", choices=["quick"], help="3 short cycles, a fifth of the rows: no conclusions")
    parser.add_argument("--build", type=Path, default=SOURCE.parent / "build" / "bench", help="the build folder")
    parser.add_argument("--cycles", type=int, help="how often everybody is run (8)")
    parser.add_argument("--seconds", type=float, help="how long a run lasts (1.5)")
    parser.add_argument("--only", action="append", choices=known, metavar="PART", help=f"one of {', '.join(known)}; may be repeated")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    parser.add_argument("--json", type=Path, help="write every record to this file")
    parser.add_argument("--folder", help="where the server's folder is made (the system's place for temporary files)")
    parser.add_argument("--as", dest="command", default="bench/run_driver.py", help=argparse.SUPPRESS)
    return parser.parse_args()


def python_with_asyncpg() -> str:
    """Debian's packages belong to Debian's Python, which need not be the first one."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run([candidate, "-c", "import asyncpg, uvloop"], capture_output=True, check=False)
        if done.returncode == 0:
            return candidate
    return sys.executable


def say(text: str):
    print(text, file=sys.stderr, flush=True)


def measure(given, plan: Plan, groups) -> tuple[dict, dict, list[str]]:
    taken = share_taken_by_others()
    results = {}
    instructions = {}
    programs = given.build / "bench"
    with Server(programs / "bench_server", given.folder, say) as server:
        place = Place(programs, SOURCE, python_with_asyncpg(), server)
        for group in groups:
            for transport in group.transports:
                results[group.key, transport] = run_group(place, group, transport, plan, say)
        if not given.only or "instructions" in given.only:
            for counted in COUNTED:
                say(f"instructions: {counted.label}")
                try:
                    if shutil.which("valgrind") is None:
                        raise Failed("there is no valgrind")
                    instructions[counted.key] = count_work(place, counted)
                except Failed as problem:
                    instructions[counted.key] = str(problem)
                    say(f"  failed: {problem}")
        # A server has to be there to be asked for its version, and others may have come while we measured.
        version = server.version
    taken = max(taken, share_taken_by_others())
    return results, instructions, describe(given.build, version, taken)


def stop(*_):
    raise KeyboardInterrupt


def main() -> int:
    given = options()
    signal.signal(signal.SIGTERM, stop)
    plan = Plan(cycles=3, seconds=0.7, warm_up=0.2, share=0.2) if given.quick else Plan(8, 1.5, 0.3, 1.0)
    plan.cycles = given.cycles or plan.cycles
    plan.seconds = given.seconds or plan.seconds
    groups = [group for group in GROUPS if not given.only or group.key in given.only]
    try:
        results, instructions, machine = measure(given, plan, groups)
    except KeyboardInterrupt:
        say("interrupted: nothing is reported")
        return 130
    except (ServerError, OSError, subprocess.SubprocessError) as problem:
        say(f"bench: {problem}")
        return 1
    words = [given.command, *(["quick"] if given.quick else [])]
    for name in ("cycles", "seconds"):
        if getattr(given, name):
            words.append(f"--{name}={getattr(given, name)}")
    words += [f"--only={part}" for part in given.only or []]
    text = markdown(plan, groups, results, instructions, machine, " ".join(words))
    print(text)
    if given.markdown:
        given.markdown.write_text(text + "\n", encoding="utf-8")
    if given.json:
        raw = {
            " ".join(where): {
                key: [record and dataclasses.asdict(record) for record in series.records] for key, series in all_of.items()
            }
            for where, all_of in results.items()
        }
        counts = {key: value if isinstance(value, str) else dataclasses.asdict(value) for key, value in instructions.items()}
        given.json.write_text(json.dumps({"results": raw, "instructions": counts}, indent=1), encoding="utf-8")
    failed = failures(groups, results, instructions)
    for one in failed:
        say(f"failed: {one}")
    return 1 if failed else 0


sys.exit(main())
