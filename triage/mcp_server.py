# SPDX-License-Identifier: MIT
"""mmfarm for programs that speak the Model Context Protocol, with its official SDK.

Contract: each tool is a verb with its arguments, run as a process of its own with `--json`, and
answers with the verb's exit code and JSON, as docs/schemas/ describes them; what a verb refuses is
a tool's error with the verb's words. docs/schemas/mcp-1.json are the tools' arguments: those never
get fewer or stricter, which a test holds. A scenario or claim is text, or a name (F12, C12, Q12)
of this machine's store; paths are not taken. Failures that may not be published are not answered
about: whoever is at the other end is somebody else.

It does not promise answers of tools that take longer than LIMIT_SECONDS: they are ended.
"""

import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

import triage
from corpus import disclosure
from corpus.paths import data_dir
from corpus.text import TextError, parse
from triage import failures, names
from triage.exits import FINDING, OK, SKIPPED, Refused
from workers.errors import StoreError

LIMIT_SECONDS: Final = 300.0
MAX_EXPLORE_SECONDS: Final = 240.0
_MAIN: Final = "import sys; from triage.cli import main; sys.exit(main())"
ANSWERS: Final = (OK, FINDING, SKIPPED)  # exit codes of verbs that have decided something
STOPPED: Final = 3  # of explore and judge: the budget ended, which is an answer as well
ABOUT: Final = """A deterministic model of Linux memory management. A scenario is a short program of
mm operations by several actors and the exact interleaving they run under, in mmfarm's text form; it
is run, explored, minimized, explained. A claim about a race is judged: CONFIRMED with a drawing,
REFUTED with the bounds up to which every interleaving was run, or NOT MODELLED. A model says where
to look, not that Linux does so."""

Scenario = Annotated[
    str, Field(description="The text of a scenario (`# mmfarm scenario 1 ...`), or F12, C12, Q12.")
]
Kind = Literal["text", "bundle", "mail", "syz", "kselftest"]


def server() -> MCPServer[Any]:
    """The server, with its tools."""
    made: MCPServer[Any] = MCPServer("mmfarm", instructions=ABOUT, version=version("mmfarm"))
    for tool in (run, explore, judge, minimize, explain, export):
        made.add_tool(tool, structured_output=True)
    return made


async def run(
    scenario: Scenario, trace: Annotated[bool, Field(description="Every step as well.")] = False
) -> dict[str, Any]:
    """Run a scenario under exactly its schedule: what each op returns, and which promise of Linux
    mm is broken, if any (exit 1)."""
    return await _json("replay", scenario, *(("--trace",) if trace else ()))


async def explore(
    scenario: Scenario,
    preemptions: Annotated[
        int, Field(ge=0, le=8, description="At most so many; more take much longer.")
    ] = 2,
    seconds: Annotated[
        float, Field(gt=0, le=MAX_EXPLORE_SECONDS, description="Stop after these.")
    ] = 60.0,
) -> dict[str, Any]:
    """Run a scenario's ops under every interleaving up to a number of preemptions. Exit 1: a
    counterexample, 0: all covered, 3: stopped early."""
    return await _json(
        "explore",
        scenario,
        *("--preemptions", str(preemptions), "--seconds", str(seconds), "--jobs", "1"),
        also=STOPPED,
    )


async def judge(
    claim: Annotated[
        str, Field(description="A claim, as docs/judge.md and docs/schemas/claim.json have it.")
    ],
) -> dict[str, Any]:
    """Decide a claim about a race: CONFIRMED (exit 1), REFUTED (0), NOT MODELLED (4)."""
    return await _json("judge", claim, also=STOPPED)


async def minimize(scenario: Scenario) -> dict[str, Any]:
    """The smallest scenario that breaks the same promise, with its certificate."""
    return await _json("minimize", scenario)


async def explain(scenario: Scenario) -> dict[str, Any]:
    """The race as a drawing with a column per CPU, the state before and after, how wide the window
    is, what passes next to it, why each op is needed."""
    return await _json("explain", scenario, "--closer")


async def export(scenario: Scenario, kind: Kind) -> dict[str, Any]:
    """A failing scenario for others: its drawing as text, a bundle that replays elsewhere, a mail
    as the kernel's documents ask for it, a syzkaller program, or C selftests."""
    with tempfile.TemporaryDirectory(prefix="mmfarm-mcp-") as folder:
        file = Path(folder) / "scenario.mm"
        file.write_text(_text(scenario), encoding="utf-8")
        out = Path(folder) / "out"
        arguments: tuple[str, ...]
        if kind == "text":
            arguments = ("explain", str(file))
        elif kind == "bundle":
            arguments = ("bundle", str(file), "-o", str(out))
        elif kind == "mail":
            arguments = ("mail", str(file))
        elif kind == "syz":
            arguments = ("corpus", "export", "syz", str(file))
        else:
            arguments = ("corpus", "export", "kselftest", str(file), "-o", str(out))
        code, said, complained = await _verb(arguments, "")
        if code not in ANSWERS:
            raise ToolError(complained or f"mmfarm {arguments[0]} ended with {code}")
        files = [out] if out.is_file() else sorted(out.rglob("*")) if out.is_dir() else []
        made = {each.name: each.read_text() for each in files if each.is_file()}
    return {"exit": code, "text": said, "files": made}


def _text(given: str) -> str:
    """The text of a scenario; that of a name if it may be published."""
    name = given.strip()
    if "\n" in name:
        return given
    if names.parsed(name) is None:
        raise ToolError("give the text of a scenario, or a name: F12, C12, Q12")
    try:
        from triage import stored

        found = names.parsed(name)
        if found is not None and found[0] == names.FAILURE:
            failures.exportable(failures.detail(data_dir(), found[1]))
        text = stored.text_of(name)
    except (Refused, StoreError) as error:
        raise ToolError(str(error)) from error
    try:
        hidden = disclosure.is_of_one(parse(text, name))
    except TextError:
        hidden = False  # the verb says what is wrong with it
    if hidden:
        raise ToolError(f"{name} is not exported: {disclosure.WHY}")
    return text


async def _json(verb: str, given: str, *options: str, also: int = OK) -> dict[str, Any]:
    text = given if verb == "judge" else _text(given)
    code, said, complained = await _verb((verb, "-", *options, "--json"), text)
    if code not in (*ANSWERS, also) or not said:
        raise ToolError(complained or f"mmfarm {verb} ended with {code}")
    return {"exit": code, "answer": json.loads(said)}


async def _verb(arguments: tuple[str, ...], text: str) -> tuple[int, str, str]:
    """Exit code, stdout, and the last line of stderr of a verb."""
    root = str(Path(triage.__file__).resolve().parents[1])
    environment = os.environ | {"PYTHONPATH": root, "NO_COLOR": "1"}
    command = [sys.executable, "-P", "-c", _MAIN, *arguments]
    try:
        with anyio.fail_after(LIMIT_SECONDS):
            done = await anyio.run_process(
                command, input=text.encode(), check=False, env=environment
            )
    except TimeoutError as error:
        raise ToolError(f"mmfarm {arguments[0]} took more than {LIMIT_SECONDS:.0f} s") from error
    complained = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return done.returncode, done.stdout.decode(errors="replace"), complained
