# SPDX-License-Identifier: MIT
"""`mmfarm web`: the farm over HTTP."""

import click

from triage.exits import OK


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Whoever reaches it may read.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
def command(host: str, port: int) -> int:
    """Serve /metrics (Prometheus), /healthz and /readyz until told to go.

    MMFARM_DATABASE (or the file that MMFARM_DATABASE_FILE names) says where the store is.
    """
    from triage import farm  # SQLAlchemy and FastAPI, which --help does not need
    from workers import http, logs

    logs.set_up()
    with farm.opened() as store:
        click.echo(f"http://{host}:{port}", err=True)
        http.serve(store, host, port)
    return OK
