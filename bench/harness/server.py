# SPDX-License-Identifier: Apache-2.0
"""The private server that is measured against."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

# Production-like: nothing that makes a server faster than one that keeps its promises. The rest is as the embedded
# server has it (fsync, synchronous_commit, data checksums and autovacuum on, jit off).
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB"}
SCALE = 10
TABLE = "CREATE TABLE bulk (id int8, amount int8, name text, at timestamptz) WITH (autovacuum_enabled = off)"


class ServerError(Exception):
    pass


class Server:
    """A context: made and loaded when it is entered, stopped and removed when it is left."""

    def __init__(self, program: Path, folder: str | None, say):
        self._program = program
        self._parent = folder
        self._say = say
        self._process = None
        self._folder = None

    def __enter__(self):
        try:
            self._start()
            self._load()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _start(self):
        self._folder = Path(tempfile.mkdtemp(prefix="tradecore-bench-", dir=self._parent))
        # The server may run as another user than we do and has to get to its folder; that one is private.
        self._folder.chmod(0o711)
        self._say("starting a server")
        command = [self._program, self._folder / "server", *(f"{name}={value}" for name, value in SETTINGS.items())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        if not line:
            raise ServerError("the server did not start; what it said is above")
        about = json.loads(line)
        self.socket_folder = about["socket_folder"]
        self.port = about["port"]
        self._dsn = about["dsn"]
        debian = Path(f"/usr/lib/postgresql/{about['major']}/bin")
        self._programs = debian if debian.is_dir() else None

    def program(self, name: str) -> str | None:
        """Where a program of PostgreSQL is; the one of the server's version when it is known."""
        if self._programs and os.access(self._programs / name, os.X_OK):
            return str(self._programs / name)
        return shutil.which(name)

    def _load(self):
        self._say(f"loading pgbench's tables, scale {SCALE}")
        self.sql("CREATE ROLE bench LOGIN", "CREATE DATABASE bench OWNER bench")
        pgbench = self.program("pgbench")
        if pgbench is None:
            raise ServerError("there is no pgbench to load its tables with")
        where = ["-h", self.socket_folder, "-p", str(self.port), "-U", "bench"]
        subprocess.run(
            [pgbench, "-i", "-q", "-s", str(SCALE), *where, "bench"], check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=600,
        )  # fmt: skip
        self.sql("SET ROLE bench", TABLE, database="bench")
        # Table and index are in memory before anybody is measured.
        self.sql(
            "VACUUM ANALYZE pgbench_accounts", "SET enable_seqscan = off", "SET enable_bitmapscan = off",
            "SELECT count(filler) FROM pgbench_accounts WHERE aid > 0", "CHECKPOINT", database="bench",
        )  # fmt: skip
        self.version = self.sql("SHOW server_version").split()[0]

    def sql(self, *commands: str, database: str = "postgres") -> str:
        """Runs commands as superuser, each in a transaction of its own; returns what was printed."""
        psql = self.program("psql")
        if psql is None:
            raise ServerError("there is no psql")
        words = [psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        for command in commands:
            words += ["-c", command]
        words.append(self._dsn.replace("/postgres?", f"/{database}?"))
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise ServerError(done.stderr.strip())
        return done.stdout.strip()

    def stop(self):
        if self._process is not None:
            self._process.stdin.close()  # which is how it is told
            try:
                self._process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self._process.kill()  # the kernel tells PostgreSQL
                self._process.wait()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def host(self, transport: str) -> str:
        return self.socket_folder if transport == "unix" else "127.0.0.1"
