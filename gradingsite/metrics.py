"""/metrics for Prometheus: what was counted (gradingsite.tallies) and what the rows say at this moment."""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from grading import gauges
from grading.models import Tally
from gradingsite import health, tallies

PREFIX = "marginalia"
# name of the counter in the rows: what it counts, its labels
COUNTERS = {
    "http_requests": ("Requests answered.", ("view", "method", "status")),
    "marks": ("Marks that the model proposed.", ()),
    "model_seconds": ("Seconds that the model took for its marks.", ()),
    "model_errors": ("Answers that the model could not mark, by what was wrong.", ("kind",)),
    "training_errors": ("Training runs that failed, by what was wrong.", ("kind",)),
    "worker_busy_seconds": ("Seconds that workers held work.", ("kind",)),
    "mails": ("E-mails that the mail server took.", ()),
    "mail_failures": ("E-mails that it did not take, by kind of error.", ("kind",)),
}
HISTOGRAMS = {
    "http_request_seconds": ("How long requests took.", ("view",)),
    "task_seconds": ("How long tasks took in workers.", ("task",)),
}
Labels = tuple[str, ...]


class Site(Collector):
    def collect(self) -> Iterable[Metric]:
        yield _gauge("up_database", "Whether the database answers.", [((), float(health.database_answers()))])
        try:
            rows = _rows()
            yield from _counters(rows)
            yield from _histograms(rows)
            for gauge in gauges.all_gauges():
                yield _gauge(gauge.name, gauge.help, gauge.values, gauge.labels)
        except DatabaseError:
            pass  # what is left says that it is away
        queues = health.queue_lengths()
        yield _gauge("up_broker", "Whether the broker answers.", [((), float(queues is not None))])
        waiting = [((queue,), float(number)) for queue, number in (queues or {}).items()]
        yield _gauge("broker_messages", "Messages that wait in the broker, by queue.", waiting, ("queue",))


def _rows() -> dict[str, list[tuple[dict[str, str], float]]]:
    found = defaultdict(list)
    for name, labels, value in Tally.objects.values_list("name", "labels", "value"):
        found[name].append((json.loads(labels), value))
    return found


def _gauge(name: str, text: str, values: Iterable[tuple[Labels, float]], labels: Labels = ()) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
    for which, value in values:
        family.add_metric(which, value)
    return family


def _counters(rows: dict[str, list[tuple[dict[str, str], float]]]) -> Iterator[Metric]:
    for name, (text, labels) in COUNTERS.items():
        family = CounterMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
        if not labels and not rows.get(name):
            family.add_metric((), 0)  # a rate of what is not there cannot be asked for
        for which, value in rows.get(name, ()):
            family.add_metric([which.get(label, "") for label in labels], value)
        yield family


def _histograms(rows: dict[str, list[tuple[dict[str, str], float]]]) -> Iterator[Metric]:
    for name, (text, labels) in HISTOGRAMS.items():
        family = HistogramMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
        edges: dict[Labels, dict[str, float]] = defaultdict(dict)
        for which, value in rows.get(f"{name}_bucket", ()):
            edges[tuple(which.get(label, "") for label in labels)][which["le"]] = value
        sums = {tuple(which.get(label, "") for label in labels): value for which, value in rows.get(f"{name}_sum", ())}
        for key, counts in edges.items():
            family.add_metric(key, _cumulative(counts), sum_value=sums.get(key, 0.0))
        yield family


def _cumulative(counts: dict[str, float]) -> list[tuple[str, float]]:
    """Prometheus counts in each bucket all that is smaller, and wants the last one always."""
    total, buckets = 0.0, []
    for edge in sorted({*map(str, tallies.BUCKETS), *counts, "+Inf"}, key=float):
        total += counts.get(edge, 0.0)
        buckets.append((edge, total))
    return buckets


def may_read(request: HttpRequest) -> bool:
    """With METRICS_TOKEN set, whoever sends it; without, a program on this machine that no proxy speaks for."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"))
    if settings.TRUSTED_PROXIES or forwarded:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_read(request):
        return HttpResponse("Set METRICS_TOKEN and send it as a bearer token.\n", status=403, content_type="text/plain")
    tallies.flush()
    registry = CollectorRegistry()
    registry.register(Site())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
