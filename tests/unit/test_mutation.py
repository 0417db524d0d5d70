# SPDX-License-Identifier: MIT
"""Mutants are what they say: one mistake each, in one function, which can be switched on."""

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak import mutant_tree, mutation
from tests.soak.mutation import OPERATORS, Place, blocks, functions

MODULE = '''
from simulator.oracles import state


def outer(k: "Kernel", va: i64, end: i64) -> i64:
    """Doc."""
    spin_lock(k, SITE__LOCK, a.ptl)
    spin_lock(k, SITE__LOCK, b.ptl)
    k.step(sites.OUTER_FUNCTION__SET, va, WRITE)
    state.looked(k, va)
    flags = 0
    flags |= A | B
    if va < end and not done:
        inner(k, va)
    tlb.flush_tlb_page(k, va)
    pte = ptep_clear_flush(k, va)
    spin_unlock(k, b.ptl)
    spin_unlock(k, a.ptl)
    return pte


def inner(k: "Kernel", va: i64) -> None:
    helper(va)
    x = va
    use(x)


def helper(va: i64) -> bool:
    note(va)
    return True
'''
TREE = ast.parse(MODULE)


def changed(operator: str, line: str, seed: int = 0) -> str:
    """What `operator` makes of the statement that begins with `line`."""
    watched = mutation.watchers(TREE)
    for _, function in functions(ast.parse(MODULE)):
        for block in blocks(function):
            for i, statement in enumerate(block):
                if ast.unparse(statement).startswith(line):
                    assert OPERATORS[operator](function, block, i, random.Random(seed), watched)
                    return ast.unparse(ast.fix_missing_locations(function))
    raise AssertionError(f"no {line}")


def test_what_only_looks_is_no_statement_of_linux() -> None:
    lines = {place.line for place in mutation.statements("mm/x.py", TREE)}
    texts = [MODULE.splitlines()[line - 1].strip() for line in lines]
    assert not [t for t in texts if t.startswith(("k.step", "state.", '"""'))]
    assert "flags |= A | B" in texts


def test_each_operator_makes_its_mistake() -> None:
    assert "x = va" not in changed("delete", "x = va")
    assert "if not (va < end and (not done)):" in changed("negate", "if va < end")
    swapped = changed("swap", "tlb.flush_tlb_page")
    assert swapped.index("ptep_clear_flush") < swapped.index("flush_tlb_page")
    assert "flags |= A | B" not in changed("drop-bit", "flags |=")
    assert "va <= end" in changed("off-by-one", "if va < end")
    without = changed("skip-pair", "spin_lock(k, SITE__LOCK, a")
    assert "a.ptl" not in without
    assert without.count("b.ptl") == 2
    assert "flush_tlb_page" not in changed("skip-flush", "tlb.flush")
    assert "pte = ptep_get_and_clear(k, va)" in changed("skip-flush", "pte = ")
    assert "    return 0\n    flags = 0" in changed("early-return", "flags = 0")


def test_a_helper_without_a_site_is_named_by_its_only_caller() -> None:
    trees = {"mm/x.py": TREE}
    assert mutation.blamed(trees, Place("mm/x.py", "outer", 0)) == {"outer", "outer_function"}
    assert mutation.blamed(trees, Place("mm/x.py", "helper", 0)) == {
        "helper",
        "inner",
        "outer",
        "outer_function",
    }


@pytest.mark.parametrize("on", [0, 5])
def test_a_mutant_runs_only_when_it_is_on(tmp_path: Path, on: int) -> None:
    """In a copy of the project, interpreted: do_exit() that does nothing leaves its actor."""
    path = "kernel/exit.py"
    module = mutation.parse_rooms(mutant_tree.ROOT / "simulator")[path]
    line = dict(functions(module))["do_exit"].body[1].lineno
    rng = random.Random(0)
    places = [p for p in mutation.statements(path, module) if p.line == line]
    mutant = mutation.mutate(module, places[0], rng)
    while mutant is None or mutant.operator != "delete":
        mutant = mutation.mutate(module, places[0], rng)
    tree = tmp_path / "tree"
    mutant_tree.copy_project(tree)
    mutant_tree.add_mutants(tree, [(5, mutant)])
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from simulator.run import Machine\n"
            "from simulator import mutant\n"
            "from corpus.text import parse\n"
            f"mutant.SWITCH.on = {on}\n"
            "text = '# mmfarm scenario 1\\nconfig pmd_order=3 frames=64\\n1 T0 exit\\n'\n"
            "print(Machine().run(parse(text)).kind)",
        ],
        cwd=tree,
        env=mutant_tree.environment(tree, "interpreted"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ("violation\n" if on else "clean\n")
