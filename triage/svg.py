# SPDX-License-Identifier: MIT
"""A race as SVG: a lane for each CPU, the locks that are held there, page table entries and
reference counts over time beside them.

Contract: `draw` is a pure function of an Explanation, well-formed XML without script and without
style attributes, so that it may stand in a page with a strict Content-Security-Policy; everything
that colour says, a word or a letter says, too, and the words stand in `<title>`s, which browsers
show on hover and screen readers read. `file` is the same with its style in it, for a file alone.

The drawing is `triage.diagram`'s, line by line; it does not promise more steps than that has.
"""

from bisect import bisect_left
from dataclasses import dataclass
from html import escape
from typing import Final

from simulator.scenario import ACTOR_NAMES
from triage import tracks
from triage.explain import Explanation
from triage.fitting import INDENT, MAX_INDENT, Row, fit, wrap
from triage.tracks import Stretch, Track

# Pixels. A character of 12 px in the widest monospaced fonts that browsers choose is below CHAR.
CHAR: Final = 7.4
LINE: Final = 18
PAD: Final = 10
LANE_GAP: Final = 14
BAR: Final = 7  # a lock's bar
BAR_STEP: Final = 10
TRACK: Final = 26
TRACK_STEP: Final = 31
HEAD: Final = 34
LETTER_ROOM: Final = 13  # a stretch below this height has no letter
MOST_DIGITS: Final = 4  # of a count that fits into a track
TEXT_WIDTH: Final = 104  # characters of all lanes together
MAX_BARS: Final = 5  # of a lane: those that are held most often
MAX_TRACKS: Final = 8  # of entries, and of counts
LABEL: Final = 6.4  # a character of 10.5 px
COMES_IN: Final = " comes in; to come: "  # of a line (triage.diagram) at which a CPU is left
LETTERS: Final = {
    "present": "P",
    "migration": "M",
    "device": "D",
    "swap": "S",
    "marker": "K",
    "table": "T",
    tracks.NONE: "·",
}
WORDS: Final = {
    "present": "present",
    "migration": "migration entry",
    "device": "device entry",
    "swap": "swap entry",
    "marker": "marker",
    "table": "table",
    tracks.NONE: "none",
}

STYLE: Final = """
.race { --ink: #1d232b; --dim: #59636e; --lane: #f3f5f8; --rule: #cfd6de; --bad: #b3261e;
  --bad-back: #fdeceb; --lock: #8250df; --arrow: #0a5fb4; --present: #1a7f4b; --migration: #b35900;
  --device: #0a5fb4; --swap: #8250df; --none: #8c959f; --count: #d8e0ea;
  font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
@media (prefers-color-scheme: dark) { .race { --ink: #e6e9ee; --dim: #a3adb9; --lane: #1c222b;
  --rule: #3a4450; --bad: #ff8f85; --bad-back: #47201d; --lock: #b794ff; --arrow: #6cb2ff;
  --present: #3fb978; --migration: #f0a050; --device: #6cb2ff; --swap: #b794ff; --none: #6e7985;
  --count: #333e4b; } }
.race text { fill: var(--ink); white-space: pre; }
.race .lane { fill: var(--lane); }
.race .head { font-weight: 700; }
.race .dim, .race .label { fill: var(--dim); }
.race .label, .race .letter { font-size: 10.5px; }
.race .call text { font-weight: 700; }
.race .violation text { fill: var(--bad); font-weight: 700; }
.race .violation .hit { fill: var(--bad-back); }
.race .hit { fill: transparent; }
.race .row:hover .hit, .race .row:target .hit { fill: var(--rule); }
.race .lock { fill: var(--lock); }
.race .arrow { stroke: var(--arrow); stroke-width: 1.5; fill: none; }
.race .tip { fill: var(--arrow); }
.race .present { fill: var(--present); } .race .migration { fill: var(--migration); }
.race .device { fill: var(--device); } .race .swap { fill: var(--swap); }
.race .marker { fill: var(--swap); } .race .table { fill: var(--device); }
.race .none { fill: var(--none); } .race .count { fill: var(--count); }
.race .lock:hover, .race .stretch:hover { stroke: var(--ink); stroke-width: 1.5; }
.race .letter { fill: #fff; text-anchor: middle; pointer-events: none; }
.race .letter.on-count { fill: var(--ink); }
@media (prefers-color-scheme: dark) { .race .letter { fill: #10151b; }
  .race .letter.on-count { fill: var(--ink); } }
"""


