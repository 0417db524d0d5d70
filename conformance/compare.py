# SPDX-License-Identifier: MIT
"""Where model and kernel disagree first.

Contract: `compare` is a pure function of a scenario and what both sides showed of it. It walks
the ops in text order, each one's result before its checkpoint, then the checkpoints of the
end, and returns the first difference or None. Everything in an `Observed` is compared, except
what LEFT_OUT lists.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from operator import xor
from typing import Final

from conformance.observation import (
    ALL_PAGE_BITS,
    EMPTY_PTE,
    FILE,
    GUARD,
    IN_CORE,
    MAPPED_ONCE,
    PAGE_IS_FILE,
    PAGE_IS_GUARD,
    PAGE_IS_HUGE,
    PAGE_IS_PFNZERO,
    PAGE_IS_PRESENT,
    PAGE_IS_SOFT_DIRTY,
    PAGE_IS_SWAPPED,
    PAGE_IS_WPALLOWED,
    PAGE_IS_WRITTEN,
    PRESENT,
    SOFT_DIRTY,
    SWAP,
    UFFD_WP,
    Checkpoint,
    Observed,
    Region,
)
from simulator.ops import BY_NUMBER, OP_PAGEMAP, PROTS
from simulator.outcome import Signature, result_name
from simulator.scenario import Op, Scenario

ORACLE: Final = "conformance"  # the first word of a disagreement's signature

# What is not compared, and why: for users, in conformance/README.md.
LEFT_OUT: Final = (
    (
        "soft-dirty",
        "the bit of pagemap, PAGE_IS_SOFT_DIRTY and the flag `sd` of smaps, where the "
        "kernel was built without CONFIG_MEM_SOFT_DIRTY; the executor probes that",
    ),
    (
        "guard and PAGEMAP_SCAN",
        "pagemap's bit of guards and the categories of a scan that the "
        "kernel is too old to show; the executor probes each",
    ),
    (
        "other VmFlags",
        "flags of smaps that the model does not have: they are of the kernel's "
        "configuration, or of what the model leaves out",
    ),
)

_PAGEMAP_SOFT_DIRTY: Final = 1  # of a `pagemap` op's result, which begins at bit 55
_PAGE_BITS: Final = (
    (PRESENT, "present"),
    (SWAP, "swap"),
    (GUARD, "guard"),
    (PAGE_IS_PFNZERO, "zero-page"),
    (FILE, "file"),
    (MAPPED_ONCE, "mapped-once"),
    (UFFD_WP, "uffd-wp"),
    (IN_CORE, "in-core"),
    (SOFT_DIRTY, "soft-dirty"),
    # What only a scan shows, or shows otherwise.
    (PAGE_IS_PRESENT, "page-is-present"),
    (PAGE_IS_SWAPPED, "page-is-swapped"),
    (PAGE_IS_GUARD, "page-is-guard"),
    (PAGE_IS_FILE, "page-is-file"),
    (PAGE_IS_WRITTEN, "page-is-written"),
    (PAGE_IS_SOFT_DIRTY, "page-is-soft-dirty"),
    (PAGE_IS_WPALLOWED, "page-is-wpallowed"),
    (PAGE_IS_HUGE, "page-is-huge"),
    (EMPTY_PTE, "empty-pte"),
)
_FIELDS: Final = ("prot", "shared", "backing", "offset", "vm_flags", "rss", "anonymous")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """`observation` is a stable word, the class of the signature; `place` is the page or VMA.
    It shows in the process of `actor` after op `uid`, or, if that is 0, only at the end."""

    uid: int
    actor: int
    observation: str
    place: str
    model: str
    kernel: str

    def signature(self, scenario: Scenario) -> Signature:
        """(conformance, kernel function of the op, observation). What shows only at the end
        is the last op's."""
        op = next((op for op in scenario.ops if op.uid == self.uid), scenario.ops[-1])
        return Signature(ORACLE, BY_NUMBER[op.code].culprit, self.observation)

    def to_json(self) -> dict[str, str | int]:
        return asdict(self)

    def __str__(self) -> str:
        when = f"op {self.uid}" if self.uid else "the end"
        what = f"{self.observation} of {self.place}" if self.place else self.observation
        return (
            f"{when}, T{self.actor}: {what} is {self.model} in the model, "
            f"{self.kernel} in the kernel"
        )


