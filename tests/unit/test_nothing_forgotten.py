# SPDX-License-Identifier: MIT
"""What belongs to a row and stands elsewhere: who adds the row and forgets it is told its name.

Tables are asked when they are imported (tests/unit/test_tables.py), branches by running them
(tests/unit/test_every_op.py). Here is what is found by reading the sources only: a flag of a known
bug that no code tests, an effect that no branch looks at, an event that nobody tells.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from corpus import cform, text
from corpus.files import KNOWN_BUGS, SCENARIOS, UNDISCLOSED, mm_files
from simulator import bugs, ops
from simulator.mm import mm_types
from simulator.oracles import contract
from simulator.watch import Watch

ROOT: Final = Path(__file__).parents[2]
MODEL: Final = ("mm", "kernel", "fs", "machine", "drivers")  # only these may have a bug

_CAUSE: Final = "taken as the cause of other answers only, so far"
# Ops that recordings of programs do not have, and why.
_POSITION: Final = "a read() or write() is taken as a pread64() or pwrite64() at the position"
NOT_RECORDED: Final = {
    ops.OP_PIN: "gup_test",
    ops.OP_PIN_FAST: "gup_test",
    ops.OP_DMA_READ: "gup_test",
    ops.OP_DMA_WRITE: "gup_test",
    ops.OP_SLEEP: "not a call of mm",
    ops.OP_PIPE_READ: "a read() of a pipe, whose page nothing names",
    ops.OP_MIGRATE_TO_DEVICE: "test_hmm",
    ops.OP_MIGRATE_TO_RAM: "test_hmm",
    ops.OP_DEVICE_READ: "test_hmm",
    ops.OP_DEVICE_WRITE: "test_hmm",
    ops.OP_KILL: "not a call of mm",
    ops.OP_PROCMAP: "an ioctl whose answer traces do not show",
    ops.OP_DEVICE_OPEN: "test_hmm",
    ops.OP_DEVICE_CLOSE: "test_hmm",
    ops.OP_MLOCK: _CAUSE,
    ops.OP_MLOCK2: _CAUSE,
    ops.OP_MUNLOCK: _CAUSE,
    ops.OP_MLOCKALL: _CAUSE,
    ops.OP_MUNLOCKALL: _CAUSE,
    ops.OP_SCAN: "not a call",
    ops.OP_RECLAIM: "not a call",
    ops.OP_SWAPOFF: "not a call of mm",
    ops.OP_LSEEK: _POSITION,
    ops.OP_FILE_READ: _POSITION,
    ops.OP_FILE_WRITE: _POSITION,
    ops.OP_FSTAT: "not a call of mm",
    ops.OP_DEVICE_EXCLUSIVE: "test_hmm",
    ops.OP_DEVICE_ATOMIC: "test_hmm",
}


@cache
def source(*places: str) -> str:
    """The text of files, or of all files of folders, below the root of the project."""
    found = [
        file for place in places for file in sorted((ROOT / place).rglob("*.py")) or [ROOT / place]
    ]
    return "\n".join(file.read_text() for file in found)


def function(path: str, name: str) -> str:
    """The text of one function of a file."""
    whole = source(path)
    for node in ast.walk(ast.parse(whole)):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ast.get_source_segment(whole, node) or ""
    raise AssertionError(f"{path} has no function {name}()")


def unnamed(wanted: list[str], where: str) -> list[str]:
    """Those of `wanted` that do not stand in a text as a word."""
    return [word for word in wanted if not re.search(rf"\b{re.escape(word)}\b", where)]


def constant(code: int) -> str:
    return f"ops.OP_{ops.BY_NUMBER[code].name.upper()}"


def test_a_word_that_is_only_the_beginning_of_another_is_missed() -> None:
    assert unnamed(["ops.OP_PIN", "ops.OP_READ"], "ops.OP_PIN_FAST, ops.OP_READ)") == ["ops.OP_PIN"]


# --- ops and advices -----------------------------------------------------------------------------


def test_every_effect_of_an_op_is_looked_at() -> None:
    effects = [constant(code) for code in contract._EFFECTS]
    checks = function("simulator/oracles/contract.py", "check")
    assert not unnamed(effects, checks), "in _EFFECTS without a branch in contract.check()"


def test_every_effect_of_an_advice_on_pages_is_looked_at() -> None:
    effects = [f"ops.MADV_{ops.ADVICE[advice]}" for advice in contract._PAGES_ADVISED]
    checks = function("simulator/oracles/contract.py", "madvised")
    assert not unnamed(effects, checks), "in _PAGES_ADVISED without a branch in madvised()"


def test_every_op_is_imported_from_recordings_or_says_why_not() -> None:
    wanted = [constant(spec.number) for spec in ops.OPS if spec.number not in NOT_RECORDED]
    files = sorted(str(f.relative_to(ROOT)) for f in (ROOT / "corpus" / "recording").rglob("*.py"))
    takers = [file for file in files if not file.endswith("/steps.py")]  # what steps prove
    assert not unnamed(wanted, source(*takers)), (
        "corpus/recording/calls.py takes no call as this op, and NOT_RECORDED does not say why"
    )


def test_every_op_and_every_advice_has_a_scenario() -> None:
    seen = set()
    for file in mm_files([SCENARIOS]):
        if file.parent.name == "strace":
            continue
        for op in text.load(file).ops:
            seen.add(ops.BY_NUMBER[op.code].name)
            if op.code == ops.OP_MADVISE:
                seen.add(f"madvise {ops.ADVICE[op.args[2]]}")
    wanted = {spec.name for spec in ops.OPS} | {f"madvise {advice}" for advice in ops.ADVICE}
    assert not wanted - seen, "no file of corpus/scenarios has it"


def test_a_placeholder_that_is_no_argument_is_named() -> None:
    row = ops.BY_NAME["mincore"]
    wrong = ops.OpSpec(
        row.number,
        "new",
        row.args,
        row.actors,
        row.doc,
        row.entry,
        row.culprit,
        c="mincore({range.addr}, {no_such})",
    )
    with pytest.raises(AssertionError, match="the C form of new names no_such, .*: range"):
        cform.check_form(wrong)
    cform.check_form(row)


# --- known bugs ----------------------------------------------------------------------------------


def test_every_known_bug_is_in_the_model_and_has_its_scenario() -> None:
    real = [bug for bug in bugs.BUGS if not bug.control]
    tested = source(*(f"simulator/{room}" for room in MODEL))
    lines = [f"k.bug.{bugs.attribute(bug)}" for bug in real]
    assert not unnamed(lines, tested), "no line of the model tests it"
    files = {file.stem for file in mm_files([KNOWN_BUGS])}
    assert files == {bug.id for bug in bugs.BUGS if not bug.undisclosed}, "corpus/known-bugs/ID.mm"
    hidden = {file.stem for file in mm_files([UNDISCLOSED])}
    assert hidden >= {bug.id for bug in bugs.BUGS if bug.undisclosed}, "corpus/undisclosed/ID.mm"


# --- events --------------------------------------------------------------------------------------


def test_every_event_is_told_and_heard() -> None:
    events = [name for name in vars(Watch) if not name.startswith("_")]
    assert len(events) > 40
    told = set(re.findall(r"\bwatch\.(\w+)\(", source("simulator")))
    assert not [event for event in events if event not in told], "nobody tells k.watch of it"
    heard = source("simulator/oracles/listener.py", "simulator/trace.py")
    assert not [e for e in events if f"def {e}(" not in heard], "neither oracle nor tracer listens"


# --- page flags ----------------------------------------------------------------------------------


def test_every_page_flag_is_state_or_said_to_be_none() -> None:
    flags = (1 << len(mm_types.PG_NAMES)) - 1
    assert flags == mm_types.PG_STATE | mm_types.PG_NO_STATE, "in PG_STATE or PG_NO_STATE"
    assert not mm_types.PG_STATE & mm_types.PG_NO_STATE


# A Page has one flag of its own. Slots of the page cache are folios, whatever they are called.
OF_PAGE: Final = re.compile(r"\bpage\.flags (?:[|&]=? ?~?|=) ?(PG_\w+)")
FOLIOS: Final = {"simulator/mm/mincore.py", "simulator/oracles/permission.py"}


def test_flags_of_a_folio_are_not_looked_for_in_its_page() -> None:
    assert OF_PAGE.findall("if page.flags & PG_LRU: folio.page.flags |= PG_DIRTY") == [
        "PG_LRU",
        "PG_DIRTY",
    ]
    wrong = [
        f"{file.relative_to(ROOT)}: {flag}"
        for file in sorted((ROOT / "simulator").rglob("*.py"))
        if str(file.relative_to(ROOT)) not in FOLIOS
        for flag in OF_PAGE.findall(file.read_text())
        if flag != "PG_ANON_EXCLUSIVE"
    ]
    assert not wrong, "the flag is the folio's: page.folio.flags"
