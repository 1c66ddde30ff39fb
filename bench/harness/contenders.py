# SPDX-License-Identifier: Apache-2.0
"""Who is measured at what."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Contender:
    key: str
    label: str
    program: str  # bench_<program>, "asyncpg" or "pgbench"
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Contenders that are run back to back; `limit` is what no client can beat, `ours` what the others are compared with."""

    key: str
    title: str
    contenders: tuple[Contender, ...]
    ours: str
    limit: str | None = None
    transports: tuple[str, ...] = ("unix",)
    rows: int = 0  # of one run; 0: a run lasts a time
    writes: bool = False  # into the table `bulk`


def _c(key, label, program, *options):
    return Contender(key, label, program, options)


_32 = "--connections=32"
_ASYNCPG_32 = _c("asyncpg", "asyncpg + uvloop, 32 connections", "asyncpg", _32)

ONE_IN_FLIGHT = Group(
    key="one-in-flight",
    title="One statement in flight on each of 32 connections",
    transports=("unix", "tcp"),
    limit="null",
    ours="connection",
    contenders=(
        _c("null", "null client", "null", "--mode=window", _32),
        _c("libpq-async", "libpq, asynchronous", "libpq", "--mode=asynchronous", _32),
        _c("pgbench", "pgbench (text)", "pgbench", _32),
        _ASYNCPG_32,
        _c("asyncpg-pool", "asyncpg + uvloop, `pool.fetchval`", "asyncpg", "--mode=pool", _32, "--callers=32"),
        _c("connection", "**`pg::connection`**", "connection", _32, "--callers=32"),
    ),
)

SHARED = Group(
    key="shared",
    title="100 callers on 2 connections",
    transports=("unix", "tcp"),
    limit="null",
    ours="connection",
    contenders=(
        _c("null", "null client, 50 in flight on each", "null", "--mode=window", "--connections=2", "--depth=50"),
        _c("null-batch", "null client, batches of 50", "null", "--mode=batch", "--connections=2", "--depth=50"),
        _c("libpq-pipeline", "libpq pipeline, a Sync each", "libpq", "--mode=pipeline", "--connections=2", "--depth=50"),
        _c(
            "libpq-batch", "libpq pipeline, 50 in one transaction", "libpq", "--mode=pipeline-batch", "--connections=2",
            "--depth=50",
        ),
        _ASYNCPG_32,
        _c("connection", "**`pg::connection`**", "connection", "--connections=2", "--callers=100"),
    ),
)

SINGLE = Group(
    key="single",
    title="One connection, one statement in flight (no goals: such runs have two speeds, as the scheduler likes)",
    limit="null",
    ours="connection",
    contenders=(
        _c("null", "null client", "null", "--mode=window"),
        _c("libpq", "libpq, synchronous", "libpq", "--mode=synchronous"),
        _c("libpq-async", "libpq, asynchronous", "libpq", "--mode=asynchronous"),
        _c("libpqxx", "libpqxx (text)", "libpqxx"),
        _c("pgbench", "pgbench (text)", "pgbench"),
        _c("asyncpg", "asyncpg + uvloop", "asyncpg"),
        _c("connection", "**`pg::connection`**", "connection"),
    ),
)

