# SPDX-License-Identifier: MIT
"""`config kernel=`: each rule that differs between versions shows in the versions it belongs to.

The same programs were run on Debian's kernels of these versions (tests/integration/test_qemu.py
and `mmfarm conform check --kernel`)."""

import re
from pathlib import Path

import pytest

from conformance.model import ModelKernel, comparable
from conformance.observation import EMPTY_PTE, PAGE_IS_WRITTEN, SOFT_DIRTY
from corpus.text import TextError, parse
from simulator.kernels import KERNELS, VERSIONS, nearest
from simulator.outcome import result_name
from simulator.run import Machine
from tests.model.run import results

HEAD = "# mmfarm scenario 1\nconfig pmd_order=9 frames=64 pages=1024"

# Per rule: a program, and what it answers and leaves where the rule holds and where not.
# The layout is written with a `d` behind a VMA that smaps calls soft-dirty.
RULES = {
    "mprotect_unaccounts": (
        "1 T0 mmap 0..1 rw private anon\n2 T0 mmap 1..2 r private anon\n3 T0 mprotect 0..1 r",
        ([0, 1, 0], "0..2d"),
        ([0, 1, 0], "0..1d 1..2d"),
    ),
    "populate_stops_at_holes": (
        "1 T0 mmap 1..2 none private anon\n2 T0 madvise 0..2 POPULATE_READ",
        ([1, "ENOMEM"], "1..2d"),
        ([1, "EINVAL"], "1..2d"),
    ),
    "mmap_merges_left_first": (
        "1 T0 mmap 0..2 rw private anon\n2 T0 mmap 4..6 rw private anon\n3 T0 write 0\n"
        "4 T0 write 4\n5 T0 mmap 2..4 rw private anon",
        ([0, 4, 0, 0, 2], "0..4d 4..6d"),
        ([0, 4, 0, 0, 2], "0..2d 2..6d"),
    ),
    "map_droppable": ("1 T0 mmap 0..1 rw private anon droppable", ([0], "0..1d"), (["EINVAL"], "")),
    "guard_regions": (
        "1 T0 mmap 0..2 rw private anon\n2 T0 madvise 0..1 GUARD_INSTALL\n3 T0 read 0",
        ([0, 0, "SIGSEGV"], "0..2d"),
        ([0, "EINVAL", 0], "0..2d"),
    ),
    "unfaulted_merges_faulted": (
        "1 T0 mmap 0..1 r private anon noreserve\n2 T0 mmap 1..2 rw private anon noreserve\n"
        "3 T0 write 1\n4 T0 mprotect 1..2 r",
        ([0, 1, 0, 0], "0..2d"),
        ([0, 1, 0, 0], "0..1d 1..2d"),
    ),
    "remap_move": (
        "1 T0 mmap 0..2 rw private anon\n2 T0 mprotect 1..2 r\n3 T0 mmap 8..16 none private anon\n"
        "4 T0 mremap 0..2 to 10",
        ([0, 0, 8, 10], "8..10d 10..11d 11..12d 12..16d"),
        ([0, 0, 8, "EFAULT"], "0..1d 1..2d 8..10d 12..16d"),
    ),
    "uffd_poison": (
        "1 T0 mmap 0..1 rw private anon\n2 T0 userfaultfd u0\n3 T0 uffd_register u0 0..1 missing\n"
        "4 T0 uffd_poison u0 0..1\n5 T0 read 0",
        ([0, 0, 0, 0, "SIGBUS"], "0..1d"),
        ([0, 0, 0, "EINVAL", 0], "0..1d"),
    ),
    "mfill_checks_size_first": (
        "1 T0 memfd f0 1\n2 T0 mmap 0..2 rw shared f0\n3 T0 mmap 4..5 rw private anon\n"
        "4 T0 write 4\n5 T0 userfaultfd u0 user-only\n6 T0 uffd_register u0 0..2 missing\n"
        "7 T0 uffd_copy u0 1..2 from 4",
        ([0, 0, 4, 0, 0, 0, "ENOMEM"], "0..2d 4..5d"),
        ([0, 0, 4, 0, 0, 0, "EFAULT"], "0..2d 4..5d"),
    ),
    "anon_pgoff": (
        "1 T0 memfd f0 4\n2 T0 mmap 0..1 rw private f0\n3 T0 write 0\n4 T0 mremap 0..1 to 10\n"
        "5 T0 mmap 11..12 rw private f0+1",
        ([0, 0, 0, 10, 11], "10..11d 11..12d"),
        ([0, 0, 0, 10, 11], "10..12d"),
    ),
    "sticky_softdirty": (
        "1 T0 mmap 0..1 rw private anon\n2 T0 mmap 1..2 r private anon\n"
        "3 T0 clear_refs soft-dirty\n4 T0 mmap 0..1 rw private anon\n5 T0 mprotect 1..2 rw",
        ([0, 1, 0, 0, 0], "0..2d"),
        ([0, 1, 0, 0, 0], "0..2"),
    ),
}
# Neither the answers nor the layout tell whether a page table is still there.
RECLAIM = "1 T0 mmap 0..512 rw private anon\n2 T0 write 0\n3 T0 madvise 0..512 DONTNEED"
# Two rules about one program: with whom the copy beside its source merges.
DONTUNMAP = "1 T0 mmap 0..3 none private anon\n2 T0 mremap 0..1 to 1 dontunmap"
DONTUNMAP_RULES = {"dontunmap_keeps_source", "dontunmap_merges_beside"}
# The first four have a test here, the others need a device: test_device_exclusive.py.
ELSEWHERE = {
    "reclaim_pt",
    "collapse_of_nothing",
    "register_keeps_wp",
    "written_needs_uffd_wp",
    "exclusive_range",
    "device_private_thp",
}
PROGRAMS = {
    **{rule: program for rule, (program, _, _) in RULES.items()},
    "dontunmap": DONTUNMAP,
    "reclaim_pt": RECLAIM,
}


