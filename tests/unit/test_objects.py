# SPDX-License-Identifier: MIT
"""What steps touch: every encoder's numbers come apart again into what they were made of."""

from collections.abc import Callable

import pytest

from simulator import objects, ops
from simulator.lock_classes import LC_PTL, NR_LOCK_CLASSES
from simulator.mm import shmem
from simulator.mm.pgtable import DEVICE_PFN_BASE
from simulator.run import Machine  # first: modules of the model load in its order
from simulator.scenario import MAX_OPS, NR_USER_ACTORS, Config, Op, Scenario
from simulator.state import READ, WRITE
from simulator.touched import touched
from simulator.validate import MAX_CPUS, MAX_FRAMES, MAX_PAGES, MAX_SWAP

LAST_FILE = shmem.FIRST_OTHER + ops.NR_OTHER_FILES - 1
# Each encoder, with the greatest container (None: it takes none) and index that scenarios can
# ask for, and words for 1 and 2, or for 1.
ENCODERS: list[tuple[Callable[..., int], int | None, int, str]] = [
    (objects.pte_obj, NR_USER_ACTORS - 1, MAX_PAGES - 1, "pte 2 of mm1"),
    (objects.pmd_obj, NR_USER_ACTORS - 1, MAX_PAGES // 8 - 1, "pmd 2 of mm1"),
    (objects.page_obj, None, DEVICE_PFN_BASE + MAX_FRAMES, "frame 1"),
    (objects.lock_obj, NR_LOCK_CLASSES - 1, DEVICE_PFN_BASE + MAX_FRAMES, "f_pos_lock 2"),
    (objects.vma_obj, None, NR_USER_ACTORS * (2 * MAX_OPS + 1), "vma 1"),
    (objects.mm_obj, None, NR_USER_ACTORS - 1, "mm1"),
    (objects.cpu_obj, None, MAX_CPUS - 1, "CPU1"),
    (objects.anon_vma_obj, None, NR_USER_ACTORS * (2 * MAX_OPS + 1), "anon_vma 1"),
    (objects.slot_obj, LAST_FILE, MAX_PAGES - 1, "page 2 of file 1"),
    (objects.device_obj, None, MAX_PAGES - 1, "device 1"),
    (objects.uffd_obj, None, MAX_OPS, "uffd 1"),
    (objects.swap_obj, None, MAX_SWAP, "swap slot 1"),
]


def encode(encoder: Callable[..., int], container: int | None, index: int) -> int:
    return encoder(index) if container is None else encoder(container, index)


def test_every_encoder_is_taken_apart_by_the_decoder() -> None:
    made = {name for name in vars(objects) if name.endswith("_obj")}
    assert made == {encoder.__name__ for encoder, *_ in ENCODERS}
    seen: set[int] = set()
    for kind, (encoder, containers, indices, _) in enumerate(ENCODERS, 1):
        for container in (None,) if containers is None else (0, 1, containers):
            for index in (0, 1, 255, 256, 1023, 1024, indices):
                obj = encode(encoder, container, index)
                assert objects.decode(obj) == (kind, container or 0, index), encoder.__name__
                seen.add(obj)
    assert len(seen) == sum(7 if c is None else 21 for _, c, _, _ in ENCODERS)
    assert min(seen) > objects.OBJ_NONE


def test_words_name_the_object_that_was_encoded() -> None:
    assert len(objects.PHRASES) == len(ENCODERS) + 1
    for encoder, container, _, words in ENCODERS:
        obj = encoder(1) if container is None else encoder(1, 2)
        assert touched(obj, READ) == f"read {words}"
        assert touched(obj, WRITE) == f"write {words}"
    assert touched(objects.lock_obj(LC_PTL, 70_000), READ) == "read ptl 70000"
    assert touched(objects.OBJ_NONE, READ) == ""


def test_an_object_that_has_no_number_left_is_refused() -> None:
    with pytest.raises(AssertionError, match="INDEX_BITS"):
        objects.vma_obj(1 << objects.INDEX_BITS)


def test_a_trace_names_the_page_and_the_file_that_were_written() -> None:
    ops_of_it = (Op(1, 0, ops.OP_MEMFD, (1, 8)), Op(2, 0, ops.OP_PWRITE, (1 * 4, 5)))
    trace = Machine().run(Scenario(Config(), ops_of_it), trace=True).trace
    named = {event.text for event in trace if "file" in event.text}
    assert {"read page 5 of file 1", "write page 5 of file 1"} <= named
    assert all(text.endswith("of file 1") for text in named)
