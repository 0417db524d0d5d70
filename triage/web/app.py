# SPDX-License-Identifier: MIT
"""The pages on the farm's HTTP app.

Contract: `add` puts them there; the app, the store and the drawings are opened and closed by who
calls. Pages are in `pages`, what changes something is in `actions`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.exceptions import HTTPException

from triage import svg
from triage.web.access import Access
from triage.web.drawings import Drawings
from workers.store import Store

STATIC: Final = Path(__file__).parent / "static"
NOT_FOUND: Final = 404
SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400


@dataclass(slots=True)
class Site:
    """What all pages need."""

    store: Store
    access: Access
    drawings: Drawings
    templates: Environment = field(init=False)

    def __post_init__(self) -> None:
        self.templates = Environment(
            loader=PackageLoader("triage.web"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters |= {"when": when, "ago": ago, "count": count}

    def page(
        self, request: Request, template: str, status: int = 200, /, **values: Any
    ) -> Response:
        """A template with what every page shows."""
        text = self.templates.get_template(f"{template}.html").render(
            values
            | {
                "path": request.url.path,
                "signed_in": self.access.allowed(request),
                "can_sign_in": self.access.possible,
                "form_key": self.access.form_key(request),
                "now": datetime.now(UTC),
            }
        )
        return HTMLResponse(text, status)


def add(app: FastAPI, site: Site) -> None:
    """Serve the pages."""
    from triage.web import actions, pages

    app.include_router(pages.router(site))
    app.include_router(actions.router(site))

    @app.get("/static/race.css", include_in_schema=False)
    def race_css() -> Response:
        return Response(svg.STYLE, media_type="text/css")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.exception_handler(HTTPException)
    def said_no(request: Request, error: HTTPException) -> Response:
        return site.page(request, "error", error.status_code, why=str(error.detail))


def when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"


def ago(moment: datetime, now: datetime) -> str:
    """`3 min`: how long since."""
    seconds = max((now - moment).total_seconds(), 0.0)
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def count(number: float) -> str:
    return f"{number:,.0f}"
