# SPDX-License-Identifier: MIT
"""The drawing of a race: who stands in which column, what is left out, how it fits."""

from dataclasses import replace

from simulator.ops import OP_MADVISE, OP_MIGRATE_TO_DEVICE, OP_MMAP, OP_READ, OP_WRITE
from simulator.outcome import UNFINISHED, Outcome, Signature, TraceEvent, Violation
from simulator.scenario import DEVICE, Op, Scenario
from triage.diagram import HEIGHT, MAX_COLUMNS, draw, lay_out
from triage.fitting import WIDTH, render
from triage.race import MAX_ALONE
from triage.steps import steps_of

RACE = Scenario(
    ops=(
        Op(1, 0, OP_MMAP, (0, 8, 3, 0, 0, 0, 0)),
        Op(2, 0, OP_WRITE, (12,)),
        Op(3, DEVICE, OP_MIGRATE_TO_DEVICE, (0, 8)),
        Op(4, 1, OP_MADVISE, (0, 8, 4)),
        Op(5, 0, OP_READ, (12,)),
    )
)
COLLECT = "migrate_vma_collect_pmd"


PTE = "pte 3 of mm0"
CLEARED = "clears pte 3, was rw, frame 1"
NONE = "pte 3 is none"


# The functions around each function of the trace: a call each.
AROUND = {"migrate_vma_setup": 1, COLLECT: 2, "zap_pmd_range": 3, "zap_pte_range": 4}
INSIDE_OF = {COLLECT: ("migrate_vma_setup",), "zap_pte_range": ("zap_pmd_range",)}


def event(step: int, actor: int, uid: int, site: str, text: str = "", cpu: int = -1) -> TraceEvent:
    places = {0: 0, DEVICE: 1, 1: 2}
    function = site.partition(":")[0]
    calls = tuple(
        (AROUND[each], each) for each in (*INSIDE_OF.get(function, ()), function) if each in AROUND
    )
    return TraceEvent(step, actor, places[actor] if cpu < 0 else cpu, uid, site, calls, text)


TRACE = [
    event(1, 0, 1, "op:begin"),
    event(2, 0, 1, "mmap_region:vma_linked", "write vma 0"),
    event(3, 0, 1, "op:end"),
    event(4, 0, 2, "op:begin"),
    event(5, 0, 2, "do_anonymous_page:set_pte", f"write {PTE}"),
    event(6, 0, 2, "op:end"),
    event(7, DEVICE, 3, "op:begin"),
    event(8, DEVICE, 3, "migrate_vma_setup:begin"),
    event(9, DEVICE, 3, f"{COLLECT}:clear_pte", f"write {PTE}"),
    event(9, DEVICE, 3, f"{COLLECT}:clear_pte", CLEARED),
    event(10, DEVICE, 3, f"{COLLECT}:ptl_dropped", "write ptl 0"),
    event(10, DEVICE, 3, f"{COLLECT}:ptl_dropped", "-> T1"),
    event(11, 1, 0, "context_switch:begin", "write cpu 2"),
    event(12, 1, 4, "op:begin"),
    event(13, 1, 4, "zap_pmd_range:pmd", "read pmd 0 of mm0"),
    event(14, 1, 4, "zap_pte_range:lru_add", "write lru 77"),
    event(15, 1, 4, "zap_pte_range:read_pte", f"read {PTE}"),
    event(15, 1, 4, "zap_pte_range:read_pte", NONE),
    event(16, 1, 4, "zap_pmd_range:next", "read pmd 0 of mm0"),
    event(17, 1, 4, "op:end"),
    event(18, 0, 5, "op:begin"),
    event(19, 0, 5, "mmu:translate", "read cpu 0"),
    event(19, 0, 5, "mmu:translate", "loads 1 from page 3, frame 1"),
]
OUTCOME = Outcome(
    Violation(Signature("stale-tlb", COLLECT, "anon"), "a promise.", 5, 19),
    "0" * 16,
    19,
    [0, 1, UNFINISHED, 0, UNFINISHED],
    trace=TRACE,
)


def test_each_cpu_has_a_column_named_after_who_runs_there() -> None:
    titles = [column.title for column in lay_out(RACE, OUTCOME).columns]
    assert titles == ["CPU0 (T0)", "CPU1 (DEVICE migrate_to_device)", "CPU2 (T1 madvise)"]


def test_time_runs_downward_and_rows_stand_in_the_column_of_their_cpu() -> None:
    rows = lay_out(RACE, OUTCOME).rows
    assert [row.step for row in rows] == sorted(row.step for row in rows)
    columns = {row.text: row.column for row in rows}
    assert columns[CLEARED] == 1
    assert columns[f"zap_pte_range(): {NONE}"] == 2


