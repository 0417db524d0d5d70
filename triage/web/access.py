# SPDX-License-Identifier: MIT
"""Who may change something, and see what is under embargo.

Contract: a request is `allowed` with `Authorization: Bearer TOKEN`, or with the cookie that
signing in with the token gives, which no script can read and no other site can use; forms of a
signed-in browser carry `form_key`, too. Without a token nobody is allowed anything. A cookie ends
with the process, at the latest after SESSION_SECONDS.
"""

import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Final

from fastapi import Request, Response

COOKIE: Final = "mmfarm"
SESSION_SECONDS: Final = 12 * 3600
MIN_TOKEN: Final = 16  # characters: nobody guesses that over a network
MAX_TOKEN_BYTES: Final = 4096


class TokenError(Exception):
    """The token cannot be used; the message says why."""


def read_token(path: Path) -> str:
    """The token in a file, without blanks around it. Raises TokenError."""
    try:
        with path.open("rb") as file:
            token = file.read(MAX_TOKEN_BYTES).decode("utf-8", "strict").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"{path}: {error}") from error
    if len(token) < MIN_TOKEN:
        raise TokenError(f"{path}: a token of fewer than {MIN_TOKEN} characters can be guessed")
    return token


class Access:
    """What one process knows of a token, which may be missing."""

    def __init__(self, token: str | None, clock: Callable[[], float] = time) -> None:
        self._token = token
        self._clock = clock
        self._key = secrets.token_bytes(32)

    @property
    def possible(self) -> bool:
        """Whether anybody can sign in."""
        return self._token is not None

    def allowed(self, request: Request) -> bool:
        return self._by_header(request) or self._by_cookie(request)

    def may_change(self, request: Request, form_key: str) -> bool:
        """Whether a form may do what it asks for: another site can make a browser send one."""
        if self._by_header(request):
            return True
        return self._by_cookie(request) and _same(form_key, self.form_key(request))

    def form_key(self, request: Request) -> str:
        """What a form of this browser must carry; empty for one that is not signed in."""
        if not self._by_cookie(request):
            return ""
        return self._signed(f"form {request.cookies[COOKIE]}")

    def sign_in(self, request: Request, token: str, response: Response) -> bool:
        """Give the cookie to who knows the token."""
        if self._token is None or not _same(token, self._token):
            return False
        until = str(int(self._clock()) + SESSION_SECONDS)
        response.set_cookie(
            COOKIE,
            f"{until}.{self._signed(until)}",
            max_age=SESSION_SECONDS,
            httponly=True,
            secure=request.url.scheme == "https",
            samesite="strict",
        )
        return True

    def _by_header(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self._token is not None and scheme.lower() == "bearer" and _same(token, self._token)

    def _by_cookie(self, request: Request) -> bool:
        until, _, signature = request.cookies.get(COOKIE, "").partition(".")
        return (
            self._token is not None
            and until.isdecimal()
            and _same(signature, self._signed(until))
            and self._clock() < int(until)
        )

    def _signed(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
