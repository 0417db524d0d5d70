# SPDX-License-Identifier: MIT
"""`mmfarm farm resume`: go on."""

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """Go on after `mmfarm farm pause` or `mmfarm farm drain`."""
    from triage.farm_mode import switch  # SQLAlchemy, which --help does not need

    return switch("goes on", as_json, paused=False, draining=False)
