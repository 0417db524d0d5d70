# SPDX-License-Identifier: MIT
"""C forms of ops: every row has one or says why not, they compile, and both renderings agree."""

import re
import shutil
import subprocess
from itertools import product
from pathlib import Path
from random import Random

import pytest

from corpus import cform
from simulator import ops, outcome
from simulator.ops import Arg, OpSpec
from simulator.scenario import WORDS_PER_PAGE, Op

COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")
WITH_FORM = [spec for spec in ops.OPS if spec.c]
VALUES: dict[str, list[tuple[int, ...]]] = {
    ops.RANGE: [(0, 1), (3, 19)],
    ops.DEST: [(0, 5), (3, 19), (40, 41)],
    ops.PAGE: [(0,), (5,)],
    ops.WORD: [(0,), (20,), (14,)],
    ops.ACTOR: [(2,)],
    ops.COUNT: [(1,), (8,)],
    ops.BACKING: [(0, 0), (1, 0), (3, 1), (4, 7)],
    ops.PROCESS: [(0,), (7,)],
}


def values(arg: Arg) -> list[tuple[int, ...]]:
    """Some of what an argument can be; everything, for names and handles."""
    if arg.kind in (ops.ENUM, ops.FLAGS):
        many = len(arg.names) if arg.kind == ops.ENUM else 1 << len(arg.names)
        return [(i,) for i in range(many)]
    if arg.kind in (ops.HANDLE, ops.HWORD):
        per = WORDS_PER_PAGE if arg.kind == ops.HWORD else 1
        return [(i,) for i in range(arg.limit * per)]
    return VALUES[arg.kind]


def examples(spec: OpSpec) -> list[Op]:
    """Combinations of values, not too many for the C compiler."""
    found = [
        Op(77, 0, spec.number, sum(choice, ()))
        for choice in product(*(values(arg) for arg in spec.args))
    ]
    return Random(spec.number).sample(found, min(len(found), 200))


def build(source: str, folder: Path, *options: str) -> Path:
    """Compile one C file that includes the runtime; its warnings are errors."""
    file = folder / "forms.c"
    file.write_text(f'#include "{cform.RUNTIME}"\n{source}')
    done = subprocess.run(
        ["cc", "-Wall", "-Wextra", "-Werror", *options, "-o", folder / "forms", file],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "forms"


@pytest.mark.parametrize("spec", ops.OPS, ids=lambda spec: spec.name)
def test_every_row_has_a_c_form_or_says_what_it_requires(spec: OpSpec) -> None:
    assert spec.c or spec.requires
    for op in examples(spec)[:1]:
        assert bool(cform.why_not(op)) != bool(spec.c)


@pytest.mark.parametrize(
    ("op", "form"),
    [
        (
            Op(7, 0, ops.OP_MADVISE, (16, 32, ops.MADV_DONTNEED)),
            "madvise(P(16), 16 * psize, MADV_DONTNEED)",
        ),
        (Op(7, 0, ops.OP_WRITE, (12,)), "store(P(3), 7)"),
        (Op(7, 0, ops.OP_READ, (14,)), "load(W(3, 2))"),
        (
            Op(7, 0, ops.OP_MMAP, (0, 8, 3, 0, 0, 0, 0)),
            "mmap(P(0), 8 * psize, PROT_READ | PROT_WRITE, "
            "MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)",
        ),
        (
            Op(7, 0, ops.OP_MMAP, (0, 1, 1, 1, 2, 3, ops.MMAP_NOREPLACE)),
            "mmap(P(0), psize, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, file_fd(1), 3 * psize)",
        ),
        (
            Op(7, 0, ops.OP_MREMAP, (0, 4, 12, 16, 1)),
            "mremap(P(0), 4 * psize, 4 * psize, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, "
            "P(12))",
        ),
        (Op(7, 0, ops.OP_MREMAP, (4, 8, 4, 6, 0)), "mremap(P(4), 4 * psize, 2 * psize, 0, P(4))"),
    ],
)
def test_a_form_reads_like_a_selftest(op: Op, form: str) -> None:
    assert cform.literal(op) == form


def test_no_form_is_invented() -> None:
    imported = Op(1, 0, ops.OP_MMAP, (0, 1, 1, 0, ops.FIRST_OTHER_FILE, 0, 0))
    for op in (Op(1, 0, ops.OP_PIN, (0, 0, 0, 0)), imported):
        with pytest.raises(ValueError, match="gup_test|imported"):
            cform.literal(op)


@needs_compiler
def test_every_form_compiles_without_warnings(tmp_path: Path) -> None:
    literals = [f"\tRESULT({cform.literal(examples(spec)[-1])});" for spec in WITH_FORM]
    interpreted = [f"\tRESULT({cform.slots(spec)});" for spec in WITH_FORM]
    lines = "\n".join(literals + interpreted)
    source = "void forms(void *arena, struct open_files *files, const long *a, long uid)\n{\n"
    build(f"{source}\tset_up_ops(arena, files);\n{lines}\n}}\n", tmp_path, "-c", "-O2")


@needs_compiler
def test_both_renderings_pass_the_same_arguments(tmp_path: Path) -> None:
    def arguments(call: str) -> str:
        return call.partition("(")[2].rpartition(")")[0]

    checks = [
        f"""\t{{ long a[] = {{{", ".join(map(str, op.args))}}};
\tlong x[] = {{{arguments(cform.literal(op))}}}, y[] = {{{arguments(cform.slots(spec))}}};
\tif (sizeof(x) != sizeof(y) || memcmp(x, y, sizeof(x))) return {spec.number}; }}"""
        for spec in WITH_FORM
        if spec.args
        for op in examples(spec)
    ]
    functions = [
        f"static int f{i}(void)\n{{\n\tlong uid = 77;\n\t(void)uid;\n"
        + "\n".join(chunk)
        + "\n\treturn 0;\n}\n"
        for i in range(0, len(checks), 100)
        if (chunk := checks[i : i + 100])
    ]
    calls = "".join(f"\tif (f{i}()) return f{i}();\n" for i in range(0, len(checks), 100))
    program = build(
        "".join(functions) + "int main(void)\n{\n\tstatic struct open_files files = "
        "{ .file = {3, 4, 5, 6} };\n\tset_up_ops(0, &files);\n\tfor (int i = 0; i < 4; i++)\n"
        f"\t\tfiles.file[i] = i + 3;\n{calls}\treturn 0;\n}}\n",
        tmp_path,
        "-O0",
        "-Wno-int-conversion",
    )
    assert subprocess.run([program]).returncode == 0, "the number of a row that differs"


def test_the_runtime_and_the_model_name_results_and_limits_alike() -> None:
    text = cform.RUNTIME.read_text()

    def defined(name: str) -> int:
        found = re.search(rf"#define {name}\s+\(?(-?\d+)", text)
        assert found, name
        return int(found[1])

    assert defined("RESULT_SIGSEGV") == outcome.SIGSEGV
    assert defined("RESULT_SIGBUS") == outcome.SIGBUS
    assert defined("RESULT_SKIPPED") == outcome.SKIPPED
    assert defined("NR_FILES") == ops.NR_FILES
    assert defined("NR_PIPES") == ops.NR_PINS
    assert defined("NR_WORDS") == WORDS_PER_PAGE


def test_a_form_that_calls_what_nobody_defines_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    row = OpSpec(199, "new", (), ops.USER, "", entry=1, culprit="new", c="look_at(0)")
    monkeypatch.setattr(ops, "OPS", (*ops.OPS, row))
    with pytest.raises(AssertionError, match=r"form of new calls look_at\(\), which mmfarm_ops.h"):
        cform._check()
