# SPDX-License-Identifier: MIT
"""Tables name what they lack: who adds an op, an advice or a flag is told where."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import simulator.run  # noqa: F401  (modules of the model load in its order)
from simulator import features, ops, tables
from simulator.mm import mm_types

ROOT = Path(__file__).parents[2]


def test_numbers_stand_with_their_names() -> None:
    constants = {"Z_WP_COPY": 1, "Z_FIRST": 0, "Y": 2, "Z_": "no number"}
    assert tables.numbered(constants, "Z_") == ("first", "wp-copy")
    assert tables.numbered({"SWP_SWAP": 1}, "SWP_", 1) == ("", "swap")
    assert tables.bits({"F_B": 2, "F_A": 1, "F_BOTH": 3}, "F_") == ("a", "b")
    assert tables.by_number("locks", ((1, "one"), (2, "two"))) == ("", "one", "two")


@pytest.mark.parametrize(
    ("constants", "said"),
    [
        ({"Z_A": 0, "Z_B": 2}, "no Z_ constant has the number 1"),
        ({"Z_A": 0, "Z_B": 0}, "two Z_ constants have the value 0: Z_B"),
    ],
)
def test_a_number_that_is_missing_or_twice_there_is_named(
    constants: dict[str, object], said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        tables.numbered(constants, "Z_")


def test_a_flag_without_a_bit_of_its_own_is_named() -> None:
    with pytest.raises(AssertionError, match="no F_ flag has the value 0x2"):
        tables.bits({"F_A": 1, "F_C": 4}, "F_")
    with pytest.raises(AssertionError, match="two F_ constants have the value 1: F_B"):
        tables.bits({"F_A": 1, "F_B": 1}, "F_")


def test_a_row_out_of_its_place_is_named() -> None:
    with pytest.raises(AssertionError, match="locks: three has the number 3 at place 2"):
        tables.by_number("locks", ((1, "one"), (3, "three")))


def test_what_a_table_has_not_and_what_it_has_too_much_is_named() -> None:
    tables.complete("WEIGHTS", "advice", ("NORMAL", "COLD"), {0: 1, 1: 5})
    with pytest.raises(AssertionError, match="WEIGHTS has no entry for the advice COLD, PAGEOUT"):
        tables.complete("WEIGHTS", "advice", ("NORMAL", "COLD", "PAGEOUT"), {0: 1})
    with pytest.raises(AssertionError, match="WEIGHTS has an entry for op 9, which there is not"):
        tables.complete("WEIGHTS", "op", {1: "read"}, {1: 1, 9: 1})


def test_every_situation_has_a_counter_of_its_own() -> None:
    assert len(set(features.NAMED_SITUATIONS)) == len(features.NAMED_SITUATIONS) > 40
    assert features.NAMED_SITUATIONS[features.Z_COPY_WENT_HOME] == "copy-went-home"
    assert features.NAMED + len(features.NAMED_SITUATIONS) <= features.COUNTERS_SIZE


def test_every_flag_of_a_page_has_a_name() -> None:
    assert mm_types.PG_NAMES[mm_types.PG_ANON_EXCLUSIVE.bit_length() - 1] == "anon-exclusive"
    flags = [value for name, value in vars(mm_types).items() if name.startswith("PG_")]
    assert max(flag for flag in flags if isinstance(flag, int)) < 1 << len(mm_types.PG_NAMES)


# In an interpreter of its own: whatever is not complete is collected and not raised.
NEWCOMER = """
import importlib, pkgutil
from simulator import tables
complete = tables.complete
def collect(*arguments):
    try:
        complete(*arguments)
    except AssertionError as error:
        print(error)
tables.complete = collect
import simulator.run
for room in ("simulator", "corpus", "fuzz", "conformance"):
    package = importlib.import_module(room)
    for found in pkgutil.walk_packages(package.__path__, room + "."):
        if "build" not in found.name and "engine" not in found.name:
            importlib.import_module(found.name)
"""
# File, the line behind which it stands, and what is new.
NEW = (
    ("simulator/ops.py", "MADV_GUARD_REMOVE: Final", f"MADV_NEW: Final = {len(ops.ADVICE)}"),
    ("simulator/ops.py", "MMAP_DROPPABLE: Final", f"MMAP_NEW: Final = {1 << len(ops.MMAP_FLAGS)}"),
    ("simulator/ops.py", "OP_READ: Final", "OP_NEW: Final = 199"),
    (
        "simulator/ops.py",
        "OPS: Final[tuple",
        '    OpSpec(OP_NEW, "new", (), USER, "New.", sites.OP__BEGIN, "new", c="usleep(1)"),',
    ),
    (
        "simulator/mm/mm_types.py",
        "VM_MAYBE_GUARD: Final",
        f"VM_NEW: Final = {1 << len(tables.bits(vars(mm_types), 'VM_'))}",
    ),
)


def test_what_is_new_is_asked_for_by_every_table_that_lacks_it(tmp_path: Path) -> None:
    for room in ("simulator", "corpus", "fuzz", "conformance"):
        ignored = shutil.ignore_patterns("__pycache__", "compiled")
        shutil.copytree(ROOT / room, tmp_path / room, ignore=ignored)
    for file, behind, line in NEW:
        text = (tmp_path / file).read_text()
        at = next(old for old in text.splitlines() if old.startswith(behind))
        (tmp_path / file).write_text(text.replace(at, f"{at}\n{line}", 1))
    done = subprocess.run(
        [sys.executable, "-c", NEWCOMER],
        cwd=tmp_path,
        text=True,
        check=False,
        env=os.environ | {"MMFARM_MODEL": "interpreted", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    said = {line.partition(" has no entry for the ")[::2] for line in done.stdout.splitlines()}
    assert said == {
        ("contract: ADVISED, _PAGES_ADVISED and _HINTS", "advice NEW"),
        ("operands._ADVICE_WEIGHTS", "advice NEW"),
        ("mm/madvise.py: _LOCK_MODES", "advice NEW"),
        (
            "PROBES and ALWAYS of corpus.kselftest.source, _NOT_ASKED of conformance.selftest",
            "feature MADV_NEW",
        ),
        ("mm/mmap.py: _FLAGS", "flag new"),
        ("cform.MAP_FLAGS", "flag new"),
        ("cform.CONSTANTS for mmap", "flags new"),
        ("contract: _EFFECTS and _RESULTS", "op new"),
        ("generate._WEIGHTS", "op new"),
        ("conformance.vm_flags.VM_FLAGS", "flag VM_NEW"),
    }
