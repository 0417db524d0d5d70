# SPDX-License-Identifier: MIT
"""A slice as its supervisor sees it: real child processes, real deaths."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus import text
from fuzz import targets
from fuzz.inflight import read_slot
from fuzz.seeds import read_kept
from fuzz.slice import (
    END_GRACE_SECONDS,
    START_GRACE_SECONDS,
    ExitKind,
    SliceResult,
    SliceSpec,
    classify,
    run_slice,
)
from fuzz.statistics import Statistics
from simulator.run import Machine
from tests.waiting import wait_until

EASY_BUG = "do-wp-page-copies-pinned-page"  # found within some hundred runs
ENGINES = ("atheris", "plain")
EXECUTIONS = 800
LONG_SECONDS = 3600.0  # these slices end by what they have done, not by the clock


def child_pid() -> int:
    """The slice child of this process."""
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            if b"fuzz.harness" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return int(pid)
    raise AssertionError("no slice child runs")


def run_and_interfere(spec: SliceSpec, act: Callable[[int], None], **options: Any) -> SliceResult:
    """Run a slice; call `act` once with the child's pid, while it fuzzes."""
    done: list[int] = []

    def progress(statistics: Statistics) -> None:
        if statistics.executions and not done:
            done.append(child_pid())
            act(done[0])

    result = run_slice(spec, progress, **options)
    assert done, f"the child never reported that it fuzzes: {result}"
    return result


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "atheris":
        pytest.importorskip("atheris", reason="Atheris has no wheel here")
    return str(request.param)


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_slice_leaves_a_corpus_that_parses_and_complete_statistics(
    engine: str, tmp_path: Path
) -> None:
    lines: list[Statistics] = []
    spec = SliceSpec(LONG_SECONDS, tmp_path, engine=engine, executions=EXECUTIONS)
    result = run_slice(spec, lines.append)
    assert result.exit_kind in (ExitKind.OK, ExitKind.FINDINGS), result.log_tail
    assert result.internal_errors == []
    assert result.statistics.engine == engine
    assert result.statistics.final
    assert lines[-1] == result.statistics
    assert EXECUTIONS <= result.executions < 2 * EXECUTIONS
    assert result.features > 100
    assert result.statistics.rechecked > 0
    left = list(read_kept(tmp_path / "corpus"))
    assert len(left) > 10
    with_directives = 0
    seen = 0
    for kept in left:
        scenario = text.parse(kept.text)
        with_directives += bool(scenario.directives)
        assert text.dump(scenario) == kept.text
        shown = int.from_bytes(kept.features, "little")
        assert shown & ~seen, "kept, though it shows nothing new"
        seen |= shown
    assert with_directives, "no recorded schedule came into the corpus"


def test_a_slice_with_a_focus_counts_who_came_there(tmp_path: Path) -> None:
    focus = tuple(targets.of_functions(["mincore_pte_range"]))
    spec = SliceSpec(LONG_SECONDS, tmp_path, executions=EXECUTIONS, focus=focus)
    result = run_slice(spec)
    assert result.exit_kind in (ExitKind.OK, ExitKind.FINDINGS), result.log_tail
    assert result.internal_errors == []
    assert set(result.statistics.focus_passed) <= set(focus)
    # Without a focus one run in some dozens has this op at all.
    assert max(result.statistics.focus_passed.values()) > EXECUTIONS / 4
    assert sum(result.statistics.focus_preempted.values()) > EXECUTIONS / 20


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_known_bug_is_found_and_the_finding_replays(engine: str, tmp_path: Path) -> None:
    spec = SliceSpec(LONG_SECONDS, tmp_path, bugs=(EASY_BUG,), engine=engine, stop_at_first=True)
    result = run_slice(spec)
    assert result.exit_kind is ExitKind.FINDINGS, result.log_tail
    assert 0 < result.statistics.first_find_executions <= result.executions
    for finding in result.findings:
        scenario = text.parse(finding.text)
        assert scenario.config.bugs == (EASY_BUG,)
        outcome = Machine().run(scenario)
        assert outcome.violation is not None
        assert outcome.violation.signature == finding.signature
        assert (outcome.digest, outcome.steps) == (finding.digest, finding.steps)
        assert dict(scenario.headers)["expect"] == str(finding.signature)
    assert len(list((tmp_path / "findings").glob("*.json"))) == len(result.findings)


def test_a_killed_slice_keeps_its_findings_and_says_killed(tmp_path: Path) -> None:
    def kill_after_find(pid: int) -> None:
        work = Path(os.readlink(f"/proc/{pid}/cwd"))
        wait_until("a finding", lambda: list((work / "findings").glob("*.json")))
        os.kill(pid, signal.SIGKILL)

    result = run_and_interfere(SliceSpec(LONG_SECONDS, tmp_path, bugs=(EASY_BUG,)), kill_after_find)
    assert result.exit_kind is ExitKind.KILLED
    assert list(read_kept(tmp_path / "corpus"))
    signatures = [finding.signature for finding in result.findings]
    assert signatures
    assert len(signatures) == len(set(signatures))
    if result.in_flight is not None:
        assert text.parse(result.in_flight).config.bugs == (EASY_BUG,)


def test_what_was_running_survives_sigkill(tmp_path: Path) -> None:
    """The slot is read after the writer was killed in the middle of a run."""
    path = tmp_path / "slot"
    pid = os.fork()
    if pid == 0:
        from fuzz.inflight import Slot

        slot = Slot(path)
        slot.hold(b"the culprit")
        slot.begin(under_strategy=True)
        os.kill(os.getpid(), signal.SIGKILL)
        os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)
    entry = read_slot(path)
    assert entry is not None
    assert entry.data == b"the culprit"


