# SPDX-License-Identifier: Apache-2.0
"""What came out of a run."""

import dataclasses
from dataclasses import dataclass, field


@dataclass
class Results:
    suite: object
    plan: object
    # By group and transport, then by contender.
    groups: dict = field(default_factory=dict)
    # By what was counted: a Count, or why there is none.
    instructions: dict = field(default_factory=dict)
    policies: dict = field(default_factory=dict)
    failed_policies: str | None = None
    machine: list[str] = field(default_factory=list)

    def raw(self) -> dict:
        """Every record, for JSON."""
        records = {
            " ".join(where): {
                key: [record and dataclasses.asdict(record) for record in series.records] for key, series in all_of.items()
            }
            for where, all_of in self.groups.items()
        }
        counts = {
            key: value if isinstance(value, str) else dataclasses.asdict(value) for key, value in self.instructions.items()
        }
        policies = self.failed_policies or {key: dataclasses.asdict(cost) for key, cost in self.policies.items()}
        return {"results": records, "instructions": counts, **({"policies": policies} if policies else {})}
