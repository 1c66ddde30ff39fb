# SPDX-License-Identifier: Apache-2.0
"""Results as Markdown, ready to be pasted."""

from .cycles import Series, Spread, ratio
from .goals import Judge
from .measure import Count
from .policies import LABELS
from .results import Results


def _rate(record):
    return record.rate


def _cpu(record):
    return record.cpu


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    marks = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, marks, *rows)]


def _ratio(spread: Spread | None) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}–{spread.high:.2f})" if spread else ""


def _median(series: Series, what, form: str) -> str:
    spread = Spread.of(series.values(what))
    return format(spread.median, form) if spread else ""


def _group_table(group, series: dict[str, Series]) -> list[str]:
    unit = "row" if group.rows else "query"
    limit = series.get(group.limit) if group.limit else None
    ours = series.get(group.ours)
    head = ["", f"{'M rows' if group.rows else 'k queries'}/s", f"client CPU, µs/{unit}"]
    if limit:
        head.append("rate ÷ null client's")
    head += ["ours ÷ its rate", "ours ÷ its CPU"]
    if group.rows:
        head.append("peak memory, MB")
    rows = []
    for contender in group.contenders:
        mine = series[contender.key]
        if not mine.values(_rate):
            why = " ".join((mine.failure or "not run").replace("|", "/").split())
            rows.append([contender.label, f"failed: {why}", *[""] * (len(head) - 2)])
            continue
        cells = [
            contender.label,
            _median(mine, lambda r: r.rate / (1e6 if group.rows else 1e3), ".2f" if group.rows else ".1f"),
            _median(mine, _cpu, ".3f" if group.rows else ".2f"),
        ]
        if limit:
            cells.append("1" if mine is limit else _ratio(ratio(_rate, mine, limit)))
        for what in (_rate, _cpu):
            cells.append("1" if mine is ours else _ratio(ratio(what, ours, mine)) if ours else "")
        if group.rows:
            cells.append(_median(mine, lambda r: r.peak_rss_kib / 1024, ".0f"))
        if mine.failure:
            cells[0] += f" (failed later: {mine.failure})"
        rows.append(cells)
    return _table(head, rows)


def _instructions_table(suite, instructions: dict) -> list[str]:
    rows = []
    for counted in suite.counted:
        value = instructions[counted.key]
        if isinstance(value, Count):
            # One that is made now and then, as buffers grow, is not one of each statement.
            rows.append([counted.label, f"{value.instructions:,.0f}", f"{value.allocations:.1f}"])
        else:
            rows.append([counted.label, f"failed: {value}", "–"])
    return _table(["", "user instructions/query", "allocations/query"], rows)


def _policies_table(policies: dict) -> list[str]:
    rows = []
    for key, label in LABELS.items():
        cost = policies[key]
        form = ",.0f" if cost.nanoseconds.median >= 10 else ".1f"
        spread = [format(value, form) for value in (cost.nanoseconds.low, cost.nanoseconds.high)]
        rows.append([label, f"{cost.nanoseconds.median:{form}} ({'–'.join(spread)})", f"{cost.allocations:.1f}"])
    return _table(["", "CPU, ns", "allocations"], rows)


def _goals_table(found: Results) -> list[str]:
    it = Judge(found.groups, found.instructions, found.policies)
    found.suite.judge(it)
    words = {True: "met", False: "**missed**", None: "–"}
    rows = [[goal.what, goal.figure, goal.measured, words[goal.met]] for goal in it.goals]
    return _table(["goal", "figure", "measured", ""], rows)


def markdown(found: Results, command: str) -> str:
    plan = found.plan
    lines = [f"`{command}`", ""]
    lines += [*found.machine, ""]
    inner = "second lowest and second highest" if plan.cycles >= 5 else "lowest and highest"
    lines += [
        f"Medians of {plan.cycles} cycles, {plan.seconds:g} s a run; ratios are medians of each cycle's ratio ({inner}).",
        "",
    ]
    for group in found.suite.groups:
        for transport in group.transports:
            series = found.groups.get((group.key, transport))
            if series is None:
                continue
            where = "Unix socket" if transport == "unix" else "TCP, loopback"
            more = f", {plan.rows(group):,} of them" if group.rows else ""
            lines += [f"### {group.title}{more}: {where}", "", *_group_table(group, series), ""]
    if found.policies:
        lines += [f"### Policies by themselves, medians of {plan.rounds} rounds", "", *_policies_table(found.policies), ""]
    if found.instructions:
        lines += ["### Instructions (callgrind, Unix socket)", "", *_instructions_table(found.suite, found.instructions), ""]
    lines += ["### Goals", "", *_goals_table(found), ""]
    return "\n".join(lines)


def failures(found: Results) -> list[str]:
    failed = []
    for group in found.suite.groups:
        for transport in group.transports:
            for contender in group.contenders:
                series = found.groups.get((group.key, transport), {}).get(contender.key)
                if series and series.failure:
                    failed.append(f"{group.key} {transport}, {contender.label}: {series.failure}")
    if found.failed_policies:
        failed.append(f"policies: {found.failed_policies}")
    failed += [f"instructions of {key}: {why}" for key, why in found.instructions.items() if isinstance(why, str)]
    return failed