def test_a_child_that_hangs_is_ended_by_the_watchdog(tmp_path: Path) -> None:
    pids: list[int] = []
    now = 0.0

    def stop(pid: int) -> None:
        nonlocal now
        pids.append(pid)
        os.kill(pid, signal.SIGSTOP)
        now = LONG_SECONDS + START_GRACE_SECONDS + END_GRACE_SECONDS

    result = run_and_interfere(SliceSpec(LONG_SECONDS, tmp_path), stop, clock=lambda: now)
    assert result.exit_kind is ExitKind.TIMEOUT
    assert not Path(f"/proc/{pids[0]}").exists()


def test_the_child_has_no_secrets_no_files_and_tight_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    seen: dict[str, str] = {}

    def look(pid: int) -> None:
        proc = Path(f"/proc/{pid}")
        seen["environ"] = (proc / "environ").read_text()
        seen["limits"] = (proc / "limits").read_text()
        seen["status"] = (proc / "status").read_text()
        seen["fds"] = " ".join(os.readlink(p) for p in (proc / "fd").iterdir())
        seen["session"] = str(os.getsid(pid))
        seen["pid"] = str(pid)

    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        (tmp_path / "work").mkdir()
        spec = SliceSpec(LONG_SECONDS, tmp_path / "work", rss_limit_mib=512)
        run_and_interfere(spec, look, stop=lambda: bool(seen))
    assert "hunter2" not in seen["environ"]
    assert str(tmp_path / "secret") not in seen["fds"]
    assert seen["session"] == seen["pid"]
    assert "NoNewPrivs:\t1" in seen["status"]
    limits = {line[:26].strip(): line[26:].split() for line in seen["limits"].splitlines()[1:]}
    for name, most in (
        ("Max core file size", 0),
        ("Max processes", 0),
        ("Max open files", 64),
        ("Max cpu time", LONG_SECONDS + 60),
        ("Max file size", 64 << 20),
        ("Max address space", 2 << 30),
    ):
        assert int(limits[name][1]) <= most, name


def test_too_little_memory_is_reported_as_such_and_is_no_finding(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="Atheris has no wheel here")
    result = run_slice(SliceSpec(LONG_SECONDS, tmp_path, rss_limit_mib=16, engine="atheris"))
    assert result.exit_kind is ExitKind.OOM, result.log_tail
    assert result.findings == []


def test_a_slice_that_nobody_waits_for_ends(tmp_path: Path) -> None:
    """A supervisor that dies leaves no child behind that fuzzes on."""
    pid = os.fork()
    if pid == 0:
        run_slice(SliceSpec(LONG_SECONDS, tmp_path))
        os._exit(0)
    children = Path(f"/proc/{pid}/task/{pid}/children")
    said = tmp_path / "statistics.jsonl"
    wait_until("two lines", lambda: said.exists() and said.read_bytes().count(b"\n") >= 2)
    (child,) = children.read_text().split()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    state = Path(f"/proc/{child}/stat")
    wait_until(
        "the child's end",
        lambda: not state.exists() or state.read_text().rsplit(")")[-1].split()[0] == "Z",
    )


def test_seeds_are_used_and_what_is_not_is_said(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    head = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n"
    many = "".join(f"{i} T0 read {i % 64}\n" for i in range(1, 131))
    (seeds / "large.mm").write_text(head + many)
    (seeds / "small.mm").write_text(head + "1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n")
    (seeds / "wide.mm").write_text(
        "# mmfarm scenario 1\nconfig pmd_order=9 frames=64 pages=200000\n1 T0 read 150000\n"
    )
    (seeds / "broken.mm").write_text("no scenario\n")
    os.mkfifo(seeds / "pipe.mm")
    result = run_slice(SliceSpec(LONG_SECONDS, seed_corpus=seeds, executions=1))
    assert result.seeds == 4  # three windows of the large one, and the small one
    assert sorted(line.split(":")[0] for line in result.unused_seeds) == [
        "broken.mm",
        "pipe.mm",
        "wide.mm",
    ]


@pytest.mark.parametrize(
    ("code", "timed_out", "nr_findings", "kind"),
    [
        (0, False, 0, ExitKind.OK),
        (0, False, 2, ExitKind.FINDINGS),
        (70, False, 0, ExitKind.TIMEOUT),
        (71, False, 3, ExitKind.OOM),
        (72, False, 0, ExitKind.KILLED),
        (77, False, 1, ExitKind.ERROR),
        (1, False, 1, ExitKind.ERROR),
        (2, False, 0, ExitKind.ERROR),
        (3, False, 0, ExitKind.ERROR),
        (-9, True, 1, ExitKind.TIMEOUT),
        (-signal.SIGKILL, False, 1, ExitKind.KILLED),
        (-signal.SIGTERM, False, 0, ExitKind.KILLED),
        (-signal.SIGQUIT, False, 0, ExitKind.KILLED),
        (-signal.SIGXCPU, False, 0, ExitKind.TIMEOUT),
        (-signal.SIGSEGV, False, 0, ExitKind.ERROR),
        (-signal.SIGABRT, False, 0, ExitKind.ERROR),
    ],
)
def test_an_end_that_is_not_ours_is_never_a_finding(
    code: int, timed_out: bool, nr_findings: int, kind: ExitKind
) -> None:
    assert classify(code, timed_out=timed_out, nr_findings=nr_findings) is kind