def test_an_op_outside_the_race_is_one_line_with_its_result() -> None:
    rows = [row for row in lay_out(RACE, OUTCOME).rows if row.step < 7]
    assert [row.text for row in rows] == ["mmap 0..8 rw private anon = 0", "write 3 = 1"]


def test_inside_the_race_what_only_one_side_touches_is_left_out() -> None:
    text = draw(RACE, OUTCOME)
    assert "zap_pte_range()" in text
    assert "lru" not in text


def test_objects_that_both_sides_only_read_are_left_out() -> None:
    trace = [*TRACE]
    trace.insert(8, event(8, DEVICE, 3, "migrate_vma_setup:pmd", "read pmd 0 of mm0"))
    assert "pmd 0 of mm0" not in draw(RACE, replace(OUTCOME, trace=trace))


def test_the_step_before_another_cpu_comes_in_is_always_drawn() -> None:
    assert "[T1 comes in; to come: ptl dropped]" in " ".join(draw(RACE, OUTCOME).split())


def test_a_line_is_what_happened_and_never_the_name_of_a_place() -> None:
    text = " ".join(draw(RACE, OUTCOME).split())
    assert CLEARED in text
    assert "clear pte: pte 3" not in text
    nothing = [e for e in TRACE if e.text not in (CLEARED, NONE)]
    silent = lay_out(RACE, replace(OUTCOME, trace=nothing)).rows
    assert not [row for row in silent if row.kind == "step" and "pte" in row.text]


def test_what_an_interrupted_actor_did_when_it_went_on_is_drawn_there() -> None:
    late = [event(18, DEVICE, 3, f"{COLLECT}:ptl_dropped", "flush deferred")]
    trace = TRACE[:-3] + late + [replace(e, step=e.step + 1) for e in TRACE[-3:]]
    rows = lay_out(RACE, replace(OUTCOME, trace=trace)).rows
    released = next(row for row in rows if row.text.endswith("flush deferred"))
    came_in = next(row for row in rows if "comes in" in row.text)
    assert came_in.text == "[T1 comes in; to come: ptl dropped]"
    assert came_in.step < released.step
    assert released.column == came_in.column


def test_indentation_follows_the_calls_that_are_drawn() -> None:
    trace = [*TRACE]
    trace.insert(15, event(13, 1, 4, "zap_pmd_range:pmd", "pmd 0 is a table"))
    indent = {row.text: row.indent for row in lay_out(RACE, replace(OUTCOME, trace=trace)).rows}
    assert indent["zap_pmd_range()"] < indent["pmd 0 is a table"]
    assert indent[f"zap_pte_range(): {NONE}"] == indent["zap_pmd_range()"] + 1
    alone = {row.text: row.indent for row in lay_out(RACE, OUTCOME).rows}
    assert alone[f"zap_pte_range(): {NONE}"] == 1  # below the op, for nothing else is drawn


def test_a_second_call_of_a_function_is_named_again() -> None:
    twice = [
        TraceEvent(15, 1, 2, 4, "zap_pte_range:read_pte", ((number, "zap_pte_range"),), text)
        for number, text in ((4, NONE), (5, "pte 4 is none"))
    ]
    trace = [*TRACE[:-6], *twice, event(17, 1, 4, "op:end")]
    texts = [row.text for row in lay_out(RACE, replace(OUTCOME, trace=trace)).rows]
    assert texts[-4:-2] == [f"zap_pte_range(): {NONE}", "zap_pte_range(): pte 4 is none"]


def test_a_function_is_named_again_after_an_interruption() -> None:
    late = [event(18, DEVICE, 3, f"{COLLECT}:ptl_dropped", "flush deferred")]
    trace = TRACE[:-3] + late + [replace(e, step=e.step + 1) for e in TRACE[-3:]]
    texts = [row.text for row in lay_out(RACE, replace(OUTCOME, trace=trace)).rows]
    assert sum(text.startswith(f"{COLLECT}()") for text in texts) == 2


def test_a_loop_is_drawn_once_round() -> None:
    rounds = [
        event(100 + 4 * n + i, actor, uid, f"{function}:spins", text)
        for n in range(50)
        for i, (actor, uid, function, text) in enumerate(
            (
                (DEVICE, 3, COLLECT, f"waits for ptl {n}"),
                (DEVICE, 3, COLLECT, "clears pte 3"),
                (1, 4, "zap_pte_range", "sets pte 3"),
                (1, 4, "zap_pte_range", f"loads {n}"),
            )
        )
    ]
    outcome = replace(OUTCOME, trace=TRACE[:-6] + rounds, results=[0, 1, UNFINISHED, UNFINISHED])
    texts = [row.text for row in lay_out(RACE, outcome).rows]
    assert "... 49 rounds more like this" in texts
    assert sum(text == "clears pte 3" for text in texts) <= 2


