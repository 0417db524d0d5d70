# SPDX-License-Identifier: MIT
"""What a kernel may or may not offer, and who needs it.

Contract: `FEATURES` names all that the executor's probes (conformance/c/probes.h) try out, with
what is skipped without it. `op_needs` says which of them an op takes. The words of `# requires:`
headers are among the names.
"""

from collections.abc import Collection, Mapping
from typing import Final

from corpus import cform
from simulator import ops
from simulator.kernels import KERNELS
from simulator.scenario import THP_MODES, THP_NEVER, Config, Op, Scenario

FEATURES: Final[Mapping[str, str]] = {
    "soft-dirty": "`clear_refs soft-dirty`, and comparing soft-dirty bits",
    "pagemap-guard": "comparing which pages are guards",
    "pagemap-scan": "comparing the categories of PAGEMAP_SCAN",
    "pagemap-scan-soft-dirty": "comparing PAGE_IS_SOFT_DIRTY",
    "pagemap-scan-guard": "comparing PAGE_IS_GUARD",
    "pagemap-scan-empty": "comparing where there are page tables",
    "guard-regions": "scenarios that require guard regions",
    "userfaultfd": "`userfaultfd` with `user-only`",
    "userfaultfd-kernel": "`userfaultfd` for faults of the kernel, too",
    "thp": "scenarios that require huge pages",
    "thp-always": "`config thp=always`",
    "thp-madvise": "`config thp=madvise`",
    "swap": "scenarios that require swap",
    "numa": "scenarios that require a second NUMA node",
    "mem-force": "`mem_read` and `mem_write`",
    "vmsplice": "`vmsplice` and `pipe_read`",
    "MAP_DROPPABLE": "`mmap` with `droppable`",
    "MAP_FIXED_NOREPLACE": "`mmap` with `noreplace`",
    "MREMAP_DONTUNMAP": "`mremap` with `dontunmap`",
    "mremap-several": "`mremap` of a range of several mappings",
    "mlock": "`mlock`, `mlock2`, `mlockall`, and `mmap` with `locked`",
    **{name: f"`madvise {word}`" for name, word in zip(cform.ADVICE, ops.ADVICE, strict=True)},
    "procmap-query": "`procmap`",
    "kill": "`kill`, whose victim could not answer",
    "device-private": "ops of DEVICE (the module test_hmm)",
    "gup_test": "`pin`, `pin_fast`, `dma_read`, `dma_write` (CONFIG_GUP_TEST)",
}


def refused(name: str, version: str) -> bool:
    """Whether that version lacks the feature and the model, as that version, refuses it too."""
    linux = KERNELS[version]
    match name:
        case "MAP_DROPPABLE":
            return not linux.map_droppable
        case "MADV_GUARD_INSTALL" | "MADV_GUARD_REMOVE":
            return not linux.guard_regions
    return False


def config_needs(config: Config) -> list[str]:
    """What a kernel must be set to, by the executor's names."""
    needs = [] if config.thp == THP_NEVER else [f"thp-{THP_MODES[config.thp]}"]
    return [*needs, "swap"] if config.swap else needs


def collapses(scenario: Scenario) -> bool:
    """Whether huge pages are asked for by MADV_COLLAPSE, which heeds no knob. It does heed
    PR_SET_THP_DISABLE, by which a process has `config thp=never` otherwise."""
    advice = ops.MADV_COLLAPSE
    return any(op.code == ops.OP_MADVISE and op.args[2] == advice for op in scenario.ops)


def huge_pages(scenario: Scenario) -> bool:
    """Whether the processes may have huge pages at all."""
    return scenario.config.thp != THP_NEVER or collapses(scenario)


def never_is_unknown(scenario: Scenario, found: Collection[str]) -> str:
    """Why `config thp=never` cannot be had beside MADV_COLLAPSE on a kernel with these features;
    empty when it can: the knob says `madvise` at most, and nobody advises."""
    if scenario.config.thp != THP_NEVER or not collapses(scenario):
        return ""
    if "thp-always" in found:
        return "config thp=never beside MADV_COLLAPSE, where the kernel's knob says always"
    advice = ops.MADV_HUGEPAGE
    if any(op.code == ops.OP_MADVISE and op.args[2] == advice for op in scenario.ops):
        return "config thp=never beside MADV_COLLAPSE and MADV_HUGEPAGE: no kernel's knob says so"
    return ""


def op_needs(op: Op) -> list[str]:
    """What a kernel must have for an op with a C form, by the executor's names."""
    match op.code:
        case ops.OP_MADVISE:
            return [f"MADV_{ops.ADVICE[op.args[2]]}"]
        case ops.OP_MMAP:
            flags = op.args[6]
            return [
                name
                for bit, name in (
                    (ops.MMAP_NOREPLACE, "MAP_FIXED_NOREPLACE"),
                    (ops.MMAP_DROPPABLE, "MAP_DROPPABLE"),
                    (ops.MMAP_LOCKED, "mlock"),
                )
                if flags & bit
            ]
        case ops.OP_MLOCK | ops.OP_MLOCK2 | ops.OP_MLOCKALL:
            return ["mlock"]
        case ops.OP_MREMAP:
            return ["MREMAP_DONTUNMAP"] if op.args[4] else []
        case ops.OP_CLEAR_REFS:
            return ["soft-dirty"] if op.args[0] else []
        case ops.OP_MEM_READ | ops.OP_MEM_WRITE:
            return ["mem-force"]
        case ops.OP_VMSPLICE | ops.OP_PIPE_READ:
            return ["vmsplice"]
        case ops.OP_USERFAULTFD:
            return ["userfaultfd" if op.args[1] & ops.UFFD_USER_ONLY else "userfaultfd-kernel"]
    return []
