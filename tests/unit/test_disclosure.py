# SPDX-License-Identifier: MIT
"""What is not disclosed leaves by no way: lists, pages, exports, notices, metrics, likenesses."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from corpus import disclosure
from corpus.files import KNOWN_BUGS, UNDISCLOSED, mm_files
from corpus.text import dump, load
from fuzz.findings import Finding
from simulator.bugs import BUGS
from simulator.outcome import Outcome, Signature, Violation
from tests.farming import BUILD, DIGEST, SIGNATURE, ManualClock, finding, leased
from triage import cli, known
from triage.web import access, app
from triage.web.drawings import Drawing, Drawings
from workers.entries import Made, bare
from workers.http import make_app
from workers.listing import Wanted
from workers.notices import FINDING, WITHHELD
from workers.schema import CANARY, EMBARGO, FUZZING, VERIFY
from workers.settings import database_url
from workers.store import Store

HIDDEN = next(bug for bug in BUGS if bug.undisclosed)
SCENARIO = UNDISCLOSED / f"{HIDDEN.id}.mm"
TOKEN = "0123456789abcdef"

pytestmark = pytest.mark.skipif(not SCENARIO.exists(), reason="the wheel has no undisclosed/")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MMFARM_DATA", str(tmp_path))
    monkeypatch.delenv("MMFARM_DATABASE", raising=False)
    return tmp_path


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    """F1 is what an undisclosed bug shows, verified; F2 is anybody's."""
    with closing(Store.open(database_url(data), ManualClock())) as opened:
        text = dump(load(SCENARIO))
        oracle, culprit, *of = dict(load(SCENARIO).headers)["expect"].split()
        signature = Signature(oracle, culprit, " ".join(of))
        opened.record(
            Finding(oracle, culprit, signature.object_class, "broken", text, DIGEST, BUILD, 9, "x")
        )
        shown = Outcome(Violation(signature, "broken", 2, 9), DIGEST, 9, [0])
        opened.verified(leased(opened, VERIFY, 1), text, BUILD, shown, "")
        opened.record(finding())
        yield opened


def test_such_a_failure_is_under_embargo_from_the_first_moment(store: Store) -> None:
    assert [row.id for row in store.search(Wanted()).rows] == [2]
    assert store.is_embargoed(1)
    assert not store.is_embargoed(2)
    (why,) = (each for each in store.decisions("F1") if each.code == EMBARGO)
    assert "have not been told" in why.detail


def test_notices_of_it_have_no_words(store: Store) -> None:
    (notice,) = (each for each in store.notices(9) if each.kind == FINDING)
    assert (notice.subject, notice.text) == ("F1", WITHHELD)


def test_an_embargo_takes_words_out_of_notices_that_wait(store: Store) -> None:
    store.notice(FINDING, "F2@0123", f"seen again: {SIGNATURE}")
    store.notice(FINDING, "F22", "another")
    store.label(2, EMBARGO)
    texts = {each.subject: each.text for each in store.notices(9)}
    assert (texts["F2@0123"], texts["F22"]) == (WITHHELD, "another")


def test_a_kernel_that_has_it_shows_it() -> None:
    bug = next(bug for bug in BUGS if bug.undisclosed and bug.is_in("7.2") and bug.culprits)
    scenario = load(min(KNOWN_BUGS.glob("*.mm")))
    config = scenario.config
    there = type(scenario)(
        config=type(config)(kernel="7.2"), ops=scenario.ops, directives=scenario.directives
    )
    same = Signature(bug.oracles[0], bug.culprits[0], "anon")
    assert disclosure.shows_one(there, same)
    assert not disclosure.shows_one(there, Signature("no-oracle", bug.culprits[0], "anon"))
    assert not disclosure.shows_one(scenario, same), "the mended model does not have it"


@pytest.mark.parametrize("labelled", [True, False])
def test_no_verb_exports_it(
    store: Store, data: Path, capsys: pytest.CaptureFixture[str], labelled: bool
) -> None:
    """Nor when the label is gone: the flag of the row stands."""
    if not labelled:
        store.label(1, EMBARGO, on=False)
    out = data / "out"
    assert cli.main(["triage", "export", "F1", "-o", str(out)]) == 2
    assert "not exported" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("verb", ["kselftest", "syz"])
def test_nor_is_its_scenario(data: Path, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    moved = data / "elsewhere.mm"
    moved.write_text(SCENARIO.read_text())
    for source in (SCENARIO, moved):
        assert cli.main(["corpus", "export", verb, str(source), "-o", str(data / "out")]) == 4
        assert disclosure.WHY in capsys.readouterr().err
    assert not [path for path in (data / "out").rglob("*") if path.is_file()]


def browser(store: Store) -> TestClient:
    served = make_app(store)
    drawings = Drawings(lambda text, name: Drawing(None))
    app.add(served, app.Site(store, access.Access(TOKEN), drawings))
    return TestClient(served, follow_redirects=False)


def test_no_page_shows_it_without_a_token(store: Store) -> None:
    store.add_campaign(name="one", kind=FUZZING, weight=1.0, slice_seconds=60.0, bugs=(HIDDEN.id,))
    store.add_campaign(name="two", kind=CANARY, weight=1.0, slice_seconds=60.0, bugs=(HIDDEN.id,))
    store.push(HIDDEN.id, BUILD, None, [Made(bare(load(SCENARIO)), b"\1" * 64)])
    client = browser(store)
    kinds = ("mm", "txt", "json", "html", "svg")
    gone = (
        "/failures/1",
        "/failures/1/steps",
        *(f"/failures/1/F1.{kind}" for kind in kinds),
        f"/corpus?model={HIDDEN.id}",
        "/corpus/1",
    )
    assert {path: client.get(path).status_code for path in gone} == dict.fromkeys(gone, 404)
    store.label(1, EMBARGO, on=False)
    assert {path: client.get(path).status_code for path in gone} == dict.fromkeys(gone, 404)
    store.label(1, EMBARGO)
    for path in ("/", "/failures?every=true&verdict=any", "/campaigns", "/canaries", "/corpus",
                 "/decisions", "/workers", "/metrics"):  # fmt: skip
        text = client.get(path).text
        assert HIDDEN.id not in text, path
        assert "F1<" not in text, path
    assert client.post("/sign-in", data={"token": TOKEN}).status_code == 303
    assert client.get("/failures/1").status_code == 200
    assert HIDDEN.id in client.get("/campaigns").text
    assert client.get("/failures/1/F1.mm").status_code == 404, "exported to nobody"


def test_nothing_looks_like_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although its scenario, were it among the public ones, has the very signature."""
    expect = dict(load(SCENARIO).headers)["expect"].split()
    monkeypatch.setattr(known, "KNOWN_BUGS", UNDISCLOSED)
    assert known.looks_like(Signature(expect[0], expect[1], " ".join(expect[2:]))) == ()


def test_every_scenario_of_its_folder_is_known_for_what_it_is() -> None:
    files = mm_files([UNDISCLOSED])
    assert files
    assert [file for file in files if not disclosure.is_of_one(load(file), file)] == []
    assert not [f for f in mm_files([KNOWN_BUGS]) if disclosure.is_of_one(load(f), f)]


def test_json_of_the_list_has_none_of_it(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["triage", "list", "--verdict", "any", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [2]
    assert cli.main(["triage", "next", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == 2
