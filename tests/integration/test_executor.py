# SPDX-License-Identifier: MIT
"""The executor contains what it runs: misbehaving programs are trouble, never an answer, and
nothing of them is left."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance import executor
from conformance import kernel as kernel_module
from conformance.executor import ExecutorError
from conformance.kernel import Launch, RealKernel
from corpus import cform, text
from simulator import ops
from simulator.ops import USER, OpSpec
from simulator.scenario import Op, Scenario
from tests.waiting import PATIENT_SECONDS, wait_until

pytestmark = pytest.mark.skipif(bool(executor.why_not()), reason=executor.why_not())

# Rows that no op table has, in C that no op does.
SPIN, SPAWN, WILD_STORE, ABORT, LEAVE, SLEEP, EAT = range(200, 207)


def misbehaving(number: int, name: str, c: str) -> OpSpec:
    return OpSpec(number, name, (), USER, "", entry=0, culprit=name, c=c)


MISBEHAVING = (
    misbehaving(SPIN, "spin", "({{ for (;;) ; 0; }})"),
    misbehaving(
        SPAWN, "spawn", "({{ for (int i = 0; i < 200; i++) if (!fork()) pause(); pause(); }})"
    ),
    misbehaving(WILD_STORE, "wild_store", "({{ *(volatile long *)(arena - psize) = 1; 0; }})"),
    misbehaving(ABORT, "abort", "raise(SIGABRT)"),
    misbehaving(LEAVE, "leave", "({{ _exit(0); 0; }})"),
    misbehaving(SLEEP, "sleep", "pause()"),
    misbehaving(
        EAT,
        "eat",
        "mmap(P(4096), 1ul << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)",
    ),
)
GOOD = "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n3 T0 read 3\n"
SHORT = f"""{GOOD}4 T0 mprotect 2..4 r
5 T0 write 3
6 T0 madvise 0..8 DONTNEED
7 T0 read 3
8 T0 mremap 0..4 to 16
9 T0 read 19
10 T0 munmap 4..6
"""


def scenario(program: str) -> Scenario:
    return text.parse(f"# mmfarm scenario 1\nconfig pmd_order=9 frames=256 pages=64\n{program}")


def then(program: str, code: int, actor: int = 0) -> Scenario:
    """A program that goes wrong at its end, in op 99."""
    good = scenario(program)
    return replace(good, ops=(*good.ops, Op(99, actor, code)))


def processes_of(program: Path) -> list[int]:
    """Who runs this binary, zombies included."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue  # no process, or gone
        if stat.partition("(")[2].startswith(program.name[:15] + ")"):
            found.append(int(entry.name))
    return found


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An executor by a name of its own, for other tests run theirs at the same time."""
    made = executor.binary((*ops.OPS, *MISBEHAVING))
    own = tmp_path_factory.mktemp("binary") / f"exec-{os.getpid()}"
    shutil.copy(made, own)
    return own


@pytest.fixture
def kernel(binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealKernel]:
    """An executor in an empty folder; afterwards nothing is left."""
    monkeypatch.chdir(tmp_path)
    shared = set(os.listdir("/dev/shm"))
    with RealKernel(Launch((str(binary),)), timeout_seconds=PATIENT_SECONDS) as real:
        yield real
    assert not processes_of(binary)
    assert not list(tmp_path.iterdir())
    assert set(os.listdir("/dev/shm")) == shared


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (WILD_STORE, "died of signal 11, in op 99"),
        (ABORT, "died of signal 6, in op 99"),
        (LEAVE, "left before its time, in op 99"),
    ],
)
@pytest.mark.parametrize("actor", [0, 1, 2], ids=["T0", "thread", "child"])
def test_a_program_that_misbehaves_is_trouble_and_no_answer(
    kernel: RealKernel, binary: Path, code: int, trouble: str, actor: int
) -> None:
    with pytest.raises(ExecutorError, match=trouble):
        kernel.run(then(f"{GOOD}4 T0 fork T2\n", code, actor), every_op=False)
    assert len(processes_of(binary)) == 1, "the server alone"
    assert kernel.run(scenario(GOOD), every_op=False).results == (0, 0, 2)


@pytest.mark.parametrize("code", [SPIN, SLEEP, SPAWN])
@pytest.mark.parametrize("actor", [0, 1, 2], ids=["T0", "thread", "child"])
def test_a_program_that_does_not_end_is_ended_and_is_no_answer(
    binary: Path, code: int, actor: int
) -> None:
    asked = then(f"{GOOD}4 T0 fork T2\n", code, actor)
    for doublings in range(10):  # until it is enough for this machine to get as far as op 99
        milliseconds = 200 << doublings
        with RealKernel(Launch((str(binary),)), timeout_seconds=milliseconds / 1000) as kernel:
            with pytest.raises(ExecutorError, match=f"no end after {milliseconds} ms") as trouble:
                kernel.run(asked, every_op=False)
            assert len(processes_of(binary)) == 1, "the server alone"
        if "in op 99" in str(trouble.value):
            return
    raise AssertionError(f"the op in which it was is not named: {trouble.value}")


def test_address_space_is_limited(kernel: RealKernel) -> None:
    assert kernel.run(then(GOOD, EAT), every_op=False).results[-1] == -12  # ENOMEM


def test_an_executor_that_was_killed_is_started_again(kernel: RealKernel, binary: Path) -> None:
    kernel.run(scenario(GOOD), every_op=False)
    (server,) = processes_of(binary)
    os.kill(server, 9)
    with pytest.raises(ExecutorError, match="executor"):
        kernel.run(scenario(GOOD), every_op=False)
    assert kernel.run(scenario(GOOD), every_op=False).results == (0, 0, 2)


@pytest.mark.parametrize("victim", ["user", "server"])
def test_a_program_dies_with_who_wanted_it(binary: Path, victim: str) -> None:
    program = text.dump(scenario(f"{GOOD}4 T0 fork T2\n"))
    code = f"""
