# SPDX-License-Identifier: Apache-2.0
"""What was measured on: machine, server and versions, without the day."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from .server import SCALE, SETTINGS


def _first(path: str, pattern: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return ""
    return found[1].strip() if found else ""


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _cached(build: Path, name: str) -> str:
    return _first(str(build / "CMakeCache.txt"), rf"^{name}:\w+=(.*)$")


def _packages() -> str:
    names = {"libpq5": "libpq", "libpqxx-6.4": "libpqxx", "python3-asyncpg": "asyncpg", "python3-uvloop": "uvloop"}
    found = []
    for line in _said("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\\n", *names).splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "ii":
            version = re.sub(r"^\d+:|[-+].*$", "", words[2])
            found.append(f"{names[words[1]]} {version}")
    return ", ".join(found)


def is_virtual() -> bool:
    return "hypervisor" in _first("/proc/cpuinfo", r"^flags\s*:(.*)$").split()


def _ticks() -> tuple[int, int]:
    numbers = [int(word) for word in _first("/proc/stat", r"^cpu\s+(.*)$").split()]
    return sum(numbers), sum(numbers) - sum(numbers[3:5])  # idle, waiting for a disk


def share_taken_by_others(seconds: float = 2) -> float:
    """How much of the processors is used while we do nothing."""
    all_before, busy_before = _ticks()
    time.sleep(seconds)
    all_after, busy_after = _ticks()
    return (busy_after - busy_before) / max(1, all_after - all_before)


def describe(build: Path, server_version: str, taken: float) -> list[str]:
    """Sentences for the table's head."""
    memory = int(_first("/proc/meminfo", r"^MemTotal:\s*(\d+)") or 0) / 1024**2
    model = _first("/proc/cpuinfo", r"^model name\s*:(.*)$") or platform.machine()
    system = _first("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)') or platform.system()
    compiler = _said(_cached(build, "CMAKE_CXX_COMPILER") or "c++", "--version").splitlines()
    version = re.search(r"(clang|g\+\+|gcc)\D*([\d.]+)", compiler[0]) if compiler else None
    kind = _cached(build, "CMAKE_BUILD_TYPE")
    flags = _cached(build, f"CMAKE_CXX_FLAGS_{kind.upper()}")
    cache = _cached(build, "TRADECORE_ASIO_RECYCLING_CACHE")
    virtual = ", a virtual machine" if is_virtual() else ""
    settings = ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
    lines = [
        f"{os.cpu_count()} × {model}{virtual}, {memory:.0f} GB, Linux {platform.release()}, {system}; "
        "client and server share it, nothing is pinned.",
        f"PostgreSQL {server_version}, private: {settings}, fsync and synchronous_commit on, data checksums on, jit off; "
        f"pgbench scale {SCALE}, in memory. No TLS.",
        f"Ours: {' '.join(version.groups()) if version else 'unknown compiler'} {flags}"
        + (f", BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE={cache}" if cache else "")
        + f". Peers: {_packages() or 'versions unknown'}.",
    ]
    if "-O2" not in flags and "-O3" not in flags:
        lines.append("**Ours was built without optimisation: its figures mean nothing.**")
    if taken > 0.05:
        lines.append(f"**Others took {taken:.0%} of the processors before or after: no conclusions.**")
    return lines
