# SPDX-License-Identifier: MIT
"""One explained failure as files: .mm, text, JSON, HTML, SVG.

Contract: writes `NAME.mm`, `NAME.txt`, `NAME.json`, `NAME.html` and `NAME.svg` into a folder and
returns their paths; each appears whole or not at all; the replay command they name reads `NAME.mm`.
"""

from pathlib import Path

from corpus.text import dump
from simulator.scenario import Scenario
from triage import html, svg
from triage.explain import explain, to_json, to_text
from triage.files import write_whole
from triage.terminal import json_text


def export(scenario: Scenario, name: str, folder: Path) -> list[Path]:
    """Write the files; only the .mm when the scenario passes on this model."""
    mm = folder / f"{name}.mm"
    contents = {mm: dump(scenario)}
    explanation = explain(scenario, str(mm))
    if explanation is not None:
        contents[folder / f"{name}.txt"] = to_text(explanation)
        contents[folder / f"{name}.json"] = json_text(to_json(explanation))
        contents[folder / f"{name}.html"] = html.page(explanation)
        contents[folder / f"{name}.svg"] = svg.file(explanation)
    for path, text in contents.items():
        write_whole(path, text)
    return list(contents)
