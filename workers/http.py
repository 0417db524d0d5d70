# SPDX-License-Identifier: MIT
"""The farm's HTTP app: metrics, health, readiness.

Contract: `make_app` is a FastAPI app over a store that somebody else opens and closes. `/healthz`
says that this process answers, `/readyz` that the store does (503 with the reason if not),
`/metrics` is one scrape. All is read-only and needs no token; nothing secret is in it. Pages for
people are mounted on it by triage.

It is no place for long work: each request is one short transaction.
"""

from typing import Final

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from workers import metrics
from workers.errors import InfraError
from workers.store import Store

UNAVAILABLE: Final = 503
# No page of ours is framed, sniffed, or loads anything from elsewhere.
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def make_app(store: Store) -> FastAPI:
    """Routes are plain functions, which FastAPI runs in threads: the store blocks."""
    app = FastAPI(title="mmfarm", docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def harden(request, call_next):  # type: ignore[no-untyped-def]
        response = await call_next(request)
        response.headers.update(HEADERS)
        return response

    @app.exception_handler(InfraError)
    def unavailable(_: object, error: InfraError) -> JSONResponse:
        return JSONResponse({"ready": False, "why": str(error)}, UNAVAILABLE)

    @app.get("/healthz")
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        return JSONResponse({"ready": True, "farm": store.farm().farm_id})

    @app.get("/metrics")
    def scrape() -> Response:
        return Response(metrics.exposition(store.figures()), media_type=metrics.CONTENT_TYPE)

    return app


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    import uvicorn

    uvicorn.run(app, host=host, port=port, log_config=None, access_log=False)
