# SPDX-License-Identifier: MIT
"""`mmfarm web`: the farm over HTTP."""

from contextlib import closing

import click

from triage.exits import OK, Refused

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Whoever reaches it may read.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
@click.option(
    "--token-file",
    envvar="MMFARM_WEB_TOKEN_FILE",
    type=click.Path(),
    help="A file with a token of at least 16 characters, which who has it signs in with: to judge "
    "failures, to pause the farm, to see what is under embargo. Without it nobody can.",
)
def command(host: str, port: int, token_file: str | None) -> int:
    """Serve the farm's pages, /metrics (Prometheus), /healthz and /readyz until told to go.

    MMFARM_DATABASE (or the file that MMFARM_DATABASE_FILE names) says where the store is.
    """
    from pathlib import Path

    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from triage import farm  # SQLAlchemy and FastAPI, which --help does not need
    from triage.web import access, app, drawings
    from workers import http, logs

    try:
        token = access.read_token(Path(token_file)) if token_file else None
    except access.TokenError as error:
        raise Refused(str(error)) from error
    logs.set_up()
    with farm.opened() as store, closing(drawings.Drawings()) as drawn:
        served = http.make_app(store)
        app.add(served, app.Site(store, access.Access(token), drawn))
        if host in LOOPBACK:  # a page of another site must not read it through its own name
            served.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, "[::1]"])
        click.echo(f"http://{host}:{port}", err=True)
        http.serve(served, host, port)
    return OK
