# SPDX-License-Identifier: MIT
"""What counts as a disagreement of model and kernel, and what it is called."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance import compare as compare_module
from conformance.compare import LEFT_OUT, compare
from conformance.model import ModelKernel, comparable
from conformance.observation import (
    ALL_PAGE_BITS,
    GUARD,
    PAGE_IS_GUARD,
    PAGE_IS_SOFT_DIRTY,
    PRESENT,
    SCANNED,
    SOFT_DIRTY,
    Checkpoint,
    Observed,
)
from simulator.errno import EINVAL
from simulator.fs.proc import PM_SOFT_DIRTY
from simulator.ops import OPS
from tests.model.run import scenario

TEXT = """
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 T1 pagemap 1
5 T1 munmap 0..2
"""
SCENARIO = comparable(scenario(TEXT))


def observed() -> Observed:
    """With the checkpoints of all ops and of the end."""
    model = ModelKernel()
    whole, end = (model.run(SCENARIO, every_op=every_op) for every_op in (True, False))
    return replace(whole, checkpoints=(*whole.checkpoints, *end.checkpoints))


def at(there: Observed, uid: int, actor: int, **changes: Any) -> Observed:
    """What was observed, with one checkpoint changed."""
    return replace(
        there,
        checkpoints=tuple(
            replace(c, **changes) if (c.uid, c.actor) == (uid, actor) else c
            for c in there.checkpoints
        ),
    )


def checkpoint(there: Observed, uid: int, actor: int = 0) -> Checkpoint:
    return next(c for c in there.checkpoints if (c.uid, c.actor) == (uid, actor))


def differing(kernel: Observed) -> tuple[int, int, str]:
    found = compare(SCENARIO, observed(), kernel)
    assert found is not None
    return found.uid, found.actor, found.observation


def test_the_same_on_both_sides_is_no_disagreement() -> None:
    assert compare(SCENARIO, observed(), observed()) is None


def test_the_first_op_that_differs_is_named_and_its_result_before_its_state() -> None:
    there = observed()
    results = list(there.results)
    results[1] = -EINVAL
    results[4] = -EINVAL
    there = at(replace(there, results=tuple(results)), 2, 0, regions=())
    found = compare(SCENARIO, observed(), there)
    assert found is not None
    assert (found.uid, found.observation, found.model, found.kernel) == (2, "result", "0", "EINVAL")
    assert str(found.signature(SCENARIO)) == "conformance do_user_addr_fault result"
    assert "op 2, T0: result is 0 in the model, EINVAL in the kernel" in str(found)


@pytest.mark.parametrize(
    ("change", "observation"),
    [
        ({"end": 3}, "layout"),
        ({"prot": 1}, "prot"),
        ({"shared": True}, "shared"),
        ({"backing": 1}, "backing"),
        ({"offset": 1}, "offset"),
        ({"vm_flags": ("rd",)}, "vm-flags"),
        ({"rss": 0}, "rss"),
        ({"anonymous": 0}, "anonymous"),
    ],
)
def test_every_field_of_a_region_counts(change: dict[str, Any], observation: str) -> None:
    there = observed()
    region = replace(checkpoint(there, 2).regions[0], **change)
    assert differing(at(there, 2, 0, regions=(region,))) == (2, 0, observation)


@pytest.mark.parametrize("bit", [bit for bit, _ in compare_module._PAGE_BITS])
def test_every_bit_of_a_page_counts(bit: int) -> None:
    there = observed()
    pages = list(checkpoint(there, 5, 1).pages)
    pages[2] ^= bit
    assert differing(at(there, 5, 1, pages=tuple(pages)))[:2] == (5, 1)


def test_what_shows_only_at_the_end_is_the_last_op_s() -> None:
    there = observed()
    pages = [bits & ~PRESENT for bits in checkpoint(there, 0, 0).pages]
    found = compare(SCENARIO, observed(), at(there, 0, 0, pages=tuple(pages)))
    assert found is not None
    assert str(found.signature(SCENARIO)) == "conformance do_munmap present"


def test_a_process_that_is_gone_on_one_side_is_a_disagreement() -> None:
    there = observed()
    left = tuple(c for c in there.checkpoints if (c.uid, c.actor) != (0, 1))
    assert differing(replace(there, checkpoints=left)) == (0, 1, "process")


def test_soft_dirty_is_left_out_where_the_kernel_does_not_track_it_and_only_there() -> None:
    there = observed()
    soft_dirty = SOFT_DIRTY | PAGE_IS_SOFT_DIRTY
    without = tuple(
        replace(
            c,
            regions=tuple(
                replace(r, vm_flags=tuple(f for f in r.vm_flags if f != "sd")) for r in c.regions
            ),
            pages=tuple(bits & ~soft_dirty for bits in c.pages),
        )
        for c in there.checkpoints
    )
    results = tuple(
        result & ~PM_SOFT_DIRTY if op.uid == 4 else result
        for op, result in zip(SCENARIO.ops, there.results, strict=True)
    )
    there = replace(there, results=results, checkpoints=without)
    assert compare(SCENARIO, observed(), there, ALL_PAGE_BITS & ~soft_dirty) is None
    assert compare(SCENARIO, observed(), there) is not None


@pytest.mark.parametrize("bits", [GUARD, PAGE_IS_GUARD, SCANNED])
def test_bits_that_the_kernel_cannot_show_are_left_out(bits: int) -> None:
    there = observed()
    pages = list(checkpoint(there, 5, 1).pages)
    pages[2] ^= bits
    there = at(there, 5, 1, pages=tuple(pages))
    assert compare(SCENARIO, observed(), there, ALL_PAGE_BITS & ~bits) is None
    assert compare(SCENARIO, observed(), there) is not None


def test_a_difference_is_called_after_the_older_of_two_interfaces_that_show_it() -> None:
    there = observed()
    pages = list(checkpoint(there, 5, 1).pages)
    pages[2] ^= PAGE_IS_GUARD | GUARD
    assert differing(at(there, 5, 1, pages=tuple(pages))) == (5, 1, "guard")


def test_every_bit_of_a_page_has_a_name_of_its_own() -> None:
    bits = [bit for bit, _ in compare_module._PAGE_BITS]
    assert sum(bits) == ALL_PAGE_BITS
    assert len({name for _, name in compare_module._PAGE_BITS}) == len(bits)


def test_the_list_of_what_is_left_out_stands_in_the_documentation() -> None:
    readme = (Path(compare_module.__file__).parent / "README.md").read_text()
    told = readme.split("## What is not compared")[1].split("\n## ")[0]
    assert [name for name, _ in LEFT_OUT] == [
        line.split("**")[1] for line in told.splitlines() if line.startswith("- **")
    ]


def test_every_row_of_the_op_table_has_a_culprit() -> None:
    assert all(spec.culprit.isidentifier() for spec in OPS)
