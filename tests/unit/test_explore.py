# SPDX-License-Identifier: MIT
"""Exploring: all schedules within the bounds, each once, and what was covered is said."""

import json
from pathlib import Path

import pytest

from corpus import alphabets
from corpus.text import TextError, parse
from fuzz import explore_file
from fuzz.exploration import COVERED, STOPPED, VIOLATION, Bounds, Exploration, Report
from fuzz.explore_jobs import Crew
from simulator.run import Machine
from simulator.scenario import Scenario
from tests.unit.schemas import validate
from triage.cli import main

RACE = """# mmfarm scenario 1
config pmd_order=3 frames=64{bug}
1 T0 mmap 0..1 rw private anon populate
2 DEVICE migrate_to_device 0..1
3 T1 madvise 0..1 DONTNEED
"""
BUG = " bug=migratevma-tlb-flush-after-ptl"
# Small ones of different kinds: faults against each other, fork, a shared CPU, VMA locks.
SMALL = [
    "config pmd_order=3 frames=64\n1 T0 mmap 0..1 rw private anon\n2 T0 write 0\n3 T1 write 0\n",
    "config pmd_order=3 frames=64\n1 T0 mmap 0..2 rw private anon\n2 T0 write 0\n"
    "3 T1 fork T2\n4 T2 read 0\n",
    "config pmd_order=3 frames=64 cpus=1\n1 T0 mmap 0..1 rw shared anon\n2 T0 write 0\n"
    "3 T1 read 0\n",
    "config pmd_order=3 frames=64\n1 T0 mmap 0..4 rw private anon\n2 T0 write 1\n"
    "3 T1 munmap 0..2\n",
]
# And what takes two preemptions: a lock that is waited for asleep, so that the CPU idles when it is
# flushed; an entry that names another page when it is read than when its reader was preempted.
DEEPER = [
    "config pmd_order=3 frames=64 folio_batch=2 gather_batch=8 flush_ceiling=8\n"
    "1 T0 mmap 24..32 rw private anon noreplace\n2 T2 fork T3\n3 T3 mem_read 24.2\n",
    "config pmd_order=4 frames=32 folio_batch=1 gather_batch=2\n"
    "1 T0 mmap 14..15 r private anon populate\n2 T2 read 14\n",
]


def scenario(text: str) -> Scenario:
    head = "" if text.startswith("#") else "# mmfarm scenario 1\n"
    return parse(head + text)


def explore(text: str, bounds: Bounds) -> Report:
    return Exploration(Machine(), scenario(text), bounds).go()


def test_the_counterexample_has_as_few_preemptions_as_any_and_replays() -> None:
    given = scenario(RACE.format(bug=BUG))
    report = Exploration(Machine(), given, Bounds()).go()
    assert report.state == VIOLATION
    assert len(report.directives) == 1
    again = Machine().run(given.with_directives(report.directives))
    assert again.violation is not None
    assert str(again.violation.signature) == report.signature


def test_without_the_bug_the_same_bounds_are_covered() -> None:
    report = explore(RACE.format(bug=""), Bounds(switches=1))
    assert report.state == COVERED
    assert report.progress == 1.0
    assert report.schedules > 10  # it has looked at something


@pytest.mark.parametrize(
    ("text", "switches"), [(text, 1) for text in SMALL] + [(text, 2) for text in DEEPER]
)
def test_what_is_left_out_is_equal_to_what_is_tried(text: str, switches: int) -> None:
    plain = Exploration(Machine(), scenario(text), Bounds(switches, reduce=False))
    reduced = Exploration(Machine(), scenario(text), Bounds(switches))
    said, answer = plain.go(), reduced.go()
    assert said.state == answer.state == COVERED
    assert plain.outcomes() == reduced.outcomes()
    assert plain.orders() == reduced.orders()
    assert answer.schedules <= said.schedules


def test_something_is_left_out() -> None:
    plain, reduced = explore(SMALL[3], Bounds(1, reduce=False)), explore(SMALL[3], Bounds(1))
    assert reduced.schedules < plain.schedules
    assert explore(SMALL[1], Bounds(2)).cut > 0


def test_more_preemptions_cover_more_orders() -> None:
    orders = [explore(SMALL[0], Bounds(n)).orders for n in range(3)]
    assert orders[0] == 1
    assert orders[0] < orders[1] < orders[2]


def test_a_fault_is_tried_only_when_asked_for() -> None:
    one = explore(SMALL[0], Bounds(0))
    assert one.schedules == 1
    more = explore(SMALL[0], Bounds(0, faults=1))
    assert more.schedules > 3
    assert more.outcomes > one.outcomes  # an op that fails for want of memory


def test_a_stopped_exploration_goes_on_where_it_was() -> None:
    whole = explore(SMALL[3], Bounds(1))
    parts = Exploration(Machine(), scenario(SMALL[3]), Bounds(1))
    asked = 0

    def every_fifth(report: Report) -> bool:
        nonlocal asked
        asked += 1
        return asked % 5 == 0

    rounds = 1
    while parts.go(every_fifth).state == STOPPED:
        rounds += 1
    assert rounds > 2
    assert (parts.report.schedules, parts.report.orders) == (whole.schedules, whole.orders)


