#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that every test that docs/reliability.md names is in ctest's list.

usage: page_is_true.py BUILD_FOLDER [CTEST]
"""
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/reliability.md"


def main(folder, ctest="ctest"):
    listed = subprocess.run([ctest, "--test-dir", folder, "-N"], check=True, capture_output=True, text=True).stdout
    there = set(re.findall(r"^ *Test +#\d+: (\S+)", listed, re.M))
    named = re.findall(r"`((?:app|chaos|db|pg)\.[^`\s]+)`", PAGE.read_text())
    named = [name for name in named if name != "chaos."]
    missing = sorted(set(named) - there)
    for name in missing:
        print(f"{PAGE.name} names {name}, which is no test")
    if not named:
        print(f"{PAGE.name} names no test")
    return 1 if missing or not named else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
