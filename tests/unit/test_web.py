# SPDX-License-Identifier: MIT
"""The web page: what is readable by whom, what changes something for whom, and what is drawn."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.dom import minidom

import pytest
from fastapi.testclient import TestClient

from corpus.files import KNOWN_BUGS
from tests import stocked
from tests.farming import SIGNATURE, ManualClock, finding
from triage.web import access, app
from triage.web.drawings import Drawing, Drawings
from workers.database import file_url
from workers.http import make_app
from workers.schema import EMBARGO
from workers.store import Store

TOKEN = "0123456789abcdef"
BUG = KNOWN_BUGS / "migratevma-tlb-flush-after-ptl.mm"
PAGES = (
    "/",
    "/failures",
    "/failures/1",
    "/failures/1/steps",
    "/corpus",
    "/corpus/1",
    "/coverage",
    "/campaigns",
    "/canaries",
    "/workers",
    "/decisions",
    "/sign-in",
)


@pytest.fixture(scope="module")
def drawings() -> Iterator[Drawings]:
    made = Drawings(patience_seconds=300.0)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One real failure, F1, and a made-up one, F2."""
    opened = Store.open(file_url(tmp_path / "mmfarm.sqlite"), ManualClock())
    stocked.known_bugs(opened, [BUG])
    stocked.work(opened, 3)
    opened.record(finding())
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store, drawings: Drawings) -> TestClient:
    return browser(store, drawings, TOKEN)


def browser(store: Store, drawings: Drawings, token: str | None) -> TestClient:
    served = make_app(store)
    app.add(served, app.Site(store, access.Access(token), drawings))
    return TestClient(served, follow_redirects=False)


def signed_in(client: TestClient) -> str:
    """Sign in. Returns the key that forms must carry."""
    assert client.post("/sign-in", data={"token": TOKEN}).status_code == 303
    found = re.search(r'name="key" value="(\w+)"', client.get("/failures/1").text)
    assert found is not None
    return found[1]


