#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brings the code in the documentation up to date with the sources it is taken from, so that every line of it is compiled and run.

usage: tools/snippets.py [--check]

A code block that follows `<!-- FILE: NAME -->` holds what stands in FILE between `// [NAME]` and `// [/NAME]`.
With --check nothing is written; what is out of date is named and the exit status is 1.
"""
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- (?P<file>[\w./-]+): (?P<name>[\w-]+) -->\n```\w*\n)(?P<code>.*?)(?=^```$)", re.S | re.M)


def snippet(file, name):
    text = (ROOT / file).read_text()
    found = re.search(rf"^[ \t]*// \[{name}\]\n(.*?)^[ \t]*// \[/{name}\]$", text, re.S | re.M)
    if not found:
        raise SystemExit(f"snippets: {file} has no part called {name}")
    return textwrap.dedent(found.group(1))


def main():
    check = "--check" in sys.argv[1:]
    stale, blocks = [], 0
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text()
        fresh = BLOCK.sub(lambda block: block.group(1) + snippet(block["file"], block["name"]), text)
        blocks += len(BLOCK.findall(text))
        if fresh != text:
            stale.append(str(page.relative_to(ROOT)))
            if not check:
                page.write_text(fresh)
    if check and stale:
        raise SystemExit(f"snippets: out of date, run tools/snippets.py: {', '.join(stale)}")
    print(f"snippets: {blocks} blocks, {'rewritten in ' + ', '.join(stale) if stale else 'all up to date'}")


main()
