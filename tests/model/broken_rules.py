# SPDX-License-Identifier: MIT
"""Models with one rule of Linux flipped, which a real kernel must contradict.

Contract: each of RULES exchanges functions of an interpreted model. Most flips break no promise
that an oracle watches: a model that is wrong in itself nobody but a kernel can tell. The program

    MMFARM_MODEL=interpreted python -m tests.model.broken_rules [--seconds N] [RULE ...]

runs differential fuzzing on each for at most N (60) CPU seconds and prints what showed it, the
model's judge being this machine's kernel; exit code 1 when one was not caught.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from conformance.differ import Kernel, Side, first_difference, run_both
from conformance.fuzz import runnable
from conformance.generate import Generator
from conformance.model import ModelKernel
from conformance.observation import Observed
from simulator.errno import EACCES, EEXIST, EFAULT, EINVAL, ENOMEM
from simulator.mm import (
    copy_page_range,
    fault,
    filemap,
    gup,
    madvise,
    memory,
    mmap,
    mprotect,
    mremap,
    shmem,
    vma_merge,
    zap,
)
from simulator.mm.mm_types import (
    SWP_MARKER_GUARD,
    VM_ACCOUNT,
    VM_DONTCOPY,
    VM_DROPPABLE,
    VM_NORESERVE,
    VM_READ,
    VM_WIPEONFORK,
    VM_WRITE,
    Mm,
    Vma,
    pte_kind,
)
from simulator.mm.vm_fault import FAULT_FLAG_WRITE, VM_FAULT_SIGBUS, VmFault
from simulator.scenario import Scenario
from simulator.state import Kernel as Machine
from tests.model.broken import Patch

SCENARIOS: Final = 20_000  # at most, until a rule is seen to be broken


@dataclass(frozen=True, slots=True)
class Rule:
    """One flip; `breaks` says which rule is gone."""

    name: str
    breaks: Callable[[Patch], None]


class BrokenModel:
    """The model with one rule flipped, while it runs and no longer."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._model = ModelKernel()

    def run(self, scenario: Scenario, *, every_op: bool) -> Observed:
        patch = Patch()
        self._rule.breaks(patch)
        try:
            return self._model.run(scenario, every_op=every_op)
        finally:
            patch.undo()


@dataclass(frozen=True, slots=True)
class Caught:
    """What showed the flip; `signature` is empty when nothing did."""

    signature: str
    scenarios: int
    cpu_seconds: float


def hunt(rule: Rule, kernel: Kernel, scenarios: int, seed: int = 1) -> Caught:
    """Run random scenarios on the broken model and on `kernel` until they disagree."""
    model: Side = BrokenModel(rule)
    generator = Generator(seed, runnable(kernel))
    began = time.process_time()
    count = 0
    while count < scenarios:
        scenario = generator.next()
        if kernel.why_not(scenario):
            continue
        count += 1
        found = run_both(scenario, model, kernel, every_op=False).disagreement
        if found is not None:
            first = first_difference(scenario, model, kernel) or found
            return Caught(str(first.signature(scenario)), count, time.process_time() - began)
    return Caught("", count, time.process_time() - began)


# --- errno -----------------------------------------------------------------------------------


def errno_of_mprotect_over_a_hole(patch: Patch) -> None:
    patch.result(mprotect, "do_mprotect", lambda r, *_: -EFAULT if r == -ENOMEM else r)


def errno_of_madvise_over_a_hole(patch: Patch) -> None:
    patch.result(madvise, "do_madvise", lambda r, *_: 0 if r == -ENOMEM else r)


def errno_of_noreplace(patch: Patch) -> None:
    patch.result(mmap, "do_mmap", lambda r, *_: -EINVAL if r == -EEXIST else r)


def errno_of_populate(patch: Patch) -> None:
    patch.result(gup, "faultin_page_range", lambda r, *_: -EFAULT if r == -EINVAL else r)


def errno_of_mremap_growth(patch: Patch) -> None:
    patch.result(mremap, "expand_vma_in_place", lambda r, *_: -EFAULT if r == -ENOMEM else r)


def errno_of_wipeonfork(patch: Patch) -> None:
    """MADV_WIPEONFORK of a file is an EACCES."""
    patch.result(madvise, "advised_flags", lambda r, *_: -EACCES if r == -EINVAL else r)


# --- COW, the zero page, faults --------------------------------------------------------------


def read_faults_allocate(patch: Patch) -> None:
    """Untouched private memory is read from a page of its own, not from the zero page."""
    original = memory.do_anonymous_page

    def writing(k: Machine, vmf: VmFault) -> int:
        vmf.flags |= FAULT_FLAG_WRITE
        return original(k, vmf)

    patch.set(memory, "do_anonymous_page", writing)


def cow_always_reuses(patch: Patch) -> None:
    patch.nothing(memory, "may_reuse", True)


def private_writes_reach_the_file(patch: Patch) -> None:
    patch.set(memory, "do_cow_fault", memory.do_shared_fault)


