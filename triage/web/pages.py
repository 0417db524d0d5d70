# SPDX-License-Identifier: MIT
"""The pages that are read: each one short look at the store.

Contract: GET only, nothing is changed. A failure under embargo is not there for who is not
`allowed`: not in lists, not by its number, not among decisions.
"""

from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse
from markupsafe import Markup
from starlette.exceptions import HTTPException

from conformance.compare import ORACLE as DISAGREEMENT
from corpus import disclosure
from corpus.text import dump, parse
from simulator.build import build_id
from simulator.oracles import NAMES
from simulator.outcome import result_name
from simulator.scenario import ACTOR_NAMES
from triage import failures, html, results, svg
from triage.diagram import op_texts
from triage.explain import Explanation, known_lines, state_change, to_json, to_text
from triage.fitting import render
from triage.player import Player
from triage.reached import by_function
from triage.terminal import json_text
from triage.web import plots
from triage.web.app import NOT_FOUND, Site
from triage.web.drawings import Drawing
from workers import kin
from workers.campaigns import model_of
from workers.listing import Wanted
from workers.records import CampaignRow, FailureDetail, RunRow
from workers.schema import CANARY, EMBARGO, FAILURE_STATES, UNJUDGED, VERDICTS

PAGE: Final = 50
NEWEST: Final = 8  # failures and runs on the overview
STEPS_AROUND: Final = 10
SOON: Final = {"Refresh": "1"}  # a browser asks again for what is being made
NOT_YET: Final = 503
ANY: Final = "any"
ORACLES: Final = tuple(sorted((*NAMES, DISAGREEMENT)))

Sort = Literal["seen", "last", "first", "id", "signature"]
Kind = Literal["mm", "txt", "json", "html", "svg"]
MEDIA: Final = {
    "mm": "text/plain; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml",
}


