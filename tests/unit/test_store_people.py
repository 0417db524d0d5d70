# SPDX-License-Identifier: MIT
"""What people say of failures, what the model says of their causes, and the lists of both."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from corpus.text import dump, parse
from fuzz.findings import Finding
from simulator.outcome import Outcome, Signature, Violation
from tests import stocked
from tests.farming import (
    BUILD,
    DIGEST,
    OTHER,
    SIGNATURE,
    FakeHands,
    ManualClock,
    finding,
    leased,
    outcome,
    site,
    text_of,
)
from workers import jobs, kin, listing, words
from workers.database import file_url
from workers.isolated import Minimal
from workers.listing import Page, Wanted
from workers.people import PeopleError
from workers.records import FailureRow
from workers.schema import (
    DUP,
    EMBARGO,
    FIXED,
    INVALID,
    MINIMIZE,
    MINIMIZED,
    NEW,
    UNJUDGED,
    UNRELATED,
    VERIFY,
    Failure,
)
from workers.store import Store

THIRD = Signature("leak", "folio_put", "anon")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(file_url(tmp_path / "mmfarm.sqlite"), ManualClock())
    yield opened
    opened.close()


def add(store: Store, signature: Signature = SIGNATURE, reads: int = 4) -> int:
    return store.record(finding(reads, signature)).failure_id


def make_minimal(
    store: Store,
    signature: Signature,
    text: str,
    promise: str = "a promise",
    bugs: tuple[str, ...] = (),
) -> int:
    """A failure that has come to its end with this minimal scenario."""
    number = add(store, signature)
    shown = Outcome(Violation(signature, promise, 2, 9), DIGEST, 17, [0])
    store.verified(leased(store, VERIFY, number), text_of(4), BUILD, shown, "")
    store.minimized(leased(store, MINIMIZE, number), text, BUILD, shown, {}, "", (), bugs)
    return number


def ids(store: Store, **wanted: Any) -> list[int]:
    return [each.id for each in store.search(Wanted(**wanted)).rows]


def row(store: Store, number: int) -> FailureRow:
    found = store.failure(number)
    assert found is not None
    return found.failure


# --- verdicts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "reason"), [(INVALID, "wrong"), (UNRELATED, ""), (FIXED, "7.3")]
)
def test_a_verdict_and_its_undo(store: Store, verdict: str, reason: str) -> None:
    number = add(store)
    store.judge(number, verdict, reason)
    assert (row(store, number).verdict, row(store, number).reason) == (verdict, reason)
    assert store.undo(number).startswith({FIXED: "fixed-in"}.get(verdict, verdict))
    assert (row(store, number).verdict, row(store, number).reason) == (UNJUDGED, "")


def test_undo_goes_back_one_by_one_and_then_refuses(store: Store) -> None:
    number = add(store)
    store.label(number, "thp")
    store.judge(number, INVALID, "no such lock")
    store.judge(number, UNJUDGED)
    store.note(number, "ask David")
    assert [store.undo(number) for _ in range(3)] == [
        "note ask David",
        "reopen",
        "invalid no such lock",
    ]
    assert row(store, number).labels == ("thp",)
    store.undo(number)
    assert row(store, number).labels == ()
    with pytest.raises(PeopleError, match="F1 that still stands"):
        store.undo(number)
    assert [said.undone_at is not None for said in store.said(number)] == [True] * 4


def test_a_dup_leads_to_its_original_and_never_to_itself(store: Store) -> None:
    first, second, third = add(store), add(store, OTHER), add(store, THIRD)
    store.judge(second, DUP, dup_of=first)
    store.judge(third, DUP, dup_of=second)
    assert row(store, third).dup_of == first
    with pytest.raises(PeopleError, match="dup of itself"):
        store.judge(first, DUP, dup_of=third)
    with pytest.raises(PeopleError, match="number 99"):
        store.judge(first, DUP, dup_of=99)
    assert ids(store, heads=True) == [first]
    store.undup(second)
    assert (row(store, second).verdict, row(store, second).dup_of) == (UNJUDGED, None)


@pytest.mark.parametrize("name", ["", "Two Words", "x" * 41, "-x", "a/b"])
def test_what_is_no_label_is_refused(store: Store, name: str) -> None:
    number = add(store)
    with pytest.raises(PeopleError, match="no label"):
        store.label(number, name)
    assert store.said(number) == []


def test_a_label_that_is_not_there_cannot_be_taken(store: Store) -> None:
    number = add(store)
    with pytest.raises(PeopleError, match="has no label thp"):
        store.label(number, "thp", on=False)
    assert store.said(number) == []


def test_redo_verifies_again_and_undo_takes_that_off_the_books(store: Store) -> None:
    number = make_minimal(store, SIGNATURE, text_of(1))
    store.redo(number)
    assert row(store, number).state == NEW
    assert store.job_of(VERIFY, number) is not None
    store.undo(number)
    assert row(store, number).state == MINIMIZED
    assert store.job_of(VERIFY, number) is None
    store.redo(number)
    leased(store, VERIFY, number)
    with pytest.raises(PeopleError, match="being verified"):
        store.undo(number)


def test_what_is_fixed_opens_again_only_on_a_build_that_was_not_there(store: Store) -> None:
    number = add(store)
    store.judge(number, FIXED, "7.3")
    run = store.create_run({"seconds": 1.0}, "local")
    store.record(finding(), run)
    assert row(store, number).verdict == FIXED
    newer = replace(finding(), build_id="c" * 64)
    store.record(newer, store.create_run({"seconds": 1.0}, "local"))
    assert row(store, number).verdict == UNJUDGED
    assert "fixed in 7.3" in row(store, number).reason
    assert [each.code for each in store.decisions("F1")] == ["reopened"]


def test_nobody_is_told_again_of_what_is_unrelated(store: Store) -> None:
    number = add(store)
    store.judge(number, UNRELATED)
    store.verified(leased(store, VERIFY, number), text_of(4), BUILD, outcome(), "")
    assert store.notices(10) == []


# --- causes -----------------------------------------------------------------------------------


def test_failures_of_one_scenario_are_a_family_which_a_person_can_leave(store: Store) -> None:
    first = make_minimal(store, SIGNATURE, text_of(1), "one")
    second = make_minimal(store, OTHER, text_of(1), "another")
    third = make_minimal(store, THIRD, text_of(2), "a third")
    assert [row(store, each).family for each in (first, second, third)] == [first, first, None]
    assert [(kind, others) for kind, _, others in store.kin(second)] == [(kin.SCENARIO, [first])]
    assert ids(store, heads=True) == [third, first]
    store.undup(second)
    assert [row(store, each).family for each in (first, second)] == [None, None]
    store.undo(second)
    assert [row(store, each).family for each in (first, second)] == [first, first]


def test_one_promise_broken_by_the_same_operations_is_one_cause(store: Store) -> None:
    text = text_of(1)
    late = dump(parse(text + "@1 op:end#1 -> T0\n"))
    first = make_minimal(store, SIGNATURE, text, "page 0 is mapped")
    second = make_minimal(store, replace(SIGNATURE, culprit="unmap"), late, "page 0 is mapped")
    other = make_minimal(store, replace(SIGNATURE, culprit="map"), text_of(2), "page 0 is mapped")
    assert [row(store, each).family for each in (first, second, other)] == [first, first, None]


def test_a_third_that_is_kin_of_both_makes_two_failures_one_family(store: Store) -> None:
    first = make_minimal(store, SIGNATURE, text_of(1), "one", ("bug-a",))
    second = make_minimal(store, OTHER, text_of(2), "two", ("bug-b",))
    assert (row(store, first).family, row(store, second).family) == (None, None)
    third = make_minimal(store, THIRD, text_of(3), "three", ("bug-a", "bug-b"))
    assert [row(store, each).family for each in (first, second, third)] == [first] * 3
    store.undup(third)
    assert [row(store, each).family for each in (first, second, third)] == [None] * 3


def test_a_bug_is_the_cause_when_the_scenario_passes_without_it(
    store: Store, tmp_path: Path
) -> None:
    bug = "migratevma-tlb-flush-after-ptl"
    text = dump(parse(text_of(1).replace("frames=64", f"frames=64 bug={bug}")))
    number = store.record(
        Finding("stale-tlb", "zap_pte_range", "anon", "p", text, DIGEST, BUILD, 9, "farm")
    ).failure_id
    fake = FakeHands()
    fake.shows = lambda said, seed: outcome(SIGNATURE if bug in said else None)
    fake.minimal = lambda said: Minimal(BUILD, text, {"complete": True}, [])
    here = site(store, tmp_path, fake)
    jobs.verify(here, leased(store, VERIFY, number))
    jobs.minimize(here, leased(store, MINIMIZE, number))
    other = make_minimal(store, OTHER, text_of(3), "else", (bug,))
    assert [(kind, key) for kind, key, _ in store.kin(other)] == [(kin.BUG, bug)]


# --- lists ----------------------------------------------------------------------------------


def test_filters_sorts_and_pages(store: Store) -> None:
    numbers = [add(store), add(store, OTHER), add(store, THIRD)]
    for _ in range(2):
        store.record(finding(4, OTHER), store.create_run({"seconds": 1.0}, "local"))
    page = store.search(Wanted(limit=1))
    assert ([each.id for each in page.rows], page.total, page.more) == ([numbers[1]], 3, True)
    assert ids(store, limit=2, after=numbers[1]) == [3, 1]
    assert ids(store, sort="signature") == [3, 2, 1]
    assert ids(store, oracle="leak") == [3]


@pytest.mark.parametrize("sort", listing.SORTS)
def test_pages_of_one_make_up_the_whole_list(store: Store, sort: str) -> None:
    for culprit in "abcdef":  # the clock stands still: all equal but for number and signature
        add(store, Signature("leak", f"f_{culprit}", "anon"))
    whole = ids(store, sort=sort)
    paged: list[int] = []
    for _ in whole:
        paged += ids(store, sort=sort, limit=1, after=paged[-1] if paged else None)
    assert paged == whole
    assert len(whole) == 6
    assert not store.search(Wanted(sort=sort, after=whole[-1])).more


def test_a_page_after_what_nobody_may_see_is_the_first(store: Store) -> None:
    first, second = add(store), add(store, OTHER)
    store.label(second, EMBARGO)
    assert ids(store, after=second) == [first], "its place in the order is not told"
    assert ids(store, after=99) == [first]


@pytest.mark.parametrize("others", [0, words.RARE + 1])
def test_words_are_found_in_signature_and_promise(store: Store, others: int) -> None:
    """Whether few failures have them, which are looked up, or many, which are gone along."""
    if others:
        stocked.made_up(store, others)
    add(store), add(store, OTHER)
    third = add(store, THIRD)
    assert ids(store, words="FOLIO_put anon leak") == [third]
    assert ids(store, words="lio_p") == [third], "inside a word"
    assert ids(store, words="folioXput") == [], "_ is a letter and no wildcard"
    assert ids(store, words='"leak') == []
    assert ids(store, words="fo ut") == [third], "two letters are enough"
    some = store.search(Wanted(words="promise brok", limit=5))
    assert (some.total, len(some.rows)) == (others, min(others, 5))


def test_words_follow_a_promise_that_changes(store: Store) -> None:
    number = add(store)
    with store._write() as (connection, _):
        connection.execute(update(Failure).values(promise="the glove fits"))
    assert ids(store, words="glove") == [number]
    with store._write() as (connection, _):
        connection.execute(update(Failure).values(promise="it does not"))
    assert ids(store, words="glove") == []


def test_no_more_is_counted_than_anybody_pages_through(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED", 2)
    add(store), add(store, OTHER)
    page = store.search(Wanted())
    assert (page.total, page.at_least) == (2, False)
    add(store, THIRD)
    page = store.search(Wanted(limit=2))
    assert (page.total, page.at_least, page.more) == (2, True, True)


# What people ask for, by what of it must not grow with the store.
ASKED = {
    "seen": Wanted(verdict=UNJUDGED, heads=True),
    "last": Wanted(sort="last"),
    "first": Wanted(sort="first"),
    "signature": Wanted(sort="signature"),
    "word that one has": Wanted(words="function_1000077"),
    "word that all have": Wanted(words="promise broken"),
    "state": Wanted(state=MINIMIZED),
    "verdict that none has": Wanted(verdict=DUP),
    "label": Wanted(label="kept"),
}


@pytest.mark.parametrize("deep", [False, True])
def test_a_list_costs_as_much_among_many_failures_as_among_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deep: bool
) -> None:
    """Counted in instructions of SQLite's machine: four times the failures, the same page."""
    monkeypatch.setattr(listing, "COUNTED", 100)
    costs = []
    for count in (2000, 8000):
        with closing(Store.open(file_url(tmp_path / f"{count}.db"))) as store:
            stocked.made_up(store, count)
            after = 1_000_000 + count // 2 if deep else None
            costs.append(
                {
                    name: instructions(store, partial(store.search, replace(wanted, after=after)))
                    for name, wanted in ASKED.items()
                }
                | {"next": instructions(store, store.next_open)}
                | {"show": instructions(store, partial(store.failure, 1_000_777))}
            )
    few, many = costs
    assert {name: many[name] for name in few if many[name] > 1.5 * few[name]} == {}, few


