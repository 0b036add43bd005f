"""Metrics for Prometheus, read from the database.

They are the same whichever of the node's processes answers, and survive its restarts.
"""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..cycles.overview import ModelOverview, Overview, overview
from ..errors import NotPermitted, Unavailable
from .looking import may_look
from .node import node_of

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_ASK = {"WWW-Authenticate": 'Bearer realm="PyGrid node"'}

_MODEL = ("model", "version")


async def metrics(request: Request) -> Response:
    """``GET /metrics``."""
    node = node_of(request)
    if not await may_look(node.access, request):
        return PlainTextResponse(NotPermitted.default_text, 401, headers=_HEADERS | _ASK)
    try:
        now = await overview(node.database)
    except Unavailable as error:
        return PlainTextResponse(error.text, 503, headers=_HEADERS)
    return Response(exposition(now), headers=_HEADERS, media_type=_CONTENT_TYPE)


routes = (Route("/metrics", metrics, methods=["GET"]),)


def exposition(now: Overview) -> bytes:
    """The metrics in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(now))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, now: Overview) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        models, outbox = self._now.models, self._now.outbox
        states = GaugeMetricFamily("pygrid_models", "Hosted models by state.", labels=["state"])
        for state in ("running", "paused", "finished"):
            states.add_metric([state], sum(model.state == state for model in models))
        yield states
        yield _counter(
            "pygrid_cycles_completed", "Cycles averaged.", models, lambda m: m.completed_cycles
        )
        yield _counter(
            "pygrid_workers_accepted", "Places given to workers.", models, lambda m: m.accepted
        )
        yield _counter("pygrid_diffs_reported", "Diffs received.", models, lambda m: m.reported)
        yield _gauge("pygrid_workers", "Worker ids not expired.", models, lambda m: m.workers)
        yield _gauge(
            "pygrid_checkpoint", "Number of the latest checkpoint.", models, lambda m: m.checkpoint
        )
        yield from _current_cycles(models)
        yield GaugeMetricFamily(
            "pygrid_progress_pending", "Progress messages not delivered.", value=outbox.pending
        )
        yield GaugeMetricFamily(
            "pygrid_progress_oldest_seconds",
            "Age of the oldest progress message not delivered.",
            value=outbox.oldest_seconds,
        )


def _current_cycles(models: Iterable[ModelOverview]) -> Iterator[Metric]:
    current = [(model, model.current) for model in models]
    diffs = GaugeMetricFamily(
        "pygrid_cycle_diffs", "Diffs received in the current cycle.", labels=_MODEL
    )
    started = GaugeMetricFamily(
        "pygrid_cycle_started_timestamp_seconds", "Start of the current cycle.", labels=_MODEL
    )
    failed = GaugeMetricFamily(
        "pygrid_cycle_failed",
        "Whether the averaging of the current cycle was given up.",
        labels=_MODEL,
    )
    for model, cycle in current:
        if cycle is not None:
            names = [model.name, model.version]
            diffs.add_metric(names, cycle.reported)
            started.add_metric(names, cycle.started_at.timestamp())
            failed.add_metric(names, cycle.status == "failed")
    yield from (diffs, started, failed)


def _counter(
    name: str, text: str, models: Iterable[ModelOverview], value: Callable[[ModelOverview], int]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=_MODEL)
    for model in models:
        family.add_metric([model.name, model.version], value(model))
    return family


def _gauge(
    name: str, text: str, models: Iterable[ModelOverview], value: Callable[[ModelOverview], int]
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=_MODEL)
    for model in models:
        family.add_metric([model.name, model.version], value(model))
    return family
