# SPDX-License-Identifier: MIT
"""The drawing of a race: who stands in which column, what is left out, how it fits."""

from dataclasses import replace

from simulator.ops import OP_MADVISE, OP_MIGRATE_TO_DEVICE, OP_MMAP, OP_READ, OP_WRITE
from simulator.outcome import UNFINISHED, Outcome, Signature, TraceEvent, Violation
from simulator.scenario import DEVICE, Op, Scenario
from triage.diagram import MAX_COLUMNS, MAX_STEPS, WIDTH, draw, lay_out

RACE = Scenario(
    ops=(
        Op(1, 0, OP_MMAP, (0, 8, 3, 0, 0, 0, 0)),
        Op(2, 0, OP_WRITE, (12,)),
        Op(3, DEVICE, OP_MIGRATE_TO_DEVICE, (0, 8)),
        Op(4, 1, OP_MADVISE, (0, 8, 4)),
        Op(5, 0, OP_READ, (12,)),
    ),
)
COLLECT = "migrate_vma_collect_pmd"


def event(step: int, actor: int, uid: int, site: str, depth: int = 1, text: str = "",
          cpu: int = -1) -> TraceEvent:
    places = {0: 0, DEVICE: 1, 1: 2}
    return TraceEvent(step, actor, places[actor] if cpu < 0 else cpu, uid, site, depth, text)


TRACE = [
    event(1, 0, 1, "op:begin", 0),
    event(2, 0, 1, "mmap_region:vma_linked", 2, "vma 0..8"),
    event(3, 0, 1, "op:end", 0),
    event(4, 0, 2, "op:begin", 0),
    event(5, 0, 2, "do_anonymous_page:pte_set", 3, "PTE 3"),
    event(6, 0, 2, "op:end", 0),
    event(7, DEVICE, 3, "op:begin", 0),
    event(8, DEVICE, 3, "migrate_vma_setup:begin", 1),
    event(9, DEVICE, 3, f"{COLLECT}:pte_cleared", 2, "PTE 3"),
    event(10, DEVICE, 3, f"{COLLECT}:ptl_dropped", 2),
    event(11, 1, 4, "op:begin", 0),
    event(12, 1, 4, "zap_pte_range:lru_looked_at", 2, "lru 77"),
    event(13, 1, 4, "zap_pte_range:pte_none", 2, "PTE 3 not present: nothing to flush"),
    event(14, 1, 4, "op:end", 0),
    event(15, 0, 5, "op:begin", 0),
    event(16, 0, 5, "load:tlb_hit", 1, "PTE 3 through the stale translation"),
]
OUTCOME = Outcome(
    Violation(Signature("stale-tlb", COLLECT, "anon"), "a promise.", 5, 16), "0" * 16, 16,
    [0, 1, UNFINISHED, 0, UNFINISHED], trace=TRACE,
)


def test_each_cpu_has_a_column_named_after_who_runs_there() -> None:
    titles = [column.title for column in lay_out(RACE, OUTCOME).columns]
    assert titles == ["CPU0 (T0)", "CPU1 (DEVICE migrate_to_device)", "CPU2 (T1 madvise)"]


def test_time_runs_downward_and_rows_stand_in_the_column_of_their_cpu() -> None:
    rows = lay_out(RACE, OUTCOME).rows
    assert [row.step for row in rows] == sorted(row.step for row in rows)
    columns = {row.text: row.column for row in rows}
    assert columns["pte cleared: PTE 3"] == 1
    assert columns["pte none: PTE 3 not present: nothing to flush"] == 2


def test_an_op_outside_the_race_is_one_line_with_its_result() -> None:
    rows = [row for row in lay_out(RACE, OUTCOME).rows if row.step < 7]
    assert [row.text for row in rows] == ["mmap 0..8 rw private anon = 0", "write 3 = 1"]


def test_inside_the_race_what_only_one_side_touches_is_left_out() -> None:
    text = draw(RACE, OUTCOME)
    assert "zap_pte_range()" in text
    assert "PTE 3 not present" in text
    assert "lru" not in text


def test_the_step_before_another_cpu_comes_in_is_always_drawn() -> None:
    assert "ptl dropped" in draw(RACE, OUTCOME)


def test_indentation_follows_call_depth() -> None:
    rows = {row.text: row.indent for row in lay_out(RACE, OUTCOME).rows}
    assert rows["zap_pte_range()"] < rows["pte none: PTE 3 not present: nothing to flush"]


def test_the_broken_promise_is_marked_last_in_the_column_that_noticed_it() -> None:
    last = lay_out(RACE, OUTCOME).rows[-1]
    assert (last.kind, last.column, last.text) == ("violation", 0, "*** stale-tlb ***")


def test_what_the_final_audit_finds_is_marked_at_the_end() -> None:
    assert OUTCOME.violation is not None
    at_end = replace(OUTCOME, violation=replace(OUTCOME.violation, uid=0))
    assert lay_out(RACE, at_end).rows[-1].text == "at the End: *** stale-tlb ***"


def test_long_texts_are_wrapped_into_the_width() -> None:
    long = [replace(e, text=e.text and e.text + " and more words" * 9) for e in TRACE]
    long.append(event(17, 0, 5, "load:" + "x" * 300))
    text = draw(RACE, replace(OUTCOME, trace=long))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("x") >= 300


def test_no_more_than_four_columns_and_nobody_is_forgotten() -> None:
    ops = tuple(Op(i + 1, i, OP_READ, (0,)) for i in range(7))
    trace = [
        TraceEvent(10 * i + j, i, i, i + 1, f"f{i}:s", 1, "PTE 3") for j in (0, 1) for i in range(7)
    ]
    trace.sort(key=lambda e: (e.step % 10, e.step))
    trace = [replace(e, step=n) for n, e in enumerate(trace)]
    drawn = lay_out(Scenario(ops=ops), replace(OUTCOME, results=[0] * 7, trace=trace))
    assert len(drawn.columns) == MAX_COLUMNS
    shown = " ".join(row.text for row in drawn.rows)
    assert all(f"T{i}" in shown for i in range(3, 7))


def test_actors_that_share_a_cpu_are_told_apart() -> None:
    shared = [replace(e, cpu=0) for e in TRACE]
    text = draw(RACE, replace(OUTCOME, trace=shared))
    assert text.splitlines()[0] == "CPU0 (T0, DEVICE, T1)"
    assert "T1: madvise 0..8 DONTNEED" in text
    assert "T0: read 3" in text


def test_a_long_race_is_cut_to_the_steps_that_decide() -> None:
    noise = [event(100 + i, 1, 4, "zap_pte_range:pte_none", 2, "PTE 3") for i in range(900)]
    trace = TRACE[:13] + noise + [replace(e, step=e.step + 2000) for e in TRACE[13:]]
    assert lay_out(RACE, replace(OUTCOME, trace=trace)).drawn <= MAX_STEPS


def test_the_same_run_draws_the_same_bytes() -> None:
    assert draw(RACE, OUTCOME) == draw(RACE, OUTCOME)


def test_an_empty_trace_says_so() -> None:
    assert draw(RACE, replace(OUTCOME, trace=[])) == "(the trace is empty)"
