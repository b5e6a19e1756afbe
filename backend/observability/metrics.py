"""Prometheus metrics. With PROMETHEUS_MULTIPROC_DIR set, all workers are counted together."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The web tier's counters. Thread-safe; one per app, so that apps do not share counts.

    Labels are route templates, never paths: their number is bounded by the code.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time from the first byte read to the answer handed over.",
            ("method", "route"),
            buckets=_BUCKETS_SECONDS,
            registry=self.registry,
        )
        self._deliveries = Gauge(
            "notification_deliveries",
            "Messages to notification channels in the log, by where they stand.",
            ("status",),
            registry=self.registry,
            multiprocess_mode="mostrecent",  # every worker reads the same books
        )
        # Label look-up costs more than counting: children are resolved once.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request and its duration."""
        key = (method, route, status)
        children = self._children.get(key)
        if children is None:
            children = self._children[key] = (
                self._requests.labels(method, route, str(status)),
                self._seconds.labels(method, route),
            )
        children[0].inc()
        children[1].observe(seconds)

    def set_deliveries(self, status: str, count: int) -> None:
        """Note how many messages to channels stand there."""
        self._deliveries.labels(status).set(count)

    def render(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
