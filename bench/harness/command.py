# SPDX-License-Identifier: Apache-2.0
"""Measures a suite as the command line says."""

import argparse
import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .cycles import run_group
from .machine import describe, share_taken_by_others
from .measure import Failed, Place, count_work
from .policies import measure_policies
from .report import failures, markdown
from .results import Results
from .server import Server, ServerError
from .suites import Suite

SOURCE = Path(__file__).resolve().parent.parent


@dataclass
class Plan:
    cycles: int
    seconds: float
    warm_up: float
    share: float  # of the rows of a full run
    rounds: int  # of the policies

    def rows(self, group) -> int:
        return int(group.rows * self.share)


FULL = Plan(cycles=8, seconds=1.5, warm_up=0.3, share=1, rounds=25)
QUICK = Plan(cycles=3, seconds=0.7, warm_up=0.2, share=0.2, rounds=5)


def _options(suite: Suite):
    parser = argparse.ArgumentParser(description=suite.about)
    parser.add_argument("quick", nargs="?", choices=["quick"], help="3 short cycles, a fifth of the rows: no conclusions")
    parser.add_argument("--build", type=Path, default=SOURCE.parent / "build" / "bench", help="the build folder")
    parser.add_argument("--cycles", type=int, help=f"how often everybody is run ({FULL.cycles})")
    parser.add_argument("--seconds", type=float, help=f"how long a run lasts ({FULL.seconds})")
    parts = ", ".join(suite.parts)
    parser.add_argument("--only", action="append", choices=suite.parts, metavar="PART", help=f"one of {parts}; may be repeated")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    parser.add_argument("--json", type=Path, help="write every record to this file")
    parser.add_argument("--folder", help="where the server's folder is made (the system's place for temporary files)")
    parser.add_argument("--as", dest="command", default=suite.script, help=argparse.SUPPRESS)
    return parser.parse_args()


def _python_with_asyncpg() -> str:
    """Debian's packages belong to Debian's Python, which need not be the first one."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run([candidate, "-c", "import asyncpg, uvloop"], capture_output=True, check=False)
        if done.returncode == 0:
            return candidate
    return sys.executable


def _say(text: str):
    print(text, file=sys.stderr, flush=True)


def _count(place: Place, counted):
    """What was counted, or why nothing was."""
    _say(f"instructions: {counted.label}")
    try:
        if shutil.which("valgrind") is None:
            raise Failed("there is no valgrind")
        return count_work(place, counted)
    except Failed as problem:
        _say(f"  failed: {problem}")
        return str(problem)


def _measure(suite: Suite, given, plan: Plan) -> Results:
    def is_wanted(part: str) -> bool:
        return not given.only or part in given.only

    found = Results(suite, plan)
    taken = share_taken_by_others()
    programs = given.build / "bench"
    with Server(programs / "bench_server", given.folder, _say) as server:
        place = Place(programs, SOURCE, _python_with_asyncpg(), server)
        for group in filter(lambda each: is_wanted(each.key), suite.groups):
            for transport in group.transports:
                found.groups[group.key, transport] = run_group(place, group, transport, plan, _say)
        if suite.has_policies and is_wanted("policies"):
            _say("policies")
            try:
                found.policies = measure_policies(place, plan.rounds)
            except Failed as problem:
                found.failed_policies = str(problem)
                _say(f"  failed: {problem}")
        if is_wanted("instructions"):
            found.instructions = {counted.key: _count(place, counted) for counted in suite.counted}
        # A server has to be there to be asked for its version, and others may have come while we measured.
        version = server.version
    found.machine = describe(given.build, version, max(taken, share_taken_by_others()))
    return found


def _stop(*_):
    raise KeyboardInterrupt


def main(suite: Suite) -> int:
    given = _options(suite)
    signal.signal(signal.SIGTERM, _stop)
    plan = QUICK if given.quick else FULL
    plan = dataclasses.replace(plan, cycles=given.cycles or plan.cycles, seconds=given.seconds or plan.seconds)
    try:
        found = _measure(suite, given, plan)
    except KeyboardInterrupt:
        _say("interrupted: nothing is reported")
        return 130
    except (ServerError, OSError, subprocess.SubprocessError) as problem:
        _say(f"bench: {problem}")
        return 1
    words = [given.command, *(["quick"] if given.quick else [])]
    for name in ("cycles", "seconds"):
        if getattr(given, name):
            words.append(f"--{name}={getattr(given, name)}")
    words += [f"--only={part}" for part in given.only or []]
    text = markdown(found, " ".join(words))
    print(text)
    if given.markdown:
        given.markdown.write_text(text + "\n", encoding="utf-8")
    if given.json:
        given.json.write_text(json.dumps(found.raw(), indent=1), encoding="utf-8")
    failed = failures(found)
    for one in failed:
        _say(f"failed: {one}")
    return 1 if failed else 0
