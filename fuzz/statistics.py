# SPDX-License-Identifier: MIT
"""What a slice says of itself while it runs: a line of JSON a second.

Contract: counts only grow, and `cpu_seconds` is the child's own. A line that `to_json` did
not print is refused with ValueError, for who reads it does not trust who wrote it.
"""

import json
from dataclasses import asdict, dataclass, field, fields


@dataclass(slots=True)
class InternalError:
    """Something of ours went wrong. `kind` is `nondeterminism` (the highest class: replays
    cannot be trusted), `model-exception`, `mutator`, `engine` or `finding-lost`; `text` is
    a scenario that shows it, where there is one."""

    kind: str
    detail: str
    text: str = ""
    count: int = 1


@dataclass(slots=True)
class Statistics:
    """What a slice did so far. One line of JSON a second; the last line has `final`."""

    engine: str = ""
    mode: str = ""  # of the model: compiled or interpreted
    final: bool = False
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    executions: int = 0
    steps: int = 0
    scenarios: int = 0  # mutated or made; each is run several times
    features: int = 0
    rechecked: int = 0
    violations: int = 0
    first_find_executions: int = 0  # 0: nothing found
    first_find_seconds: float = 0.0
    first_find_cpu_seconds: float = 0.0
    sites_reached: int = 0
    sites_missed: list[str] = field(default_factory=list)
    sites_preempted: list[str] = field(default_factory=list)  # where somebody else came in
    focus_passed: dict[str, int] = field(default_factory=dict)  # how often, each site of the focus
    focus_preempted: dict[str, int] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)  # "A B": runs; in the last line (meetings.py)
    situations_reached: int = 0  # named rare ones
    situations_missed: list[str] = field(default_factory=list)
    internal_errors: list[InternalError] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def statistics_from_json(line: str | bytes) -> Statistics:
    """A line that a child wrote. Raises ValueError for anything else."""
    data = json.loads(line)
    if not isinstance(data, dict):
        raise ValueError("statistics: expected an object")
    try:
        errors = [InternalError(**e) for e in data.pop("internal_errors", [])]
        statistics = Statistics(**data, internal_errors=errors)
    except TypeError as e:
        raise ValueError(f"statistics: {e}") from e
    blank = Statistics()
    for f in fields(Statistics):
        if type(getattr(statistics, f.name)) is not type(getattr(blank, f.name)):
            raise ValueError(f"statistics: {f.name} has the wrong type")
    return statistics