def no_fault_around(patch: Patch) -> None:
    patch.nothing(filemap, "filemap_map_pages", 0)


def files_have_no_end(patch: Patch) -> None:
    """A touch one page behind the end of a file finds a page."""
    original = shmem.shmem_fault

    def roomy(k: Machine, vmf: VmFault) -> Any:
        inode = vmf.vma.inode
        assert inode is not None
        shmem.make_room(inode, filemap.eof_pages(inode) + 1)
        before = inode.i_size
        inode.i_size += 4
        page = original(k, vmf)
        inode.i_size = before
        return page

    patch.set(shmem, "shmem_fault", roomy)


# --- protections -----------------------------------------------------------------------------


def write_only_memory_cannot_be_read(patch: Patch) -> None:
    def error(vma: Vma, write: bool) -> bool:
        return not vma.flags & (VM_WRITE if write else VM_READ)

    patch.set(fault, "access_error", error)


def foll_force_is_ignored(patch: Patch) -> None:
    def check(vma: Vma, flags: int) -> int:
        need = VM_WRITE if flags & gup.FOLL_WRITE else VM_READ
        return 0 if vma.flags & need else -EFAULT

    patch.set(gup, "check_vma_flags", check)


def mprotect_stops_before_a_hole(patch: Patch) -> None:
    """mprotect() over a hole changes nothing at all."""
    original = mprotect.do_mprotect

    def all_or_nothing(k: Machine, mm: Mm, start: int, end: int, prot: int) -> int:
        mapped = sum(max(0, min(vma.end, end) - max(vma.start, start)) for vma in mm.vmas)
        return original(k, mm, start, end, prot) if mapped == end - start else -ENOMEM

    patch.set(mprotect, "do_mprotect", all_or_nothing)


# --- mremap ----------------------------------------------------------------------------------


def mremap_moves_one_vma_only(patch: Patch) -> None:
    """As before 6.17."""
    original = mremap.remap_move

    def single(k: Machine, mm: Mm, vrm: mremap.VmaRemap) -> int:
        for vma in mm.vmas:
            if vma.start <= vrm.start < vma.end < vrm.start + vrm.old_len:
                return -EFAULT
        return original(k, mm, vrm)

    patch.set(mremap, "remap_move", single)


def dontunmap_unmaps(patch: Patch) -> None:
    original = mremap.move_vma

    def plain(k: Machine, mm: Mm, vrm: mremap.VmaRemap) -> int:
        vrm.dontunmap = False
        return original(k, mm, vrm)

    patch.set(mremap, "move_vma", plain)


def mremap_copies_no_offset(patch: Patch) -> None:
    """A moved VMA gets the offset of its new place, also when it has been faulted."""
    original = vma_merge.copy_vma

    def at_home(
        k: Machine, vma: Vma, start: int, end: int, pgoff: int, anon_pgoff: int, keep_source: bool
    ) -> Any:
        if vma.inode is None:
            pgoff = anon_pgoff = start
        return original(k, vma, start, end, pgoff, anon_pgoff, keep_source)

    patch.set(vma_merge, "copy_vma", at_home)


# --- guard regions ---------------------------------------------------------------------------


def dontneed_drops_guards(patch: Patch) -> None:
    original = zap.zap_nonpresent_pte

    def drop(k: Machine, tlb: Any, vma: Any, table: Any, va: int, zap_flags: int) -> None:
        original(k, tlb, vma, table, va, zap_flags | zap.ZAP_FLAG_DROP_MARKER)

    patch.set(zap, "zap_nonpresent_pte", drop)


def guards_are_sigbus(patch: Patch) -> None:
    def swap_page(_k: Machine, vmf: VmFault) -> int:
        assert pte_kind(vmf.orig_pte) == SWP_MARKER_GUARD
        return VM_FAULT_SIGBUS

    patch.set(memory, "do_swap_page", swap_page)


def guards_are_not_inherited(patch: Patch) -> None:
    """fork() copies no page tables only because there may be guards."""
    patch.set(copy_page_range, "vma_needs_copy", lambda _dst, src: src.anon_vma is not None)


# --- merging and flags of VMAs ---------------------------------------------------------------


def new_mappings_do_not_merge(patch: Patch) -> None:
    patch.nothing(vma_merge, "vma_merge_new_range")


def changed_mappings_do_not_merge(patch: Patch) -> None:
    def no_merge(_k: Machine, vmg: vma_merge.VmaMerge) -> None:
        vmg.state = vma_merge.MERGE_NOMERGE

    patch.set(vma_merge, "vma_merge_existing_range", no_merge)


def only_empty_vmas_merge(patch: Patch) -> None:
    """Of two neighbours one may be faulted, since 6.16."""

    def mergeable(_k: Machine, vmg: vma_merge.VmaMerge, tgt: Vma) -> bool:
        return tgt.anon_vma is vmg.anon_vma

    patch.set(vma_merge, "is_mergeable_anon_vma", mergeable)


