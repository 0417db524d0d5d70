# SPDX-License-Identifier: MIT
"""Renders our Helm chart without Helm: the part of its templates that the chart uses.

Contract: `.Values`, `.Release.Name`, `toYaml ... | nindent N`, and `if` ... `end` around a whole
file or lines. Anything else in a template raises ValueError, so that the chart stays within it.
"""

import re
from pathlib import Path
from typing import Any, Final

import yaml

_ACTION: Final = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}")
_TO_YAML: Final = re.compile(r"toYaml (\S+) \| nindent (\d+)")


def render(chart: Path, release: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Every object of the chart, with `values` over its own."""
    defaults = yaml.safe_load((chart / "values.yaml").read_text())
    scope = {"Values": _over(defaults, values), "Release": {"Name": release}}
    objects: list[dict[str, Any]] = []
    for template in sorted((chart / "templates").glob("*.yaml")):
        text = _render(template.read_text(), scope)
        objects += [each for each in yaml.safe_load_all(text) if each]
    return objects


def _over(base: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _over(old, value) if isinstance(old, dict) else value
    return merged


def _render(text: str, scope: dict[str, Any]) -> str:
    lines: list[str] = []
    shown = [True]
    for line in text.splitlines():
        action = _ACTION.fullmatch(line.strip())
        word = action.group(2).split(" ", 1) if action else [""]
        if word[0] == "if":
            shown.append(shown[-1] and bool(_look_up(word[1], scope)))
        elif word[0] == "end":
            shown.pop()
        elif shown[-1]:
            lines.append(_ACTION.sub(lambda match: _value(match.group(2), scope), line))
    return "\n".join(lines) + "\n"


def _value(action: str, scope: dict[str, Any]) -> str:
    block = _TO_YAML.fullmatch(action)
    if block:
        indent = " " * int(block.group(2))
        text = yaml.safe_dump(_look_up(block.group(1), scope))
        return "".join(f"\n{indent}{line}" for line in text.splitlines())
    return str(_look_up(action, scope))


def _look_up(path: str, scope: dict[str, Any]) -> Any:
    if not re.fullmatch(r"(\.\w+)+", path):
        raise ValueError(f"{{{{ {path} }}}}: not in the part of Helm's language that is rendered")
    value: Any = scope
    for name in path[1:].split("."):
        value = value[name]
    return value
