# SPDX-License-Identifier: MIT
"""Steps as a scenario: actors, small pages, file handles.

Contract: the steps become ops in their order, with uids from 1. Spaces become actors in the
order given, the first one T0. Small memory files become f0.., at most NR_FILES of them; all
other files x0.. in the order of their first use.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from corpus.strace import calls
from corpus.strace.compact import Compaction
from corpus.strace.follow import File
from corpus.strace.layout import ANON, Region
from corpus.strace.steps import Step
from simulator import ops
from simulator.scenario import Config, Op, Scenario

# Pages that populate may fill at once stay mapped at worst; page tables and copies come on top.
_SPARE_FRAMES: Final = 64


@dataclass(frozen=True, slots=True)
class Scene:
    """A scenario, and for each of its ops the step it comes from."""

    scenario: Scenario
    steps: tuple[Step, ...]
    compaction: Compaction


def as_steps(regions: Sequence[Region], files: Sequence[File], space: int, line: int) -> list[Step]:
    """Stand-in steps that make these mappings, and the memory files they map."""
    steps: list[Step] = []
    made: set[int] = set()
    for region in regions:
        if is_memfd(region.file, files) and region.file not in made:
            made.add(region.file)
            steps.append(memfd_step(region.file, files, space, line))
        args = (region.start, region.end, region.prot, int(region.shared), region.file,
                region.offset if region.file != ANON else 0, region.flags)
        steps.append(Step(line, space, ops.OP_MMAP, args, "mapped before", None))
    return steps


def is_memfd(file: int, files: Sequence[File]) -> bool:
    return file != ANON and calls.small_memfd(files[file])


def memfd_step(file: int, files: Sequence[File], space: int, line: int) -> Step:
    pages = -(-files[file].sizes[0] // calls.PAGE_SIZE)
    return Step(line, space, ops.OP_MEMFD, (file, pages), "made before", None)


def scene(
    steps: Sequence[Step], files: Sequence[File], members: Sequence[int], pmd_order: int,
    config: Config, pin_chosen: bool,
) -> Scene:
    """The scenario of these steps. `config` gives everything but `pmd_order`, `frames`, `pages`.

    `pin_chosen` makes mappings at places that the kernel chose fail where something is mapped
    (noreplace), so that a replay notices when the model has more mapped than the kernel had.
    """
    block = 1 << pmd_order
    compaction = Compaction(steps, block)
    numbers = _file_numbers(steps, files)
    made: list[Op] = []
    filled = 0
    for uid, step in enumerate(steps, 1):
        args = compaction.args(step)
        if step.code == ops.OP_MMAP:
            flags = args[6] | (ops.MMAP_NOREPLACE if pin_chosen and step.chosen else 0)
            args = (*args[:4], numbers[args[4]] if args[4] != ANON else 0, args[5], flags)
            filled += args[1] - args[0] if flags & ops.MMAP_POPULATE else 0
        elif step.code == ops.OP_MEMFD:
            args = (numbers[args[0]] - 1, args[1])
            filled += args[1]
        elif step.code == ops.OP_FORK:
            args = (members.index(args[0]),)
        elif step.code == ops.OP_MADVISE and args[2] in (
            ops.MADV_POPULATE_READ, ops.MADV_POPULATE_WRITE
        ):
            filled += args[1] - args[0]
        made.append(Op(uid, members.index(step.space), step.code, args))
    frames = 1 << (filled + _SPARE_FRAMES - 1).bit_length()
    pages = -(-(compaction.end + block) // block) * block
    full = replace(config, pmd_order=pmd_order, frames=frames,
                   pages=0 if pages == 8 << pmd_order else pages)
    return Scene(Scenario(full, tuple(made)), tuple(steps), compaction)


def _file_numbers(steps: Sequence[Step], files: Sequence[File]) -> dict[int, int]:
    """BACKING slots of the files that the steps name."""
    numbers: dict[int, int] = {}
    memory = others = 0
    for step in steps:
        file = {ops.OP_MMAP: 4, ops.OP_MEMFD: 0}.get(step.code)
        if file is None or step.args[file] == ANON or step.args[file] in numbers:
            continue
        if is_memfd(step.args[file], files) and memory < ops.NR_FILES:
            memory += 1
            numbers[step.args[file]] = memory
        else:
            numbers[step.args[file]] = ops.FIRST_OTHER_FILE + others % ops.NR_OTHER_FILES
            others += 1
    return numbers
