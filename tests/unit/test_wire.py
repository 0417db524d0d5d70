# SPDX-License-Identifier: MIT
"""What the executor's answers say, byte by byte: the structs of conformance/c/control.h."""

from struct import pack

from conformance import features, wire
from conformance.observation import (
    IN_CORE,
    PAGE_IS_GUARD,
    PAGE_IS_PRESENT,
    PRESENT,
    Checkpoint,
    Observed,
    Region,
)
from corpus import text

SCENARIO = text.parse(
    "# mmfarm scenario 1\nconfig pmd_order=9 frames=64 pages=3\n7 T0 read 0\n9 T0 read 1\n"
)
PAGES = (PRESENT | IN_CORE | PAGE_IS_PRESENT, 0, PAGE_IS_GUARD)


def test_an_answer_has_results_and_checkpoints_of_regions_and_pages() -> None:
    """Three pages take 12 bytes, and what comes next is aligned to 8."""
    flags = b"rd ?? wr".ljust(64)
    region = pack("<IIBBbBIIIq64s", 0, 2, 3, 0, -1, 0, 1, 1, 0, 5, flags)
    body = (
        pack("<2q", 4, -1)
        + pack("<qII", 7, 0, 1)
        + region
        + pack("<3I4x", *PAGES)
        + pack("<qII", 9, 1, 0)
        + pack("<3I4x", 0, 0, 0)
    )
    first = Region(0, 2, 3, False, -1, 5, ("rd", "wr"), 1, 1)
    assert wire.observed(SCENARIO, body, 2) == Observed(
        (4, -1), (Checkpoint(7, 0, (first,), PAGES), Checkpoint(9, 1, (), (0, 0, 0)))
    )


def test_the_features_are_those_that_a_probe_has_found() -> None:
    assert wire.features(b"soft-dirty 0\npagemap-scan 1\n") == {"pagemap-scan"}


def test_a_process_that_collapses_has_its_huge_pages_not_switched_off() -> None:
    """PR_SET_THP_DISABLE ends MADV_COLLAPSE, too, which no knob does."""
    head = "# mmfarm scenario 1\nconfig pmd_order=9 frames=64 pages=3"
    collapse = "1 T0 madvise 0..1 COLLAPSE\n"
    advised = "1 T0 madvise 0..1 HUGEPAGE\n"
    for config, op, huge in (
        ("", "1 T0 read 0\n", 0),
        ("", collapse, 1),
        ("", advised, 0),
        (" thp=madvise", advised, 1),
    ):
        request = wire.program(
            text.parse(f"{head}{config}\n{op}"), [0], every_op=False, timeout_ms=1
        )
        assert request[28:32] == pack("<I", huge), (config, op)


def test_huge_pages_by_collapse_alone_are_what_some_kernels_cannot_have() -> None:
    head = "# mmfarm scenario 1\nconfig pmd_order=9 frames=64 pages=3"
    collapse = text.parse(f"{head}\n1 T0 madvise 0..1 COLLAPSE\n")
    both = text.parse(f"{head}\n1 T0 madvise 0..1 COLLAPSE\n2 T0 madvise 0..1 HUGEPAGE\n")
    assert features.never_is_unknown(collapse, ()) == ""
    assert "always" in features.never_is_unknown(collapse, {"thp-always"})
    assert "HUGEPAGE" in features.never_is_unknown(both, ())
