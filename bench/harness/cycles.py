# SPDX-License-Identifier: Apache-2.0
"""Paired runs: all contenders of a group back to back, in random order, again and again."""

import random
import statistics
from dataclasses import dataclass, field

from .measure import Failed, Record, run_slice


@dataclass
class Series:
    """What one contender reported in each cycle; None where it failed."""

    records: list[Record | None] = field(default_factory=list)
    failure: str | None = None

    def values(self, what) -> list[float]:
        return [what(record) for record in self.records if record is not None]


@dataclass
class Spread:
    """Median, and between what it moved: second lowest and second highest of five or more, else lowest and highest."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: list[float]) -> "Spread | None":
        if not values:
            return None
        ordered = sorted(values)
        inner = 1 if len(ordered) >= 5 else 0
        return Spread(statistics.median(ordered), ordered[inner], ordered[-1 - inner])


def _pairs(one: Series, other: Series) -> list[tuple[Record, Record]]:
    return [(a, b) for a, b in zip(one.records, other.records) if a is not None and b is not None]


def ratio(what, over: Series, under: Series) -> Spread | None:
    return Spread.of([what(a) / what(b) for a, b in _pairs(over, under) if what(b) > 0])


def difference(what, of: Series, less: Series) -> Spread | None:
    return Spread.of([what(a) - what(b) for a, b in _pairs(of, less)])


def _check_written(server, rows: int):
    seconds = rows - 1
    sums = rows * (rows - 1) // 2
    found = server.sql(
        "SET timezone = 'UTC'",
        "SELECT count(*), sum(id), sum(amount), min(length(name)), max(length(name)), "
        "extract(epoch FROM max(at) - '2024-01-01 00:00:00+00')::int8 FROM bulk",
        database="bench",
    )
    wanted = f"{rows}|{sums}|{sums * 7}|20|20|{seconds}"
    if found != wanted:
        raise Failed(f"wrote something else: {found} instead of {wanted}")


def _checksum_read(rows: int) -> int:
    """Of all ids, quantities and lengths of names, and of the latest time in microseconds after the first."""
    ids = range(1, rows + 1)
    return sum(ids) + sum(i % 1000 for i in ids) + sum(4 + len(str(i)) for i in ids) + rows * 1_000_000


def run_group(place, group, transport: str, plan, say) -> dict[str, Series]:
    series = {contender.key: Series() for contender in group.contenders}
    rows = plan.rows(group)
    checksum = _checksum_read(rows) if group.rows and not group.writes else 0
    for cycle in range(plan.cycles):
        order = list(group.contenders)
        random.shuffle(order)
        say(f"{group.key} {transport}: cycle {cycle + 1} of {plan.cycles}")
        for contender in order:
            mine = series[contender.key]
            if mine.failure:
                mine.records.append(None)
                continue
            try:
                if group.writes:
                    place.server.sql("TRUNCATE bulk", "CHECKPOINT", database="bench")
                record = run_slice(place, group, contender, transport, plan.seconds, plan.warm_up, rows)
                # The null client writes the same thousand rows and looks at nothing it reads.
                if contender.program != "null":
                    if group.writes and cycle == 0:
                        _check_written(place.server, rows)
                    if record.checksum != checksum:
                        raise Failed(f"read something else: its checksum is {record.checksum}, not {checksum}")
                mine.records.append(record)
            except Failed as problem:
                mine.failure = str(problem)
                mine.records.append(None)
                say(f"  {contender.label} failed: {problem}")
    return series
