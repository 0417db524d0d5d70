# SPDX-License-Identifier: MIT
"""`mmfarm triage show ID`: one failure, drawn and explained."""

import click

from corpus.paths import data_dir
from triage.exits import OK
from triage.saying import failure
from triage.terminal import fields, paint, write, write_json


@click.command()
@failure
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(number: int, as_json: bool) -> int:
    """Explain the failure ID of `mmfarm triage list` by its smallest scenario."""
    from triage import failures  # loads SQLAlchemy, which --help does not need
    from triage.closer import look, to_pairs
    from triage.explain import explain, to_json, to_text
    from workers import kin

    found = failures.detail(data_dir(), number)
    row = found.failure
    with failures.opened(data_dir()) as store:
        kinship = store.kin(number) if store is not None else []
        said = store.said(number) if store is not None else []
    explanation = explain(failures.best_scenario(found), f"F{number}")
    looked = None
    if explanation is not None and not failures.is_disagreement(row):
        looked = look(explanation.scenario, explanation.outcome, found.certificate)
    if as_json:
        shown: dict[str, object] = to_json(explanation) if explanation else {"outcome": "clean"}
        write_json(
            shown
            | {
                "failure": failures.row_json(row),
                "scenario": found.best.text,
                "found_on_build_id": found.best.build_id,
                "certificate": found.certificate,
                "closer": looked.to_json() if looked is not None else None,
                "same_cause": [{"why": kind, "failures": others} for kind, _, others in kinship],
                "said": [
                    {
                        "at": each.at.isoformat(),
                        "verb": each.verb,
                        "text": each.text,
                        "undone": each.undone_at is not None,
                    }
                    for each in said
                ],
            }
        )
        return OK
    if failures.is_disagreement(row):
        write(f"{row.signature}\n{row.promise}\n\n{found.best.text}")
    elif explanation is not None:
        write(to_text(explanation, paint))
    else:
        write(
            f"{row.signature}: {row.promise}\nIt passes on this model: it was found on the "
            f"build {found.best.build_id}, and the model has changed since.\n"
        )
    slices = f", in {row.runs} slices" if row.runs else ""  # not all were found in one
    lines = [
        (
            "seen",
            f"{row.count} times{slices}; {row.first_seen:%Y-%m-%d %H:%M} to "
            f"{row.last_seen:%Y-%m-%d %H:%M} UTC",
        ),
        ("state", failures.standing(row) + (f" ({row.note})" if row.note else "")),
        *((("why", row.reason),) if row.reason else ()),
        *(("same cause", f"{kin.WORDS[kind]}: {_named(others)}") for kind, _, others in kinship),
        *(("minimal", failures.certified(found)) for _ in range(found.certificate is not None)),
        *(
            ("said", f"{each.at:%Y-%m-%d %H:%M} {each.verb} {each.text}")
            for each in said
            if each.undone_at is None
        ),
        *(to_pairs(looked, row.signature) if looked is not None else ()),
        ("export", f"mmfarm triage export F{number} -o F{number}"),
    ]
    if failures.is_disagreement(row):
        version = failures.best_scenario(found).config.kernel
        asked = f"--kernel debian-{version} " if version else ""
        lines.append(("replay", f"mmfarm conform check {asked}F{number}"))
    elif explanation is not None:
        lines += [
            ("bundle", f"mmfarm bundle F{number} -o F{number}.json"),
            ("mail", f"mmfarm mail F{number}"),
            ("kernels", f"mmfarm kernels of F{number}"),
        ]
    write(fields(lines))
    return OK


def _named(numbers: list[int]) -> str:
    return ", ".join(f"F{number}" for number in numbers)
