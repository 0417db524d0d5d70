# SPDX-License-Identifier: MIT
"""A scenario whose schedule reaches inside of ops, as a stress test in C.

User space cannot say where in the kernel an op is overtaken. So the ops before the first one
with a directive are done in turn, and all others at once, many times.

Contract: what is asserted of the others holds whatever the order, also inside of ops. A word
that is read is zero or was stored by an op that it can come from (`sources`), unless the read
fails; a page that nothing makes accessible faults. Results of calls are not looked at.
"""

from collections.abc import Sequence

from corpus import cform
from corpus.kselftest.actors import Cast
from corpus.kselftest.plan import Selftest
from corpus.kselftest.sequence import actors
from corpus.kselftest.statements import called
from corpus.kselftest.words import comment, wrapped
from corpus.text import print_directive, print_op
from simulator import ops
from simulator.ops import NR_FILES
from simulator.scenario import WORDS_PER_PAGE, Op, Scenario

_LOADS = [spec.number for spec in ops.OPS if spec.c and spec.returns == ops.TOKEN]
_STORES = (ops.OP_WRITE, ops.OP_MEM_WRITE)
_FILE_STORES = (ops.OP_PWRITE, ops.OP_FILE_WRITE)
_PROT_WRITE = 2


def about(scenario: Scenario) -> list[str]:
    """What the test is, for the comment above it."""
    return [
        "",
        "Stress test: a certain order inside of system calls matters here, which user space "
        "cannot force:",
        "",
        *(f"  {print_directive(d)}" for d in scenario.directives),
        "",
        "So the actors race in many rounds, and only what holds in any order is checked.",
    ]


def body(test: Selftest) -> str:
    """The function of the actors: in turn first, then all at once."""
    assert test.race_from is not None
    cast = Cast.of(test.scenario.ops)
    text = actors(test, range(test.race_from), cast)
    race = test.scenario.ops[test.race_from :]
    racers = sorted(cast.alive)
    text += f"\n\tmeet(0, {len(racers)});\n"
    staying = set(racers)
    while racers:
        actor = racers.pop(0)
        own = [op for op in race if op.actor == actor]
        block = ""
        for op in own:
            block += _op(test.scenario, op, test.race_from)
            if op.code == ops.OP_EXIT:
                staying.discard(actor)
                break
            if op.code == ops.OP_FORK:
                text, block = text + _block(actor, block), ""
                racers.append(op.args[0])
                staying.add(op.args[0])
        text += _block(actor, block) if block else ""
    return f"{text}\tmeet(1, {len(staying)});\n"


def rounds(function: str, threads: str, forget: bool) -> str:
    """The body of the test."""
    return (
        "\ttime_t end = time(NULL) + STRESS_SECONDS;\n\n"
        f"\tfor (int i = 0; i < STRESS_ROUNDS && time(NULL) < end; i++){' {' if forget else ''}\n"
        + ("\t\tforget_files();\n" if forget else "")
        + f"\t\trun_actors(_metadata, {function}, {threads});\n"
        + ("\t}\n" if forget else "")
    )


def _block(actor: int, inner: str) -> str:
    return f"\tif (this_actor == T{actor}) {{\n{inner}\t}}\n"


def _op(scenario: Scenario, op: Op, race_from: int) -> str:
    indent = "\t\t"
    call = cform.literal(op)
    lines = called(op)
    said = ""
    if op.code == ops.OP_FORK:
        lines = [f"ASSERT_EQ({call}, {op.args[0]});"]
    elif op.code in (ops.OP_READ, ops.OP_WRITE) and not _accessible(scenario, op):
        lines = [f"ASSERT_EQ({call}, RESULT_SIGSEGV);"]
    elif op.code in _LOADS:
        legal = " || ".join(f"seen == {uid}" for uid in (0, *sources(scenario, op, race_from)))
        lines = [f"seen = {call};", f"ASSERT_TRUE(seen < 0 || {legal})"]
        said = f'{indent}\tTH_LOG("saw %ld", seen);\n'
    made = "".join(wrapped(line, indent) for line in lines)
    return comment([print_op(op)], indent) + made + said


# --- what holds in any order -----------------------------------------------------------------


