# SPDX-License-Identifier: MIT
"""The model's half of `make soak WHAT=vma`, by answers that mm/vma.c of 7.2 gave."""

import random

from tests.soak import vma

PROGRAM = [
    "map 0 4 33 0",
    "touch 1 2",
    "map 4 8 33 4",
    "flags 2 6 7 1",
    "unmap 3 5",
    "clean",
    "map 3 5 33 9",
    "fork 3 4",
    "flags 5 6 7 3",
]


def test_the_model_says_what_the_kernel_said() -> None:
    assert vma.Model("7.2").answers(PROGRAM) == [
        "0 4 8100033 0 -;",
        "0 4 8100033 0 0/1;",
        "0 8 8100033 0 0/1;",
        "0 2 8100033 0 0/1;2 6 8100031 2 0/1;6 8 8100033 6 0/1;",
        "0 2 8100033 0 0/1;2 3 8100031 2 0/1;5 6 8100031 5 0/1;6 8 8100033 6 0/1;",
        "0 2 100033 0 0/1;2 3 100031 2 0/1;5 6 100031 5 0/1;6 8 100033 6 0/1;",
        "0 2 100033 0 0/1;2 3 100031 2 0/1;3 5 8100033 9 -;5 6 100031 5 0/1;6 8 100033 6 0/1;",
        "0 2 100033 0 0/1;2 3 100031 2 0/1;3 5 8100033 9 2/2;5 6 100031 5 0/1;6 8 100033 6 0/1;",
        "0 2 100033 0 0/1;2 3 100031 2 0/1;3 5 8100033 9 2/2;5 8 100033 5 0/1;",
    ]


def test_programs_do_not_leave_anything_to_the_next_one() -> None:
    model = vma.Model("7.2")
    programs = [vma.program(random.Random(i)) for i in range(20)]
    first = [model.answers(lines) for lines in programs]
    assert [vma.Model("7.2").answers(lines) for lines in programs] == first
    assert len({lines[-1] for lines in first}) > 10