def test_the_verb_says_what_was_covered_and_where_a_promise_breaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, out = tmp_path / "good.mm", tmp_path / "bad.mm", tmp_path / "found.mm"
    good.write_text(RACE.format(bug=""))
    bad.write_text(RACE.format(bug=BUG))
    assert main(["explore", str(good), "--preemptions", "0", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    validate(answer, "explore")
    assert answer["state"] == COVERED
    assert main(["explore", str(bad), "--preemptions", "1", "--json"]) == 1
    validate(json.loads(capsys.readouterr().out), "explore")
    assert main(["explore", str(bad), "--preemptions", "1", "-o", str(out)]) == 1
    assert "at most 1 preemption," in capsys.readouterr().out
    assert main(["replay", str(out)]) == 1
    assert main(["explore", str(good), "--seconds", "nan"]) == 2


def test_all_that_could_not_be_covered_in_time_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "good.mm"
    file.write_text(RACE.format(bug=""))
    assert main(["explore", str(file), "--seconds", "0.000001"]) == 3
    assert "not all is covered" in capsys.readouterr().out


# --- on several cores, from a file, over an alphabet ---------------------------------------------

TWO_PREEMPTIONS = SMALL[3].replace("1 T0 mmap 0..4", "1 T0 mmap 0..2")
LETTERS = """config pmd_order=3 frames=64
before T0 mmap 0..1 rw private anon
user write 0
user madvise 0..1 DONTNEED
DEVICE migrate_to_device 0..1
"""


def test_several_processes_cover_what_one_does() -> None:
    alone = Exploration(Machine(), scenario(TWO_PREEMPTIONS), Bounds(1))
    shared = Exploration(Machine(), scenario(TWO_PREEMPTIONS), Bounds(1))
    said = alone.go()
    with Crew(shared, 2) as crew:
        answer = crew.go()
    assert answer.state == said.state == COVERED
    assert shared.outcomes() == alone.outcomes()
    assert shared.orders() == alone.orders()
    assert answer.schedules + answer.cut == said.schedules + said.cut
    assert answer.restarts > 0  # what is shared was learned by others


def test_several_processes_find_the_counterexample_with_as_few_preemptions() -> None:
    given = scenario(RACE.format(bug=BUG))
    with Crew(Exploration(Machine(), given, Bounds()), 2) as crew:
        report = crew.go()
    assert report.state == VIOLATION
    assert len(report.directives) == 1
    assert Machine().run(given.with_directives(report.directives)).violation is not None


def test_an_exploration_goes_on_from_its_file(tmp_path: Path) -> None:
    whole = explore(SMALL[3], Bounds(1))
    file = tmp_path / "tree"
    for _ in range(100):
        part = Exploration(Machine(), scenario(SMALL[3]), Bounds(1))
        if file.exists():
            explore_file.go_on(part, file)
        until = part.report.schedules + part.report.cut + 4
        state = part.go(lambda r, until=until: r.schedules + r.cut >= until).state  # type: ignore[misc]
        explore_file.save(part, file)
        if state == COVERED:
            break
    assert part.report.to_json() == whole.to_json()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tree"
    explore_file.save(Exploration(Machine(), scenario(SMALL[3]), Bounds(1)), file)
    other = Exploration(Machine(), scenario(SMALL[3]), Bounds(2))
    with pytest.raises(ValueError, match="another bounds"):
        explore_file.go_on(other, file)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ValueError, match="no saved exploration"):
        explore_file.go_on(other, file)


def test_every_program_of_an_alphabet_is_there_once() -> None:
    alphabet = alphabets.read(LETTERS)
    assert (alphabet.nr_ops, len(alphabet.letters)) == (3, 5)
    programs = list(alphabet.programs(2))
    assert len(set(programs)) == len(programs) == 25
    # T0, T1 and DEVICE are three actors: not all words of three letters are programs.
    assert len(list(alphabet.programs(3))) == 125 - 6 * 2 * 2
    forks = alphabets.read("user fork T5\n").programs(2)
    assert {tuple(op.args[0] for op in made.ops) for made in forks} == {(2, 3)}
    with pytest.raises(TextError, match=r"<alphabet>:2:.*unknown op|op"):
        alphabets.read("user write 0\nuser wrote 0\n")


def test_the_certificate_of_all_programs_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, kept = tmp_path / "letters", tmp_path / "kept"
    file.write_text(LETTERS)
    asked = ["explore", "--ops", "2", "--alphabet", str(file), "--preemptions", "0", "--json"]
    assert main([*asked, "--jobs", "1"]) == 0
    whole = json.loads(capsys.readouterr().out)
    validate(whole, "explore-programs")
    assert (whole["state"], whole["covered"], whole["programs"]) == (COVERED, 25, 25)
    assert main([*asked, "--jobs", "1", "--seconds", "0.000001", "--resume", str(kept)]) == 3
    assert json.loads(capsys.readouterr().out)["covered"] < 25
    assert main([*asked, "--jobs", "2", "--resume", str(kept)]) == 0
    assert json.loads(capsys.readouterr().out) == whole
    assert main([*asked[:-2], "1", "--resume", str(kept)]) == 2  # other bounds
    assert "another bounds" in capsys.readouterr().err


def test_a_program_that_breaks_a_promise_ends_the_exploration_of_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "letters", tmp_path / "found.mm"
    letters = LETTERS.replace("frames=64", "frames=64" + BUG).replace("anon", "anon populate")
    file.write_text(letters.replace("user write 0\nuser", "T1"))
    asked = ["explore", "--ops", "2", "--alphabet", str(file), "--preemptions", "1", "--jobs", "1"]
    assert main([*asked, "-o", str(out)]) == 1
    assert "stale-tlb" in capsys.readouterr().out
    assert main(["replay", str(out)]) == 1


def test_explore_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore"]) == 2
    assert "--ops" in capsys.readouterr().err
    assert main(["explore", "x.mm", "--alphabet", "y"]) == 2
