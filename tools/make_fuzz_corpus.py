#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets, fuzz/corpus/<target>/: what a server usually says, in each target's input format.

Inputs that once made a target fail stand in the same folders, called regression-*; they are kept.
usage: make_fuzz_corpus.py
"""
import pathlib
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus"


# --- messages of a server ---------------------------------------------------------------------------------------------

def i16(value):
    return struct.pack(">h", value)


def i32(value):
    return struct.pack(">i", value)


def text(value):
    return value.encode() + b"\0"


def message(kind, payload=b""):
    """As the harness reads messages: the type, the size of the payload in two bytes, the payload."""
    return kind.encode() + struct.pack(">H", len(payload)) + payload


def framed(kind, payload=b""):
    """As the wire has it."""
    return kind.encode() + i32(len(payload) + 4) + payload


def columns(*described, form=1):
    payload = i16(len(described))
    for name, kind in described:
        payload += text(name) + i32(0) + i16(0) + i32(kind) + i16(-1) + i32(-1) + i16(form)
    return payload


def fields(*values):
    payload = i16(len(values))
    for value in values:
        payload += i32(-1) if value is None else i32(len(value)) + value
    return payload


def said(severity, code, words):
    return b"".join(tag + text(value) for tag, value in (
        (b"S", severity), (b"V", severity), (b"C", code), (b"M", words), (b"D", "detail"), (b"H", "hint"), (b"P", "8"),
        (b"W", "where"), (b"s", "schema"), (b"t", "table"), (b"c", "column"), (b"d", "type"), (b"n", "constraint"),
        (b"F", "file.c"), (b"L", "1"), (b"R", "routine"))) + b"\0"


PARSED = message("1")
BOUND = message("2")
NO_DATA = message("n")
READY = message("Z", b"I")
READY_INSIDE = message("Z", b"T")
ONE_INT = message("T", columns(("n", 23)))
ROW = message("D", fields(i32(7)))
SELECTED = message("C", text("SELECT 1"))
FAILED = message("E", said("ERROR", "42601", "syntax error"))
CANCELLED = message("E", said("ERROR", "57014", "canceling statement due to user request"))
KILLED = message("E", said("FATAL", "57P01", "terminating connection due to administrator command"))
COMMAND = PARSED + BOUND + message("C", text("BEGIN"))
LET_IN = message("R", i32(0))
KEY = message("K", i32(1) + i32(2))
COPY_BOTH = b"\1" + i16(1) + i16(1)

seeds = {}


def seed(target, name, content):
    seeds.setdefault(target, {})[name] = content


# --- framing and single messages --------------------------------------------------------------------------------------

session = framed("R", i32(0)) + framed("S", text("TimeZone") + text("UTC")) + framed("K", i32(1) + i32(2)) + framed("Z", b"I")
seed("receive_buffer", "whole", b"\0" + session)
seed("receive_buffer", "bytewise", b"\1\0" + session)
seed("receive_buffer", "slices", b"\3\2\7\1" + session * 4)
seed("receive_buffer", "too_long", b"\0" + session + b"D\x7f\xff\xff\xff")
seed("receive_buffer", "too_short", b"\0" + session + b"D\0\0\0\3")
seed("receive_buffer", "large", b"\1\xff" + framed("D", b"x" * 2000) * 3)

seed("backend_messages", "authentication", b"R" + i32(10) + text("SCRAM-SHA-256") + b"\0")
seed("backend_messages", "status", b"S" + text("TimeZone") + text("UTC"))
seed("backend_messages", "key", b"K" + i32(1) + i32(2))
seed("backend_messages", "ready", b"ZI")
seed("backend_messages", "error", b"E" + said("ERROR", "23505", "duplicate key"))
seed("backend_messages", "parameters", b"t" + i16(2) + i32(23) + i32(25))
seed("backend_messages", "columns", b"T" + columns(("id", 20), ("name", 25)))
seed("backend_messages", "tag", b"C" + text("INSERT 0 1"))
seed("backend_messages", "copy", b"G" + COPY_BOTH)
seed("backend_messages", "notification", b"A" + i32(1) + text("channel") + text("payload"))

row = fields(i32(7), None, b"")
seed("data_row", "rows", b"\3abc" + (struct.pack(">H", len(row)) + row) * 2)
row = fields(b"x")
seed("data_row", "one", b"\1a" + struct.pack(">H", len(row)) + row)

for name, words in {
        "plain": "SELECT $1::int, $2", "quoted": "SELECT '$1' || \"a$2\" || e'\\'$3' || $1", "dollar": "SELECT $a$ $9 $a$, $1",
        "comments": "-- $3\nSELECT /* $2 /* $4 */ */ $1", "many": "SELECT $1, $65535, $65536, $99999999999999999999"}.items():
    seed("sql_scan", name, b"\x10" + words.encode())

# --- machines ---------------------------------------------------------------------------------------------------------

mechanisms = b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"
first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4"
scram = message("R", i32(10) + mechanisms) + message("R", i32(11) + first) + message("R", i32(12) + b"v=AAAA")
for name, about in {"local": 5, "plain": 1, "tls": 3, "bound": 11, "nobody": 2}.items():
    head = bytes([1, 1, about])
    seed("fsm_startup", f"trust_{name}", head + LET_IN + KEY + READY)
    seed("fsm_startup", f"cleartext_{name}", head + message("R", i32(3)) + LET_IN + KEY + READY)
    seed("fsm_startup", f"md5_{name}", head + message("R", i32(5) + b"salt") + LET_IN + KEY + READY)
    seed("fsm_startup", f"scram_{name}", head + scram + LET_IN + KEY + READY)
    seed("fsm_startup", f"refused_{name}", head + message("E", said("FATAL", "28P01", "password authentication failed")))
seed("fsm_startup", "required", bytes([2, 0, 11]) + scram)

tail = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
seed("fsm_scram", "usual", b"\0\0" + b"\3\0" + b"\x02" + b"16" + tail)
seed("fsm_scram", "whole", b"\0\0" + b"\0" + bytes([len(first)]) + first + b"\0" + tail)
seed("fsm_scram", "bound", b"\2\4hash" + b"\3\0" + b"\x01" + b"1" + b"e=other-error")

described = PARSED + message("t", i16(1) + i32(23))
ran = BOUND + ROW + ROW + SELECTED + READY
seed("fsm_query", "prepare", b"\0\0" + described + ONE_INT + READY)
seed("fsm_query", "prepare_no_rows", b"\0\0" + described + NO_DATA + READY)
seed("fsm_query", "prepare_refused", b"\0\0" + FAILED + READY)
seed("fsm_query", "execute", b"\1\1\0" + ran)
seed("fsm_query", "execute_after_commands", b"\1\1\2" + COMMAND + COMMAND + ran)
seed("fsm_query", "execute_refused", b"\1\1\0" + BOUND + ROW + FAILED + READY)
seed("fsm_query", "execute_copy_in", b"\1\0\0" + BOUND + message("G", COPY_BOTH) + CANCELLED + READY)
seed("fsm_query", "execute_copy_out",
     b"\1\0\0" + BOUND + message("H", COPY_BOTH) + message("d", b"1\n") + message("c") + SELECTED + READY)
seed("fsm_query", "script", b"\2\0" + message("C", text("BEGIN")) + ONE_INT + ROW + SELECTED + message("I") + READY_INSIDE)
seed("fsm_query", "script_refused", b"\2\0" + SELECTED + FAILED + READY)

copied = message("C", text("COPY 2")) + READY
found = PARSED + BOUND + ROW * 2 + message("C", text("SELECT 2")) + READY
seed("fsm_query", "lookup", b"\3\0" + found)
seed("fsm_query", "lookup_refused", b"\3\0" + PARSED + FAILED + READY)

seed("fsm_copy", "in", b"\1" + b"\4\0\0\0\1" + PARSED + BOUND + message("G", COPY_BOTH) + copied)
seed("fsm_copy", "in_refused", b"\1" + b"\0" + PARSED + BOUND + FAILED + READY)
seed("fsm_copy", "in_given_up", b"\1" + b"\4\0\0\0\2" + PARSED + BOUND + message("G", COPY_BOTH) + CANCELLED + READY)
seed("fsm_copy", "in_failed", b"\1" + b"\0" + PARSED + BOUND + message("G", COPY_BOTH) + FAILED + READY)
data = message("d", b"PGCOPY\n\xff\r\n\0" + i32(0) + i32(0)) + message("d", i16(1) + i32(4) + i32(7)) + message("d", i16(-1))
seed("fsm_copy", "out", b"\0\x3f" + b"\0" + PARSED + BOUND + message("H", COPY_BOTH) + data + message("c") + copied)
seed("fsm_copy", "out_taken", b"\0\3" + b"\7\0\0\0\1\1\1\1" + PARSED + BOUND + message("H", COPY_BOTH) + data + message("c") + copied)
seed("fsm_copy", "out_dropped", b"\0\3" + b"\7\0\0\0\0\2\0\0" + PARSED + BOUND + message("H", COPY_BOTH) + data + CANCELLED + READY)

suspended = message("s") + READY_INSIDE
seed("fsm_portal", "first", b"\0\0\0" + BOUND + ROW + suspended)
seed("fsm_portal", "first_after_begin", b"\5\0\0" + COMMAND + PARSED + BOUND + ROW + ROW + suspended)
seed("fsm_portal", "last", b"\0\0\0" + BOUND + ROW + SELECTED + READY_INSIDE)
seed("fsm_portal", "dropped", b"\0\3\0\0\xdd\0" + BOUND + ROW + ROW + CANCELLED + READY_INSIDE)
seed("fsm_portal", "close", b"\xff\0\0" + message("3") + READY)

entry = BOUND + ROW + SELECTED
seed("fsm_batch", "each", b"\1\1\1\1\0" + entry + READY + entry + READY)
seed("fsm_batch", "one", b"\1\5\1\3\0" + entry + PARSED + entry + READY)
seed("fsm_batch", "one_after_begin", b"\1\x0d\1\1\0" + COMMAND + entry + entry + READY)
seed("fsm_batch", "one_refused", b"\1\5\1\1\0" + entry + FAILED + READY)
seed("fsm_batch", "each_refused", b"\1\1\1\1\0" + FAILED + READY + entry + READY)
executed = BOUND + message("C", text("INSERT 0 1"))
seed("fsm_batch", "repeat", b"\0\0\5\0\3\0\3\1" + executed * 2 + READY)
seed("fsm_batch", "repeat_refused", b"\0\0\5\0\3\0\3\1" + executed + FAILED + READY)
seed("fsm_batch", "repeat_undone", b"\0\5\5\0\3\3\3\3\2" + COMMAND + PARSED + executed + FAILED + READY)

# --- where and as whom ------------------------------------------------------------------------------------------------

for name, dsn in {
        "uri": "postgresql://trader:secret@db.example:5433/shop?sslmode=verify-full&application_name=x",
        "uri_hosts": "postgres://db1,[::1]:5433,%2Ftmp/shop?target_session_attrs=read-write&load_balance_hosts=random",
        "uri_escaped": "postgresql://tr%61der:p%40ss@/shop?host=%2Fvar%2Frun",
        "words": "host=db1,db2 hostaddr=10.0.0.1,::1 port=5432,5433 user=trader dbname=shop connect_timeout=3",
        "quoted": "user='tr\\'ader' password = 'with blank' options='-c geqo=off'",
        "tls": "sslmode=require sslrootcert=system sslnegotiation=direct ssl_min_protocol_version=TLSv1.2 sslsni=1",
        "authentication": "require_auth=!password,!md5 channel_binding=require requirepeer=postgres",
        "own": "prepared_statements=unnamed statement_cache_size=10 cancel_timeout=5s keepalives_idle=30 tcp_user_timeout=1000",
        "service": "service=shop"}.items():
    seed("dsn", name, b"\0\0\0" + dsn.encode())
seed("dsn", "password_words", b"\0\1\x05port=user=trader")
seed("dsn", "password_uri", b"\0\2\x08db:5432/shop?port=x")
seed("dsn", "password_query", b"\0\3\x06db/shopsslmode=disable")
seed("dsn", "environment", b"\5\6x,y%s\0\0host=db")
seed("passfile", "lines", b"\1# comment\ndb.example:5432:shop:trader:secret\n*:*:*:*:oth\\:er\n")
seed("passfile", "socket", b"\0localhost:*:shop:trader:pass\\\\word\r\n")
seed("passfile", "broken", b"\1db.example:5432\n:::::\n\\")
seed("service_file", "services", b"# comment\n[other]\nhost=a\n\n[shop]\nhost=db1,db2\nport=5433\nuser=trader\n[third]\n")
seed("service_file", "broken", b"[shop]\nhost\n=x\nldap://x\nunknown=1\nservice=shop\n")

# --- values -----------------------------------------------------------------------------------------------------------

def f8(*values):
    return b"".join(struct.pack(">d", value) for value in values)


def i64(value):
    return struct.pack(">q", value)


def sized(value):
    return i32(-1) if value is None else i32(len(value)) + value


def numeric(digits, weight, sign, scale):
    return struct.pack(f">hhHh{len(digits)}h", len(digits), weight, sign, scale, *digits)


def array(element, *values, bounds=None):
    bounds = bounds or [(len(values), 1)]
    head = i32(len(bounds)) + i32(int(None in values)) + i32(element)
    return head + b"".join(i32(size) + i32(lower) for size, lower in bounds) + b"".join(map(sized, values))


def record(*attributes):
    return i32(len(attributes)) + b"".join(i32(kind) + sized(value) for kind, value in attributes)


PRICE = numeric([12, 5000], 0, 0, 2)
TRADE = record((23, i32(7)), (25, b"AAPL"), (1700, PRICE), (1009, array(25, b"a", None)), (20000, b"ok"))
values = {  # name: OID, binary form, text form
    "bool": (16, b"\1", "t"), "bytea": (17, b"\0\xff", "\\x00ff"), "char": (18, b"\xe4", "\\344"), "name": (19, b"pg_class", "pg_class"),
    "int8": (20, i64(-5), "-5"), "int2": (21, i16(7), "7"), "int4": (23, i32(7), "7"), "text": (25, b"text", "text"),
    "oid": (26, i32(-1), "4294967295"), "xid": (28, i32(7), "7"), "xid8": (5069, i64(7), "7"), "json": (114, b'{"a":[1,2]}', '{"a":[1,2]}'),
    "jsonb": (3802, b'\1{"id":1,"symbol":"x","tags":[]}', '{"id":1,"symbol":"x","tags":[]}'), "jsonpath": (4072, b"\1$.a", '$."a"'),
    "point": (600, f8(1, 2), "(1,2)"), "lseg": (601, f8(1, 2, 3, 4), "[(1,2),(3,4)]"), "box": (603, f8(3, 4, 1, 2), "(3,4),(1,2)"),
    "path": (602, b"\1" + i32(2) + f8(1, 2, 3, 4), "((1,2),(3,4))"), "polygon": (604, i32(2) + f8(1, 2, 3, 4), "((1,2),(3,4))"),
    "line": (628, f8(1, -1, 0), "{1,-1,0}"), "circle": (718, f8(1, 2, 3), "<(1,2),3>"), "float4": (700, struct.pack(">f", 1.5), "1.5"),
    "float8": (701, f8(float("inf")), "-Infinity"), "money": (790, i64(123456), "$1,234.56"),
    "inet": (869, b"\2\x18\0\4\x0a\0\0\1", "10.0.0.1/24"), "cidr": (650, b"\3\x20\1\x10\x20\1\x0d\xb8" + b"\0" * 12, "2001:db8::/32"),
    "macaddr": (829, b"\x08\0\x2b\1\2\3", "08:00:2b:01:02:03"), "macaddr8": (774, b"\x08\0\x2b\1\2\3\4\5", "08:00:2b:01:02:03:04:05"),
    "date": (1082, i32(8766), "2024-01-01"), "date_infinite": (1082, i32(0x7fffffff), "infinity"), "date_bc": (1082, i32(-800000), "0044-03-15 BC"),
    "time": (1083, i64(3_600_000_000), "01:00:00"), "timetz": (1266, i64(3_600_000_000) + i32(-7200), "01:00:00.5+02"),
    "timestamp": (1114, i64(757_382_400_000_000), "2024-01-01 00:00:00.25"),
    "timestamptz": (1184, i64(757_382_400_000_000), "2024-01-01 00:00:00+05:30:15"),
    "interval": (1186, i64(1_000_000) + i32(3) + i32(14), "P1Y2M3DT4H5M6.789S"),
    "interval_verbose": (1186, i64(-1) + i32(0) + i32(0), "1 year 2 mons -3 days +04:05:06.789"),
    "bit": (1560, i32(5) + b"\xa8", "10101"), "varbit": (1562, i32(0), ""), "numeric": (1700, PRICE, "12.50"),
    "numeric_nan": (1700, numeric([], 0, 0xc000, 0), "NaN"), "numeric_tiny": (1700, numeric([1], -5, 0x4000, 20), "-1e-20"),
    "uuid": (2950, bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"), "lsn": (3220, i64(0x16B374D848), "16/B374D848"),
    "tsvector": (3614, i32(1) + b"fat\0" + i16(1) + i16(2), "'fat':2 'rat':3A"),
    "tsquery": (3615, i32(1) + b"\1\0\0fat\0", "'fat' & !'rat'"), "bpchar": (1042, b"a  ", "a  "), "varchar": (1043, b"v", "v"),
    "int4_array": (1007, array(23, i32(1), None, i32(3)), "{1,NULL,3}"), "int4_array_empty": (1007, array(23, bounds=[])[:12], "{}"),
    "int4_array_2d": (1007, array(23, *map(i32, range(4)), bounds=[(2, 1), (2, 0)]), "[1:2][0:1]={{0,1},{2,3}}"),
    "text_array": (1009, array(25, b"a", b"", b'"'), '{a,"","\\"","NULL",null}'), "box_array": (1020, array(603, f8(3, 4, 1, 2)), "{(3,4),(1,2);(1,1),(0,0)}"),
    "int2vector": (22, array(21, i16(1), bounds=[(1, 0)]), "1 2"), "json_array": (199, array(114, b"{}"), '{"{\\"a\\":1}"}'),
    "int4range": (3904, b"\2" + sized(i32(1)) + sized(i32(5)), "[1,5)"), "numrange": (3906, b"\x12" + sized(PRICE), "[12.50,)"),
    "daterange": (3912, b"\1", "empty"), "tstzrange": (3910, b"\x18", '["2024-01-01 00:00:00+00",infinity]'),
    "int4multirange": (4451, i32(1) + sized(b"\2" + sized(i32(1)) + sized(i32(5))), "{[1,5),[7,9)}"), "nummultirange": (4532, i32(0), "{}"),
    "int4range_array": (3905, array(3904, b"\1"), '{"[1,5)",empty}'), "record": (2249, record((23, i32(7)), (25, b"x")), '(7,x)'),
    "mood": (20000, b"happy", "happy"), "mood_array": (20001, array(20000, b"ok", b"sad"), "{ok,sad}"), "trade": (20002, TRADE, '(7,AAPL,12.50,"{a,NULL}",ok)'),
    "trade_array": (20003, array(20002, TRADE, None), '{"(7,\\"A\\"\\"B\\",,{},)",NULL}'), "price": (20004, PRICE, "12.50"),
    "price_range": (20006, b"\x12" + sized(PRICE), "(,12.5]"), "price_multirange": (20007, i32(0), "{(,1)}"),
    "hstore": (20008, i32(2) + sized(b"k") + sized(b"v") + sized(b"n") + i32(-1), '"k"=>"v", "n"=>NULL'),
    "ltree": (20009, b"\1a.b", "a.b"), "lquery": (20010, b"\1*.b", "*.b"),
    "nested": (20011, record((20, i64(1)), (20003, array(20002, TRADE)), (20002, None)), '(1,"{}",)'),
    "semicolon_array": (20013, array(20012, b"x"), '{"x;y";z}'),
}
for name, (kind, binary, words) in values.items():
    for which in (0, 1) if kind in (25, 1007, 1009, 2249, 3802, 20002) else (0,):
        suffix = f"_{which}" if which else ""
        seed("value_binary", name + suffix, struct.pack(">HB", kind, which) + binary)
        seed("value_text", name + suffix, struct.pack(">HB", kind, which) + words.encode())

header = b"PGCOPY\n\xff\r\n\0" + i32(0)
seed("copy_rows", "rows", b"\1\0\0" + header + i32(0) + fields(i32(7)) * 3 + i16(-1))
seed("copy_rows", "slices", b"\2\1\3\2\5\7" + fields(i32(7), None) * 3 + i16(-1))
seed("copy_rows", "extension", b"\1\0\1\0" + header + i32(5) + b"12345" + fields(b"") + i16(-1))
seed("copy_rows", "cut", b"\3\1\1\3" + fields(b"a", b"b", b"c") + fields(b"a", b"b", b"c")[:-1])
seed("copy_rows", "behind", b"\1\1\0" + fields(b"a") + i16(-1) + b"x")

for name, part, content in (("trade", 1, TRADE), ("array", 1, array(20002, TRADE)), ("record", 0, record((23, i32(7)), (20005, b"x")))):
    kind = {"trade": 0, "array": 1, "record": 2249}[name]
    seed("value_types", name, struct.pack(">HB", kind, part) + (b"" if part else b"\0") + content)

alert = b"\x15\3\3\0\2\2\x28"
hello = b"\x16\3\3\0\x2a\2\0\0\x26\3\3" + bytes(32) + b"\0\x13\1\0"
seed("tls", "alert", b"\x06" + alert)
seed("tls", "hello", b"\xff" + hello)
seed("tls", "plain", b"\xffE\0\0\0\x20SFATAL\0C57P03\0")
seed("tls", "retry", b"\xff" + hello[:11] + bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c") + b"\0\x13\1\0")

# --- whole sessions: which scenario (tests/pg/support/scenarios.cpp), how, what the server says -----------------------

prepared = PARSED + message("t", i16(1) + i32(23)) + ONE_INT + READY
prepared_plain = PARSED + message("t", i16(0)) + ONE_INT + READY
prepared_rowless = PARSED + message("t", i16(0)) + NO_DATA + READY
rows = BOUND + ROW * 3 + message("C", text("SELECT 3")) + READY
done = BOUND + message("C", text("BEGIN"))
login = message("R", i32(10) + b"SCRAM-SHA-256\0\0") + message("R", i32(11) + first) + LET_IN + KEY + READY
sessions = {
    "run": (0, prepared + rows + rows), "fail": (1, prepared_plain + BOUND + FAILED + READY + prepared + rows),
    "script": (2, ONE_INT + ROW + SELECTED + ONE_INT + ROW * 3 + SELECTED + message("C", text("INSERT 0 1")) + READY),
    "cursor": (3, prepared_plain + COMMAND + BOUND + ROW + ROW + suspended + ROW + SELECTED + READY_INSIDE + done + READY),
    "cursor_left": (4, prepared_plain + COMMAND + BOUND + ROW + suspended + message("3") + READY_INSIDE + done + READY),
    "copy_in": (5, PARSED + message("t", i16(0)) + message("T", columns(("a", 23), ("b", 23))) + READY + PARSED + BOUND +
                message("G", COPY_BOTH) + message("C", text("COPY 3")) + READY),
    "copy_text_in": (6, PARSED + BOUND + message("G", b"\0" + i16(1) + i16(0)) + message("C", text("COPY 3")) + READY),
    "copy_left": (7, PARSED + BOUND + message("G", b"\0" + i16(1) + i16(0)) + CANCELLED + READY + prepared_plain + rows),
    "copy_out": (8, prepared_plain + PARSED + BOUND + message("H", COPY_BOTH) + data + message("c") + copied),
    "copy_text_out": (9, PARSED + BOUND + message("H", b"\0" + i16(1) + i16(0)) + message("d", b"7\n") + message("c") + copied),
    "batch": (10, PARSED + message("t", i16(1) + i32(23)) + ONE_INT + PARSED + message("t", i16(0)) + ONE_INT + PARSED +
              message("t", i16(0)) + NO_DATA + READY + BOUND + ROW + SELECTED + BOUND + ROW + SELECTED + BOUND +
              message("C", text("INSERT 0 1")) + READY),
    "batch_alone": (11, prepared + prepared_plain + prepared_rowless + rows + rows + BOUND + SELECTED + READY),
    "many": (12, PARSED + message("t", i16(1) + i32(23)) + NO_DATA + READY + executed * 3 + READY),
    "listen": (13, PARSED + BOUND + message("C", text("LISTEN")) + READY + message("A", i32(1) + text("news") + text("hello"))),
    "transaction": (14, prepared_rowless + BOUND + message("C", text("BEGIN")) + READY_INSIDE + prepared + rows),
    "user_type": (0, PARSED + message("t", i16(1) + i32(20000)) + message("T", columns(("n", 20001))) + READY + rows + rows),
}
for name, (which, words) in sessions.items():
    for how, suffix in ((0, ""), (1, "_unnamed"), (8 + 16, "_cancelled")):
        seed("link", name + suffix, bytes([which, how]) + words)
seed("link", "login", bytes([0, 2]) + login + prepared + rows)
seed("link", "killed", bytes([0, 0]) + prepared + KILLED)
seed("link", "glued", bytes([0, 4]) + prepared + rows + rows)

# --- done -------------------------------------------------------------------------------------------------------------

for target, files in seeds.items():
    folder = ROOT / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if not old.name.startswith("regression-"):
            old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
