# SPDX-License-Identifier: MIT
"""The corpus in the store: one for all hosts, ordered by number, kept small by what it shows.

Contract: functions of an open connection; `Store` gives each its transaction. An entry is a bare
scenario text (no headers, nothing that chooses the model) under its hash, compressed, unpacked
with a cap. Numbers are given under a lock that is held until the commit, so that who has seen
all entries up to a number needs only what is above it. What a slice made is kept only if it
shows, on that model build, what nothing before has shown: the feature map knows.

An entry that a build has not run yet may be poison, whoever gave it: one slice at a time gets it
(`unproven`), and all others only when one that had it went well (`measured` by its features, or
`harmless`). A slice that does not come back with it in GIVEN_SECONDS is thought dead of something
else; had it died of the entry, that would be a suspect by then (`workers.suspects`).

`model` names the bugs and the kernel that a slice fuzzed with; empty is the mended model, whose
entries slices of other models start from, too, and not the other way round.

It does not promise that an entry still shows anything on another build: features belong to one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Select, and_, func, insert, or_, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from corpus.text import dump
from fuzz import maps
from fuzz.maps import Features
from simulator.scenario import Config, Scenario
from workers import dialect, ledger
from workers.ledger import Lease
from workers.schema import (
    DISTILL,
    QUEUE_TRIAGE,
    WITHHELD,
    Entry,
    EntryFeatures,
    Farm,
    FeatureMap,
    Suspect,
)

MAX_TEXT_BYTES: Final = 1 << 20  # as scenarios in files
# A corpus is distilled again when that many were kept since, or as many as it had.
DISTILL_ENTRIES: Final = 2000
READ_AT_ONCE: Final = 500  # rows
EMPTY: Final = maps.pack(b"")  # no features: not measured
# Twice the longest slice: who has an entry longer than that has lost it.
GIVEN_SECONDS: Final = 240
OURS: Final = "farm"  # the origin of what fuzzing made


@dataclass(frozen=True, slots=True)
class Made:
    """A scenario that a slice kept, and its map of features on the slice's build (empty: not
    measured)."""

    text: str
    features: bytes = b""
    origin: str = OURS


@dataclass(frozen=True, slots=True)
class Pulled:
    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Dumped:
    seq: int
    text: str
    origin: str


def bare(scenario: Scenario) -> str:
    """What a scenario is, whoever made it and whatever model runs it."""
    config = replace(scenario.config, bugs=(), kernel=Config().kernel)
    return dump(replace(scenario, headers=(), config=config))


def entry_key(text: str) -> str:
    """The name of an entry: the hash of its bare text."""
    return sha256(text.encode()).hexdigest()


def push(
    connection: Connection,
    now: datetime,
    model: str,
    build_id: str,
    run_id: int | None,
    made: Sequence[Made],
) -> int:
    """Keep what shows something new, and the features of what is here already. Returns how many
    entries are new."""
    seq = connection.execute(
        # Takes the row's lock: one transaction at a time gives numbers.
        update(Farm).values(corpus_seq=Farm.corpus_seq).returning(Farm.corpus_seq)
    ).scalar_one()
    known = _map(connection, now, model, build_id)
    seen = maps.from_map(maps.unpack(known.packed))
    size = 0
    keys = {entry_key(each.text): each for each in made}
    here = {
        row.sha256: row
        for row in connection.execute(
            select(Entry.seq, Entry.sha256, Entry.model, Entry.retired_at)
            .where(Entry.sha256.in_(keys), Entry.model.in_(("", model)))
            .order_by(Entry.model)  # its own last: that one stands
        )
    }
    entries: list[dict[str, object]] = []
    measured: list[dict[str, object]] = []
    for key, each in keys.items():
        row = here.get(key)
        shown = maps.from_map(each.features)
        size = max(size, len(each.features))
        if row is None:
            if each.features and not shown & ~seen:
                continue
            seq += 1
            number = seq
            entries.append(
                {
                    "seq": seq,
                    "model": model,
                    "sha256": key,
                    "origin": each.origin,
                    "packed": maps.pack(each.text.encode()),
                    "run_id": run_id,
                    "added_at": now,
                }
            )
        else:
            number = row.seq
            if row.model != model:
                seen |= shown  # the features of a base entry are its own model's business
                harmless(connection, build_id, [number])
                continue
        if each.features:
            measured.append(
                {
                    "seq": number,
                    "build_id": build_id,
                    "count": shown.bit_count(),
                    "packed": maps.pack(each.features),
                    "given_at": None,
                }
            )
            if row is not None and row.retired_at is not None and shown & ~seen:
                connection.execute(update(Entry).where(Entry.seq == number).values(retired_at=None))
            seen |= shown
    if entries:
        connection.execute(insert(Entry), entries)
        connection.execute(update(Farm).values(corpus_seq=seq))
    if measured:
        arriving = dialect.upsert(connection, EntryFeatures)
        new = arriving.excluded
        connection.execute(
            arriving.on_conflict_do_update(
                index_elements=["seq", "build_id"],
                set_={"packed": new["packed"], "count": new["count"], "given_at": None},
                where=EntryFeatures.count == 0,
            ),
            measured,
        )
    if size:
        _remember(connection, now, known.id, seen, size, len(entries))
    return len(entries)


def _map(connection: Connection, now: datetime, model: str, build_id: str) -> "FeatureMapRow":
    connection.execute(
        dialect.upsert(connection, FeatureMap)
        .values(
            model=model,
            build_id=build_id,
            packed=maps.pack(b""),
            features=0,
            entries=0,
            given=0,
            updated_at=now,
        )
        .on_conflict_do_nothing()
    )
    return FeatureMapRow(
        *connection.execute(
            select(FeatureMap.id, FeatureMap.packed, FeatureMap.features, FeatureMap.given).where(
                FeatureMap.model == model, FeatureMap.build_id == build_id
            )
        ).one()
    )


@dataclass(frozen=True, slots=True)
class FeatureMapRow:
    id: int
    packed: bytes
    features: int
    given: int


def _remember(
    connection: Connection, now: datetime, map_id: int, seen: Features, size: int, new: int
) -> None:
    """Write the map back, and have the corpus distilled when it has grown enough."""
    grown = connection.execute(
        update(FeatureMap)
        .where(FeatureMap.id == map_id)
        .values(
            packed=maps.pack(maps.to_map(seen, size)),
            features=seen.bit_count(),
            entries=FeatureMap.entries + new,
            updated_at=now,
        )
        .returning(FeatureMap.entries, FeatureMap.build_id, FeatureMap.model)
    ).one()
    if grown.entries < DISTILL_ENTRIES:
        return
    live = connection.execute(
        select(func.count()).where(Entry.model == grown.model, Entry.retired_at.is_(None))
    ).scalar_one()
    if 2 * grown.entries >= live:
        ledger.owe(connection, now, DISTILL, map_id, QUEUE_TRIAGE)


def plant(connection: Connection, now: datetime, given: Iterable[Made]) -> int:
    """Take scenarios into the mended model's corpus as they are. Returns how many are new."""
    return push(
        connection, now, "", "", None, [Made(each.text, origin=each.origin) for each in given]
    )


