#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""asyncpg on uvloop, as it is meant to be used; options and record as the other contenders have them.

  point   mode connection  `connections` tasks with a connection and a prepared statement each
          mode pool        `callers` tasks that call pool.fetchval, `connections` connections
  rows, rows-streamed (cursor with prefetch), copy (copy_records_to_table), execute-many (executemany), unnest
"""

import asyncio
import datetime
import itertools
import json
import random
import resource
import sys
import time

import asyncpg
import uvloop

POINT = "SELECT abalance FROM pgbench_accounts WHERE aid = $1"
ROWS = (
    "SELECT i AS id, (i % 1000)::int4 AS quantity, 'row-' || i AS name, "
    "'2024-01-01 00:00:00+00'::timestamptz + i * interval '1 second' AS at FROM generate_series(1, $1::int8) AS i"
)
COLUMNS = ("id", "amount", "name", "at")
INSERT = "INSERT INTO bulk (id, amount, name, at) VALUES ($1, $2, $3, $4)"
UNNEST = (
    "INSERT INTO bulk (id, amount, name, at) "
    "SELECT * FROM unnest($1::int8[], $2::int8[], $3::text[], $4::timestamptz[])"
)
UNNEST_CHUNK = 10_000
PREFETCH = 1_000
FIRST_TIME = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
SECOND = datetime.timedelta(seconds=1)


def arguments():
    given = {
        "workload": "point", "mode": "connection", "host": "", "port": 5432, "user": "bench", "database": "bench",
        "connections": 1, "depth": 1, "callers": 1, "seconds": 2.0, "warm_up": 0.3, "queries": 0, "rows": 1_000_000,
        "seed": 1,
    }  # fmt: skip
    for word in sys.argv[1:]:
        name, equals, value = word.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        if not equals or name not in given:
            sys.exit(f"there is no option '{word}'")
        given[name] = type(given[name])(value)
    return given


class Moment:
    def __init__(self):
        self.time = time.monotonic()
        self.used = resource.getrusage(resource.RUSAGE_SELF)


def peak_rss_kib():
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def print_record(start, end, queries, rows, checksum=0):
    print(
        json.dumps({
            "queries": queries,
            "rows": rows,
            "seconds": end.time - start.time,
            "user_us": (end.used.ru_utime - start.used.ru_utime) * 1e6,
            "system_us": (end.used.ru_stime - start.used.ru_stime) * 1e6,
            "peak_rss_kib": peak_rss_kib(),
            "checksum": checksum,
        }),
        flush=True,
    )


def connect(given, make=asyncpg.connect, **more):
    names = ("host", "port", "user", "database")
    return make(ssl=False, **{name: given[name] for name in names}, **more)


async def point(given):
    # Drawing a number takes Python longer than asyncpg needs for some parts of a statement.
    chosen = random.Random(given["seed"])
    accounts = itertools.cycle([chosen.randint(1, 1_000_000) for _ in range(10_000)])
    total = 0
    over = False

    async def ask(fetchval, *before):
        nonlocal total
        while not over:
            await fetchval(*before, next(accounts))
            total += 1

    if given["mode"] == "pool":
        size = given["connections"]
        pool = await connect(given, asyncpg.create_pool, min_size=size, max_size=size)
        tasks = [asyncio.create_task(ask(pool.fetchval, POINT)) for _ in range(given["callers"])]
    elif given["mode"] == "connection":
        statements = [await (await connect(given)).prepare(POINT) for _ in range(given["connections"])]
        tasks = [asyncio.create_task(ask(statement.fetchval)) for statement in statements]
    else:
        sys.exit(f"no mode '{given['mode']}'")

    async def clock():
        nonlocal over
        await asyncio.sleep(given["warm_up"])
        before, start = total, Moment()
        await asyncio.sleep(given["seconds"])
        end = Moment()
        over = True
        print_record(start, end, total - before, total - before)

    # A task that fails fails the run.
    timed = asyncio.create_task(clock())
    done, _ = await asyncio.wait([timed, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    if not timed.done():
        sys.exit("a task has ended by itself")


async def rows(given):
    connection = await connect(given)
    statement = await connection.prepare(ROWS)
    start = Moment()
    answer = await statement.fetch(given["rows"])
    end = Moment()  # the values are Python's by now, nothing is left to be decoded
    total = sum(row["id"] + row["quantity"] + len(row["name"]) for row in answer)
    latest = max(row["at"] for row in answer)
    print_record(start, end, 1, len(answer), total + (latest - FIRST_TIME) // datetime.timedelta(microseconds=1))


async def rows_streamed(given):
    connection = await connect(given)
    statement = await connection.prepare(ROWS)
    number = 0
    total = 0
    row = None
    start = Moment()
    async with connection.transaction():
        async for row in statement.cursor(given["rows"], prefetch=PREFETCH):
            number += 1
            total += row[0] + row[1] + len(row[2])
    end = Moment()
    print_record(start, end, 1, number, total + (row["at"] - FIRST_TIME) // datetime.timedelta(microseconds=1))


def written_rows(first, number):
    for i in range(first, first + number):
        yield i, i * 7, f"row-{i:016d}", FIRST_TIME + i * SECOND


async def copy(given):
    connection = await connect(given)
    start = Moment()
    await connection.copy_records_to_table("bulk", records=written_rows(0, given["rows"]), columns=COLUMNS)
    print_record(start, Moment(), 1, given["rows"])


async def execute_many(given):
    connection = await connect(given)
    await connection.prepare(INSERT)
    start = Moment()
    await connection.executemany(INSERT, written_rows(0, given["rows"]))
    print_record(start, Moment(), given["rows"], given["rows"])


async def unnest(given):
    connection = await connect(given)
    statement = await connection.prepare(UNNEST)
    statements = 0
    start = Moment()
    async with connection.transaction():
        for first in range(0, given["rows"], UNNEST_CHUNK):
            chunk = written_rows(first, min(UNNEST_CHUNK, given["rows"] - first))
            await statement.fetch(*(list(column) for column in zip(*chunk)))
            statements += 1
    print_record(start, Moment(), statements, given["rows"])


def main():
    given = arguments()
    workloads = {
        "point": point, "rows": rows, "rows-streamed": rows_streamed, "copy": copy, "execute-many": execute_many,
        "unnest": unnest,
    }  # fmt: skip
    if given["workload"] not in workloads:
        sys.exit(f"no workload '{given['workload']}'")
    uvloop.install()
    asyncio.run(workloads[given["workload"]](given))


main()
