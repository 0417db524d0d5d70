# SPDX-License-Identifier: MIT
"""Whether a real kernel does what the model says of an interleaving: the verdict.

Contract: `confirm` runs a scenario on one kernel so many times, or, where what it breaks does not
show in it, the same with a load or store that comes at once, and says

    SAME       results and final state are as the model's, and what is broken shows in them: the
               mended model says otherwise. Or the kernel itself cries where the model says that
               a promise is broken. Of a scenario that breaks nothing: they are as the model's.
    DIFFERENT  something is otherwise; `mended` when it is as the mended model says
    REFUSED    it cannot be forced there, or what is broken does not show to user space and the
               kernel did not complain either
    STUCK      the kernel neither got on nor waited in a way that is known

SAME is evidence that this kernel has the bug; DIFFERENT only says that this interleaving does
not show it.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.compare import compare
from conformance.debian import Image
from conformance.executor import ExecutorError
from conformance.forced.build import Build
from conformance.forced.engine import Stuck
from conformance.forced.force import force
from conformance.forced.guest import ACTORS, Guest
from conformance.forced.plan import Plan, Refused, mended_size, plan, real_size
from conformance.forced.stretch import stretched
from conformance.model import ModelKernel
from conformance.userland import PMD_ORDER
from simulator.ops import OP_READ, OP_WRITE
from simulator.scenario import SWITCH, TLB, Directive, Scenario
from simulator.sites import MMU__TRANSLATE, NAMES, OP__END
from simulator.validate import ScenarioError

SAME: Final = "SAME"
DIFFERENT: Final = "DIFFERENT"
REFUSED: Final = "REFUSED"
STUCK: Final = "STUCK"
# An emulated CPU mostly keeps a translation, and need not.
TLB_TRIES: Final = 3
NOT_SEEN: Final = (
    "what is broken does not show in results, VMAs or pages, and the kernel did not complain"
)
_WORST_FIRST: Final = (SAME, STUCK, REFUSED, DIFFERENT)


@dataclass(slots=True)
class Confirmed:
    """The verdict of most repetitions on one kernel, `k` of `n`. `why` is what differed first,
    what could not be forced, or the kernel's cry."""

    kernel: str
    version: str
    verdict: str
    k: int = 0
    n: int = 0
    why: str = ""
    mended: bool = False
    function: str = ""  # of REFUSED
    cry: str = ""
    milliseconds: list[int] = field(default_factory=list)
    cpu_milliseconds: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        return {
            "kernel": self.kernel,
            "version": self.version,
            "verdict": self.verdict,
            "k": self.k,
            "n": self.n,
            "why": self.why,
            "as_mended": self.mended,
            "function": self.function,
            "cry": self.cry,
            "milliseconds": self.milliseconds,
            "cpu_milliseconds": self.cpu_milliseconds,
        }


@dataclass(frozen=True, slots=True)
class Once:
    """One repetition."""

    verdict: str
    why: str = ""
    mended: bool = False
    function: str = ""
    cry: str = ""


class Booted:
    """A kernel kept alive for many scenarios, booted again when it has cried or is stuck. A context
    manager."""

    def __init__(self, image: Image, actors: int = ACTORS) -> None:
        self.image = image
        self._actors = actors
        self._guest: Guest | None = None
        self._build: Build | None = None

    def __enter__(self) -> "Booted":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        guest, self._guest = self._guest, None
        if guest is not None:
            guest.close()

    def guest(self, actors: int = 0) -> Guest:
        """Booted, with CPUs for so many actors."""
        if self._guest is not None and self._guest.actors < actors:
            self.close()
        if self._guest is None:
            self._actors = max(actors, self._actors)
            self._guest = Guest(self.image, self._actors)
            self._build = None
        return self._guest

    @property
    def build(self) -> Build:
        if self._build is None:
            self._build = Build(self.guest())
        return self._build


def confirm(
    name: str, scenario: Scenario, booted: Booted, model: ModelKernel, repeat: int
) -> Confirmed:
    """Raises ExecutorError."""
    version = booted.image.version
    result = Confirmed(name, version, REFUSED, n=repeat)
    try:
        broken, mended, visible = plans(scenario, version, model)
    except Refused as refused:
        result.why, result.function = str(refused), refused.function
        return result
    tries: list[Once] = []
    for _ in range(repeat):
        tries.append(_timed(broken, mended, visible, booted, result))
        if tries[-1].verdict == REFUSED:
            break
    counts = Counter(each.verdict for each in tries)
    result.verdict = next(each for each in _WORST_FIRST if counts[each])
    chosen = next(each for each in tries if each.verdict == result.verdict)
    result.k = counts[result.verdict]
    result.why, result.mended, result.cry = chosen.why, chosen.mended, chosen.cry
    result.function = chosen.function
    return result