def newest(
    connection: Connection, model: str, build_id: str, above: int, limit: int
) -> list[Pulled]:
    """What came since the entry `above` and has run on this build, the newest first."""
    return _pulled(
        connection,
        _proven(model, build_id).where(Entry.seq > above).order_by(Entry.seq.desc()).limit(limit),
    )


def some(connection: Connection, model: str, build_id: str, seqs: Sequence[int]) -> list[Pulled]:
    """Those of these numbers that are there and have run on this build."""
    return _pulled(connection, _proven(model, build_id).where(Entry.seq.in_(seqs)))


def above(connection: Connection, seq: int, limit: int) -> list[Dumped]:
    """The next entries of all models above a number, in order."""
    query = (
        select(Entry.seq, Entry.packed, Entry.origin)
        .where(Entry.seq > seq, Entry.retired_at.is_(None))
        .order_by(Entry.seq)
        .limit(limit)
    )
    return [
        Dumped(row.seq, maps.unpack(row.packed, MAX_TEXT_BYTES).decode(), row.origin)
        for row in connection.execute(query)
    ]


def unproven(
    connection: Connection, now: datetime, model: str, build_id: str, limit: int
) -> list[Pulled]:
    """Entries that this build has not run, and those of this model whose features on it are not
    known. They are the caller's until he tells, or for GIVEN_SECONDS."""
    known = _map(connection, now, model, build_id)
    lost_before = now - timedelta(seconds=GIVEN_SECONDS)
    lost = (*_of(model), EntryFeatures.build_id == build_id, EntryFeatures.given_at < lost_before)
    seqs = set(
        connection.execute(
            select(EntryFeatures.seq)
            .join(Entry, Entry.seq == EntryFeatures.seq)
            .where(*lost)
            .order_by(EntryFeatures.seq)
            .limit(limit)
        ).scalars()
    )
    fresh = (
        connection.execute(
            select(
                Entry.seq, Entry.model, EntryFeatures.count.label("shown"), EntryFeatures.given_at
            )
            .outerjoin(
                EntryFeatures,
                (EntryFeatures.seq == Entry.seq) & (EntryFeatures.build_id == build_id),
            )
            .where(*_of(model), Entry.seq > known.given)
            .order_by(Entry.seq)
            .limit(limit - len(seqs))
        ).all()
        if len(seqs) < limit
        else []
    )
    if fresh:
        connection.execute(
            update(FeatureMap).where(FeatureMap.id == known.id).values(given=fresh[-1].seq)
        )
    seqs.update(
        row.seq
        for row in fresh
        if row.shown is None  # nobody has it, or has had it
        or (row.shown == 0 and row.given_at is None and row.model == model)
    )
    if not seqs:
        return []
    arriving = dialect.upsert(connection, EntryFeatures).values(
        [
            {"seq": seq, "build_id": build_id, "packed": EMPTY, "count": 0, "given_at": now}
            for seq in sorted(seqs)
        ]
    )
    # Another slice may have been faster: what it has got is not returned here.
    free = or_(EntryFeatures.given_at.is_(None), EntryFeatures.given_at < lost_before)
    mine = (
        connection.execute(
            arriving.on_conflict_do_update(
                index_elements=["seq", "build_id"],
                set_={"given_at": now},
                where=and_(EntryFeatures.count == 0, free),
            ).returning(EntryFeatures.seq)
        )
        .scalars()
        .all()
    )
    return _pulled(
        connection, select(Entry.seq, Entry.packed).where(Entry.seq.in_(mine)).order_by(Entry.seq)
    )


