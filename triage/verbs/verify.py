# SPDX-License-Identifier: MIT
"""`mmfarm verify ID...|--all`: do failures still fail on the model as it is now?"""

from typing import TYPE_CHECKING

import click

from triage.exits import OK, Refused
from triage.saying import FAILURE, as_json
from triage.terminal import fields, table, write, write_json

if TYPE_CHECKING:
    from triage.again import Looked


@click.command()
@click.argument("numbers", nargs=-1, metavar="[ID...]", type=FAILURE)
@click.option("--all", "every", is_flag=True, help="All failures of the data folder.")
@as_json
def command(numbers: tuple[int, ...], every: bool, as_json: bool) -> int:
    """Run failures again. One that no longer fails is `gone since` this build of the model; it
    is kept, and is there again as soon as a build shows it."""
    from simulator.build import build_id  # and the store, which --help does not need
    from simulator.run import Machine
    from triage import again, farm

    if every == bool(numbers):
        raise Refused("name failures like F12, or say --all")
    machine = Machine()
    with farm.opened() as store:
        rows = again.everyone(store)
        if numbers:
            found = [(number, store.failure(number)) for number in numbers]
            missing = [f"F{number}" for number, detail in found if detail is None]
            if missing:
                raise Refused(f"no such failure: {', '.join(missing)}; `mmfarm triage list`")
            rows = iter([detail.failure for _, detail in found if detail is not None])
        looked = [again.look(store, row, machine) for row in rows]
    if as_json:
        write_json({"build_id": build_id(), "failures": [_json(each) for each in looked]})
        return OK
    gone = [each for each in looked if each.verdict == again.GONE]
    if gone:
        write(
            table(
                [(f"F{e.row.id}", str(e.row.signature), e.since[:12], e.instead) for e in gone],
                heading=("ID", "SIGNATURE", "GONE SINCE", "FAILS NOW WITH"),
            )
            + "\n"
        )
    count = {word: sum(each.verdict == word for each in looked) for word in _WORDS}
    write(fields([(word, f"{count[word]:,} {said}") for word, said in _WORDS.items()]))
    return OK


_WORDS = {
    "there": "fail as they did",
    "gone": "fail no longer, and are kept",
    "aside": "are disagreements with a real kernel: `mmfarm conform check`",
}


def _json(looked: "Looked") -> dict[str, object]:
    return {
        "id": looked.row.id,
        "verdict": looked.verdict,
        "gone_since": looked.since or None,
        "instead": looked.instead or None,
    }
