# SPDX-License-Identifier: MIT
"""Scenarios of small page tables in those of a real machine."""

import pytest

from conformance.forced.stretch import stretched
from corpus.text import dump, parse
from simulator.validate import ScenarioError

HEAD = "# mmfarm scenario 1\n"


def test_pages_grow_with_the_page_tables_and_nothing_else_does() -> None:
    made = stretched(
        parse(
            f"{HEAD}config pmd_order=3 frames=64\n1 T0 memfd f0 2\n2 T0 mmap 8..16 rw shared f0+1\n"
            "3 T0 write 9.3\n4 T0 pwrite f0.2 1\n5 T0 madvise 8..16 COLLAPSE\n"
            "6 T1 mremap 8..9 to 24\n7 T0 pin p0 9 r\n@5 op:end#1 -> T1\n"
        )
    )
    assert dump(made) == (
        f"{HEAD}config pmd_order=9 frames=64 pages=4096\n1 T0 memfd f0 128\n"
        "2 T0 mmap 512..1024 rw shared f0+64\n3 T0 write 576.3\n4 T0 pwrite f0.2 64\n"
        "5 T0 madvise 512..1024 COLLAPSE\n6 T1 mremap 512..576 to 1536\n7 T0 pin p0 576 r\n"
        "@5 op:end#1 -> T1\n"
    )


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ScenarioError):
        stretched(parse(f"{HEAD}config pmd_order=3 frames=64\n1 T0 memfd f0 100\n"))
