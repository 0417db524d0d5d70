# SPDX-License-Identifier: MIT
"""The mail about a finding, as Linux's own documents ask for reports (admin-guide/reporting-issues,
process/submitting-patches): plain text, one screen, what happens and what should, the exact version
and conditions, a reproducer, `Fixes:` only where a person knows it.

Contract: at most LINES lines of WIDTH columns, unless the scenario alone is longer; the same
finding gives the same text. It says what is known and no more: the model is called a model, and a
kernel is named only with the verdict that `mmfarm confirm` gave of it. Who shall get it is for
get_maintainer.pl to say (`recipients`).

It does not promise that the report is wanted: a person reads it before it is sent.
"""

import ast
import re
import textwrap
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import simulator
from corpus.text import dump
from simulator.bugs import BY_ID
from simulator.build import build_id
from simulator.kernels import DEFAULT
from triage.checkout import commit
from triage.closer import Closer
from triage.explain import Explanation
from triage.fitting import Diagram
from workers.records import ConfirmationRow

WIDTH: Final = 75  # columns: a mail stays readable when it was quoted
LINES: Final = 60
MIN_RACE: Final = 6  # lines of the race, however long the rest is
FIXES: Final = re.compile(r'[0-9a-f]{12,40} \("[^"\n]+"\)')
_ROOMS: Final = ("mm", "kernel", "fs", "drivers")
_FILE: Final = re.compile(r"(?:[\w-]+/)+[\w-]+\.c\b")
_HEADERS: Final = ("# mmfarm", "# expect")  # of a scenario, that a mail needs


def compose(
    explanation: Explanation, closer: Closer, kernels: Sequence[ConfirmationRow], fixes: str = ""
) -> str:
    """The mail, with its subject."""
    violation = explanation.violation
    culprit = violation.signature.culprit
    file = kernel_file(culprit)
    area = file.removesuffix(".c") or "mm"
    head = [
        f"Subject: {area}: {culprit}(): {violation.signature.oracle}",
        "",
        *_wrapped(f"{_sentence(violation.promise)} The promise is broken by {culprit}()."),
        "",
        *_wrapped(_found(explanation)),
        *_wrapped(_observed(kernels)),
        "",
    ]
    window = [
        line
        for each in closer.windows
        for line in _wrapped(
            f"{each.directive.split()[-1]} comes in "
            + (
                f"at {each.first}."
                if each.places == 1
                else f"anywhere between {each.first} and {each.last}."
            ),
            "  ",
        )
    ]
    scenario = [
        f"    {line}"
        for line in dump(explanation.scenario).splitlines()
        if not line.startswith("#") or line.startswith(_HEADERS)
    ]
    tail = [
        *(["", "Where:", *window] if window else []),
        "",
        "Reproducer, a program and its interleaving; `mmfarm replay FILE` runs it,",
        "`mmfarm confirm FILE --kernel NAME` forces it on a real kernel in QEMU:",
        "",
        *scenario,
        "",
        *_known(explanation),
        *([f"Fixes: {fixes}"] if fixes else []),
    ]
    room = max(MIN_RACE, LINES - len(head) - len(tail) - 1)
    lines = [*head, "What happens:", *_race(explanation.diagram, room), *tail]
    return "\n".join(lines).rstrip() + "\n"


@cache
def kernel_file(function: str) -> str:
    """The file of Linux that a function is in: the first that is named by the docstring of the
    model's file which has it; empty if none has."""
    root = Path(simulator.__file__).parent
    wanted = re.compile(rf"^def {re.escape(function)}\(", re.MULTILINE)
    for room in _ROOMS:
        for path in sorted((root / room).glob("*.py")):
            text = path.read_text(encoding="utf-8")
            if wanted.search(text):
                said = ast.get_docstring(ast.parse(text)) or ""
                named = _FILE.search(said)
                return named[0] if named is not None else ""
    return ""


def recipients(explanation: Explanation) -> str:
    """The command, in a tree of Linux, that says who shall get it."""
    file = kernel_file(explanation.violation.signature.culprit)
    return f"scripts/get_maintainer.pl {f'-f {file}' if file else '-f mm/'}"


def _sentence(text: str) -> str:
    first = text.split(" ")[0]
    name = "(" in first or "_" in first  # of a function, which stays as it is
    return (text if name else text[:1].upper() + text[1:]) + "."


def _found(explanation: Explanation) -> str:
    config = explanation.scenario.config
    where = (
        f"Linux {config.kernel} as released"
        if config.kernel
        else f"Linux {DEFAULT} with the fixes of known bugs"
    )
    bugs = f", with bug={','.join(config.bugs)}" if config.bugs else ""
    at = commit()
    return (
        f"Found on a deterministic model of {where}{bugs} (mmfarm {version('mmfarm')}"
        + (f", commit {at[:12]}" if at else "")
        + f", model {build_id()[:12]}, x86-64; its configuration is the config line below). "
        "The model is written against the source and is not Linux."
    )


def _observed(kernels: Sequence[ConfirmationRow]) -> str:
    same = [each for each in kernels if each.verdict == "SAME"]
    other = [each for each in kernels if each.verdict == "DIFFERENT"]
    if not same and not other:
        return "It has not been tried on a real kernel."
    said = []
    if same:
        tried = ", ".join(f"{e.version} ({e.same} of {e.tried} runs)" for e in same)
        said.append(f"The same happens on unmodified kernels in QEMU: {tried}.")
    if other:
        said.append(f"It does not on {', '.join(each.version for each in other)}.")
    return " ".join(said)


def _known(explanation: Explanation) -> list[str]:
    """The historical bug that was asked for, or that has this very signature."""
    asked = [BY_ID[bug] for bug in explanation.scenario.config.bugs if bug in BY_ID]
    like = [each.bug for each in explanation.known if each.exact]
    lines = []
    for bug in (asked or like)[:2]:
        word = "This is" if asked else "It looks like"
        lines += _wrapped(f"{word} a known bug: {bug.title} ({bug.commit}).")
    return lines


def _race(diagram: Diagram, most: int) -> list[str]:
    """The drawing as one column, each line with who did it; the middle is cut if it is long."""
    lines = []
    for row in diagram.rows:
        who = diagram.columns[row.column].title
        name = who[who.find("(") + 1 :].split(" ")[0].rstrip(")") if "(" in who else who
        lines += _wrapped(f"{name:<11}{'  ' * row.indent}{row.text}", "  ", "  " + " " * 13)
    if len(lines) <= most:
        return lines
    last = (most - 1) * 2 // 3
    first = most - 1 - last
    return [*lines[:first], f"  ... ({len(lines) - most + 1} lines)", *lines[-last:]]


def _wrapped(text: str, indent: str = "", following: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if following is None else following,
        break_long_words=False,
        break_on_hyphens=False,
    )