def router(site: Site) -> APIRouter:
    """The routes."""
    routes = APIRouter(include_in_schema=False)
    store = site.store

    @routes.get("/")
    def overview(request: Request) -> Response:
        embargoed = site.access.allowed(request)
        newest = store.search(
            Wanted(verdict=UNJUDGED, heads=True, sort="last", limit=NEWEST, embargoed=embargoed)
        )
        points = store.run_points()
        return site.page(
            request,
            "overview",
            figures=store.figures(),
            newest=newest,
            following=store.next_open(embargoed=embargoed),
            plots=[
                plots.line(
                    "executions",
                    plots.growing([(at, executions) for at, executions, _, _ in points]),
                ),
                plots.line("features", [(at, features) for at, _, features, _ in points]),
                plots.line("new scenarios", plots.growing([(at, new) for at, _, _, new in points])),
            ],
        )

    @routes.get("/failures")
    def listed(
        request: Request,
        q: str = "",
        oracle: str = "",
        state: str = "",
        verdict: str = UNJUDGED,
        label: str = "",
        sort: Sort = "seen",
        every: bool = False,
        after: int | None = None,
    ) -> Response:
        embargoed = site.access.allowed(request)
        page = store.search(
            Wanted(
                oracle=oracle,
                state=state,
                verdict="" if verdict == ANY else verdict,
                label=label,
                words=q,
                heads=not every,
                embargoed=embargoed,
                sort=sort,
                limit=PAGE,
                after=after,
            )
        )
        others = {k: v for k, v in request.query_params.items() if k != "after"}
        return site.page(
            request,
            "failures",
            page=page,
            first="?" + urlencode(others) if after is not None else "",
            following="?" + urlencode(others | {"after": page.rows[-1].id}) if page.more else "",
            asked={
                "q": q,
                "oracle": oracle,
                "state": state,
                "verdict": verdict,
                "label": label,
                "sort": sort,
                "every": every,
            },
            oracles=ORACLES,
            states=FAILURE_STATES,
            verdicts=(*VERDICTS, ANY),
            sorts=Sort.__args__,  # type: ignore[attr-defined]
        )

    @routes.get("/failures/{number}")
    def one(request: Request, number: int) -> Response:
        found = _visible(site, request, number)
        name = f"F{number}"
        drawing = None
        if not failures.is_disagreement(found.failure):
            drawing = site.drawings.get(found.best.text, name)
        family = []
        if found.failure.family is not None:
            family = [
                row
                for row in store.search(
                    Wanted(family=found.failure.family, embargoed=site.access.allowed(request))
                ).rows
                if row.id != number
            ]
        answer = site.page(
            request,
            "failure",
            found=found,
            row=found.failure,
            name=name,
            drawing=drawing,
            disagreement=failures.is_disagreement(found.failure),
            shown=_shown(drawing.explanation) if drawing and drawing.explanation else None,
            family=family,
            kin=[(kin.WORDS[kind], others) for kind, _, others in store.kin(number)],
            said=store.said(number),
            decisions=store.decisions(name),
            here=build_id(),
            short=results.SHORT_BUILD,
            tried=len((found.certificate or {}).get("tried", ())),
            embargo=EMBARGO,
        )
        if drawing is None and not failures.is_disagreement(found.failure):
            answer.headers.update(SOON)
        return answer

    @routes.get("/failures/{number}/steps")
    def steps(request: Request, number: int, at: Annotated[int, Query(ge=0)] = 0) -> Response:
        found = _visible(site, request, number)
        explanation = _made(site, found).explanation
        if explanation is None or not explanation.outcome.trace:
            raise HTTPException(NOT_FOUND, f"F{number} passes on this model: there are no steps")
        player = Player(explanation.outcome)
        moment = player.at(at)
        first = max(0, moment.number - STEPS_AROUND)
        ops = [
            (op, text, result_name(result))
            for op, text, result in zip(
                explanation.scenario.ops,
                op_texts(explanation.scenario).values(),
                explanation.outcome.results,
                strict=True,
            )
        ]
        return site.page(
            request,
            "steps",
            name=f"F{number}",
            number=number,
            moment=moment,
            around=list(enumerate(player.steps))[first : moment.number + STEPS_AROUND + 1],
            actors=ACTOR_NAMES,
            ops=ops,
            violation=explanation.violation,
        )

    @routes.get("/failures/{number}/{name}.{kind}")
    def exported(request: Request, number: int, name: str, kind: Kind) -> Response:
        found = _visible(site, request, number)
        why = failures.withheld(found)
        if why:
            raise HTTPException(NOT_FOUND, f"F{number} is not exported: {why}")
        if kind == "mm":
            return PlainTextResponse(found.best.text)
        explanation = _made(site, found).explanation
        if explanation is None:
            raise HTTPException(NOT_FOUND, f"F{number} passes on this model: only its .mm is there")
        texts = {"txt": to_text, "html": html.page, "svg": svg.file}
        text = json_text(to_json(explanation)) if kind == "json" else texts[kind](explanation)
        return Response(text, media_type=MEDIA[kind])

    @routes.get("/corpus")
    def corpus(request: Request, model: str = "", below: int | None = None) -> Response:
        allowed = site.access.allowed(request)
        if _is_hidden(model) and not allowed:
            raise HTTPException(NOT_FOUND, "no such model")
        rows = store.entries(model, build_id(), below, PAGE)
        return site.page(
            request,
            "corpus",
            rows=[(row, len(parse(row.text).ops)) for row in rows],
            models=[each for each in store.models() if allowed or not _is_hidden(each[0])],
            model=model,
            more=rows[-1].seq if len(rows) == PAGE else None,
        )

    @routes.get("/corpus/{seq}")
    def entry(request: Request, seq: int) -> Response:
        row = store.entry(seq, build_id())
        if row is None or (_is_hidden(row.model) and not site.access.allowed(request)):
            raise HTTPException(NOT_FOUND, f"the corpus has no entry C{seq}")
        return site.page(request, "entry", row=row)

    @routes.get("/coverage")
    def coverage(
        request: Request, q: str = "", only: Literal["", "never", "some", "all"] = ""
    ) -> Response:
        slices, missed, preempted = store.reached(PAGE)
        functions = by_function(slices, missed, preempted)
        return site.page(
            request,
            "coverage",
            slices=slices,
            functions=[
                each
                for each in functions
                if q.lower() in each.function.lower() and only in ("", each.state)
            ],
            total=len(functions),
            sites=sum(each.sites for each in functions),
            reached=sum(each.reached for each in functions),
            preempted=sum(each.preempted for each in functions),
            never=sum(each.state == "never" for each in functions),
            q=q,
            only=only,
        )

    @routes.get("/campaigns")
    def campaigns(request: Request) -> Response:
        estimates = store.estimates()
        rows = [row for row in _campaigns(site, request) if row.kind != CANARY]
        return site.page(
            request,
            "campaigns",
            rows=[(row, estimates.get(model_of(row.bugs, row.kernel))) for row in rows],
            discovery=store.discovery(),
        )

    @routes.get("/canaries")
    def canaries(request: Request) -> Response:
        rows = [row for row in _campaigns(site, request) if row.kind == CANARY]
        return site.page(
            request, "canaries", rows=[(row, store.trials(row.id, NEWEST)) for row in rows]
        )

    @routes.get("/workers")
    def workers(request: Request) -> Response:
        return site.page(
            request,
            "workers",
            rows=store.workers(),
            jobs=store.jobs()[:PAGE],
            runs=_newest_runs(site),
            farm=store.farm(),
            suspects=store.suspects("quarantined")[:PAGE],
        )

    @routes.get("/decisions")
    def decisions(request: Request, below: int | None = None) -> Response:
        rows = store.newest_decisions(below, PAGE, embargoed=site.access.allowed(request))
        return site.page(
            request, "decisions", rows=rows, more=rows[-1].id if len(rows) == PAGE else None
        )

    return routes


