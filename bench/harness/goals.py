# SPDX-License-Identifier: Apache-2.0
"""The goals of docs/performance.md, and whether this run met them."""

from dataclasses import dataclass

from .cycles import Spread, difference, ratio
from .measure import Count


@dataclass
class Goal:
    what: str
    figure: str
    measured: str = "not measured"
    met: bool | None = None


def _rate(record):
    return record.rate


def _cpu(record):
    return record.cpu


class Judge:
    def __init__(self, results: dict, instructions: dict, policies: dict):
        self._results = results
        self._instructions = instructions
        self._policies = policies
        self.goals: list[Goal] = []

    def _series(self, group, transport, key):
        return self._results.get((group, transport), {}).get(key)

    def _add(self, what, figure, value, text, is_met):
        goal = Goal(what, figure)
        if value is not None:
            goal.measured = text(value)
            goal.met = is_met(value)
        self.goals.append(goal)

    def compare(self, what, group, transport, ours, theirs, *, at_least=None, at_most=None, of=_rate):
        mine = self._series(group, transport, ours)
        other = self._series(group, transport, theirs)
        found = ratio(of, mine, other) if mine and other else None
        bound = at_least if at_least is not None else at_most
        sign = "≥" if at_least is not None else "≤"
        self._add(
            f"{what} ({transport})", f"{sign} {bound:g}×", found,
            lambda v: f"{v.median:.2f}× ({v.low:.2f}–{v.high:.2f})",
            lambda v: v.median >= bound if at_least is not None else v.median <= bound,
        )  # fmt: skip

    def at_least(self, what, group, key, figure, of, unit, scale=1.0):
        series = self._series(group, "unix", key)
        found = Spread.of([of(record) / scale for record in series.records if record]) if series else None
        self._add(what, f"≥ {figure:g} {unit}", found, lambda v: f"{v.median:.2f} {unit}", lambda v: v.median >= figure)

    def at_most(self, what, group, key, figure, of, unit):
        series = self._series(group, "unix", key)
        found = Spread.of(series.values(of)) if series else None
        self._add(what, f"≤ {figure:g} {unit}", found, lambda v: f"{v.median:.2f} {unit}", lambda v: v.median <= figure)

    def adds_at_most(self, what, group, transport, ours, theirs, nanoseconds):
        """Client CPU of a statement, ours less theirs."""
        mine = self._series(group, transport, ours)
        other = self._series(group, transport, theirs)
        found = difference(_cpu, mine, other) if mine and other else None
        self._add(
            f"{what} ({transport})", f"≤ {nanoseconds} ns", found,
            lambda v: f"{v.median * 1e3:.0f} ns ({v.low * 1e3:.0f}–{v.high * 1e3:.0f})",
            lambda v: v.median * 1e3 <= nanoseconds,
        )  # fmt: skip

    def costs_at_most(self, what, key, nanoseconds):
        """Of what bench_policies measures."""
        cost = self._policies.get(key)
        self._add(
            what, f"≤ {nanoseconds} ns", cost, lambda v: f"{v.nanoseconds.median:.0f} ns",
            lambda v: v.nanoseconds.median <= nanoseconds,
        )  # fmt: skip
        self._add(f"{what}, allocations", "0", cost, lambda v: f"{v.allocations:.1f}", lambda v: v.allocations < 0.05)

    def allocates_nothing(self, what, key):
        value = self._instructions.get(key)
        value = value.allocations if isinstance(value, Count) else None
        self._add(what, "0", value, lambda v: f"{v:.1f}", lambda v: v < 0.05)

    def count(self, what, key, figure, *, less_than=False):
        value = self._instructions.get(key)
        value = value.instructions if isinstance(value, Count) else None
        self._add(
            what, f"{'<' if less_than else '≤'} {figure:,}", value, lambda v: f"{v:,.0f}",
            lambda v: v < figure if less_than else v <= figure,
        )  # fmt: skip


def _asks_for_accounts(it: Judge, ours: str, name: str):
    """Goals of the driver and of the database alike."""
    callers = f"100 callers on 2 connections, {name}"
    for transport in ("unix", "tcp"):
        it.compare(f"{callers}, rate of the null client", "shared", transport, ours, "null", at_least=0.95)
    for transport in ("unix", "tcp"):
        it.compare(f"{callers}, rate of asyncpg", "shared", transport, ours, "asyncpg", at_least=3)
    # A Sync each: callers who know nothing of each other must not share a transaction.
    it.compare(f"{callers}, rate of libpq's pipeline", "shared", "tcp", ours, "libpq-pipeline", at_least=1.15)
    for transport in ("unix", "tcp"):
        one = f"one in flight on 32, {name}"
        it.compare(f"{one}, rate of libpq", "one-in-flight", transport, ours, "libpq-async", at_least=0.97)
        it.compare(f"{one}, client CPU of asyncpg", "one-in-flight", transport, ours, "asyncpg", at_most=0.6, of=_cpu)


def judge_driver(it: Judge):
    _asks_for_accounts(it, "connection", "`pg::connection`")
    it.count("instructions, `pg::connection`, one in flight", "connection", 2_500)
    it.allocates_nothing("allocations, `pg::connection`, one in flight", "connection")
    it.allocates_nothing("allocations, `pg::connection`, 100 callers on 2", "connection-shared")
    it.compare("rows read all at once, client CPU of libpq", "rows", "unix", "connection", "libpq", at_most=0.5, of=_cpu)
    it.at_most("rows streamed, peak memory", "rows", "cursor", 16, lambda r: r.peak_rss_kib / 1024, "MB")
    it.at_least("binary COPY in", "copy", "connection", 2, _rate, "M rows/s", 1e6)
    it.at_most("binary COPY in, client CPU", "copy", "connection", 0.1, _cpu, "µs a row")
    it.at_least("`execute_many`", "execute-many", "connection", 0.3, _rate, "M rows/s", 1e6)
    it.at_least("UNNEST", "unnest", "connection", 0.9, _rate, "M rows/s", 1e6)
    it.at_least("UNNEST, 2 in flight", "unnest", "two", 0.9, _rate, "M rows/s", 1e6)


def judge_database(it: Judge):
    _asks_for_accounts(it, "database", "`database`")
    added = "what `database` adds to a query"
    it.adds_at_most(f"{added}, one in flight on 32, client CPU", "one-in-flight", "unix", "database", "connection", 300)
    it.costs_at_most(f"{added}, by itself", "layer", 300)
    it.count("instructions, `database`, callers sharing connections", "database-shared", 1_000, less_than=True)
    it.allocates_nothing("allocations, `database`, one in flight", "database")
    it.allocates_nothing("allocations, `database`, 100 callers on 2", "database-shared")
    it.costs_at_most("acquire and release of an idle connection", "acquire", 150)
    it.costs_at_most("circuit breaker, closed", "breaker-closed", 30)
    it.costs_at_most("circuit breaker, open", "breaker-open", 100)
