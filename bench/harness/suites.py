# SPDX-License-Identifier: Apache-2.0
"""What is measured together, and which goals it is judged by."""

from collections.abc import Callable
from dataclasses import dataclass

from .contenders import COUNTED_OF_DATABASE, COUNTED_OF_DRIVER, DATABASE, DRIVER, Counted, Group
from .goals import Judge, judge_database, judge_driver


@dataclass(frozen=True)
class Suite:
    about: str
    script: str
    groups: tuple[Group, ...]
    counted: tuple[Counted, ...]
    judge: Callable[[Judge], None]
    has_policies: bool = False

    @property
    def parts(self) -> list[str]:
        """What --only takes."""
        policies = ["policies"] if self.has_policies else []
        return [*(group.key for group in self.groups), "instructions", *policies]


OF_DRIVER = Suite(
    about="Measures the driver beside its peers and prints what came out as Markdown (docs/performance.md says how and why).",
    script="bench/run_driver.py",
    groups=DRIVER,
    counted=COUNTED_OF_DRIVER,
    judge=judge_driver,
)

OF_DATABASE = Suite(
    about="Measures the database, with every policy as it is by default, beside the bare driver and its peers, and prints "
    "what came out as Markdown (docs/performance.md says how and why).",
    script="bench/run_database.py",
    groups=DATABASE,
    counted=COUNTED_OF_DATABASE,
    judge=judge_database,
    has_policies=True,
)
