# SPDX-License-Identifier: MIT
"""`mmfarm triage list`: the failures found so far, by signature."""

import click

from corpus.paths import data_dir
from triage.exits import OK
from triage.saying import FAILURE
from triage.terminal import table, write, write_json

SORTS = ("seen", "last", "first", "id", "signature")  # of workers.listing, which --help loads not
STATES = ("new", "verified", "minimized", "unreproducible")
VERDICTS = ("open", "dup", "invalid", "unrelated", "fixed", "any")


@click.command()
@click.argument("words", nargs=-1, metavar="[WORD...]")
@click.option("--oracle", default="", metavar="NAME", help="Of one oracle.")
@click.option("--culprit", default="", metavar="FUNCTION", help="Of one function.")
@click.option("--state", type=click.Choice(STATES), help="How far the farm has come.")
@click.option("--verdict", type=click.Choice(VERDICTS), default="open", show_default=True)
@click.option("--label", default="", metavar="NAME", help="Those that have it.")
@click.option("--sort", type=click.Choice(SORTS), default="seen", show_default=True)
@click.option("--heads", is_flag=True, help="Of failures of one cause the first one only.")
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(min=1),
    help="The first of them, so many.",
)
@click.option(
    "--after",
    type=FAILURE,
    metavar="ID",
    help="Those that stand after this one in the same list: the next page.",
)
@click.option(
    "--canaries",
    is_flag=True,
    help="What canaries have shown, which is nobody's find, and nothing else.",
)
@click.option("--embargoed", is_flag=True, help="Also what is under embargo.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    words: tuple[str, ...],
    oracle: str,
    culprit: str,
    state: str | None,
    verdict: str,
    label: str,
    sort: str,
    heads: bool,
    limit: int,
    after: int | None,
    canaries: bool,
    embargoed: bool,
    as_json: bool,
) -> int:
    """List the failures in the data folder: those whose signature or promise has every WORD."""
    from triage import failures  # loads SQLAlchemy, which --help does not need
    from workers.listing import Wanted

    page = failures.listed(
        data_dir(),
        Wanted(
            oracle=oracle,
            culprit=culprit,
            state=state or "",
            verdict="" if verdict == "any" else verdict,
            label=label,
            words=" ".join(words),
            heads=heads,
            canaries=canaries,
            embargoed=embargoed,
            sort=sort,
            limit=limit,
            after=after,
        ),
    )
    rows = page.rows if page is not None else []
    if as_json:
        write_json([failures.row_json(row) for row in rows])
    elif not rows:
        write(f"no such failures in {data_dir()}; `mmfarm run` looks for some")
    else:
        write(
            table(
                [
                    (
                        f"F{row.id}",
                        str(row.signature),
                        failures.standing(row),
                        str(row.count),
                        f"{row.ops}+{row.directives}",
                        f"{row.last_seen:%Y-%m-%d %H:%M}",
                    )
                    for row in rows
                ],
                heading=("ID", "SIGNATURE", "STATE", "SEEN", "OPS+DIR", "LAST (UTC)"),
            )
        )
        if page is not None and page.more:
            total = f"{'more than ' if page.at_least else ''}{page.total:,}"
            write(f"\nof {total}: `--after F{rows[-1].id}` goes on")
    return OK
