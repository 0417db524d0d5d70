# SPDX-License-Identifier: MIT
"""A kernel to compare with where none is needed: the model itself, with a twist."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from conformance.model import ModelKernel
from conformance.observation import ALL_PAGE_BITS, Observed
from conformance.userland import PMD_ORDER
from simulator.ops import BY_NUMBER
from simulator.scenario import Scenario

Twist = Callable[[Scenario, Observed], Observed]


class StandIn:
    """Agrees with the model but for what `twist` makes of its answer."""

    def __init__(self, twist: Twist = lambda _, observed: observed) -> None:
        self.twist = twist
        self.model = ModelKernel()
        self.page_bits = ALL_PAGE_BITS
        self.version = ""

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass

    def run(self, scenario: Scenario, *, every_op: bool, order: Sequence[int] = ()) -> Observed:
        return self.twist(scenario, self.model.run(scenario, every_op=every_op))

    def why_not(self, scenario: Scenario) -> str:
        if scenario.config.pmd_order != PMD_ORDER:
            return "no real page table is like that"
        for d in scenario.directives:
            if d.site not in ("op:begin", "op:end"):
                return f"the directive at {d.site} of op {d.uid} reaches inside an op"
        needs = [BY_NUMBER[op.code].requires for op in scenario.ops]
        return next((f"it needs {need}" for need in needs if need), "")


def failing(code: int, errno: int) -> Twist:
    """Ops of that row fail."""

    def twist(scenario: Scenario, observed: Observed) -> Observed:
        results = tuple(
            -errno if op.code == code else result
            for op, result in zip(scenario.ops, observed.results, strict=True)
        )
        return replace(observed, results=results)

    return twist