def plans(scenario: Scenario, version: str, model: ModelKernel) -> tuple[Plan, Plan | None, bool]:
    """As the scenario is, the same without its bugs (None when it breaks nothing), and whether user
    space can tell the two apart. Raises Refused when the model has nothing to say."""
    sized = real_size(scenario, version)
    broken = plan(sized, model)
    if broken.violation is None and scenario.config.pmd_order != PMD_ORDER:
        try:
            scenario = stretched(scenario)  # what filled a page table does so again
        except ScenarioError as error:
            raise Refused(f"with real page tables the model breaks nothing, and {error}") from error
        sized = real_size(scenario, version)
        broken = plan(sized, model)
    if broken.violation is None:
        if scenario.config.bugs or "expect" in dict(scenario.headers):
            raise Refused(f"with real page tables and as Linux {version} the model breaks nothing")
        return broken, None, True
    for witness in _witnesses(sized, broken.violation.uid):
        broken = plan(witness, model)
        mended = plan(replace(witness, config=mended_size(scenario, version).config), model)
        if shows(broken, mended):
            return broken, mended, True
    return plan(sized, model), None, False  # the kernel may say something of it


def shows(broken: Plan, mended: Plan) -> bool:
    """Whether user space can tell the two apart."""
    steps = [(step.index, step.end) for step in broken.steps]
    return compare(mended.scenario, mended.observed, broken.observed) is not None or steps != [
        (step.index, step.end) for step in mended.steps
    ]


def _witnesses(scenario: Scenario, uid: int) -> Iterator[Scenario]:
    """The scenario, and others in which somebody may see what is broken when op `uid` ends: loads
    and stores that use what their CPU's TLB has kept, as a real one does, and that come at once."""
    yield scenario
    there = {(d.uid, d.site, d.visit) for d in scenario.directives}
    touches = [op for op in scenario.ops if op.code in (OP_READ, OP_WRITE)]
    kept = [Directive(op.uid, NAMES[MMU__TRANSLATE], 1, TLB, 1) for op in touches]
    kept = [d for d in kept if (d.uid, d.site, d.visit) not in there]
    yield scenario.with_directives((*scenario.directives, *kept))
    end = NAMES[OP__END]
    if uid and (uid, end, 1) not in there:
        for actor in dict.fromkeys(op.actor for op in touches):
            at_once = Directive(uid, end, 1, SWITCH, actor)
            yield scenario.with_directives((*scenario.directives, *kept, at_once))


def _timed(
    broken: Plan, mended: Plan | None, visible: bool, booted: Booted, result: Confirmed
) -> Once:
    """One repetition, on a kernel that is alive."""
    guest = booted.guest(len(broken.actors))
    build = booted.build
    guest.settle()
    began, cpu = time.monotonic(), guest.cpu_seconds()
    try:
        once = _judged(guest, build, broken, mended, visible)
    except Refused as refused:
        return Once(REFUSED, str(refused), function=refused.function)
    except (Stuck, ExecutorError) as stuck:
        booted.close()
        return Once(STUCK, str(stuck))
    result.milliseconds.append(int(1000 * (time.monotonic() - began)))
    result.cpu_milliseconds.append(int(1000 * (guest.cpu_seconds() - cpu)))
    if once.cry:
        booted.close()
    return once


def _judged(guest: Guest, build: Build, broken: Plan, mended: Plan | None, visible: bool) -> Once:
    for _ in range(TLB_TRIES if broken.warm_tlb else 1):
        forced = force(guest, build, broken)
        if forced.cry:
            return Once(SAME if broken.violation else DIFFERENT, "the kernel cries", cry=forced.cry)
        if not forced.otherwise and not visible:
            return Once(REFUSED, NOT_SEEN)
        if not forced.otherwise:
            return Once(SAME, str(broken.violation.signature) if broken.violation else "")
    if mended is None:
        return Once(DIFFERENT, forced.otherwise)
    other = force(guest, build, mended)
    return Once(
        DIFFERENT, forced.otherwise, mended=not other.otherwise and not other.cry, cry=other.cry
    )
