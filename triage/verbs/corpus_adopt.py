# SPDX-License-Identifier: MIT
"""`mmfarm corpus adopt`: bring a find into the collection."""

import re
from pathlib import Path

import click

from corpus.files import PACKAGE
from corpus.text import dump, parse
from simulator.scenario import Scenario
from triage.exits import OK, Refused
from triage.terminal import write, write_json

_ID = re.compile(r"([CF])([0-9]+)", re.ASCII | re.IGNORECASE)


@click.command()
@click.argument("name", metavar="ID|FILE")
@click.option(
    "--category", required=True, metavar="C", help="A category of the kernel's run_vmtests.sh."
)
@click.option("--title", required=True, metavar="T", help="What it shows, in one sentence.")
@click.option(
    "--into",
    default=str(PACKAGE),
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="The collection.  [default: the one that mmfarm was installed from]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(name: str, category: str, title: str, into: str, as_json: bool) -> int:
    """Write the corpus entry C12, the failure F12 or the scenario FILE into the collection.

    One that fails is minimized first. What the collection has already, or does not do what its
    headers say, is refused with exit code 2. What fails without a known bug goes to
    undisclosed/CATEGORY, which is not shipped.
    """
    from triage import adopt, inputs  # the minimizer and SQLAlchemy, which --help does not need
    from triage.files import write_whole

    given, origin = _given(name)
    made, place = adopt.adopt(
        given, category=category, title=title, origin=origin, collection=Path(into)
    )
    inputs.output_folder(str(place.parent))
    if place.exists():
        raise Refused(f"{place}: exists; give it another title")
    write_whole(place, dump(made))
    if as_json:
        write_json(
            {"file": str(place), "ops": len(made.ops), "expect": dict(made.headers)["expect"]}
        )
    else:
        write(f"{place}: {len(made.ops)} ops; look at it, and commit it")
    return OK


def _given(name: str) -> tuple[Scenario, str]:
    """The scenario, and where it is from."""
    from triage import farm, inputs

    numbered = _ID.fullmatch(name)
    if numbered is None:
        scenario = inputs.scenario(name)
        return scenario, dict(scenario.headers).get("origin", "farm")
    letter, number = numbered[1].upper(), int(numbered[2])
    with farm.opened() as store:
        if letter == "F":
            found = store.failure(number)
            if found is None:
                raise Refused(f"{name}: no such failure; `mmfarm triage list` lists them")
            return parse(found.best.text, name), "farm"
        entry = next(iter(store.above(number - 1, 1)), None)
    if entry is None or entry.seq != number:
        raise Refused(f"{name}: no such corpus entry; it may have been retired")
    return parse(entry.text, name), entry.origin if ":" in entry.origin else "farm"