@dataclass(frozen=True, slots=True)
class _Lane:
    left: float  # of its background
    text: float  # of its lines
    width: float
    bars: list[Track]


class _Page:
    """Where everything stands."""

    def __init__(self, explanation: Explanation) -> None:
        diagram = explanation.diagram
        self.rows = diagram.rows
        self.columns = diagram.columns
        self.chars = fit(diagram, TEXT_WIDTH)
        self.lines = [
            wrap(row.text, self.chars[row.column], INDENT * min(row.indent, MAX_INDENT))
            for row in self.rows
        ]
        self.tops: list[int] = []
        y = HEAD + PAD
        for lines in self.lines:
            self.tops.append(y)
            y += LINE * len(lines)
        self.bottom = y
        self._steps: list[int] = []
        for row in self.rows:
            self._steps.append(max(row.step, self._steps[-1] if self._steps else 0))
        trace = explanation.outcome.trace
        first, last = (self._steps[0], self._steps[-1]) if self._steps else (0, 0)
        held = tracks.within(tracks.locks(trace), first, last, len(trace))
        changing = tracks.within(tracks.entries(trace), first, last, MAX_TRACKS)
        counted = tracks.within(tracks.folios(trace), first, last, MAX_TRACKS)
        self.lanes: list[_Lane] = []
        x = float(PAD)
        for column, chars in zip(self.columns, self.chars, strict=True):
            bars = sorted(
                (t for t in held if t.cpu == column.cpu and self._seen(t)),
                key=lambda t: (-len(t.stretches), t.name),
            )[:MAX_BARS]
            text = x + PAD + BAR_STEP * len(bars)
            width = text - x + chars * CHAR + PAD
            self.lanes.append(_Lane(x, text, width, bars))
            x += width + LANE_GAP
        self.tracks = [(x + TRACK_STEP * i, t) for i, t in enumerate((*changing, *counted))]
        self.width = x + TRACK_STEP * len(self.tracks) + PAD
        names = max((len(track.name) for _, track in self.tracks), default=0)
        self.up = max(0.0, names * LABEL + PAD - HEAD)  # room for names that stand upright

    def y(self, step: int) -> int:
        """Where a step is: at the first line that is not before it."""
        at = bisect_left(self._steps, step)
        return self.tops[at] if at < len(self.tops) else self.bottom

    def span(self, stretch: Stretch) -> tuple[int, int]:
        return self.y(stretch.start), self.y(stretch.end)

    def _seen(self, track: Track) -> bool:
        """Whether a lock is held while something is drawn."""
        return any(end > start for start, end in map(self.span, track.stretches))


def draw(explanation: Explanation) -> str:
    """An `<svg>` element whose style is STYLE."""
    return _svg(explanation, "")