BULK = (
    Group(
        key="rows",
        title="Rows read: int8, int4, text, timestamptz",
        rows=1_000_000,
        limit="null",
        ours="connection",
        contenders=(
            _c("null", "null client, read and dropped", "null", "--workload=rows"),
            _c("libpq", "libpq, binary, all at once", "libpq", "--workload=rows"),
            _c("libpq-single", "libpq, binary, single-row mode", "libpq", "--workload=rows-streamed"),
            _c("asyncpg", "asyncpg `fetch`", "asyncpg", "--workload=rows"),
            _c("asyncpg-cursor", "asyncpg cursor, 1,000 ahead", "asyncpg", "--workload=rows-streamed"),
            _c("connection", "**`fetch`**, fields read in place", "connection", "--workload=rows", "--mode=read"),
            _c("cursor", "**`cursor`**, fields read in place", "connection", "--workload=rows-streamed"),
            _c("mapped", "**`fetch<T>`**, a vector of structs", "connection", "--workload=rows", "--mode=mapped"),
        ),
    ),
    Group(
        key="copy",
        title="Rows written by binary COPY",
        rows=1_000_000,
        writes=True,
        limit="null",
        ours="connection",
        contenders=(
            _c("null", "null client", "null", "--workload=copy"),
            _c("libpq", "libpq, encoded by hand", "libpq", "--workload=copy"),
            _c("asyncpg", "asyncpg `copy_records_to_table`", "asyncpg", "--workload=copy"),
            _c("connection", "**`copy_in`** of a range of tuples", "connection", "--workload=copy"),
        ),
    ),
    Group(
        key="execute-many",
        title="Rows written by one INSERT each, in one transaction",
        rows=200_000,
        writes=True,
        ours="connection",
        contenders=(
            _c("libpq", "libpq pipeline, a Sync every 1,000", "libpq", "--workload=execute-many"),
            _c("asyncpg", "asyncpg `executemany`", "asyncpg", "--workload=execute-many"),
            _c("connection", "**`execute_many`** of a range of tuples", "connection", "--workload=execute-many"),
        ),
    ),
    Group(
        key="unnest",
        title="Rows written by INSERT … SELECT FROM unnest, 10,000 at a time",
        rows=1_000_000,
        writes=True,
        ours="connection",
        contenders=(
            _c("libpq", "libpq, arrays encoded by hand", "libpq", "--workload=unnest"),
            _c("asyncpg", "asyncpg", "asyncpg", "--workload=unnest"),
            _c("connection", "**`execute`** of vectors", "connection", "--workload=unnest"),
            _c("two", "**`execute`** of vectors, 2 in flight", "connection", "--workload=unnest", "--depth=2"),
        ),
    ),
)

def _through_database(group: Group, *options: str) -> Group:
    """The same with `database` beside the others, which are compared with it."""
    mine = _c("database", "**`database`**", "database", *options)
    return replace(group, ours=mine.key, contenders=(*group.contenders, mine))


DRIVER = (ONE_IN_FLIGHT, SHARED, SINGLE, *BULK)
DATABASE = (
    _through_database(ONE_IN_FLIGHT, _32, "--callers=32"),
    _through_database(SHARED, "--connections=2", "--callers=100"),
)


@dataclass(frozen=True)
class Counted:
    """A program whose instructions are counted, with the two lengths that are subtracted."""

    key: str
    label: str
    program: str
    options: tuple[str, ...]
    lengths: tuple[int, int]


_ONE = (1_000, 3_000)
_MANY = (5_000, 15_000)

_CONNECTION = (
    Counted("connection", "**`pg::connection`**, one in flight", "connection", (), _ONE),
    Counted(
        "connection-shared", "**`pg::connection`**, 100 callers on 2", "connection",
        ("--connections=2", "--callers=100"), _MANY,
    ),
)  # fmt: skip

COUNTED_OF_DRIVER = (
    Counted("libpq", "libpq, synchronous", "libpq", ("--mode=synchronous",), _ONE),
    Counted("libpq-async", "libpq, asynchronous, one in flight", "libpq", ("--mode=asynchronous",), _ONE),
    Counted(
        "libpq-pipeline", "libpq pipeline, a Sync each, 50 on each of 2", "libpq",
        ("--mode=pipeline", "--connections=2", "--depth=50"), _MANY,
    ),
    Counted(
        "libpq-batch", "libpq pipeline, 50 in one transaction, on 2", "libpq",
        ("--mode=pipeline-batch", "--connections=2", "--depth=50"), _MANY,
    ),
    *_CONNECTION,
)  # fmt: skip

COUNTED_OF_DATABASE = (
    *_CONNECTION,
    Counted("database", "**`database`**, one in flight", "database", (), _ONE),
    Counted(
        "database-shared", "**`database`**, 100 callers on 2", "database", ("--connections=2", "--callers=100"), _MANY,
    ),
)  # fmt: skip
