# SPDX-License-Identifier: MIT
"""The corpus in the store: nothing twice, nothing lost, the same cost however large it is."""

import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from corpus.text import load, parse
from fuzz import maps
from fuzz.pack import unpack
from tests.farming import BUILD, ManualClock, text_of
from triage.corpus_dump import dump
from workers import entries, inbox
from workers.database import file_url
from workers.entries import LossError, Made, bare, entry_key
from workers.pantry import SEEDS, Pantry
from workers.schema import DISTILL, QUEUE_TRIAGE, FeatureMap
from workers.store import Store

SIZE = 64  # of the maps here


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(file_url(tmp_path / "mmfarm.db"))) as opened:
        yield opened


def made(reads: int, *features: int, origin: str = "farm") -> Made:
    bits = sum(1 << feature for feature in features)
    return Made(text_of(reads), maps.to_map(bits, SIZE) if features else b"", origin)


def seen(store: Store, model: str = "", build: str = BUILD) -> int:
    return maps.from_map(store.seen_map(model, build))


def texts(store: Store) -> list[str]:
    return [entry.text for entry in store.above(0, 1000)]


def test_what_shows_nothing_new_is_not_kept(store: Store) -> None:
    assert store.push("", BUILD, None, [made(1, 1, 2), made(2, 2), made(3, 2, 3)]) == 2
    assert store.push("", BUILD, None, [made(4, 1, 3), made(1, 1, 2)]) == 0
    assert texts(store) == [text_of(1), text_of(3)]
    assert seen(store) == 0b1110


def test_entries_are_numbered_without_a_gap(store: Store) -> None:
    for number in range(1, 6):
        store.push("", BUILD, None, [made(number, number), made(number + 10, number)])
    assert [entry.seq for entry in store.above(0, 10)] == [1, 2, 3, 4, 5]
    assert store.last_seq() == 5
    assert [entry.seq for entry in store.newest("", BUILD, 3, 10)] == [5, 4]


def test_features_belong_to_a_build_and_inputs_outlive_it(store: Store) -> None:
    store.push("", BUILD, None, [made(1, 1), made(2, 2)])
    other = "c" * 64
    given = store.unproven("", other, 1)
    assert [each.text for each in given] == [text_of(1)]
    assert [each.text for each in store.unproven("", other, 9)] == [text_of(2)]
    assert store.unproven("", other, 9) == [], "one slice at a time gets it"
    assert store.unproven("", BUILD, 9) == [], "these have features on this build"
    assert store.some("", other, [1, 2]) == [], "nobody knows yet that they do no harm"
    assert seen(store, build=other) == 0
    assert store.push("", other, None, [made(1, 5, 6)]) == 0
    assert seen(store, build=other) == 0b1100000
    assert seen(store) == 0b110


def test_slices_of_other_models_start_from_the_mended_one_and_not_the_other_way_round(
    store: Store,
) -> None:
    store.plant([made(1)])
    store.push("a-bug", BUILD, None, [made(2, 2), made(1, 7)])
    assert {each.text for each in store.unproven("a-bug", BUILD, 9)} == {text_of(1)}
    store.harmless(BUILD, [1])
    assert {each.text for each in store.newest("a-bug", BUILD, 0, 9)} == {text_of(1), text_of(2)}
    assert {each.text for each in store.newest("", BUILD, 0, 9)} == {text_of(1)}


def test_texts_are_kept_bare_so_that_none_is_kept_twice() -> None:
    head, _, rest = text_of(1).partition("config")
    scenario = parse(
        f"{head}# origin: farm\nconfig{rest}".replace(
            "frames=64", "frames=64 bug=softdirty-clear-no-flush"
        )
    )
    assert bare(scenario) == text_of(1)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zlib.compress(b"\0" * (64 << 20))
    with pytest.raises(maps.MapError, match="more than"):
        maps.unpack(bomb)
    with pytest.raises(maps.MapError, match="cut off"):
        maps.unpack(maps.pack(bytes(1000))[:-6])
    with pytest.raises(maps.MapError, match="not packed"):
        maps.unpack(b"no zlib")


# --- distilling ------------------------------------------------------------------------------


def distilled(store: Store) -> entries.Cover:
    """Distill the mended model's corpus."""
    with store._write() as (connection, now):
        from workers import ledger

        map_id = (
            connection.execute(FeatureMap.__table__.select().where(FeatureMap.build_id == BUILD))
            .one()
            .id
        )
        ledger.owe(connection, now, DISTILL, map_id, QUEUE_TRIAGE)
    lease = store.take([QUEUE_TRIAGE], "w")
    assert lease is not None
    choice = store.cover(lease.subject)
    assert store.distilled(lease, choice)
    return choice


def test_distilling_keeps_every_feature_and_drops_what_others_show(store: Store) -> None:
    store.push("", BUILD, None, [made(1, 1, 2)])
    store.push("", BUILD, None, [made(2, 3)])
    store.push("", BUILD, None, [made(3, 1, 2, 3, 4)])
    store.push("", BUILD, None, [made(4, 5)])
    choice = distilled(store)
    assert (choice.kept, choice.redundant) == ([3, 4], [1, 2])
    assert texts(store) == [text_of(3), text_of(4)]
    assert seen(store) == 0b111110