def answer(program: str, version: str) -> tuple[list[str | int], str]:
    scenario = comparable(parse(f"{HEAD}\n{program}\n"), version)
    seen = ModelKernel().run(scenario, every_op=False)
    layout = " ".join(
        f"{region.start}..{region.end}{'d' if 'sd' in region.vm_flags else ''}"
        for region in seen.checkpoints[0].regions
    )
    return [result_name(value) for value in seen.results], layout


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_rule_shows_in_its_versions(rule: str, version: str) -> None:
    program, holds, lacks = RULES[rule]
    assert answer(program, version) == (holds if getattr(KERNELS[version], rule) else lacks)


@pytest.mark.parametrize(
    ("version", "layout"),
    [
        ("6.1", "0..1d 1..2d 2..3d"),
        ("6.12", "0..1d 1..3d"),
        ("6.18", "0..3d"),
        ("7.2", "0..1d 1..3d"),
        ("7.3", "0..1d 1..3d"),
    ],
)
def test_what_dontunmap_copies_beside_its_source_merges_with(version: str, layout: str) -> None:
    assert answer(DONTUNMAP, version) == ([0, 1], layout)


@pytest.mark.parametrize(
    ("version", "layout"),
    [
        ("6.1", "0..4d 8..10d"),
        ("6.1.192", "0..2d 2..4d 8..10d"),
        ("6.12.118", "0..2d 2..4d 8..10d"),
        ("6.18.44-fc", "0..4d 8..10d"),
        ("7.2", "0..2d 2..4d 8..10d"),
    ],
)
def test_a_kernel_goes_by_its_full_version_and_on_where_it_is_known_to_break_a_promise(
    version: str, layout: str
) -> None:
    program = "1 T0 mmap 0..4 rw private anon\n2 T0 mlock 0..4\n3 T0 mremap 0..2 to 8 dontunmap"
    assert answer(program, version) == ([0, 0, 8], layout)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_page_table_that_dontneed_empties_goes_since_6_14(version: str) -> None:
    scenario = comparable(parse(f"{HEAD}\n{RECLAIM}\n"), version)
    (last,) = ModelKernel().run(scenario, every_op=False).checkpoints
    left = [bool(bits & EMPTY_PTE) for bits in last.pages]
    assert left == [not KERNELS[version].reclaim_pt] * 512 + [False] * 512


