# SPDX-License-Identifier: Apache-2.0
"""What policies cost by themselves, as bench_policies measures it."""

import json
import statistics
from dataclasses import dataclass

from .cycles import Spread
from .measure import LONGEST, Failed, Place, run

# Each by the program's word for it.
LABELS = {
    "connection": "a query on a connection that answers at once",
    "database": "the same query through **`database`**",
    "layer": "what `database` adds to it",
    "acquire": "`co_await pool.acquire()` of an idle connection, and its release",
    "acquire-at-once": "`pool.try_acquire()` of an idle connection, and its release",
    "breaker-closed": "circuit breaker, closed: an attempt admitted and settled",
    "breaker-open": "circuit breaker, open: a refusal, with the look at the clock",
    "refused": "the same as a `circuit_open` thrown by `database`",
    "begin-call": "retries and their budget of a call that succeeds, with the look at the clock",
}


@dataclass(frozen=True)
class Cost:
    """Of one operation: processor time of its thread, and how often it asks for memory."""

    nanoseconds: Spread
    allocations: float


def _cost(nanoseconds: list[float], allocations: list[float]) -> Cost:
    return Cost(Spread.of(nanoseconds), statistics.median(allocations))


def _less(some: list[float], others: list[float]) -> list[float]:
    return [a - b for a, b in zip(some, others, strict=True)]


def measure_policies(place: Place, rounds: int) -> dict[str, Cost]:
    """By the keys of LABELS. What is compared was measured in the same round."""
    out, _, _ = run([place.program("policies"), f"--rounds={rounds}"], LONGEST)
    try:
        found = json.loads(out)
        costs = {key: _cost(each["nanoseconds"], each["allocations"]) for key, each in found.items()}
        whole, bare = found["database"], found["connection"]
        costs["layer"] = _cost(*(_less(whole[what], bare[what]) for what in ("nanoseconds", "allocations")))
    except (ValueError, TypeError, KeyError, statistics.StatisticsError):
        raise Failed(f"reported '{out.strip()[:80]}'") from None
    return costs