def compare(
    scenario: Scenario, model: Observed, kernel: Observed, page_bits: int = ALL_PAGE_BITS
) -> Disagreement | None:
    """The first difference between the two, or None. `page_bits` are those of pages that the
    kernel can show."""
    ours = {(c.uid, c.actor): c for c in model.checkpoints}
    theirs = {(c.uid, c.actor): c for c in kernel.checkpoints}
    for i, op in enumerate(scenario.ops):
        found = _results(op, model.results[i], kernel.results[i], page_bits)
        if found is None:
            here = (op.uid, op.actor)
            found = _checkpoints(*here, ours.pop(here, None), theirs.pop(here, None), page_bits)
        if found is not None:
            return found
    for here in sorted(ours.keys() | theirs.keys()):
        found = _checkpoints(*here, ours.get(here), theirs.get(here), page_bits)
        if found is not None:
            return found
    return None


def _results(op: Op, model: int, kernel: int, page_bits: int) -> Disagreement | None:
    if op.code == OP_PAGEMAP and model >= 0 and not page_bits & SOFT_DIRTY:
        model &= ~_PAGEMAP_SOFT_DIRTY
        kernel = kernel & ~_PAGEMAP_SOFT_DIRTY if kernel >= 0 else kernel
    if model == kernel:
        return None
    said = (str(result_name(model)), str(result_name(kernel)))
    return Disagreement(op.uid, op.actor, "result", "", *said)


def _checkpoints(
    uid: int, actor: int, model: Checkpoint | None, kernel: Checkpoint | None, page_bits: int
) -> Disagreement | None:
    """The same moment on both sides."""
    if model is None or kernel is None:
        if model is kernel:
            return None
        said = tuple("gone" if side is None else "there" for side in (model, kernel))
        return Disagreement(uid, actor, "process", "", *said)
    for difference in _regions(model, kernel, page_bits):
        return Disagreement(uid, actor, *difference)
    assert len(model.pages) == len(kernel.pages)
    # Many pages, of few different values.
    if any(bits & page_bits for bits in set(map(xor, model.pages, kernel.pages))):
        for page, (ours, theirs) in enumerate(zip(model.pages, kernel.pages, strict=True)):
            if (ours ^ theirs) & page_bits:
                return _page(uid, actor, page, ours, theirs, page_bits)
    return None


def _page(uid: int, actor: int, page: int, model: int, kernel: int, page_bits: int) -> Disagreement:
    """The first bit of one page that differs."""
    bit, name = next((bit, name) for bit, name in _PAGE_BITS if (model ^ kernel) & page_bits & bit)
    said = ("set" if side & bit else "clear" for side in (model, kernel))
    return Disagreement(uid, actor, name, f"page {page}", *said)


def _regions(
    model: Checkpoint, kernel: Checkpoint, page_bits: int
) -> Iterator[tuple[str, str, str, str]]:
    """Observation, place and both values of each difference of the VMAs."""
    ours, theirs = _layout(model), _layout(kernel)
    if ours != theirs:
        yield "layout", "", _text(ours), _text(theirs)
        return
    for region, other in zip(model.regions, kernel.regions, strict=True):
        if not page_bits & SOFT_DIRTY:
            region, other = _without_soft_dirty(region), _without_soft_dirty(other)
        if region == other:
            continue
        for name in _FIELDS:
            one, two = getattr(region, name), getattr(other, name)
            if one != two:
                place = f"{region.start}..{region.end}"
                yield name.replace("_", "-"), place, _value(name, one), _value(name, two)


def _without_soft_dirty(region: Region) -> Region:
    """Without smaps' `sd`."""
    if "sd" not in region.vm_flags:
        return region
    return replace(region, vm_flags=tuple(flag for flag in region.vm_flags if flag != "sd"))


def _layout(checkpoint: Checkpoint) -> list[tuple[int, int]]:
    return [(r.start, r.end) for r in checkpoint.regions]


def _text(layout: list[tuple[int, int]]) -> str:
    return " ".join(f"{start}..{end}" for start, end in layout) or "empty"


def _value(name: str, value: int | tuple[str, ...]) -> str:
    """A field of a region as people say it."""
    if isinstance(value, tuple):
        return " ".join(value)
    if name == "prot":
        return PROTS[value]
    if name == "shared":
        return "shared" if value else "private"
    return str(value)
