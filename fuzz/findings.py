# SPDX-License-Identifier: MIT
"""Findings: broken promises as values, and the folder in which a slice leaves them.

Contract: a `Finding` is self-contained: its text replays to its digest on the model build
it names. A folder holds at most one finding per signature, the shortlex-smallest that was
offered; every file appears whole or not at all (written beside, synced, renamed), so a
slice that is killed loses none that it had reported.

It does not promise that two findings are two bugs: one bug may have several signatures.
"""

import hashlib
import json
import os
import re
import threading
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from simulator.outcome import Signature

# A finding is one text (at most 1 MiB) and a few short strings; anything larger in the
# folder was not written by us.
MAX_FINDING_BYTES: Final = 4 << 20
# Words of a signature become parts of file names and of headers.
_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,119}", re.ASCII)


class FindingError(Exception):
    """A file is not a finding: says which, and why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation. `text` is the canonical .mm with directives and `bug=`, `steps` the
    length of its run, `origin` who found it (a `# origin:` word)."""

    oracle: str
    culprit: str
    object_class: str
    promise: str
    text: str
    digest: str
    build_id: str
    steps: int
    origin: str

    @property
    def signature(self) -> Signature:
        return Signature(self.oracle, self.culprit, self.object_class)

    def to_json(self) -> str:
        """One line of JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str | bytes) -> "Finding":
        """The finding that `to_json` printed. Raises FindingError for anything else."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as e:
            raise FindingError(f"not JSON: {e}") from e
        kinds = {f.name: int if f.name == "steps" else str for f in fields(Finding)}
        if not isinstance(data, dict) or set(data) != set(kinds):
            raise FindingError(f"expected an object with exactly the keys {sorted(kinds)}")
        for name, kind in kinds.items():
            if type(data[name]) is not kind:
                raise FindingError(f"{name}: expected {kind.__name__}")
        for name in ("oracle", "culprit", "object_class"):
            if not _WORD.fullmatch(data[name]):
                raise FindingError(f"{name}: {data[name][:80]!r} is no word of a signature")
        return Finding(**data)


def file_name(signature: Signature) -> str:
    """Where the finding of this signature lies: a hash, for a signature is free text."""
    return hashlib.sha256(str(signature).encode()).hexdigest()[:16] + ".json"


def write_atomically(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Make `path` hold `data`, whole or not at all, even across a SIGKILL; with `sync` also
    across a loss of power, which costs milliseconds. Any number of threads may do so at once."""
    beside = path.with_name(f".{path.name}.{threading.get_native_id()}")
    with beside.open("wb") as f:
        f.write(data)
        f.flush()
        if sync:
            os.fsync(f.fileno())
    beside.replace(path)


def write_finding(folder: Path, finding: Finding) -> Path:
    """Write it under its signature, over an earlier one of the same signature."""
    path = folder / file_name(finding.signature)
    write_atomically(path, finding.to_json().encode() + b"\n")
    return path


def read_findings(folder: Path, complaints: list[str]) -> list[Finding]:
    """All findings of a folder, by file name; a line in `complaints` for each file that is none:
    one that cannot be read shall not hide the others."""
    found: list[Finding] = []
    for path in sorted(folder.glob("*.json")):
        try:
            if not path.is_file():  # reading a FIFO would wait for ever
                raise FindingError("not a regular file")
            if path.stat().st_size > MAX_FINDING_BYTES:
                raise FindingError(f"larger than {MAX_FINDING_BYTES} bytes")
            found.append(Finding.from_json(path.read_bytes()))
        except (FindingError, OSError) as e:
            complaints.append(f"finding lost: {path.name}: {e}")
    return found
