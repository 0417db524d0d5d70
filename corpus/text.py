# SPDX-License-Identifier: MIT
"""Scenario text (`.mm`): the canonical codec of scenarios.

Contract: one text for one scenario. `parse(dump(s)) == s` for every valid scenario, and
`dump(parse(t)) == t` for every accepted text, byte for byte: another spelling of the same
scenario (spaces, order of words, missing newline at the end) is refused with the canonical
form of that line. `parse` and `load` raise `TextError` and nothing else for wrong content;
a scenario they return has passed `simulator.validate`. The arguments of ops come from the
op table alone (`corpus.words`).

Not promised: comments. A text carries its headers and nothing else that a run ignores.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Final

from corpus import headers
from corpus.words import Bad, Line, nearest, number, parse_args, print_args, shown
from simulator import scenario as sc
from simulator.ops import BY_NAME, BY_NUMBER
from simulator.scenario import ACTOR_NAMES, Config, Directive, Op, Scenario
from simulator.sites import BY_NAME as SITES
from simulator.validate import ScenarioError, validate

MAX_TEXT_BYTES: Final = 1 << 20  # refused by size, before anything is read or parsed
# Magic line, headers, config, ops, directives. More lines than that cannot be a scenario.
_MAX_LINES: Final = 2 + len(headers.NAMES) + sc.MAX_OPS + sc.MAX_DIRECTIVES

_SHOWN_CHARS: Final = 500  # of a line in a message: all of what people write
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SITE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*:[a-z0-9_]+", re.ASCII)
_CONFIG_WORD: Final = re.compile(r"-?[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_DEFAULTS: Final = Config()
_ALWAYS_PRINTED: Final = ("pmd_order", "frames")  # who reads wants to see the machine's size
_CONFIG_NUMBERS: Final = tuple(
    f.name for f in fields(Config) if isinstance(getattr(_DEFAULTS, f.name), int)
)
# Numbers that have names.
_CONFIG_NAMES: Final = {"thp": sc.THP_MODES, "swap_device": sc.SWAP_DEVICES}
_ORDERS: Final = "mthp"  # a number whose bits are written as a list: 2,3
_MAX_ORDER: Final = 9
_CONFIG_KEYS: Final = (*_CONFIG_NUMBERS, "kernel", "bug")


class TextError(ValueError):
    """Text that is not a scenario: where (line and column from 1) and what would be right."""

    def __init__(self, name: str, line: int, column: int, message: str) -> None:
        super().__init__(f"{name}:{line}:{column}: {message}")
        self.name = name
        self.line = line
        self.column = column
        self.message = message


def load(path: Path | str, name: str = "") -> Scenario:
    """The scenario in a file. Raises OSError for what is not readable."""
    name = name or str(path)
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size > MAX_TEXT_BYTES:
            raise _too_large(name)
        data = file.read(MAX_TEXT_BYTES + 1)  # pipes and devices have no size, so a limit here
    return parse(data, name)


def parse(text: str | bytes, name: str = "<text>") -> Scenario:
    """The scenario that `text` says. `name` stands before line and column in errors."""
    return _Parser(name, _decode(text, name)).scenario()


def dump(scenario: Scenario) -> str:
    """The canonical text, which ends with a newline.

    Raises ValueError for a scenario the text cannot carry: unknown headers, headers or
    directives out of order, slots that do not fit the op's row, more ops than a file holds.
    """
    if len(scenario.ops) > sc.MAX_OPS:
        raise ValueError(f"{len(scenario.ops)} ops: a text holds at most {sc.MAX_OPS}")
    lines = [headers.MAGIC]
    order = [
        headers.NAMES.index(key) if key in headers.NAMES else -1 for key, _ in scenario.headers
    ]
    for key, value in scenario.headers:
        wrong = headers.check(key, value)
        if wrong:
            raise ValueError(wrong)
        lines.append(f"# {key}: {value}")
    if order != sorted(set(order)):
        raise ValueError(f"headers stand once each in the order {' '.join(headers.NAMES)}")
    if scenario.with_directives(scenario.directives) != scenario:
        raise ValueError("directives are not in canonical order: use Scenario.with_directives")
    lines.append(_print_config(scenario.config))
    lines += [print_op(op) for op in scenario.ops]
    lines += [print_directive(directive) for directive in scenario.directives]
    return "\n".join(lines) + "\n"


def print_op(op: Op) -> str:
    """One op as its line."""
    spec = BY_NUMBER[op.code]
    words = [str(op.uid), ACTOR_NAMES[op.actor], spec.name, *print_args(spec, op.args)]
    return " ".join(words)


def print_directive(directive: Directive) -> str:
    """One directive as its line."""
    anchor = f"@{directive.uid} {directive.site}#{directive.visit}"
    match directive.kind:
        case sc.SWITCH:
            return f"{anchor} -> {ACTOR_NAMES[directive.arg]}"
        case sc.PARK:
            return f"{anchor} park {directive.arg}"
        case sc.FAIL:
            return f"{anchor} fail"
        case sc.IPI:
            return f"{anchor} ipi +{directive.arg}"
        case sc.TLB:
            return f"{anchor} tlb {directive.arg}"
    raise ValueError(f"directive kind {directive.kind} has no text form")


def _print_config(config: Config) -> str:
    words = ["config"]
    for key in _CONFIG_NUMBERS:
        value = getattr(config, key)
        if key in _ALWAYS_PRINTED or value != getattr(_DEFAULTS, key):
            words.append(f"{key}={_config_value(key, value)}")
    words += [f"{ACTOR_NAMES[actor]}@{cpu}" for actor, cpu in config.placement]
    if config.kernel:
        words.append(f"kernel={config.kernel}")
    words += [f"bug={bug}" for bug in config.bugs]
    return " ".join(words)


def _config_value(key: str, value: int) -> str:
    if key == _ORDERS:
        return ",".join(str(order) for order in range(value.bit_length()) if value >> order & 1)
    return _CONFIG_NAMES[key][value] if key in _CONFIG_NAMES else str(value)


def _decode(text: str | bytes, name: str) -> str:
    """Text of a decent size that is text, or TextError."""
    if len(text) > MAX_TEXT_BYTES:
        raise _too_large(name)
    if isinstance(text, bytes):
        data = text
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            good = data[: error.start].decode("utf-8")
            raise _at(name, good, "not UTF-8: a scenario is a text file, this is not") from None
    control = _CONTROL.search(text)
    if control:
        char = control.group()
        what = {
            "\0": "a NUL byte: this is not a text file",
            "\t": "a tab: write one space",
            "\r": "a carriage return: lines end with a bare newline",
        }
        message = what.get(char, f"the control character {char!a}: remove it")
        raise _at(name, text[: control.start()], message)
    return text


def _too_large(name: str) -> TextError:
    return TextError(name, 1, 1, f"too large: a scenario has at most {MAX_TEXT_BYTES} bytes")


def _at(name: str, before: str, message: str) -> TextError:
    line = before.count("\n") + 1
    return TextError(name, line, len(before) - (before.rfind("\n") + 1) + 1, message)


class _Parser:
    """One pass over the lines of one text. Each line is parsed, printed and compared."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = text.split("\n")
        self.at = 0  # index of the line being parsed
        self.line_of_uid: dict[int, int] = {}

    def scenario(self) -> Scenario:
        if self.lines[0] != headers.MAGIC:
            raise self._error(1, f"the first line should be `{headers.MAGIC}`")
        if self.lines[-1]:
            raise TextError(
                self.name,
                len(self.lines),
                len(self.lines[-1]) + 1,
                "the last line should end with a newline",
            )
        self.lines.pop()
        if len(self.lines) > _MAX_LINES:
            raise TextError(
                self.name,
                _MAX_LINES + 1,
                1,
                f"too many lines: a scenario has at most {sc.MAX_OPS} ops and "
                f"{sc.MAX_DIRECTIVES} directives",
            )
        self.at = 1
        try:
            return self._rest()
        except Bad as bad:
            raise self._error(bad.column, bad.message) from None

    def _rest(self) -> Scenario:
        read_headers = self._headers()
        line_of_config = self.at
        config = self._config()
        ops = self._ops()
        first_directive = self.at
        directives = self._directives()
        if self.at < len(self.lines):
            raise self._refused()
        result = Scenario(config, ops, directives, read_headers)
        ordered = result.with_directives(directives).directives
        for index, (found, right) in enumerate(zip(directives, ordered, strict=True)):
            if found != right:
                self.at = first_directive + index
                raise Bad(
                    1,
                    f"directives stand in the order of their op, site, visit; "
                    f"here belongs `{print_directive(right)}`",
                )
        try:
            validate(result)
        except ScenarioError as error:
            self.at = self.line_of_uid.get(error.uid, line_of_config)
            raise Bad(1, error.message) from None
        return result

    def _error(self, column: int, message: str) -> TextError:
        return TextError(self.name, self.at + 1, column, message)

    def _current(self) -> str:
        return self.lines[self.at] if self.at < len(self.lines) else ""

    def _refused(self) -> Bad:
        """Why this line can stand nowhere, or not here."""
        text = self._current()
        if not text.strip():
            return Bad(1, "empty line: remove it")
        if text.startswith("#"):
            return Bad(1, "headers stand before the config line, other comments nowhere")
        if text.startswith("config"):
            return Bad(1, "one config line, and it stands before the ops")
        if text[0].isdigit():
            return Bad(1, "ops stand before the directives: move this line up")
        return Bad(
            1,
            f"{shown(text.split(' ')[0])} starts neither an op (`1 T0 read 3`) nor a "
            "directive (`@1 op:begin#1 -> T1`)",
        )

    def _canonical(self, right: str) -> None:
        """The current line should be exactly this; move on."""
        text = self._current()
        if text != right:
            column = next(
                (i for i, (a, b) in enumerate(zip(text, right, strict=False)) if a != b),
                min(len(text), len(right)),
            )
            short = right if len(right) <= _SHOWN_CHARS else right[:_SHOWN_CHARS] + "..."
            raise Bad(column + 1, f"not canonical: write `{short}`")
        self.at += 1

    def _headers(self) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        while self._current().startswith("#"):
            text = self._current()
            name, colon, value = text[1:].partition(":")
            name, value = name.strip(), value.strip()
            if not colon:
                raise Bad(
                    1,
                    "a header looks like `# title: what happens here`; other comments are not kept",
                )
            wrong = headers.check(name, value)
            if wrong:
                raise Bad(3, wrong)
            for earlier, _ in found:
                if headers.NAMES.index(earlier) >= headers.NAMES.index(name):
                    order = " ".join(headers.NAMES)
                    raise Bad(
                        3, f"header {name} after {earlier}: each stands once, in the order {order}"
                    )
            self._canonical(f"# {name}: {value}")
            found.append((name, value))
        return tuple(found)

    def _config(self) -> Config:
        line = Line(self._current())
        column, word = line.take("`config`")
        if word != "config":
            raise Bad(
                column, f"the config line should stand here, like `{_print_config(_DEFAULTS)}`"
            )
        numbers: dict[str, int] = {}
        placement: dict[int, int] = {}
        kernel = ""
        bugs: set[str] = set()
        while line.more():
            column, word = line.take("a config word")
            key, equals, value = word.partition("=")
            actor, at, cpu = word.partition("@")
            at_value = column + len(key) + 1
            if at and not equals:
                if actor not in ACTOR_NAMES:
                    raise Bad(column, f"unknown actor {shown(actor)}{nearest(actor, ACTOR_NAMES)}")
                which = ACTOR_NAMES.index(actor)
                if which in placement:
                    raise Bad(column, f"{actor} is placed twice")
                placement[which] = number(cpu, column + len(actor) + 1, "CPU")
                continue
            if not equals or key not in _CONFIG_KEYS:
                raise Bad(column, f"unknown config word {shown(key)}{nearest(key, _CONFIG_KEYS)}")
            if key in numbers or (key == "kernel" and kernel) or (key == "bug" and value in bugs):
                raise Bad(column, f"{key} is given twice")
            if key in _CONFIG_NAMES:
                names = _CONFIG_NAMES[key]
                if value not in names:
                    raise Bad(at_value, f"{key} is one of {', '.join(names)}, not {shown(value)}")
                numbers[key] = names.index(value)
            elif key == _ORDERS:
                orders = [number(order, at_value, key) for order in value.split(",")]
                if max(orders) > _MAX_ORDER:
                    raise Bad(at_value, f"{key} is a list of orders up to {_MAX_ORDER}")
                numbers[key] = sum({1 << order for order in orders})
            elif key in _CONFIG_NUMBERS:
                numbers[key] = number(value, at_value, key)
            elif not _CONFIG_WORD.fullmatch(value):
                raise Bad(at_value, f"{key} should name one, not {shown(value)}")
            elif key == "kernel":
                kernel = value
            else:
                bugs.add(value)
        config = Config(
            **numbers,
            placement=tuple(sorted(placement.items())),
            kernel=kernel,
            bugs=tuple(sorted(bugs)),
        )
        self._canonical(_print_config(config))
        return config

    def _ops(self) -> tuple[Op, ...]:
        found: list[Op] = []
        while self._current()[:1].isdigit():
            line = Line(self._current())
            column, word = line.take("the op's uid")
            uid = number(word, column, "the op's uid")
            if uid == 0:
                raise Bad(column, "op uids start at 1")
            if uid in self.line_of_uid:
                raise Bad(
                    column,
                    f"op uid {uid} stands in line {self.line_of_uid[uid] + 1} too: "
                    f"{max(self.line_of_uid) + 1} is free",
                )
            if len(found) == sc.MAX_OPS:
                raise Bad(column, f"too many ops: a scenario has at most {sc.MAX_OPS}")
            actor = line.choice("actor", ACTOR_NAMES)
            column, word = line.take("the op's name")
            spec = BY_NAME.get(word)
            if spec is None:
                raise Bad(column, f"unknown op {shown(word)}{nearest(word, tuple(BY_NAME))}")
            op = Op(uid, actor, spec.number, parse_args(line, spec))
            self.line_of_uid[uid] = self.at
            self._canonical(print_op(op))
            found.append(op)
        return tuple(found)

    def _directives(self) -> tuple[Directive, ...]:
        found: list[Directive] = []
        anchors: set[tuple[int, str, int, int]] = set()
        while self._current().startswith("@"):
            line = Line(self._current())
            directive = self._directive(line)
            anchor = (directive.uid, directive.site, directive.visit, directive.kind)
            if anchor in anchors:
                raise Bad(1, "a second directive of this kind at the same visit: keep one")
            if len(found) == sc.MAX_DIRECTIVES:
                raise Bad(1, f"too many directives: a scenario has at most {sc.MAX_DIRECTIVES}")
            anchors.add(anchor)
            self._canonical(print_directive(directive))
            found.append(directive)
        return tuple(found)

    def _directive(self, line: Line) -> Directive:
        column, word = line.take("the op's uid")
        uid = self._uid(word[1:], column + 1)
        column, word = line.take("the site")
        site, hash_sign, visit_word = word.partition("#")
        if not _SITE.fullmatch(site) or not hash_sign:
            raise Bad(
                column, f"an anchor looks like zap_pte_range:pte_cleared#1, not {shown(word)}"
            )
        if site not in SITES:
            raise Bad(column, f"unknown site {shown(site)}{nearest(site, tuple(SITES))}")
        at_visit = column + len(site) + 1
        visit = number(visit_word, at_visit, "visit")
        if visit == 0:
            raise Bad(at_visit, "visits are counted from 1")
        kind, arg = sc.FAIL, 0
        match line.choice("kind of directive", ("->", "park", "fail", "ipi", "tlb")):
            case 0:
                kind, arg = sc.SWITCH, line.choice("actor", ACTOR_NAMES)
            case 1:
                column, word = line.take("the op to wait for")
                kind, arg = sc.PARK, self._uid(word, column)
            case 3:
                column, word = line.take("the delay")
                if not word.startswith("+"):
                    raise Bad(column, f"the delay looks like +3 (steps), not {shown(word)}")
                kind, arg = sc.IPI, number(word[1:], column + 1, "delay in steps")
            case 4:
                kind, arg = sc.TLB, line.number("the may-cache entry")
        line.end()
        return Directive(uid, site, visit, kind, arg)

    def _uid(self, word: str, column: int) -> int:
        """The uid of an op above."""
        uid = number(word, column, "op uid")
        if uid not in self.line_of_uid:
            known: Iterable[int] = sorted(self.line_of_uid)[:8]
            some = " ".join(str(each) for each in known) or "none"
            raise Bad(column, f"no op has the uid {uid}; the first uids are: {some}")
        return uid
