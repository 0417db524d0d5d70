# SPDX-License-Identifier: MIT
"""The command's frame: what it loads, and which exit code and message an end leads to."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import click
import pytest

from corpus.text import TextError
from triage import cli, exits, terminal
from triage.exits import Refused

HEAVY = ("celery", "sqlalchemy", "atheris", "redis", "kombu", "rich")
LEAVES = [name for name in cli.VERBS if not any(v.startswith(f"{name} ") for v in cli.VERBS)]


def verb(monkeypatch: pytest.MonkeyPatch, body: Callable[[], object]) -> None:
    """Put `body` in the place of `mmfarm replay`."""
    command = click.Command("replay", callback=body)
    monkeypatch.setitem(sys.modules, "triage.verbs.replay", SimpleNamespace(command=command))


def raising(error: BaseException) -> Callable[[], object]:
    def body() -> object:
        raise error

    return body


def modules_after(*arguments: str) -> set[str]:
    """The modules that a fresh interpreter holds after one command line."""
    code = (
        "import json, sys\nfrom triage.cli import main\n"
        f"code = main({list(arguments)!r})\nassert code == 0, code\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_of_the_command_loads_nothing_but_click() -> None:
    loaded = modules_after("--help")
    assert not {"simulator", "corpus", "fuzz", "workers", *HEAVY} & loaded
    assert not any(name.startswith("triage.verbs.") for name in loaded)


@pytest.mark.parametrize("path", LEAVES)
def test_no_verb_loads_a_heavy_library_before_it_runs(path: str) -> None:
    assert not set(HEAVY) & modules_after(*path.split(), "--help")


@pytest.mark.parametrize("code", [0, 1, 4])
def test_a_verb_decides_between_ok_finding_and_skip(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    verb(monkeypatch, lambda: code)
    assert cli.main(["replay"]) == code


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (TextError("a.mm", 3, 7, "unknown op fly"), 2, "a.mm:3:7: unknown op fly"),
        (Refused("b.mm: is a folder"), 2, "mmfarm: b.mm: is a folder"),
        (click.BadParameter("N must be positive"), 2, "N must be positive"),
        (KeyError("lost"), 3, "KeyError: 'lost' (test_cli.py:"),
        (MemoryError(), 3, "MemoryError: no message"),
        (RecursionError("too\ndeep"), 3, "RecursionError: too deep"),
    ],
)
def test_errors_end_with_the_exit_code_of_who_can_mend_them(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    message: str,
) -> None:
    monkeypatch.delenv("MMFARM_DEBUG", raising=False)
    verb(monkeypatch, raising(error))
    assert cli.main(["replay"]) == code
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""
    assert "Traceback" not in err


def test_an_internal_error_names_how_to_report_it_in_one_paragraph(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MMFARM_DEBUG", raising=False)
    verb(monkeypatch, raising(ValueError("x\ny")))
    cli.main(["replay"])
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "open an issue" in err


def test_debug_adds_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MMFARM_DEBUG", "1")
    verb(monkeypatch, raising(ValueError("x")))
    assert cli.main(["replay"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_130_and_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb(monkeypatch, raising(KeyboardInterrupt()))
    assert cli.main(["replay"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_sigterm_cleans_up_like_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned = []

    def body() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleaned.append(True)

    verb(monkeypatch, body)
    assert cli.main(["replay"]) == 143
    assert cleaned


@pytest.mark.parametrize("path", [["fly"], ["corpus", "fly"], ["corpus verify"], ["--fly"]])
def test_unknown_verbs_and_options_are_usage_errors(path: list[str]) -> None:
    assert cli.main(path) == 2


def test_a_closed_pipe_is_silent() -> None:
    code = "import sys; from triage.cli import main; sys.exit(main(['--help']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() == exits.PIPE_CLOSED
    assert err == b""


def test_no_colour_without_a_terminal_or_against_the_users_wish(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert terminal.paint("x", terminal.BAD) != "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.paint("x", terminal.BAD) == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert terminal.paint("x", terminal.BAD) == "x"


def test_tables_are_aligned_and_have_no_trailing_spaces() -> None:
    assert terminal.table([("a", "b"), ("long", "")]) == "a     b\nlong"


def test_a_verb_that_is_nearly_one_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replya"]) == 2
    assert "did you mean replay" in capsys.readouterr().err
    assert cli.main(["triage", "fixedin"]) == 2
    assert "fixed-in" in capsys.readouterr().err


@pytest.mark.parametrize("path", [[], ["triage"], ["triage", "fixed-in"], ["replay"]])
def test_short_help(path: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*path, "-h"]) == 0
    assert "Usage:" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert re.fullmatch(r"mmfarm \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_shells_can_complete_verbs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(cli.COMPLETION, "bash_source")
    assert cli.main([]) == 0
    assert "_MMFARM_COMPLETE=bash_complete" in capsys.readouterr().out
    monkeypatch.setenv(cli.COMPLETION, "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "mmfarm triage un")
    monkeypatch.setenv("COMP_CWORD", "2")
    cli.main([])
    words = capsys.readouterr().out.split()
    assert {word.partition(",")[2] for word in words} == {"undup", "unrelated", "undo"}
