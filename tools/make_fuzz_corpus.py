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

# --- done -------------------------------------------------------------------------------------------------------------

for target, files in seeds.items():
    folder = ROOT / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if not old.name.startswith("regression-"):
            old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
