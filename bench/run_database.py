#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The database beside the bare driver and its peers."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.command import main  # noqa: E402
from harness.suites import OF_DATABASE  # noqa: E402

sys.exit(main(OF_DATABASE))