def test_of_many_ops_before_the_race_the_last_are_drawn_and_the_rest_counted() -> None:
    ops = tuple(Op(100 + i, 0, OP_READ, (0,)) for i in range(50))
    before = [event(i, 0, 100 + i, "op:begin") for i in range(50)]
    trace = before + [replace(e, step=e.step + 50) for e in TRACE]
    outcome = replace(OUTCOME, results=[0] * 50 + OUTCOME.results, trace=trace)
    rows = lay_out(Scenario(ops=ops + RACE.ops), outcome).rows
    alone = [row.text for row in rows if row.text == "read 0 = 0"]
    assert len(alone) + 2 == MAX_ALONE  # mmap and write of the race's own set-up
    assert rows[0].text == f"... {50 - len(alone)} ops"


def test_equal_steps_in_a_row_are_one_line() -> None:
    again = [event(9, DEVICE, 3, f"{COLLECT}:copy_word", "copies a word") for _ in range(4)]
    trace = (
        TRACE[:10]
        + [replace(e, step=9 + i) for i, e in enumerate(again)]
        + [replace(e, step=e.step + 10) for e in TRACE[10:]]
    )
    texts = [row.text for row in lay_out(RACE, replace(OUTCOME, trace=trace)).rows]
    assert "copies a word (4 times)" in texts


def test_the_broken_promise_is_marked_last_in_the_column_that_noticed_it() -> None:
    last = lay_out(RACE, OUTCOME).rows[-1]
    assert (last.kind, last.column, last.text) == ("violation", 0, "*** stale-tlb ***")


def test_what_the_final_audit_finds_is_marked_at_the_end() -> None:
    assert OUTCOME.violation is not None
    at_end = replace(OUTCOME, violation=replace(OUTCOME.violation, uid=0))
    assert lay_out(RACE, at_end).rows[-1].text == "at the End: *** stale-tlb ***"


def test_a_context_switch_belongs_to_the_op_it_leads_to() -> None:
    assert {s.uid for s in steps_of(TRACE) if s.actor == 1} == {4}
    assert "exit" not in draw(RACE, OUTCOME)


def test_long_texts_are_wrapped_into_the_width() -> None:
    words = "many more words " * 9 + "x" * 300
    long = [replace(e, text=words) if e.text in (CLEARED, TRACE[-1].text) else e for e in TRACE]
    text = draw(RACE, replace(OUTCOME, trace=long))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("x") >= 600


def test_no_more_than_four_columns_and_nobody_is_forgotten() -> None:
    ops = tuple(Op(i + 1, i, OP_READ, (0,)) for i in range(7))
    trace = [
        TraceEvent(7 * j + i, i, i, i + 1, f"f{i}:s", (), f"write {PTE}")
        for j in (0, 1)
        for i in range(7)
    ]
    drawn = lay_out(Scenario(ops=ops), replace(OUTCOME, results=[0] * 7, trace=trace))
    assert len(drawn.columns) == MAX_COLUMNS
    shown = " ".join(row.text for row in drawn.rows)
    assert all(f"T{i}: read 0" in shown for i in range(3, 7))


def test_actors_that_share_a_cpu_are_told_apart() -> None:
    shared = [replace(e, cpu=0) for e in TRACE]
    text = draw(RACE, replace(OUTCOME, trace=shared))
    assert text.splitlines()[0] == "CPU0 (T0, DEVICE, T1)"
    assert "T1: madvise 0..8 DONTNEED" in text
    assert "T0: read 3" in text


def test_a_long_race_is_cut_to_the_steps_that_decide() -> None:
    noise = [
        event(100 + i, i % 2, 4 - 3 * (i % 2), "zap_pte_range:read_pte", text)
        for i in range(900)
        for text in (f"write {PTE}", f"clears pte {i * i % 97}, was none")
    ]
    trace = TRACE[:15] + noise + [replace(e, step=e.step + 2000) for e in TRACE[15:]]
    long = lay_out(RACE, replace(OUTCOME, trace=trace))
    assert len(render(long).splitlines()) <= HEIGHT
    short = lay_out(RACE, OUTCOME)
    assert CLEARED in [row.text.removeprefix(f"{COLLECT}(): ") for row in short.rows]


def test_the_same_run_draws_the_same_bytes() -> None:
    assert draw(RACE, OUTCOME) == draw(RACE, OUTCOME)


def test_an_empty_trace_says_so() -> None:
    assert draw(RACE, replace(OUTCOME, trace=[])) == "(the trace is empty)"