def file(explanation: Explanation) -> str:
    """A whole SVG file."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _svg(
        explanation, f"<style>{STYLE}</style>\n"
    )


def _svg(explanation: Explanation, style: str) -> str:
    page = _Page(explanation)
    kinds = sorted(
        {s.kind for _, t in page.tracks for s in t.stretches if s.kind in LETTERS},
        key=list(LETTERS).index,
    )
    legend = _legend(page, kinds)
    height = page.bottom + PAD + LINE * len(legend)
    violation = explanation.violation
    said = f"{violation.signature}: {violation.promise}. " + "; ".join(
        c.title for c in page.columns
    )
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="race" role="img" '
        f'aria-labelledby="race-title race-desc" width="{page.width:.0f}" '
        f'height="{height + page.up:.0f}" '
        f'viewBox="0 {-page.up:.0f} {page.width:.0f} {height + page.up:.0f}">',
        f'<title id="race-title">{escape(explanation.title)}</title>',
        f'<desc id="race-desc">{escape(said)}</desc>',
        style,
    ]
    for column, lane, chars in zip(page.columns, page.lanes, page.chars, strict=True):
        out.append(
            f'<rect class="lane" x="{lane.left:.1f}" y="0" width="{lane.width:.1f}" '
            f'height="{page.bottom}" rx="4"/>'
        )
        for i, line in enumerate(wrap(column.title, chars, 0)[:2]):
            out.append(_text(lane.left + PAD, 14 + 14 * i, line, "head"))
        out += _bars(page, lane)
    out += _arrows(page)
    for row, top, lines in zip(page.rows, page.tops, page.lines, strict=True):
        out.append(_row(page, explanation, row, top, lines))
    for x, track in page.tracks:
        out += _track(page, x, track)
    for i, line in enumerate(legend, 1):
        out.append(_text(PAD, page.bottom + LINE * i, line, "dim"))
    return "\n".join(part for part in (*out, "</svg>") if part) + "\n"


def _legend(page: _Page, kinds: list[str]) -> list[str]:
    """What bars and letters mean."""
    lines = [
        f"bars: CPU{column.cpu} holds {', '.join(track.name for track in lane.bars)}"
        for column, lane in zip(page.columns, page.lanes, strict=True)
        if lane.bars
    ]
    if kinds:
        lines.append("entries: " + "   ".join(f"{LETTERS[kind]} {WORDS[kind]}" for kind in kinds))
    if any(s.kind == tracks.COUNT for _, track in page.tracks for s in track.stretches):
        lines.append("numbers: references of a folio")
    return lines


def _bars(page: _Page, lane: _Lane) -> list[str]:
    out = []
    for i, track in enumerate(lane.bars):
        x = lane.left + 5 + BAR_STEP * i
        for stretch in track.stretches:
            top, bottom = page.span(stretch)
            if bottom > top:
                out.append(_box("lock", x, top, BAR, bottom - top - 2, stretch.text))
    return out


def _track(page: _Page, x: float, track: Track) -> list[str]:
    middle = x + TRACK / 2
    out = [
        f'<text class="label" transform="translate({middle + 4:.1f} {HEAD + 4}) rotate(-90)">'
        f"{escape(track.name)}</text>"
    ]
    for stretch in track.stretches:
        top, bottom = page.span(stretch)
        if bottom <= top:
            continue
        out.append(_box(f"stretch {stretch.kind}", x, top, TRACK, bottom - top - 1, stretch.text))
        letter = LETTERS.get(stretch.kind) or stretch.text.rpartition(" ")[2]
        if bottom - top > LETTER_ROOM and len(letter) <= MOST_DIGITS:
            on = " on-count" if stretch.kind == tracks.COUNT else ""
            out.append(_text(middle, top + LETTER_ROOM, letter, f"letter{on}"))
    return out


def _arrows(page: _Page) -> list[str]:
    """From where somebody comes in to the lane in which it goes on."""
    out = []
    for i, row in enumerate(page.rows[:-1]):
        other = page.rows[i + 1]
        if other.column == row.column or COMES_IN not in row.text:
            continue
        here, there = page.lanes[row.column], page.lanes[other.column]
        rightward = there.left > here.left
        x1 = here.left + here.width if rightward else here.left
        x2 = there.left if rightward else there.left + there.width
        y1 = page.tops[i] + LINE * len(page.lines[i]) - LINE / 2
        y2 = page.tops[i + 1] + LINE / 2
        tip = 5 if rightward else -5
        out.append(f'<path class="arrow" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>')
        out.append(f'<path class="tip" d="M{x2:.1f} {y2:.1f}l{-tip} -4v8z"/>')
    return out


def _row(page: _Page, explanation: Explanation, row: Row, top: int, lines: list[str]) -> str:
    lane = page.lanes[row.column]
    who = next(
        (
            f"{ACTOR_NAMES[e.actor]}, op {e.uid}" if e.uid else ACTOR_NAMES[e.actor]
            for e in explanation.outcome.trace
            if e.step == row.step
        ),
        "",
    )
    where = page.columns[row.column].title
    title = f"step {row.step}, {where}{f': {who}' if who else ''}"
    texts = "".join(_text(lane.text, top + 13 + LINE * i, line) for i, line in enumerate(lines))
    return (
        f'<g class="row {row.kind}"><title>{escape(title)}</title>'
        f'<rect class="hit" x="{lane.text - 3:.1f}" y="{top}" '
        f'width="{lane.left + lane.width - lane.text:.1f}" height="{LINE * len(lines)}"/>'
        f"{texts}</g>"
    )


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    """One line; leading blanks are room, for XML viewers may drop them."""
    bare = text.lstrip(" ")
    x += (len(text) - len(bare)) * CHAR
    cls = f' class="{kind}"' if kind else ""
    return f'<text{cls} x="{x:.1f}" y="{y:.1f}">{escape(bare)}</text>'


def _box(kind: str, x: float, y: float, width: float, height: float, title: str) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width}" height="{height}" rx="2">'
        f"<title>{escape(title)}</title></rect>"
    )
