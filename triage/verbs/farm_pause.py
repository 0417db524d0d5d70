# SPDX-License-Identifier: MIT
"""`mmfarm farm pause`: stop leasing work."""

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(as_json: bool) -> int:
    """Let no worker begin anything; what runs goes on to its end."""
    from triage.farm_mode import switch  # SQLAlchemy, which --help does not need

    return switch("paused: `mmfarm farm resume` goes on", as_json, paused=True)
