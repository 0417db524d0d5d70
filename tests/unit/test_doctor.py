# SPDX-License-Identifier: MIT
"""`mmfarm doctor`: every feature has a line, what cannot be tried is unknown, bad luck is told."""

import json

import pytest

from conformance import executor
from conformance.executor import ExecutorError
from conformance.features import FEATURES, op_needs
from conformance.kernel import RealKernel
from simulator import ops
from simulator.kernels import DEFAULT, VERSIONS
from simulator.scenario import Op
from triage import doctor
from triage.cli import main

needs_compiler = pytest.mark.skipif(bool(executor.why_not()), reason=executor.why_not())


def doctors_json(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert main(["doctor", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    return {row["name"]: row for row in rows}


@needs_compiler
def test_every_feature_is_tried_and_says_what_is_skipped_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = doctors_json(capsys)
    assert set(FEATURES) <= set(rows)
    assert all(isinstance(rows[name]["available"], bool) for name in FEATURES)
    assert all(row["without"] for row in rows.values())
    assert rows["C compiler"]["available"] is True
    default = [name for name, row in rows.items() if "no kernel= stands" in str(row["without"])]
    assert default == [f"Linux {DEFAULT}"]
    assert {f"Linux {version}" for version in VERSIONS} <= set(rows)


@needs_compiler
def test_the_probes_and_the_table_name_the_same_features() -> None:
    probes = (executor.SOURCES / "probes.h").read_text()
    generated = executor.forms()
    for name in FEATURES:
        assert f'answer("{name}"' in probes or f'{{ "{name}",' in generated, name
    with RealKernel() as kernel:
        assert kernel.features <= set(FEATURES)


def test_without_a_c_compiler_the_kernel_is_unknown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    rows = doctors_json(capsys)
    assert rows["C compiler"]["available"] is False
    assert rows["MADV_FREE"]["available"] is None
    assert main(["doctor"]) == 0
    said = capsys.readouterr()
    assert "unknown" in said.out
    assert "no-such-compiler" in said.err


def test_an_executor_in_trouble_leaves_the_kernel_unknown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> RealKernel:
        raise ExecutorError("the executor is on strike")

    monkeypatch.setattr(executor, "why_not", lambda: "")
    monkeypatch.setattr(doctor, "RealKernel", broken)
    rows = doctors_json(capsys)
    assert rows["thp"]["available"] is None
    assert rows["thp"]["detail"] == "the executor is on strike"


@pytest.mark.parametrize(
    ("op", "needed"),
    [
        (Op(1, 0, ops.OP_READ, (0,)), []),
        (Op(1, 0, ops.OP_MADVISE, (0, 1, ops.MADV_GUARD_INSTALL)), ["MADV_GUARD_INSTALL"]),
        (Op(1, 0, ops.OP_MMAP, (0, 1, 3, 0, 0, 0, 17)), ["MAP_FIXED_NOREPLACE", "MAP_DROPPABLE"]),
        (Op(1, 0, ops.OP_MMAP, (0, 1, 3, 0, 0, 0, 2)), []),
        (Op(1, 0, ops.OP_MREMAP, (0, 1, 2, 3, 1)), ["MREMAP_DONTUNMAP"]),
        (Op(1, 0, ops.OP_MREMAP, (0, 1, 2, 3, 0)), []),
        (Op(1, 0, ops.OP_CLEAR_REFS, (0,)), []),
        (Op(1, 0, ops.OP_CLEAR_REFS, (1,)), ["soft-dirty"]),
        (Op(1, 0, ops.OP_MEM_WRITE, (0,)), ["mem-force"]),
        (Op(1, 0, ops.OP_VMSPLICE, (0, 0)), ["vmsplice"]),
    ],
)
def test_an_op_needs_what_its_arguments_ask_for(op: Op, needed: list[str]) -> None:
    assert op_needs(op) == needed
    assert set(needed) <= set(FEATURES)