def sources(scenario: Scenario, load: Op, race_from: int) -> list[int]:
    """The ops whose store a load may see, whatever the order of the ops from `race_from` on."""
    return sorted(
        op.uid
        for op in scenario.ops
        if op.code in (*_STORES, *_FILE_STORES) and _may_see(scenario, load, op, race_from)
    )


def _file(op: Op) -> int:
    """The handle of an op that reads or writes a file."""
    return op.args[0] // (WORDS_PER_PAGE if op.code in (ops.OP_PREAD, ops.OP_PWRITE) else 1)


def _may_see(scenario: Scenario, load: Op, store: Op, race_from: int) -> bool:
    positioned = load.code == ops.OP_FILE_READ or store.code == ops.OP_FILE_WRITE  # anywhere
    if not positioned and load.args[0] % WORDS_PER_PAGE != store.args[0] % WORDS_PER_PAGE:
        return False  # nothing moves a word within its page
    mappings = [op for op in scenario.ops if op.code == ops.OP_MMAP]
    if load.code in (ops.OP_PREAD, ops.OP_FILE_READ):
        file = _file(load)
        if store.code in _FILE_STORES:
            return _file(store) == file and (positioned or store.args[1] == load.args[1])
        return any(op.args[3] and op.args[4] == file + 1 for op in mappings)
    if store.code in _FILE_STORES:
        return any(op.args[4] == _file(store) + 1 for op in mappings)
    if any(op.args[3] for op in mappings):
        return True  # there is shared memory
    if load.code == ops.OP_PIPE_READ:
        pin = load.args[0] // WORDS_PER_PAGE
        spliced = [op for op in scenario.ops if op.code == ops.OP_VMSPLICE and op.args[0] == pin]
        return any(_reaches(scenario, store, op.actor, op.args[1], race_from) for op in spliced)
    return _reaches(scenario, store, load.actor, load.args[0] // WORDS_PER_PAGE, race_from)


def _reaches(scenario: Scenario, store: Op, actor: int, page: int, race_from: int) -> bool:
    """Whether private memory may bring a store to a page of the process of `actor`."""
    moved = any(op.code == ops.OP_MREMAP for op in scenario.ops)
    if not moved and store.args[0] // WORDS_PER_PAGE != page:
        return False
    forks = {op.args[0]: op for op in scenario.ops if op.code == ops.OP_FORK}
    place = {op.uid: i for i, op in enumerate(scenario.ops)}
    cast = Cast.of(scenario.ops)
    process = cast.process(actor)
    while process != cast.process(store.actor):
        if process == 0:
            return False
        fork = forks[process]
        forked_before = fork.actor == store.actor or place[fork.uid] < race_from
        if forked_before and place[fork.uid] < place[store.uid]:
            return False  # the child has its copy by then
        process = cast.process(fork.actor)
    return True


def _accessible(scenario: Scenario, op: Op) -> bool:
    """Whether anything may make the page readable, or writable for a store."""
    page = op.args[0] // WORDS_PER_PAGE
    wanted = _PROT_WRITE if op.code == ops.OP_WRITE else ~0
    return any(_gives(other, page, wanted) for other in scenario.ops)


def _gives(op: Op, page: int, wanted: int) -> bool:
    if op.code == ops.OP_MREMAP:
        return True
    if op.code not in (ops.OP_MMAP, ops.OP_MPROTECT) or not op.args[2] & wanted:
        return False
    grows = op.code == ops.OP_MMAP and op.args[6] & ops.MMAP_GROWSDOWN
    return bool(grows) or op.args[0] <= page < op.args[1]


def threads_of(scenario: Scenario) -> str:
    """The actors that are threads of T0's process, as a mask in C."""
    threads = sorted(Cast.of(scenario.ops).alive - {0})
    return " | ".join(f"1 << T{actor}" for actor in threads) or "0"


def files_used(everything: Sequence[Op]) -> bool:
    """Whether the table of open files is."""
    return any(
        any(arg.kind in (ops.HANDLE, ops.HWORD) for arg in ops.BY_NUMBER[op.code].args)
        or (op.code == ops.OP_MMAP and 0 < op.args[4] <= NR_FILES)
        for op in everything
    )
