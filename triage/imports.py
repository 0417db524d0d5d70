# SPDX-License-Identifier: MIT
"""What the verbs that import recordings have in common.

Contract: `recording` reads one file, writes its scenarios, says what it did, and returns the
exit code. Options and help are the verbs' own.
"""

from collections.abc import Callable
from pathlib import Path

from corpus.paths import data_dir
from corpus.recording.events import Log
from corpus.recording.report import Writer, import_log
from simulator.run import Machine
from triage import inputs
from triage.exits import FINDING, OK, Refused
from triage.terminal import write, write_json


def recording(
    load: Callable[[Path], Log], file: str, out: str | None, check: bool, as_json: bool
) -> int:
    """Import the recording in `file`, which `load` reads."""
    try:
        log = load(Path(file))
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or error}") from error
    place = folder(out, log.kind)
    writer = Writer(Path(file), inputs.output_folder(place))
    report = import_log(log, Machine() if check else None, writer)
    if as_json:
        write_json(report.to_json() | {"files": [str(path) for path in writer.files]})
    else:
        write("\n".join(report.lines()))
        write(f"  written: {len(writer.files)} scenarios to {place}")
    return OK if report.ok else FINDING


def folder(out: str | None, kind: str) -> str:
    """Where imported scenarios go: `out`, or where `mmfarm run` starts from."""
    return out if out is not None else str(data_dir() / "corpus" / kind)