def test_what_people_gave_and_what_was_not_run_stays(store: Store) -> None:
    store.plant([made(1, origin="strace:x"), made(2)])
    store.push("", BUILD, None, [made(1, 1), made(3, 1, 2)])
    distilled(store)
    assert texts(store) == [text_of(1), text_of(2), text_of(3)]


def test_distilling_refuses_to_lose_a_feature(store: Store) -> None:
    store.push("", BUILD, None, [made(1, 1, 2), made(2, 3)])
    choice = store.cover(1)
    lossy = entries.Cover("", BUILD, choice.kept[:1], choice.kept[1:], choice.features)
    with (
        pytest.raises(LossError, match="1 features would be lost"),
        store._write() as (connection, now),
    ):
        entries.retire(connection, now, 1, lossy)
    assert len(texts(store)) == 2


@pytest.mark.parametrize("seed", range(20))
def test_a_cover_has_all_features_and_is_the_plain_greedy_one(seed: int) -> None:
    rng = Random(seed)
    sets = {
        key: sum(1 << rng.randrange(60) for _ in range(rng.randrange(1, 12)))
        for key in range(1, 80)
    }
    chosen, everything = maps.cover(
        (key, maps.pack(maps.to_map(features, SIZE))) for key, features in sets.items()
    )
    assert _all({key: sets[key] for key in chosen}) == everything == _all(sets)
    assert chosen == sorted(_greedy(sets))


def _all(sets: dict[int, int]) -> int:
    union = 0
    for features in sets.values():
        union |= features
    return union


def _greedy(sets: dict[int, int]) -> list[int]:
    """The plain way: looks at all sets for each choice."""
    left, chosen = _all(sets), []
    while left:
        best = max(sets, key=lambda key: ((sets[key] & left).bit_count(), -key))
        chosen.append(best)
        left &= ~sets[best]
    return chosen


# --- in and out ------------------------------------------------------------------------------


def test_a_slice_starts_from_a_bounded_part_however_large_the_corpus(
    store: Store, tmp_path: Path
) -> None:
    many = [Made(text_of(1).replace("frames=64", f"frames={64 + n}")) for n in range(SEEDS + 99)]
    store.plant(many)
    pantry = Pantry(store, Random(1))
    packs = []
    for number in range(3):
        work = tmp_path / str(number)
        work.mkdir()
        store.harmless(BUILD, pantry.stock(work, "", BUILD))
        packs.append(
            {
                data
                for name in ("seeds", "unmeasured")
                for data in unpack((work / name).read_bytes())
            }
        )
    assert all(0 < len(pack) <= SEEDS for pack in packs)
    assert len(set.union(*packs)) > SEEDS, "together they see more of it"


def clocked(path: Path) -> tuple[Store, ManualClock]:
    clock = ManualClock()
    return Store.open(file_url(path / "clocked.db"), clock), clock


def test_what_nobody_has_run_only_one_slice_at_a_time_gets(tmp_path: Path) -> None:
    store, clock = clocked(tmp_path)
    with closing(store):
        store.plant([made(1)])
        assert [each.seq for each in store.unproven("", BUILD, 9)] == [1]
        for model in ("", "a-bug"):
            assert store.unproven(model, BUILD, 9) == []
            assert store.newest(model, BUILD, 0, 9) == []
            assert store.some(model, BUILD, [1]) == []
        clock.advance(entries.GIVEN_SECONDS + 1)
        assert [each.seq for each in store.unproven("a-bug", BUILD, 9)] == [1], "it was lost"
        store.harmless(BUILD, [1])
        assert [each.seq for each in store.some("a-bug", BUILD, [1])] == [1]
        assert store.unproven("a-bug", BUILD, 9) == []


def test_what_did_no_harm_elsewhere_is_still_measured_for_its_own_model(store: Store) -> None:
    store.plant([made(1)])
    assert [each.seq for each in store.unproven("a-bug", BUILD, 9)] == [1]
    store.harmless(BUILD, [1])
    assert [each.seq for each in store.unproven("", BUILD, 9)] == [1]
    store.push("", BUILD, None, [made(1, 5)])
    assert seen(store) == 1 << 5
    assert [each.seq for each in store.some("", BUILD, [1])] == [1]


def test_what_was_dumped_is_the_same_corpus_when_it_is_taken_in(
    store: Store, tmp_path: Path
) -> None:
    store.plant([made(1, origin="strace:x"), made(2, origin="given")])
    store.push("", BUILD, None, [made(3, 3)])
    out = tmp_path / "out"
    out.mkdir()
    assert dump(store, out, 0) == (3, 3)
    assert dump(store, out, 0) == (0, 3)
    assert dump(store, out, 2) == (0, 3)
    origins = {dict(load(path).headers).get("origin", "") for path in out.iterdir()}
    assert origins == {"strace:x", "", "farm"}
    with closing(Store.open(file_url(tmp_path / "other.db"))) as other:
        assert inbox.plant(other, out) == []
        assert sorted(texts(other)) == sorted(texts(store))
    assert {path.stem for path in out.iterdir()} == {entry_key(text)[:16] for text in texts(store)}