def instructions(store: Store, ask: Callable[[], object]) -> int:
    """What a question costs SQLite, in tens of its instructions."""
    count = 0

    def counted() -> int:
        nonlocal count
        count += 1
        return 0

    def listen(to: Callable[[], int] | None) -> None:
        with store._read() as connection:  # the pool has one connection, which the question gets
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(to, 10)

    listen(counted)
    ask()
    listen(None)
    assert count, "another connection was asked"
    return count


def test_an_embargoed_failure_is_in_no_list_until_it_is_asked_for(store: Store) -> None:
    number = make_minimal(store, SIGNATURE, text_of(1))
    store.redo(number)
    store.label(number, EMBARGO)
    assert store.search(Wanted()) == Page([], False, 0, False)
    assert store.next_open() is None
    assert store.newest_decisions(None, 10) == []
    assert ids(store, embargoed=True) == [number]
    assert store.next_open(embargoed=True) is not None
    assert [each.subject for each in store.newest_decisions(None, 10, embargoed=True)] == ["F1"]
    assert store.is_embargoed(number)
    store.undo(number)
    assert ids(store) == [number]


def test_next_is_what_is_ready_to_be_read_and_not_yet_judged(store: Store) -> None:
    add(store)
    ready = make_minimal(store, OTHER, text_of(1))
    first = store.next_open()
    assert first is not None
    assert first.id == ready
    store.judge(ready, INVALID, "no")
    left = store.next_open()
    assert left is not None
    assert left.id == 1