class Checker(HTMLParser):
    """Complains of what a strict Content-Security-Policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.complaints: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.complaints.append(f"<{tag} {name}>")
            if name in ("src", "href", "action") and "//" in (value or ""):
                self.complaints.append(f"<{tag} {name}={value}>")
        if tag == "style" or (tag == "script" and not dict(attrs).get("src")):
            self.complaints.append(f"inline <{tag}>")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_and_keeps_to_the_policy(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.text.count("<h1>") == 1
    checker = Checker()
    checker.feed(answer.text)
    assert checker.complaints == []


def test_a_failure_is_drawn_with_what_lasts(client: TestClient) -> None:
    text = client.get("/failures/1").text
    assert "stale-tlb in migrate_vma_collect_pmd()" in text
    svg = text[text.index("<svg") : text.index("</svg>") + 6]
    minidom.parseString(svg)
    assert "DEVICE holds ptl 0, steps" in svg
    assert "pte 3: a migration-write entry of frame 1" in svg
    assert svg.count('class="arrow"') == 1, "T1 comes in once"


def test_the_player_shows_what_holds_at_a_step(client: TestClient) -> None:
    whole = client.get("/failures/1/steps?at=0").text
    count = int(re.findall(r"\(\d+ of (\d+) sites", whole)[0])
    moments = [client.get(f"/failures/1/steps?at={at}").text for at in range(count)]
    inside = next(
        m for m in moments if "migrate_vma_collect_pmd: set entry" in m.split("Around")[0]
    )
    now = inside[: inside.index("Around it")]
    assert "DEVICE holds ptl 0" in now
    assert "DEVICE holds folio_lock of frame 1" in now
    assert "Locks held" in now
    assert now.count("migrate_vma_collect_pmd") == 1, "a function does not call itself"
    assert client.get("/failures/1/steps?at=99999").text == moments[-1]


@pytest.mark.parametrize("kind", ["mm", "txt", "json", "html", "svg"])
def test_a_failure_is_saved_in_every_form(client: TestClient, kind: str) -> None:
    answer = client.get(f"/failures/1/F1.{kind}")
    assert answer.status_code == 200
    assert "migrate_to_device" in answer.text
    if kind == "svg":
        minidom.parseString(answer.text)


def test_a_drawing_that_is_not_at_hand_is_made_beside(store: Store) -> None:
    asked: list[str] = []

    def make(text: str, name: str) -> Drawing:
        asked.append(name)
        return Drawing(None, "no model here")

    slow = Drawings(make, patience_seconds=0.0)
    client = browser(store, slow, None)
    first = client.get("/failures/1")
    slow.close()
    assert first.status_code == 200
    if "being made" in first.text:
        assert first.headers["refresh"] == "1"
    again = client.get("/failures/1")
    assert "no model here" in again.text
    assert "refresh" not in again.headers
    assert asked == ["F1"]


def test_filters_and_pages_of_failures(client: TestClient, store: Store) -> None:
    assert "F2" not in client.get("/failures?q=migrate_vma").text
    stocked.made_up(store, 120)
    text = client.get("/failures?sort=id&every=true").text
    assert "122 failures" in text
    assert "first page" not in text
    seen = []
    while True:
        seen += re.findall(r'<td><a href="/failures/(\d+)">', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        if following is None:
            break
        text = client.get("/failures" + unescape(following[1])).text
        assert 'href="?sort=id&amp;every=true">first page' in text
    assert seen == sorted(set(seen), key=int)
    assert len(seen) == 122
    assert client.get("/failures?sort=colour").status_code == 422


def test_who_has_no_token_changes_nothing(client: TestClient, store: Store) -> None:
    for verb in ("note", "label", "dup", "invalid", "undo", "redo"):
        assert client.post(f"/failures/1/{verb}", data={"text": "x"}).status_code == 403
    assert client.post("/farm/pause").status_code == 403
    assert client.post("/sign-in", data={"token": "wrong"}).status_code == 403
    assert store.said(1) == []
    assert not store.farm().paused


def test_without_a_token_file_nobody_can_sign_in(store: Store, drawings: Drawings) -> None:
    client = browser(store, drawings, None)
    assert client.post("/sign-in", data={"token": ""}).status_code == 403
    assert (
        client.post(
            "/failures/1/note", data={"text": "x"}, headers={"Authorization": "Bearer "}
        ).status_code
        == 403
    )


def test_who_is_signed_in_judges_and_takes_back(client: TestClient, store: Store) -> None:
    key = signed_in(client)
    done = client.post("/failures/1/invalid", data={"key": key, "text": "wrong"})
    assert (done.status_code, done.headers["location"]) == (303, "/failures/1")
    found = store.failure(1)
    assert found is not None
    assert (found.failure.verdict, found.failure.reason) == ("invalid", "wrong")
    assert client.post("/failures/1/undo", data={"key": key}).status_code == 303
    refused = client.post("/failures/2/dup", data={"key": key, "text": "F99"})
    assert refused.status_code == 400
    assert "number 99" in refused.text
    client.post("/farm/pause", data={"key": key})
    assert store.farm().paused


def test_a_form_of_another_site_does_nothing(client: TestClient, store: Store) -> None:
    signed_in(client)
    assert client.post("/failures/1/note", data={"text": "x"}).status_code == 403
    assert client.post("/failures/1/note", data={"text": "x", "key": "0" * 64}).status_code == 403
    assert store.said(1) == []
    cookie = client.post("/sign-in", data={"token": TOKEN}).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_program_with_the_token_needs_no_form(client: TestClient, store: Store) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/failures/1/note", data={"text": "x"}, headers=bearer).status_code == 303
    assert [said.text for said in store.said(1)] == ["x"]


def test_what_is_under_embargo_is_nowhere_without_the_token(
    client: TestClient, store: Store
) -> None:
    store.redo(1)
    store.label(1, EMBARGO)
    for path in ("/", "/failures?every=true&verdict=any", "/decisions", "/failures?label=embargo"):
        assert "migrate_vma_collect_pmd" not in client.get(path).text
        assert "F1<" not in client.get(path).text
    for path in ("/failures/1", "/failures/1/steps", "/failures/1/F1.mm"):
        assert client.get(path).status_code == 404
    signed_in(client)
    assert "migrate_vma_collect_pmd" in client.get("/failures").text
    assert client.get("/failures/1").status_code == 200
    assert client.get("/failures/1/F1.mm").status_code == 404, "it is not exported"


def test_a_session_ends(store: Store) -> None:
    now = [1000.0]
    one = access.Access(TOKEN, lambda: now[0])
    served = make_app(store)
    app.add(served, app.Site(store, one, Drawings(lambda text, name: Drawing(None))))
    client = TestClient(served, follow_redirects=False)
    key = signed_in(client)
    now[0] += access.SESSION_SECONDS
    assert client.post("/failures/1/note", data={"key": key, "text": "x"}).status_code == 403


def test_signing_in_leads_to_no_other_site(client: TestClient) -> None:
    for to in ("//evil.example/", "https://evil.example/", "/\\evil.example"):
        answer = client.post("/sign-in", data={"token": TOKEN, "to": to})
        assert answer.headers["location"] == "/"


def test_a_body_that_is_too_large_is_refused(client: TestClient) -> None:
    answer = client.post("/failures/1/note", content=b"x" * (65 << 10))
    assert answer.status_code == 413


def test_what_a_scenario_says_is_text(store: Store, drawings: Drawings) -> None:
    evil = finding(2, SIGNATURE)
    store.note(2, "<script>alert(1)</script>")
    client = browser(store, drawings, None)
    assert evil.text
    page = client.get("/failures/2").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short\n")
    with pytest.raises(access.TokenError, match="can be guessed"):
        access.read_token(tmp_path / "token")