def harmless(connection: Connection, build_id: str, seqs: Sequence[int]) -> None:
    """A slice that had these has gone well, or they are no inputs."""
    connection.execute(
        update(EntryFeatures)
        .where(EntryFeatures.build_id == build_id, EntryFeatures.seq.in_(seqs))
        .values(given_at=None)
    )


def _of(model: str) -> tuple[ColumnElement[bool], ...]:
    return (Entry.model.in_(("", model)), Entry.retired_at.is_(None))


def _proven(model: str, build_id: str) -> Select[int, bytes]:
    return (
        select(Entry.seq, Entry.packed)
        .join(EntryFeatures, EntryFeatures.seq == Entry.seq)
        .where(*_of(model), EntryFeatures.build_id == build_id, EntryFeatures.given_at.is_(None))
    )


def _pulled(connection: Connection, query: Select[int, bytes]) -> list[Pulled]:
    return [
        Pulled(seq, maps.unpack(packed, MAX_TEXT_BYTES).decode())
        for seq, packed in connection.execute(query)
    ]


def last_seq(connection: Connection) -> int:
    return connection.execute(select(Farm.corpus_seq)).scalar_one()


def seen_map(connection: Connection, model: str, build_id: str) -> bytes:
    """The map of all that this model build has shown; empty before the first slice."""
    packed = connection.execute(
        select(FeatureMap.packed).where(FeatureMap.model == model, FeatureMap.build_id == build_id)
    ).scalar()
    return b"" if packed is None else maps.unpack(packed)


