# SPDX-License-Identifier: MIT
"""`mmfarm farm drain`: begin no slice."""

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """Begin no further slice; what was found is brought to its end."""
    from triage.farm_mode import switch  # SQLAlchemy, which --help does not need

    return switch(
        "draining: `mmfarm farm status` shows what is left, `mmfarm farm resume` goes on",
        as_json,
        draining=True,
    )
