# SPDX-License-Identifier: MIT
"""The MCP server through the official SDK's client, and the compatibility of its schemas."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from corpus.files import CLAIMS, KNOWN_BUGS
from tests import stocked
from tests.farming import ManualClock
from tests.unit.schemas import SCHEMAS, validate
from workers.schema import EMBARGO
from workers.settings import database_url
from workers.store import Store

pytest.importorskip("mcp", reason="the extra `mcp` is not installed")

from mcp import Client

from triage import mcp_server

BUG = KNOWN_BUGS / "migratevma-tlb-flush-after-ptl.mm"
PUBLISHED = json.loads((SCHEMAS / "mcp-1.json").read_text())["$defs"]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """F1 is a real failure."""
    monkeypatch.setenv("MMFARM_DATA", str(tmp_path))
    monkeypatch.delenv("MMFARM_DATABASE", raising=False)
    with closing(Store.open(database_url(tmp_path), ManualClock())) as opened:
        stocked.known_bugs(opened, [BUG])
        yield opened


def ask(tool: str, **arguments: Any) -> Any:
    """What a client gets from a tool: its answer, or the text of its error."""

    async def asking() -> Any:
        async with Client(mcp_server.server()) as client:
            return await client.call_tool(tool, arguments)

    result = anyio.run(asking)
    if result.is_error:
        return result.content[0].text
    return result.structured_content


def tools() -> dict[str, Any]:
    async def listing() -> dict[str, Any]:
        async with Client(mcp_server.server()) as client:
            return {t.name: t.input_schema for t in (await client.list_tools()).tools}

    return anyio.run(listing)


def broken(published: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What a caller who knows the published schemas can no longer do."""
    wrong = []
    for name, old in published.items():
        new = now.get(name, {"properties": {}})
        wrong += [f"{name}: {each} is required" for each in new.get("required", [])
                  if each not in old.get("required", [])]  # fmt: skip
        for each, said in old["properties"].items():
            have = new["properties"].get(each)
            if have is None:
                wrong.append(f"{name}: no {each}")
                continue
            wrong += [f"{name}.{each}: {key} was {said.get(key)}"
                      for key in ("type", "minimum", "exclusiveMinimum", "maximum", "default")
                      if have.get(key) != said.get(key)]  # fmt: skip
            if set(said.get("enum", [])) - set(have.get("enum", [])):
                wrong.append(f"{name}.{each}: fewer kinds")
    return wrong


def test_callers_of_the_published_schemas_are_served() -> None:
    assert set(PUBLISHED) == {"run", "explore", "judge", "minimize", "explain", "export"}
    assert broken(PUBLISHED, tools()) == []


def test_what_would_break_a_caller_is_seen() -> None:
    now = json.loads(json.dumps(PUBLISHED))
    now["run"]["required"].append("trace")
    del now["judge"]["properties"]["claim"]
    now["explore"]["properties"]["preemptions"]["maximum"] = 4
    now["export"]["properties"]["kind"]["enum"].remove("syz")
    del now["minimize"]
    assert len(broken(PUBLISHED, now)) == 5


def test_run_answers_as_the_verb_does() -> None:
    answer = ask("run", scenario=BUG.read_text())
    assert answer["exit"] == 1
    assert answer["answer"]["signature"]["culprit"] == "migrate_vma_collect_pmd"
    assert ask("run", scenario="F1")["answer"]["digest"] == answer["answer"]["digest"]


def test_explain_has_the_window() -> None:
    answer = ask("explain", scenario="F1")["answer"]
    assert answer["closer"]["windows"][0]["places"] > 1
    assert "migrate_vma_collect_pmd" in answer["diagram"]


def test_judge_answers_as_its_schema_says() -> None:
    claim = CLAIMS / "memcg-changes-in-migrate-vma.claim"
    answer = ask("judge", claim=claim.read_text())
    assert answer["exit"] == 4
    validate(answer["answer"], "judgement")


def test_explore_is_bounded() -> None:
    text = BUG.read_text().replace(" bug=migratevma-tlb-flush-after-ptl", "")
    kept = [line for line in text.splitlines() if line[0] not in "@#" or "scenario 1" in line]
    answer = ask("explore", scenario="\n".join((*kept, "")), preemptions=0, seconds=60.0)
    assert answer["exit"] == 0
    validate(answer["answer"], "explore")


@pytest.mark.parametrize("kind", ["text", "syz", "bundle", "mail"])
def test_export(kind: str) -> None:
    answer = ask("export", scenario="F1", kind=kind)
    said = answer["text"] + "".join(answer["files"].values())
    assert "migrate_to_device" in said
    if kind == "bundle":
        validate(json.loads(answer["files"]["out"]), "bundle")


def test_what_is_wrong_is_an_error_with_the_words_of_the_verb(store: Store) -> None:
    assert "F99" in ask("run", scenario="F99") or "99" in ask("run", scenario="F99")
    assert "give the text of a scenario" in ask("run", scenario="/etc/passwd")
    assert "should be" in ask("run", scenario="some\nnonsense\n")
    assert "not exported" not in str(ask("run", scenario="F1"))
    store.label(1, EMBARGO)
    for tool in ("run", "minimize", "explain"):
        assert "embargo" in ask(tool, scenario="F1")
    assert "embargo" in ask("export", scenario="F1", kind="mail")