@pytest.mark.parametrize("version", VERSIONS)
def test_a_collapse_of_less_than_a_huge_page_has_nothing_to_do_in_7_2(version: str) -> None:
    program = (
        f"config pmd_order=3 frames=64 kernel={version}\n1 T0 mmap 0..8 rw private anon\n"
        "2 T0 write 0\n3 T0 madvise 0..1 COLLAPSE\n4 T0 madvise 1..2 COLLAPSE\n"
    )
    inside = 0 if KERNELS[version].collapse_of_nothing else "EINVAL"
    assert results(program) == [0, 0, 0, inside]


@pytest.mark.parametrize("version", VERSIONS)
def test_registering_again_ends_no_write_protection_since_7_3(version: str) -> None:
    program = (
        f"config pmd_order=3 frames=64 kernel={version}\n1 T0 mmap 0..1 rw private anon\n"
        "2 T0 userfaultfd u0\n3 T0 uffd_register u0 0..1 wp\n4 T0 uffd_register u0 0..1 missing\n"
    )
    again = "EBUSY" if KERNELS[version].register_keeps_wp else 0
    assert results(program) == [0, 0, 0, again]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_written_is_asked_of_userfaultfd_since_7_3(version: str) -> None:
    program = (
        f"{HEAD}\n1 T0 mmap 0..1 rw private anon\n2 T0 write 0\n3 T0 mmap 1..2 rw private anon\n"
        "4 T0 userfaultfd u0\n5 T0 uffd_register u0 1..2 wp\n6 T0 write 1\n"
    )
    (seen,) = ModelKernel().run(comparable(parse(program), version), every_op=False).checkpoints
    plain, registered = (page & PAGE_IS_WRITTEN != 0 for page in seen.pages[:2])
    assert (plain, registered) == (not KERNELS[version].written_needs_uffd_wp, True)


def test_every_rule_has_a_program() -> None:
    text = (Path(__file__).parents[2] / "simulator" / "kernels.py").read_text()
    assert set(re.findall(r"self\.(\w+): bool", text)) == {*RULES, *DONTUNMAP_RULES, *ELSEWHERE}


def test_the_rules_are_those_of_7_2_unless_told() -> None:
    for program in PROGRAMS.values():
        scenario = comparable(parse(f"{HEAD}\n{program}\n"))
        explicit = comparable(scenario, "7.2")
        assert Machine().run(scenario).digest == Machine().run(explicit).digest


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("6.18.5+deb13-amd64", "6.18"),
        ("6.19.0", "6.18"),
        ("7.2.13", "7.2"),
        ("7.4", "7.3"),
        ("6.6.30", "6.1"),
        ("5.10.0-8", "6.1"),
    ],
)
def test_a_real_kernel_is_judged_by_the_greatest_version_not_above_it(
    release: str, version: str
) -> None:
    assert nearest(release) == version


def test_soft_dirty_pages_do_not_depend_on_the_version() -> None:
    program = "1 T0 mmap 0..1 rw private anon\n2 T0 clear_refs soft-dirty\n3 T0 write 0"
    for version in VERSIONS:
        scenario = comparable(parse(f"{HEAD}\n{program}\n"), version)
        assert ModelKernel().run(scenario, every_op=False).checkpoints[0].pages[0] & SOFT_DIRTY


def test_a_version_that_the_model_is_not_is_refused() -> None:
    with pytest.raises(TextError, match=r"unknown kernel '5\.4'.*6\.12"):
        parse(f"{HEAD} kernel=5.4\n1 T0 read 0\n")
    assert parse(f"{HEAD} kernel=6.12\n1 T0 read 0\n").config.kernel == "6.12"
