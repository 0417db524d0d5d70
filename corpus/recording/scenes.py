# SPDX-License-Identifier: MIT
"""Steps as a scenario: actors, small pages, file handles.

Contract: the steps become ops in their order, with uids from 1. Threads of spaces become actors
in the order given, the first one T0. Small memory files become f0.., at most NR_FILES of them; all
other files x0.. in the order of their first use. Userfaultfds become u0.., at most NR_UFFDS.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from corpus.recording.compact import Compaction
from corpus.recording.layout import ANON, Region
from corpus.recording.steps import FILE_HANDLE, FILE_WORD, OF_FILE, OF_UFFD, Step
from simulator import ops
from simulator.scenario import WORDS_PER_PAGE, Config, Op, Scenario

_FILLS: Final = (ops.OP_UFFD_COPY, ops.OP_UFFD_ZEROPAGE, ops.OP_UFFD_CONTINUE)


@dataclass(frozen=True, slots=True)
class Scene:
    """A scenario, and for each of its ops the step it comes from."""

    scenario: Scenario
    steps: tuple[Step, ...]
    compaction: Compaction


def as_steps(
    regions: Iterable[Region],
    sizes: Mapping[int, int],
    space: int,
    line: int,
    more_files: Iterable[int] = (),
    uffds: Mapping[int, int] | None = None,
    more_uffds: Iterable[int] = (),
) -> list[Step]:
    """Stand-in steps that make these mappings, the memory files they map, and `more_files`, and
    register them with userfaultfds; with `more_uffds`. `sizes` are the pages of memory files,
    `uffds` features."""
    mapped = list(regions)
    memory = [file for file in (*more_files, *(region.file for region in mapped)) if file in sizes]
    steps: list[Step] = []
    for file in dict.fromkeys(memory):
        made = (file, max(1, sizes[file]))
        steps.append(Step(line, space, ops.OP_MEMFD, made, "made before", None))
        if sizes[file] == 0:
            empty = (file * WORDS_PER_PAGE, 0)
            steps.append(Step(line, space, ops.OP_FTRUNCATE, empty, "made before", None))
    for region in mapped:
        args = (
            region.start,
            region.end,
            region.prot,
            int(region.shared),
            region.file,
            region.offset if region.file != ANON else 0,
            region.flags,
        )
        steps.append(Step(line, space, ops.OP_MMAP, args, "mapped before", None))
    registered = [region for region in mapped if region.uffd != ANON]
    for uffd in dict.fromkeys((*more_uffds, *(region.uffd for region in registered))):
        made = (uffd, (uffds or {}).get(uffd, 0))
        steps.append(Step(line, space, ops.OP_USERFAULTFD, made, "made before", None))
    for region in registered:
        modes = (region.uffd, region.start, region.end, region.modes)
        steps.append(Step(line, space, ops.OP_UFFD_REGISTER, modes, "registered before", None))
    return steps


def scene(
    steps: Sequence[Step],
    sizes: Mapping[int, int],
    actors: Sequence[tuple[int, int]],
    config: Config,
    pin_chosen: bool,
) -> Scene:
    """The scenario of these steps on the machine of `config`, with an arena that fits and
    frames for what is populated on top of those of `config`. `actors` are (space, thread).

    `sizes` says which files are memory files. `pin_chosen` makes mappings at places that the kernel
    chose fail where something is mapped (noreplace), so that a replay notices when the model has
    more mapped than the kernel had.
    """
    block = 1 << config.pmd_order
    numbers = _file_numbers(steps, sizes)
    named = dict.fromkeys(step.uffd for step in steps if step.uffd != ANON)
    uffds = {uffd: handle for handle, uffd in enumerate(named)}
    # A memory file too many is a file of which only the mappings are in the model. A userfaultfd
    # too many is none.
    steps = [
        step
        for step in steps
        if (step.code not in (ops.OP_MEMFD, *OF_FILE) or numbers[step.file] <= ops.NR_FILES)
        and (step.uffd == ANON or uffds[step.uffd] < ops.NR_UFFDS)
    ]
    compaction = Compaction(steps, block)
    actor_of = {named: number for number, named in enumerate(actors)}
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
        elif step.code in FILE_WORD:
            args = ((numbers[step.file] - 1) * WORDS_PER_PAGE + args[0] % WORDS_PER_PAGE, *args[1:])
            filled += args[1] if step.code == ops.OP_FTRUNCATE else 0
        elif step.code in FILE_HANDLE:
            args = (numbers[step.file] - 1, *args[1:])
            filled += args[2] if step.code == ops.OP_FALLOCATE else 0
        elif step.code in OF_UFFD:
            args = (uffds[step.uffd], *args[1:])
            filled += args[2] - args[1] if step.code in _FILLS else 0
        elif step.code == ops.OP_FORK:
            args = (actor_of[args[0], 0],)
        elif step.code == ops.OP_MADVISE and args[2] in (
            ops.MADV_POPULATE_READ,
            ops.MADV_POPULATE_WRITE,
        ):
            filled += args[1] - args[0]
        elif step.code in (ops.OP_READ, ops.OP_WRITE) and step.answer and step.answer.good:
            filled += 1
        made.append(Op(uid, actor_of[step.space, step.thread], step.code, args))
    pages = -(-(compaction.end + block) // block) * block
    full = replace(
        config,
        frames=1 << (config.frames + filled - 1).bit_length(),
        pages=0 if pages <= 8 * block else pages,
    )
    return Scene(Scenario(full, tuple(made)), tuple(steps), compaction)


def _file_numbers(steps: Sequence[Step], sizes: Mapping[int, int]) -> dict[int, int]:
    """BACKING slots of the files that the steps name."""
    numbers: dict[int, int] = {}
    memory = others = 0
    for step in steps:
        if step.file == ANON or step.file in numbers:
            continue
        if step.file in sizes and memory < ops.NR_FILES:
            memory += 1
            numbers[step.file] = memory
        else:
            numbers[step.file] = ops.FIRST_OTHER_FILE + others % ops.NR_OTHER_FILES
            others += 1
    return numbers
