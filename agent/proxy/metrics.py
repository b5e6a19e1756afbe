"""What the proxy counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counters of one proxy; thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "spot_proxy_requests", "Requests by method and status", ["method", "status"],
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "spot_proxy_request_seconds", "From head to last byte", buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.connections = Counter(
            "spot_proxy_upstream_connections", "Connections to the backend", ["kind"],
            registry=self.registry,
        )  # fmt: skip
        self.bytes = Counter(
            "spot_proxy_body_bytes", "Bytes of bodies", ["direction"], registry=self.registry
        )
        self.callers = Gauge(
            "spot_proxy_open_connections", "Connections of callers", registry=self.registry
        )
        self.turned_away = Counter(
            "spot_proxy_turned_away", "Connections above the limit", registry=self.registry
        )
        self.broken = Counter(
            "spot_proxy_broken_answers", "Answers that the backend did not finish",
            registry=self.registry,
        )  # fmt: skip
        self.failed_logins = Counter(
            "spot_proxy_failed_logins", "Logins with a wrong name or password",
            registry=self.registry,
        )  # fmt: skip

    def done(self, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(method if method in _METHODS else "other", str(status)).inc()
        self._seconds.observe(seconds)

    def text(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return generate_latest(self.registry)