def anon_vmas_do_not_matter_in_merges(patch: Patch) -> None:
    patch.nothing(vma_merge, "is_mergeable_anon_vma", True)


def dontfork_is_forgotten(patch: Patch) -> None:
    patch.result(madvise, "advised_flags", lambda r, *_: r & ~VM_DONTCOPY if r >= 0 else r)


def wipeonfork_is_forgotten(patch: Patch) -> None:
    patch.result(madvise, "advised_flags", lambda r, *_: r & ~VM_WIPEONFORK if r >= 0 else r)


def everything_is_accounted(patch: Patch) -> None:
    patch.set(mmap, "accountable_mapping", lambda flags: bool(flags & VM_WRITE))


def mprotect_forgets_accounting(patch: Patch) -> None:
    def then(_k: Machine, _tlb: Any, _prev: Any, vma: Vma, *_rest: Any) -> None:
        vma.flags &= ~VM_ACCOUNT

    patch.after(mprotect, "mprotect_fixup", then)


def droppable_memory_is_inherited(patch: Patch) -> None:
    original = mmap.mmap_region

    def region(k: Machine, mm: Mm, start: int, end: int, flags: int, pgoff: int, inode: Any) -> int:
        if flags & VM_DROPPABLE:
            flags &= ~(VM_WIPEONFORK | VM_NORESERVE)
        return original(k, mm, start, end, flags, pgoff, inode)

    patch.set(mmap, "mmap_region", region)


def populate_does_nothing(patch: Patch) -> None:
    patch.nothing(gup, "mm_populate")


def stacks_need_no_gap(patch: Patch) -> None:
    original = mmap.expand_downwards

    def without(k: Machine, vma: Vma, va: int) -> int:
        gap, k.stack_gap = k.stack_gap, 0
        result = original(k, vma, va)
        k.stack_gap = gap
        return result

    patch.set(mmap, "expand_downwards", without)


RULES: Final = (
    Rule("errno-mprotect", errno_of_mprotect_over_a_hole),
    Rule("errno-madvise", errno_of_madvise_over_a_hole),
    Rule("errno-noreplace", errno_of_noreplace),
    Rule("errno-populate", errno_of_populate),
    Rule("errno-mremap", errno_of_mremap_growth),
    Rule("errno-wipeonfork", errno_of_wipeonfork),
    Rule("zero-page", read_faults_allocate),
    Rule("cow-always-reuses", cow_always_reuses),
    Rule("private-file-cow", private_writes_reach_the_file),
    Rule("fault-around", no_fault_around),
    Rule("end-of-file", files_have_no_end),
    Rule("write-implies-read", write_only_memory_cannot_be_read),
    Rule("foll-force", foll_force_is_ignored),
    Rule("mprotect-over-hole", mprotect_stops_before_a_hole),
    Rule("mremap-many-vmas", mremap_moves_one_vma_only),
    Rule("mremap-dontunmap", dontunmap_unmaps),
    Rule("mremap-offset", mremap_copies_no_offset),
    Rule("guard-survives-dontneed", dontneed_drops_guards),
    Rule("guard-is-sigsegv", guards_are_sigbus),
    Rule("guard-is-inherited", guards_are_not_inherited),
    Rule("merge-new", new_mappings_do_not_merge),
    Rule("merge-changed", changed_mappings_do_not_merge),
    Rule("merge-faulted", only_empty_vmas_merge),
    Rule("merge-anon-vma", anon_vmas_do_not_matter_in_merges),
    Rule("dontfork", dontfork_is_forgotten),
    Rule("wipeonfork", wipeonfork_is_forgotten),
    Rule("account-noreserve", everything_is_accounted),
    Rule("account-mprotect", mprotect_forgets_accounting),
    Rule("droppable", droppable_memory_is_inherited),
    Rule("populate", populate_does_nothing),
    Rule("stack-gap", stacks_need_no_gap),
)


def main() -> int:
    from conformance.kernel import RealKernel

    parser = argparse.ArgumentParser(prog="tests.model.broken_rules")
    parser.add_argument("--scenarios", type=int, default=SCENARIOS)
    parser.add_argument("--json", action="store_true", help="only signatures, by rule")
    parser.add_argument("rules", nargs="*", metavar="RULE")
    arguments = parser.parse_args()
    signatures: dict[str, str] = {}
    with RealKernel() as kernel:
        for rule in RULES:
            if arguments.rules and rule.name not in arguments.rules:
                continue
            caught = hunt(rule, kernel, arguments.scenarios)
            signatures[rule.name] = caught.signature
            if not arguments.json:
                print(
                    f"{rule.name:24} {caught.cpu_seconds:6.2f} s {caught.scenarios:6} scenarios  "
                    f"{caught.signature or 'NOT CAUGHT'}",
                    flush=True,
                )
    if arguments.json:
        print(json.dumps(signatures))
    return 0 if all(signatures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
