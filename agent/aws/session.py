"""The clients, each made when it is first needed: they cost memory, and time at start.

boto3 itself is imported by the first of them, so that the agent registers before.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from agent.aws.calls import CallCounter

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

# The price list is served from these regions, whatever region is asked about.
_PRICE_LIST_REGIONS = (("eu-", "eu-central-1"), ("ap-", "ap-south-1"), ("me-", "ap-south-1"))
_TRIES = 3


class AwsSession:
    """Makes clients of one region; clients are thread-safe, making them is not."""

    def __init__(self, region: str, counter: CallCounter) -> None:
        self._region = region
        self._counter = counter
        self._lock = threading.Lock()
        self._session: Any = None
        self._ec2: EC2Client | None = None
        self._launcher: EC2Client | None = None

    @property
    def ec2(self) -> EC2Client:
        """The client for everything but launches."""
        with self._lock:
            if self._ec2 is None:
                self._ec2 = self._make("ec2", self._region, _TRIES)
            return self._ec2

    def launcher(self) -> EC2Client:
        """Return the client for RunInstances: it never repeats a call by itself."""
        with self._lock:
            if self._launcher is None:
                self._launcher = self._make("ec2", self._region, 1)
            return self._launcher

    def price_list(self) -> Any:
        """Return a fresh client of the price list; it is needed once a day."""
        near = (host for prefix, host in _PRICE_LIST_REGIONS if self._region.startswith(prefix))
        with self._lock:
            return self._make("pricing", next(near, "us-east-1"), _TRIES)

    def load_balancing(self) -> Any:
        """Return a fresh client of the load balancers; only a take-over needs one."""
        with self._lock:
            return self._make("elbv2", self._region, _TRIES)

    def _make(self, service: str, region: str, tries: int) -> Any:
        import boto3.session
        from botocore.config import Config

        if self._session is None:
            self._session = boto3.session.Session(region_name=self._region)
        config = Config(
            connect_timeout=3,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": tries},
            max_pool_connections=4,
        )
        client = self._session.client(service, region_name=region, config=config)
        name = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"before-send.{name}", self._counter.note)
        return client
