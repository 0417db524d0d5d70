# SPDX-License-Identifier: MIT
"""One explained failure as a single HTML page: no script, nothing loaded, all text escaped.

Contract: opens offline in any browser, in light and dark, and prints on paper; the same
explanation gives the same bytes.
"""

from html import escape
from typing import Final

from corpus.text import dump
from simulator.build import build_id
from triage.explain import Explanation, known_lines, state_change

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin-top: 2rem; }
pre, td, th, code { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; }
.race { overflow-x: auto; }
table { border-collapse: collapse; }
th { text-align: left; border-bottom: 1px solid; padding: 0 1.5rem 0 0; }
td { vertical-align: top; padding: 0 1.5rem 0 0; }
td.call { font-weight: 600; }
td.violation, .broken { color: #c4291c; font-weight: 600; }
"""


def page(explanation: Explanation) -> str:
    """The whole page."""
    violation = explanation.violation
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(explanation.title)}</title>",
        f"<style>{STYLE}</style></head><body>",
        f"<h1>{escape(explanation.title)}</h1>",
        f'<p class="broken">{escape(violation.promise)}</p>',
        f"<p><code>{escape(str(violation.signature))}</code></p>",
        f'<h2>The race</h2>\n<div class="race">{_race(explanation)}</div>',
    ]
    for title, text in (
        state_change(explanation),
        ("Looks like", "\n".join(known_lines(explanation))),
        ("Scenario", dump(explanation.scenario)),
        ("Replay", explanation.replay),
    ):
        if text:
            parts.append(f"<h2>{title}</h2>\n<pre>{escape(text)}</pre>")
    parts.append(f"<p><code>digest {explanation.outcome.digest}, model {build_id()}</code></p>")
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"


def _race(explanation: Explanation) -> str:
    drawn = explanation.diagram
    head = "".join(f"<th>{escape(column.title)}</th>" for column in drawn.columns)
    lines = [f"<table><thead><tr>{head}</tr></thead><tbody>"]
    for row in drawn.rows:
        before = "<td></td>" * row.column
        after = "<td></td>" * (len(drawn.columns) - row.column - 1)
        style = f' style="padding-left:{row.indent}em"' if row.indent else ""
        cell = f'<td class="{row.kind}"{style}>{escape(row.text)}</td>'
        lines.append(f"<tr>{before}{cell}{after}</tr>")
    lines.append("</tbody></table>")
    return "\n".join(lines)
