# SPDX-License-Identifier: MIT
"""The figures of the store as Prometheus metrics.

Contract: `exposition` gives the text of one scrape. Counters come from the store, so a restart of
anything resets none. Names and labels are relied upon by deploy/prometheus and deploy/grafana,
which a test compares with what `metrics` yields.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from corpus import disclosure
from workers.figures import Figures
from workers.schema import FAILURE_STATES, MISSED, PASSED, RUN_STATES

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SHORT_BUILD: Final = 12  # hex digits of a build id in a label


def exposition(figures: Figures) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Of(figures))
    return generate_latest(registry)


class _Of(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        return metrics(self._figures)


def metrics(f: Figures) -> Iterator[Metric]:
    """Every metric, also those that are 0 now: an alert on what is absent is none."""
    yield _gauge("mmfarm_paused", "Whether no job is given out.", f.farm.paused)
    yield _gauge("mmfarm_draining", "Whether no slice is given out.", f.farm.draining)
    yield _total("mmfarm_executions", "Scenarios run by slices.", f.stats.executions)
    yield _total("mmfarm_steps", "Steps of the model in them.", f.stats.steps)
    yield _total("mmfarm_slice_seconds", "Wall time of slices.", f.stats.seconds)
    yield _total("mmfarm_cpu_seconds", "CPU time of slices.", f.stats.cpu_seconds)
    yield _counters("mmfarm_slices", "Slices that ended, by how.", "exit_kind", f.stats.exit_kinds)
    yield _gauges(
        "mmfarm_runs",
        "Slices ordered, by state.",
        "state",
        dict.fromkeys(RUN_STATES, 0) | f.stats.runs,
    )
    yield _gauges(
        "mmfarm_failures",
        "Failures, by state.",
        "state",
        dict.fromkeys(FAILURE_STATES, 0) | f.stats.failures,
    )
    jobs = GaugeMetricFamily("mmfarm_jobs", "Work that is owed.", labels=("queue", "state"))
    for (queue, state), count in sorted(f.jobs.items()):
        jobs.add_metric((queue, state), count)
    yield jobs
    yield _gauges(
        "mmfarm_queue_age_seconds", "Wait of the oldest job that is due.", "queue", f.queue_age
    )
    yield _gauge("mmfarm_workers", "Workers that are heard of.", f.workers)
    yield _gauge("mmfarm_slots", "What they can do at a time.", f.slots)
    yield _gauge("mmfarm_busy_slots", "What they do.", f.busy)
    yield _gauge("mmfarm_oldest_beat_seconds", "Since the quietest was heard of.", f.oldest_beat)
    yield _counters("mmfarm_decisions", "What the farm decided by itself.", "code", f.decisions)
    yield _gauge("mmfarm_quarantined", "Scenarios that no slice gets.", f.quarantined)
    # Anybody may read these: no model that names what is not disclosed.
    entries = {model: count for model, count in f.entries.items() if _is_public(model)}
    yield _gauges("mmfarm_corpus_entries", "Scenarios that are kept.", "model", entries)
    features = GaugeMetricFamily(
        "mmfarm_features", "Features seen by a build of a model.", labels=("model", "build")
    )
    for (model, build), count in sorted(f.features.items()):
        if _is_public(model):
            features.add_metric((model, build[:SHORT_BUILD]), count)
    yield features
    trials = CounterMetricFamily(
        "mmfarm_canary_trials", "Known bugs that had to be found.", labels=("canary", "state")
    )
    for canary in sorted({name for name, _ in f.trials}):
        for state in (PASSED, MISSED):
            trials.add_metric((canary, state), f.trials.get((canary, state), 0))
    yield trials
    yield _gauges(
        "mmfarm_canary_seconds", "Slices until a canary was found last.", "canary", f.canary_seconds
    )
    yield _gauge("mmfarm_unsent_notices", "Notices that nobody has taken yet.", f.unsent)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=float(value))


def _total(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(name, about, value=float(value))


def _gauges(name: str, about: str, label: str, values: dict[str, int] | dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=(label,))
    for value in sorted(values):
        family.add_metric((value,), float(values[value]))
    return family


def _counters(name: str, about: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, about, labels=(label,))
    for value in sorted(values):
        family.add_metric((value,), float(values[value]))
    return family


def _is_public(model: str) -> bool:
    return not disclosure.names_one(model.split())
