# SPDX-License-Identifier: MIT
"""`mmfarm mcp`: mmfarm as a server of the Model Context Protocol."""

import click

from triage.exits import OK, Refused
from triage.terminal import write_json


@click.command()
@click.option("--schema", is_flag=True, help="Print the tools' schemas and end.")
def command(schema: bool) -> int:
    """Serve run, explore, judge, minimize, explain and export on stdin and stdout, for programs
    that review patches. Needs the official SDK: pip install 'mmfarm[mcp]'.
    """
    try:
        from triage import mcp_server  # the SDK, which other verbs do not need
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("mcp", "anyio", "pydantic"):
            raise
        raise Refused("mmfarm mcp needs the SDK of MCP: pip install 'mmfarm[mcp]'") from error
    made = mcp_server.server()
    if schema:
        import anyio

        write_json(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "The arguments of the tools of mmfarm mcp",
                "$defs": {tool.name: tool.input_schema for tool in anyio.run(made.list_tools)},
            }
        )
        return OK
    made.run("stdio")
    return OK
