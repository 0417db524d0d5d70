# SPDX-License-Identifier: MIT
"""Sums over rows that are gone, so that a total never falls.

Contract: functions of an open connection. `add` belongs into the transaction that deletes the rows.
Amounts are whole numbers: of times, milliseconds.
"""

from sqlalchemy import select
from sqlalchemy.engine import Connection

from workers import dialect
from workers.schema import Total


def add(connection: Connection, amounts: dict[str, int]) -> None:
    for name, amount in sorted(amounts.items()):  # in one order: others add, too
        if amount:
            made = dialect.upsert(connection, Total).values(name=name, amount=amount)
            connection.execute(
                made.on_conflict_do_update(
                    index_elements=["name"], set_={"amount": Total.amount + made.excluded["amount"]}
                )
            )


def read(connection: Connection) -> dict[str, int]:
    return {row.name: row.amount for row in connection.execute(select(Total.__table__))}


def below(amounts: dict[str, int], prefix: str) -> dict[str, int]:
    """Those whose name starts with `prefix:`, by the rest of it."""
    return {
        name.removeprefix(f"{prefix}:"): amount
        for name, amount in amounts.items()
        if name.startswith(f"{prefix}:")
    }


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