def _visible(site: Site, request: Request, number: int) -> FailureDetail:
    """A failure that this request may see."""
    found = site.store.failure(number)
    if found is None or (failures.withheld(found) and not site.access.allowed(request)):
        raise HTTPException(NOT_FOUND, f"no failure has the number {number}")
    return found


def _is_hidden(model: str) -> bool:
    """Whether the name of a model is that of a bug which is not disclosed."""
    return disclosure.names_one(model.split())


def _campaigns(site: Site, request: Request) -> list[CampaignRow]:
    """Those that this request may see."""
    allowed = site.access.allowed(request)
    return [row for row in site.store.campaigns() if allowed or not disclosure.names_one(row.bugs)]


def _made(site: Site, found: FailureDetail) -> Drawing:
    """The drawing of a failure, or an answer that asks the browser to ask again."""
    if failures.is_disagreement(found.failure):
        raise HTTPException(NOT_FOUND, "the model alone shows nothing of a disagreement")
    drawing = site.drawings.get(found.best.text, f"F{found.failure.id}")
    if drawing is None:
        raise HTTPException(NOT_YET, "it is being made: ask again", SOON)
    if drawing.trouble:
        raise HTTPException(NOT_YET, drawing.trouble)
    return drawing


def _shown(explanation: Explanation) -> dict[str, object]:
    """What the page of a failure takes from its explanation."""
    title, state = state_change(explanation)
    return {
        "svg": Markup(svg.draw(explanation)),
        "text": render(explanation.diagram),
        "known": known_lines(explanation),
        "state_title": title,
        "state": state,
        "digest": explanation.outcome.digest,
        "violation": explanation.violation,
        "scenario": dump(explanation.scenario),
    }


def _newest_runs(site: Site) -> list[RunRow]:
    return list(reversed(site.store.runs()[-NEWEST:]))