def withheld(connection: Connection) -> set[str]:
    """The keys of scenarios that no slice shall get."""
    return set(
        connection.execute(select(Suspect.sha256).where(Suspect.state.in_(WITHHELD))).scalars()
    )


# --- distilling -------------------------------------------------------------------------------


class LossError(Exception):
    """Distilling would have lost a feature: an error of ours. Nothing was retired."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What distilling came to: entries that stay, entries that may go, and what all show."""

    model: str
    build_id: str
    kept: list[int]
    redundant: list[int]
    features: Features


@dataclass(frozen=True, slots=True)
class Measured:
    """An entry's features on a build. `ours`: fuzzing made it, so that it may go."""

    seq: int
    packed: bytes
    ours: bool


def which_map(connection: Connection, map_id: int) -> tuple[str, str]:
    """The model and the build of a feature map."""
    row = connection.execute(
        select(FeatureMap.model, FeatureMap.build_id).where(FeatureMap.id == map_id)
    ).one()
    return row.model, row.build_id


def measured(
    connection: Connection, model: str, build_id: str, above: int, limit: int
) -> list[Measured]:
    """The next entries above a number whose features are known, in order."""
    rows = _measured(model, build_id).where(Entry.seq > above).order_by(Entry.seq).limit(limit)
    return [Measured(row.seq, row.packed, row.origin == OURS) for row in connection.execute(rows)]


def cover(model: str, build_id: str, rows: Iterable[Measured]) -> Cover:
    """Choose the entries that show all that these show. The others may go but for those that
    people gave. Takes minutes for large corpora, and no transaction meanwhile."""
    ours: set[int] = set()

    def packed() -> Iterable[tuple[int, bytes]]:
        for row in rows:
            if row.ours:
                ours.add(row.seq)
            yield row.seq, row.packed

    chosen, everything = maps.cover(packed())
    return Cover(model, build_id, chosen, sorted(ours - set(chosen)), everything)


def retire(connection: Connection, now: datetime, map_id: int, choice: Cover) -> None:
    """Retire what a cover makes redundant. Looks at the rows again, and raises LossError rather
    than lose a feature."""
    kept: Features = 0
    for part in _parts(choice.kept):
        rows = _measured(choice.model, choice.build_id).where(EntryFeatures.seq.in_(part))
        for row in connection.execute(rows):
            kept |= maps.from_map(maps.unpack(row.packed))
    if choice.features & ~kept:
        lost = (choice.features & ~kept).bit_count()
        raise LossError(f"{lost} features would be lost; all entries stay")
    for part in _parts(choice.redundant):
        connection.execute(update(Entry).where(Entry.seq.in_(part)).values(retired_at=now))
    connection.execute(update(FeatureMap).where(FeatureMap.id == map_id).values(entries=0))


def distilled(connection: Connection, now: datetime, lease: Lease, choice: Cover) -> bool:
    """The end of a distilling job. False when somebody else has it by now."""
    if not ledger.settle(connection, lease):
        return False
    retire(connection, now, lease.subject, choice)
    ledger.decide(
        connection,
        now,
        lease.name,
        "distilled",
        f"{len(choice.kept)} entries show all {choice.features.bit_count()} features; "
        f"{len(choice.redundant)} retired",
    )
    return True


def _measured(model: str, build_id: str) -> Select[int, bytes, str]:
    return (
        select(EntryFeatures.seq, EntryFeatures.packed, Entry.origin)
        .join(Entry, Entry.seq == EntryFeatures.seq)
        .where(
            EntryFeatures.build_id == build_id,
            EntryFeatures.count > 0,
            Entry.model == model,
            Entry.retired_at.is_(None),
        )
    )


def _parts(seqs: list[int]) -> Iterable[list[int]]:
    """In pieces that one statement can name."""
    return (seqs[at : at + READ_AT_ONCE] for at in range(0, len(seqs), READ_AT_ONCE))
