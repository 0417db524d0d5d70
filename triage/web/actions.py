# SPDX-License-Identifier: MIT
"""What changes something: POST only, for who has the token.

Contract: a form is answered with a redirect to what it changed, so that reloading repeats nothing;
what cannot be done is a page that says why (400), and who may not is told how to sign in (403).
Bodies are small forms; a larger one is refused before it is read.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from triage.exits import Refused
from triage.names import failure_number
from triage.web.access import COOKIE
from triage.web.app import Site
from workers.people import PeopleError
from workers.schema import DUP, FIXED, INVALID, UNJUDGED, UNRELATED

SEE_OTHER: Final = 303
BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
TOO_LARGE: Final = 413
MAX_BODY_BYTES: Final = 64 << 10

Act = Callable[[Site, int, str], object]
VERBS: Final[dict[str, Act]] = {
    "note": lambda site, number, text: site.store.note(number, text),
    "label": lambda site, number, text: site.store.label(number, text.strip()),
    "unlabel": lambda site, number, text: site.store.label(number, text.strip(), on=False),
    "dup": lambda site, number, text: site.store.judge(number, DUP, dup_of=failure_number(text)),
    "undup": lambda site, number, text: site.store.undup(number),
    "invalid": lambda site, number, text: site.store.judge(number, INVALID, text),
    "unrelated": lambda site, number, text: site.store.judge(number, UNRELATED, text),
    "fixed-in": lambda site, number, text: site.store.judge(number, FIXED, text),
    "reopen": lambda site, number, text: site.store.judge(number, UNJUDGED, text),
    "redo": lambda site, number, text: site.store.redo(number),
    "undo": lambda site, number, text: site.store.undo(number),
}
FARM: Final[dict[str, dict[str, bool]]] = {
    "pause": {"paused": True},
    "drain": {"draining": True},
    "resume": {"paused": False, "draining": False},
}


def router(site: Site) -> APIRouter:
    """The routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/sign-in")
    def ask(request: Request, to: str = "/") -> Response:
        return site.page(request, "sign-in", to=_ours(to), wrong=False)

    @routes.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        form = await _form(request)
        to = _ours(form.get("to", "/"))
        answer = RedirectResponse(to, SEE_OTHER)
        if site.access.sign_in(request, form.get("token", ""), answer):
            return answer
        return site.page(request, "sign-in", FORBIDDEN, to=to, wrong=True)

    @routes.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        _check(site, request, await _form(request))
        answer = RedirectResponse("/", SEE_OTHER)
        answer.delete_cookie(COOKIE)
        return answer

    @routes.post("/failures/{number}/{verb}")
    async def act(request: Request, number: int, verb: str) -> Response:
        form = await _form(request)
        _check(site, request, form)
        if verb not in VERBS:
            raise HTTPException(BAD_REQUEST, f"{verb}: no such verb")
        try:
            await run_in_threadpool(VERBS[verb], site, number, form.get("text", ""))
        except (PeopleError, Refused) as error:
            raise HTTPException(BAD_REQUEST, str(error)) from error
        return RedirectResponse(f"/failures/{number}", SEE_OTHER)

    @routes.post("/farm/{verb}")
    async def farm(request: Request, verb: str) -> Response:
        _check(site, request, await _form(request))
        if verb not in FARM:
            raise HTTPException(BAD_REQUEST, f"{verb}: no such verb")
        await run_in_threadpool(lambda: site.store.set_farm(**FARM[verb]))
        return RedirectResponse("/workers", SEE_OTHER)

    return routes


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(TOO_LARGE, "the form is too large")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise HTTPException(BAD_REQUEST, "this is no form") from error
    return {name: values[-1] for name, values in fields.items()}


def _check(site: Site, request: Request, form: dict[str, str]) -> None:
    if not site.access.may_change(request, form.get("key", "")):
        raise HTTPException(FORBIDDEN, "sign in with the token to change something")


def _ours(path: str) -> str:
    """A path of this site, whatever is asked for."""
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        return "/"
    return quote(path, safe="/?=&%")
