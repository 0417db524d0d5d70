# SPDX-License-Identifier: MIT
"""Campaigns: what the farm fuzzes by itself, and what is left to find there.

Contract: functions of an open connection; `Store` gives each its transaction. Whose slice is next
decides `workers.rota`.

An estimate counts slices in which a feature was seen, and those that one slice alone has shown
(Good and Turing; Chao for what nobody has seen). It speaks of what this fuzzer can reach on this
model; features that no slice is likely to reach are no part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, log, sqrt
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from fuzz import maps
from fuzz.maps import Features
from workers import ledger, notices
from workers.records import CampaignRow
from workers.schema import ACTIVE, FUZZING, Campaign, Failure, FeatureMap

# Slices of a campaign without a feature that the farm had not seen: what is left comes so rarely
# that somebody should think about another model, other oracles, or an end.
PLATEAU_SLICES: Final = 50
Z_95: Final = 1.96


def model_of(bugs: Sequence[str], kernel: str) -> str:
    """The name of a model in the corpus: empty is the mended one."""
    return " ".join([*([f"kernel={kernel}"] if kernel else []), *sorted(bugs)])


def named(number: int) -> str:
    """As people see it: `G2`."""
    return f"G{number}"


# --- what there is ----------------------------------------------------------------------------


class CampaignError(Exception):
    """What was asked of a campaign cannot be done; the message says why."""


def add(
    connection: Connection,
    now: datetime,
    *,
    name: str,
    kind: str,
    bugs: Sequence[str],
    kernel: str,
    weight: float,
    slice_seconds: float,
) -> int:
    """Begin a campaign. Raises CampaignError where the name is taken."""
    if connection.execute(select(Campaign.id).where(Campaign.name == name)).first():
        raise CampaignError(f"{name}: there is a campaign of this name; name another")
    number = connection.execute(
        insert(Campaign)
        .values(
            name=name,
            kind=kind,
            state=ACTIVE,
            bugs=sorted(bugs),
            kernel=kernel,
            weight=weight,
            slice_seconds=slice_seconds,
            given=_level(connection),
            created_at=now,
            slices=0,
            executions=0,
            seconds=0.0,
        )
        .returning(Campaign.id)
    ).scalar_one()
    ledger.decide(connection, now, named(number), "operator", f"begins as {name}")
    return number


def change(
    connection: Connection, now: datetime, name: str, *, weight: float | None, state: str | None
) -> CampaignRow:
    """Another weight, an end, or on again. Raises CampaignError."""
    row = next((each for each in rows(connection) if each.name == name), None)
    if row is None:
        raise CampaignError(f"{name}: no campaign of this name; `mmfarm farm campaigns list`")
    values: dict[str, Any] = {}
    if weight is not None:
        values["weight"] = weight
    if state is not None and state != row.state:
        values["state"] = state
        if state == ACTIVE:  # what others were given meanwhile it does not catch up with
            values["given"] = max(row.given, _level(connection))
    if values:
        connection.execute(update(Campaign).where(Campaign.id == row.id).values(**values))
        said = ", ".join(f"{key}={value}" for key, value in values.items() if key != "given")
        ledger.decide(connection, now, named(row.id), "operator", said)
    return next(each for each in rows(connection) if each.id == row.id)


def rows(connection: Connection, *, active: bool = False) -> list[CampaignRow]:
    query = select(Campaign.__table__).order_by(Campaign.id)
    if active:
        query = query.where(Campaign.state == ACTIVE)
    return [CampaignRow(**row._mapping) for row in connection.execute(query)]


def _level(connection: Connection) -> float:
    """Where a campaign begins: with those that were given least."""
    return (
        connection.execute(
            select(func.min(Campaign.given)).where(Campaign.state == ACTIVE)
        ).scalar()
        or 0.0
    )


def ended(connection: Connection, campaign_id: int, executions: int, seconds: float) -> None:
    """A slice of a campaign has ended."""
    connection.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(
            slices=Campaign.slices + 1,
            executions=Campaign.executions + executions,
            seconds=Campaign.seconds + seconds,
        )
    )


# --- what is left ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Estimate:
    """`expected_new`: features that the next slice will show and none before has; `unseen`: at
    least so many that slices like these would show in the long run and have not, with its 95 %
    interval. `since_new`: slices since the last new one."""

    slices: int
    seen: int
    expected_new: float
    unseen: float
    unseen_low: float
    unseen_high: float
    since_new: int


def estimate(slices: int, once: int, twice: int, seen: int, new_at: int) -> Estimate:
    """Of incidence counts: how many features one, two slices have shown. Chao's bias-corrected
    lower bound and its log-normal interval (Chao 1987; Colwell et al. 2012)."""
    if slices < 2:
        return Estimate(slices, seen, float(once), 0.0, 0.0, float("inf"), slices - new_at)
    share = (slices - 1) / slices
    unseen = share * once * (once - 1) / (2 * (twice + 1))
    variance = (
        share * once * (once - 1) / (2 * (twice + 1))
        + share**2 * once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
        + share**2 * once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    )
    low = high = 0.0
    if unseen > 0:
        width = exp(Z_95 * sqrt(log(1 + variance / unseen**2)))
        low, high = unseen / width, unseen * width
    return Estimate(slices, seen, once / slices, unseen, low, high, slices - new_at)


def estimates(connection: Connection) -> dict[str, Estimate]:
    """By model, of what the build has shown that it was fuzzed with last."""
    found = {}
    for row in connection.execute(
        select(
            FeatureMap.model,
            FeatureMap.slices,
            FeatureMap.once,
            FeatureMap.twice,
            FeatureMap.features,
            FeatureMap.new_at_slice,
        ).order_by(FeatureMap.updated_at)  # so that the last one stands
    ):
        counts = [_map(packed).bit_count() for packed in (row.once, row.twice)]
        found[row.model] = estimate(
            row.slices, counts[0], counts[1], row.features, row.new_at_slice
        )
    return found


def showed(connection: Connection, model: str, build_id: str, shown: bytes, *, news: bool) -> None:
    """A slice that went to its end has shown all of these features. `news`: some of them were new
    to the farm."""
    row = connection.execute(
        select(FeatureMap.__table__)
        .where(FeatureMap.model == model, FeatureMap.build_id == build_id)
        .with_for_update()
    ).first()
    if row is None:  # nothing of this model was ever kept: an empty slice
        return
    now = maps.from_map(shown)
    once, twice, often = (_map(packed) for packed in (row.once, row.twice, row.often))
    often |= twice & now
    again = once & now
    once = (once & ~now) | (now & ~(once | twice | often))
    twice = (twice & ~now) | again
    slices = row.slices + 1
    connection.execute(
        update(FeatureMap)
        .where(FeatureMap.id == row.id)
        .values(
            slices=slices,
            new_at_slice=slices if news else row.new_at_slice,
            once=_packed(once, len(shown)),
            twice=_packed(twice, len(shown)),
            often=_packed(often, len(shown)),
        )
    )


def _map(packed: bytes | None) -> Features:
    return 0 if packed is None else maps.from_map(maps.unpack(packed))


def _packed(features: Features, size: int) -> bytes:
    return maps.pack(maps.to_map(features, size))


def look_for_plateaus(connection: Connection, now: datetime) -> None:
    """Say when nothing new comes any more, and when it does again."""
    known = estimates(connection)
    for row in rows(connection, active=True):
        if row.kind != FUZZING:
            continue
        here = known.get(model_of(row.bugs, row.kernel))
        flat = here is not None and here.since_new >= PLATEAU_SLICES
        if flat == (row.plateau_at is not None):
            continue
        connection.execute(
            update(Campaign).where(Campaign.id == row.id).values(plateau_at=now if flat else None)
        )
        if here is None or not flat:
            ledger.decide(connection, now, named(row.id), "news", "new features come again")
            continue
        said = (
            f"{row.name}: nothing new in {here.since_new} slices; the next one shows "
            f"{here.expected_new:.1f} new features, about {here.unseen:.0f} are left that slices "
            "like these would show"
        )
        ledger.decide(connection, now, named(row.id), "plateau", said)
        notices.owe(connection, now, notices.PLATEAU, f"{named(row.id)}@{here.slices}", said)


def discovery(connection: Connection) -> tuple[int, int]:
    """How many failures one run alone has seen, of how many: the next sighting of a failure is of
    a new one about as often as the one is of the other."""
    once, seen = connection.execute(
        select(
            func.count().filter(Failure.count == 1), func.coalesce(func.sum(Failure.count), 0)
        ).where(Failure.canary.is_(None))
    ).one()
    return int(once), int(seen)
