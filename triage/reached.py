# SPDX-License-Identifier: MIT
"""Which of the model's functions slices came by, by their sites.

Contract: a pure function of what slices said of themselves. A site that every slice missed was
reached by none; functions stand in the order of their names.
"""

from collections import Counter
from dataclasses import dataclass

from simulator import sites


@dataclass(frozen=True, slots=True)
class Reached:
    """One function: its sites, those that some slice came by, those at which somebody else came
    in, and the labels of those that none came by."""

    function: str
    sites: int
    reached: int
    preempted: int
    missed: tuple[str, ...]

    @property
    def state(self) -> str:
        if not self.reached:
            return "never"
        return "all" if self.reached == self.sites else "some"


def by_function(slices: int, missed: Counter[str], preempted: Counter[str]) -> list[Reached]:
    """Of `slices` slices: by site, how many missed it, and how many were interrupted there."""
    labels: dict[str, list[str]] = {}
    for name in sites.BY_NAME:
        function, _, label = name.partition(":")
        labels.setdefault(function, []).append(label)
    found = []
    for function in sorted(labels):
        names = {label: f"{function}:{label}" for label in labels[function]}
        never = tuple(label for label in names if not slices or missed[names[label]] >= slices)
        found.append(
            Reached(
                function,
                len(names),
                len(names) - len(never),
                sum(preempted[name] > 0 for name in names.values()),
                never,
            )
        )
    return found
