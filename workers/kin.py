# SPDX-License-Identifier: MIT
"""Which failures are of one cause, by what the model says of them.

Contract: functions of an open connection. `keep` writes down the keys of a failure that was made
minimal and joins it with those that share one; the first of a family is its name. A person who
takes one out (`leave`) is heard until `come_back`. Every membership has its reasons (`reasons`).

    bug        without this known bug the minimal scenario passes
    scenario   the minimal scenarios are equal but for headers and the model's choice
    promise    the same sentence about the same objects, broken by the same operations; the
               culprits differ, or who noticed

It does not promise that two bugs never share a key, nor that one bug's failures always do.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from corpus.text import parse, print_op
from workers.entries import bare
from workers.schema import Failure, Kin

BUG: Final = "bug"
SCENARIO: Final = "scenario"
PROMISE: Final = "promise"
WORDS: Final = {
    BUG: "the minimal scenario passes without the known bug",
    SCENARIO: "the same minimal scenario",
    PROMISE: "the same promise about the same objects, broken by the same operations",
}

Key = tuple[str, str]  # kind and key


def keys(text: str, promise: str, object_class: str, bugs: Iterable[str]) -> list[Key]:
    """The keys of a minimal scenario, and of the bugs without which it passes."""
    scenario = parse(text)
    ops = sorted(print_op(op).split(" ", 3)[2] for op in scenario.ops)
    said = "|".join((promise, object_class, *ops))
    return [
        *((BUG, bug) for bug in bugs),
        (SCENARIO, sha256(bare(scenario).encode()).hexdigest()),
        (PROMISE, sha256(said.encode()).hexdigest()),
    ]


def keep(connection: Connection, failure_id: int, found: Sequence[Key]) -> None:
    """Take these keys for those of a failure, and join it with its kin."""
    connection.execute(delete(Kin).where(Kin.failure_id == failure_id))
    connection.execute(
        insert(Kin), [{"kind": kind, "key": key, "failure_id": failure_id} for kind, key in found]
    )
    _join(connection, failure_id)


def leave(connection: Connection, failure_id: int) -> None:
    """Take one out of its family, whose others stay together as far as they are kin."""
    family = connection.execute(
        select(Failure.family).where(Failure.id == failure_id)
    ).scalar_one_or_none()
    _set(connection, [failure_id], family=None, alone=True)
    if family is None:
        return
    rest = _members(connection, [family])
    _set(connection, rest, family=None)
    for each in rest:
        _join(connection, each)


def come_back(connection: Connection, failure_id: int) -> None:
    _set(connection, [failure_id], alone=False)
    _join(connection, failure_id)


def reasons(connection: Connection, failure_id: int) -> list[tuple[str, str, list[int]]]:
    """Kind, key, and the other failures that share it."""
    mine = select(Kin.kind, Kin.key).where(Kin.failure_id == failure_id).order_by(Kin.kind)
    return [
        (kind, key, others)
        for kind, key in connection.execute(mine)
        if (others := _sharing(connection, failure_id, kind, key))
    ]


def _sharing(connection: Connection, failure_id: int, kind: str, key: str) -> list[int]:
    return list(
        connection.execute(
            select(Kin.failure_id)
            .join(Failure, Failure.id == Kin.failure_id)
            .where(
                Kin.kind == kind,
                Kin.key == key,
                Kin.failure_id != failure_id,
                Failure.alone.is_(False),
                Failure.canary.is_(None),
            )
            .order_by(Kin.failure_id)
        ).scalars()
    )


def _join(connection: Connection, failure_id: int) -> None:
    me = connection.execute(
        select(Failure.alone, Failure.canary).where(Failure.id == failure_id)
    ).one()
    if me.alone or me.canary is not None:
        return
    kin = {other for _, _, others in reasons(connection, failure_id) for other in others}
    if not kin:
        _set(connection, [failure_id], family=None)
        return
    families = connection.execute(
        select(Failure.family).where(Failure.id.in_(kin), Failure.family.is_not(None)).distinct()
    ).scalars()
    everyone = sorted({failure_id, *kin, *_members(connection, list(families))})
    _set(connection, everyone, family=everyone[0])


def _members(connection: Connection, families: Sequence[int | None]) -> list[int]:
    return list(
        connection.execute(
            select(Failure.id).where(Failure.family.in_(families)).order_by(Failure.id)
        ).scalars()
    )


def _set(connection: Connection, ids: Sequence[int], **values: object) -> None:
    connection.execute(update(Failure).where(Failure.id.in_(ids)).values(**values))
