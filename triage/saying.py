# SPDX-License-Identifier: MIT
"""What the `mmfarm triage` verbs that judge have in common.

Contract: `say` opens the user's store, does one thing to one failure, and prints the failure as it
is then; what cannot be said is refused with exit code 2. `FAILURE` takes F12 or 12.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from triage.exits import OK, Refused
from triage.names import failure_number
from triage.terminal import write, write_json

if TYPE_CHECKING:
    from workers.store import Store


class _Failure(click.ParamType[int]):
    name = "ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return value if isinstance(value, int) else failure_number(str(value))


FAILURE: Final = _Failure()
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
failure = click.argument("number", metavar="ID", type=FAILURE)


def say(number: int, act: "Callable[[Store], object]", as_json: bool) -> int:
    """Do `act` to the failure `number`."""
    from triage import failures, farm  # SQLAlchemy, which --help does not need
    from workers.people import PeopleError

    with farm.opened() as store:
        try:
            done = act(store)
        except PeopleError as error:
            raise Refused(str(error)) from error
        found = store.failure(number)
    assert found is not None, "what was judged is there"
    row = found.failure
    if as_json:
        write_json(failures.row_json(row))
    else:
        what = f"taken back: {done}; " if isinstance(done, str) else ""
        write(f"F{number}: {what}{failures.standing(row)}")
    return OK
