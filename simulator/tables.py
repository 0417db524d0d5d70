# SPDX-License-Identifier: MIT
"""Tables in which each number stands once, with its name; and none with something left out.

Contract: everything here is called while modules are imported. A row that is missing, or that
belongs to nothing, is an AssertionError that names it and the table, so that who adds an op, an
advice or a flag is told of every table that must know of it.
"""

from collections.abc import Collection, Mapping, Sequence


def numbered(constants: Mapping[str, object], prefix: str, first: int = 0) -> tuple[str, ...]:
    """By number the names of a module's constants that begin with `prefix`: `Z_WP_COPY` is
    "wp-copy". They are numbered from `first` on without a gap; what is below it has no name."""
    by_number = _by_value(constants, prefix)
    for expected, number in enumerate(sorted(by_number), first):
        if number != expected:
            raise AssertionError(f"no {prefix} constant has the number {expected}")
    return ("",) * first + tuple(by_number[number] for number in sorted(by_number))


def by_number(what: str, rows: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """By number the names of rows (number, name), which stand in order and without a gap."""
    for expected, (number, name) in enumerate(rows, rows[0][0]):
        if number != expected:
            raise AssertionError(f"{what}: {name} has the number {number} at place {expected}")
    return ("",) * rows[0][0] + tuple(name for _, name in rows)


def bits(constants: Mapping[str, object], prefix: str) -> tuple[str, ...]:
    """By bit, from 0 on without a gap, the names of a module's flags. Masks of several bits are
    passed over."""
    by_value = _by_value(constants, prefix)
    single = sorted(value for value in by_value if value & (value - 1) == 0)
    for bit, value in enumerate(single):
        if value != 1 << bit:
            raise AssertionError(f"no {prefix} flag has the value {1 << bit:#x}")
    return tuple(by_value[value] for value in single)


def by_bit(names: Sequence[str]) -> dict[int, str]:
    """Names of flags by their masks: what `complete` wants for a table keyed by flag."""
    return {1 << bit: name for bit, name in enumerate(names)}


def _by_value(constants: Mapping[str, object], prefix: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for constant, value in constants.items():
        if not constant.startswith(prefix) or not isinstance(value, int):
            continue
        if value in found:
            raise AssertionError(f"two {prefix} constants have the value {value}: {constant}")
        found[value] = constant.removeprefix(prefix).lower().replace("_", "-")
    return found


def complete(
    table: str, kind: str, wanted: Mapping[int, str] | Sequence[str], there: Collection[int]
) -> None:
    """Assert that `table` has an entry for each of the numbers `wanted` (or the places of a
    sequence), of each `kind` of thing, and no other."""
    names = wanted if isinstance(wanted, Mapping) else dict(enumerate(wanted))
    missing = [name for number, name in names.items() if number not in there]
    if missing:
        raise AssertionError(f"{table} has no entry for the {kind} {', '.join(missing)}")
    strange = sorted(number for number in there if number not in names)
    if strange:
        raise AssertionError(f"{table} has an entry for {kind} {strange[0]}, which there is not")