from conformance.kernel import Launch, RealKernel
from corpus import text
from dataclasses import replace
from simulator.scenario import Op
asked = text.parse({program!r})
with RealKernel(Launch(({str(binary)!r},)), timeout_seconds={PATIENT_SECONDS}) as kernel:
    kernel.run(replace(asked, ops=(*asked.ops, Op(99, 2, {SLEEP}))), every_op=False)
"""
    user = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    wait_until(
        "its program runs", lambda: len(processes_of(binary)) >= 3, lambda: user.poll() is None
    )
    running = sorted(processes_of(binary))
    assert len(running) == 3, "the server, and two processes of its program"
    os.kill(user.pid if victim == "user" else running[0], signal.SIGKILL)
    wait_until("all are gone", lambda: not processes_of(binary))
    assert user.wait() != 0


def test_what_is_no_request_ends_the_executor_with_a_message(kernel: RealKernel) -> None:
    wrong = replace(scenario(GOOD), ops=(Op(1, 77, ops.OP_READ, (0,)),))
    with pytest.raises(ExecutorError, match="executor"):
        kernel.run(wrong, every_op=False)
    assert kernel.run(scenario(GOOD), every_op=False).results == (0, 0, 2)


def test_a_command_that_is_no_executor_is_trouble() -> None:
    for command in ("/no/such/binary", "/bin/true"):
        with pytest.raises(ExecutorError, match="executor"):
            RealKernel(Launch((command,)))


def booting(binary: Path, script: str, seconds: float = PATIENT_SECONDS) -> Launch:
    """What QEMU does, as far as we see it: the executor's protocol after a while."""
    return Launch(("/bin/sh", "-c", script, str(binary)), boot_seconds=seconds)


def test_a_kernel_that_boots_slowly_is_waited_for(binary: Path) -> None:
    with RealKernel(booting(binary, "sleep 0.3; exec $0"), "6.12") as kernel:
        assert kernel.run(scenario(GOOD), every_op=False).results == (0, 0, 2)
        assert kernel.version == "6.12"


def test_a_kernel_is_booted_once(binary: Path) -> None:
    with RealKernel(booting(binary, "exec $0")) as kernel:
        (server,) = processes_of(binary)
        os.kill(server, signal.SIGKILL)
        for trouble in ("executor", "booted once"):
            with pytest.raises(ExecutorError, match=trouble):
                kernel.run(scenario(GOOD), every_op=False)
    assert not processes_of(binary)


def test_a_kernel_that_hangs_is_trouble(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_module, "GRACE_SECONDS", 0.1)
    with pytest.raises(ExecutorError, match="does not answer"):
        RealKernel(booting(binary, "exec sleep 3600", seconds=0.2), timeout_seconds=0.1)


def test_a_kernel_that_panics_is_trouble(binary: Path) -> None:
    with pytest.raises(ExecutorError, match="Kernel panic"):
        RealKernel(booting(binary, "echo 'Kernel panic' >&2; exit 1"))


def test_the_executor_inherits_the_descriptor_and_we_keep_none(binary: Path) -> None:
    file = os.memfd_create("inherited")
    os.write(file, b"x")
    script = f"test -s /proc/self/fd/{file} && exec $0"
    launch = Launch(("/bin/sh", "-c", script, str(binary)), file)
    with RealKernel(launch) as kernel:
        assert kernel.run(scenario(GOOD), every_op=False).results == (0, 0, 2)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(file)


def test_without_a_c_compiler_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no-such-compiler" in executor.why_not()
    with pytest.raises(ExecutorError, match="no-such-compiler"):
        executor.binary()


def test_a_compiler_that_fails_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", "false")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ExecutorError, match="failed"):
        executor.binary()
    assert not list((tmp_path / "mmfarm" / "executor").iterdir())


def test_the_binary_is_made_once_for_its_sources(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = executor.binary()
    made = first.stat().st_mtime_ns
    assert (executor.binary(), first.stat().st_mtime_ns) == (first, made)
    changed = replace(MISBEHAVING[0], c="({{ for (;;) pause(); 0; }})")
    assert executor.binary((*ops.OPS, changed)) != first


def test_every_form_is_in_the_generated_interpreter() -> None:
    generated = executor.forms()
    for spec in ops.OPS:
        assert (f"\tcase {spec.number}:\n" in generated) == bool(spec.c)
        assert not spec.c or cform.slots(spec) in generated


def test_a_program_costs_two_messages(kernel: RealKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request and one answer, so that the short programs of fuzzing run by the thousand;
    `make soak WHAT=conform` measures how many in a second."""
    calls: Counter[str] = Counter()
    for name in ("read", "write"):
        real = getattr(os, name)

        def counted(fd: int, what: Any, name: str = name, real: Any = real) -> Any:
            calls[name] += 1
            return real(fd, what)

        monkeypatch.setattr(os, name, counted)
    programs = 50
    for _ in range(programs):
        kernel.run(scenario(SHORT), every_op=False)
    assert calls["write"] == programs
    assert calls["read"] <= 3 * programs  # the head, and the body in at most two pieces
