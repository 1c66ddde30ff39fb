# SPDX-License-Identifier: Apache-2.0
"""Runs contenders and reads what they report."""

import json
import re
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

# How long a run may take beyond the time it was given, and one that is not given any.
PATIENCE = 60
LONGEST = 300


class Failed(Exception):
    """A contender did not do what it was asked to; the text says why."""


@dataclass
class Record:
    queries: int
    rows: int
    seconds: float
    user_us: float
    system_us: float
    peak_rss_kib: int = 0
    checksum: int = 0

    @property
    def rate(self) -> float:
        return self.rows / self.seconds

    @property
    def cpu(self) -> float:
        """Client's processor time, µs a row (which is a statement where each has one)."""
        return (self.user_us + self.system_us) / self.rows


@dataclass
class Place:
    """Where programs and server are."""

    programs: Path
    source: Path
    python: str
    server: object

    def program(self, name: str) -> str:
        program = self.programs / f"bench_{name}"
        if not program.exists():
            raise Failed(f"{program.name} has not been built")
        return str(program)

    def command(self, contender, transport: str, extra: list[str]) -> list[str]:
        where = [f"--host={self.server.host(transport)}", f"--port={self.server.port}"]
        if contender.program == "asyncpg":
            return [self.python, str(self.source / "asyncpg" / "client.py"), *where, *contender.options, *extra]
        return [self.program(contender.program), *where, *contender.options, *extra]


def run(command: list[str], patience: float) -> tuple[str, float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        out, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"did not end within {patience:.0f} s") from None
    except BaseException:
        process.kill()
        process.communicate()
        raise
    if process.returncode != 0:
        lines = [line for line in errors.strip().splitlines() if line.strip()]
        said = lines[-1].strip() if lines else "no message"
        how = f"status {process.returncode}" if process.returncode > 0 else f"signal {-process.returncode}"
        raise Failed(f"{said} ({how})")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime


def _pgbench(place: Place, contender, transport: str, seconds: float) -> Record:
    """pgbench reports no processor time: it is that of the whole process, its start and connecting included."""
    program = place.server.program("pgbench")
    if program is None:
        raise Failed("there is no pgbench")
    connections = next((o.partition("=")[2] for o in contender.options if o.startswith("--connections=")), "1")
    out, user, system = run(
        [
            program, "-n", "-S", "-M", "prepared", "-c", connections, "-j", "1", "-T", str(max(1, round(seconds))),
            "-h", place.server.host(transport), "-p", str(place.server.port), "-U", "bench", "bench",
        ],
        seconds + PATIENCE,
    )  # fmt: skip
    number = re.search(r"number of transactions actually processed: (\d+)", out)
    rate = re.search(r"tps = ([\d.]+) \(without initial connection time\)", out)
    if not number or not rate:
        raise Failed("its report has no number of transactions or no tps")
    count = int(number[1])
    return Record(count, count, count / float(rate[1]), user * 1e6, system * 1e6)


def run_slice(place: Place, group, contender, transport: str, seconds: float, warm_up: float, rows: int) -> Record:
    if contender.program == "pgbench":
        return _pgbench(place, contender, transport, seconds + warm_up)
    if group.rows:
        command = place.command(contender, transport, [f"--rows={rows}"])
        patience = LONGEST
    else:
        command = place.command(contender, transport, [f"--seconds={seconds}", f"--warm-up={warm_up}"])
        patience = seconds + warm_up + PATIENCE
    out, _, _ = run(command, patience)
    try:
        record = Record(**json.loads(out))
    except (ValueError, TypeError):
        raise Failed(f"reported '{out.strip()[:80]}'") from None
    if record.rows == 0 or record.seconds <= 0:
        raise Failed("answered nothing in its time")
    return record


@dataclass(frozen=True)
class Count:
    """Of one statement, in the client."""

    instructions: float
    allocations: float


def _calls_to_malloc(profile: Path) -> int:
    """How often memory was asked for, in callgrind's own format: cfn=(id) name, then calls=count position. Those who ask for
    an alignment are among them, for glibc's aligned_alloc calls malloc."""
    names, callee, calls = {}, "", 0
    with profile.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if function := re.match(r"c?fn=(\(\d+\)) ?(.*)", line):
                callee = names.setdefault(function[1], function[2])
            elif line.startswith("calls=") and callee in ("malloc", "calloc", "realloc"):
                calls += int(line[6:].split()[0])
    return calls


def count_work(place: Place, counted) -> Count:
    """What the longer run has more than the shorter one."""
    found = []
    for length in counted.lengths:
        with tempfile.TemporaryDirectory() as folder:
            found.append(_run_counted(place, counted, length, Path(folder) / "profile"))
    (few, few_calls), (many, many_calls) = found
    more = counted.lengths[1] - counted.lengths[0]
    # Adding 0 makes -0.0, which a buffer that grew in the shorter run would leave, 0.0.
    return Count((many - few) / more, round((many_calls - few_calls) / more, 1) + 0)


def _run_counted(place: Place, counted, length: int, profile: Path) -> tuple[int, int]:
    """Instructions and calls to malloc."""
    command = place.command(counted, "unix", [f"--queries={length}"])
    process = subprocess.Popen(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _, said = process.communicate(timeout=LONGEST)
    except BaseException as problem:
        process.kill()
        process.communicate()
        if isinstance(problem, subprocess.TimeoutExpired):
            raise Failed(f"did not end within {LONGEST} s") from None
        raise
    total = re.search(r"Collected : (\d+)", said)
    if process.returncode != 0 or not total:
        own = [line for line in said.splitlines() if line and not line.startswith("==")]
        raise Failed(own[-1] if own else f"valgrind ended with status {process.returncode}")
    return int(total[1]), _calls_to_malloc(profile)
