# SPDX-License-Identifier: MIT
"""The .mm files of a folder, and the folders of the package.

Contract: the same files in the same order on every machine. Which folder holds what:
`known-bugs/ID.mm` fails with `bug=ID` and passes without; `scenarios/` is what fuzzing
starts from; `claims/*.claim` are claims about races (corpus/claims.py).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

SUFFIX: Final = ".mm"
PACKAGE: Final = Path(__file__).parent
KNOWN_BUGS: Final = PACKAGE / "known-bugs"
UNDISCLOSED: Final = PACKAGE / "undisclosed"  # neither packaged nor exported
SCENARIOS: Final = PACKAGE / "scenarios"
CLAIMS: Final = PACKAGE / "claims"
ALPHABET: Final = PACKAGE / "default.alphabet"  # of `mmfarm explore --ops`


def mm_files(paths: Iterable[Path]) -> list[Path]:
    """Every given file, and every .mm file at any depth of a given folder; each once.

    Sorted by the parts of the name, so that a folder's files stay together. Raises
    FileNotFoundError for a path that is not there.
    """
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found.update(file for file in path.rglob(f"*{SUFFIX}") if file.is_file())
        elif path.exists():
            found.add(path)
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    return sorted(found, key=lambda file: file.parts)
