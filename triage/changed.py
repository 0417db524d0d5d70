# SPDX-License-Identifier: MIT
"""What a patch changes of the model: functions, and the sites that stand in them.

Contract: `changed(base, patched)` compares the functions of the two trees' simulator/ by their
syntax, so that comments and layout do not count. `sites_of` names the sites whose constants a
function uses, in either tree.
"""

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Function:
    """One that was changed, came, or went (`how`). `file` is below the root of the tree."""

    file: str
    name: str
    how: str  # changed | new | gone
    sites: tuple[str, ...]


def changed(base: Path, patched: Path) -> list[Function]:
    """The functions in which two trees differ, by file and name."""
    found = []
    files = {
        path.relative_to(tree)
        for tree in (base, patched)
        for path in (tree / "simulator").rglob("*.py")
        if "compiled" not in path.parts
    }
    for file in sorted(files):
        old, new = _functions(base / file), _functions(patched / file)
        for name in sorted(old.keys() | new.keys()):
            one, other = old.get(name), new.get(name)
            if one is not None and other is not None and ast.dump(one) == ast.dump(other):
                continue
            how = "changed" if one is not None and other is not None else "new"
            how = "gone" if other is None else how
            there = sorted({site for node in (one, other) if node for site in sites_of(node)})
            found.append(Function(file.as_posix(), name, how, tuple(there)))
    return found


def sites_of(node: ast.AST) -> set[str]:
    """Names of the sites that a function passes: `sites.FUNCTION__LABEL` is function:label."""
    return {
        ":".join(part.lower() for part in each.attr.rsplit("__", 1))
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.value, ast.Name)
        and each.value.id == "sites"
        and "__" in each.attr
    }


def _functions(file: Path) -> dict[str, ast.AST]:
    """The functions of a file and the methods of its classes, by name."""
    if not file.is_file():
        return {}
    found: dict[str, ast.AST] = {}
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, ast.FunctionDef):
                    found[f"{node.name}.{each.name}"] = each
    return found
