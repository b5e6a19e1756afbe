"""A region on a clock that stands still, reachable through real boto3."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.config import Config

from simulator.clock import MarketTime
from simulator.ec2.api import Ec2Api
from simulator.front import Front
from simulator.interruptions import Interruptions
from simulator.loopback import HOST, LoopbackServers, Request, Response
from simulator.market.replay import Observation, ReplayMarket
from simulator.pools import Pool
from simulator.price_list import PriceList
from simulator.region.catalog import APP_GROUP, APP_VPC, Catalog
from simulator.region.images import Images
from simulator.region.launching import Launcher
from simulator.region.model import Durations
from simulator.region.region import Region
from tests.fakes.clock import FakeClock

ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
FIRST_PRICE, SECOND_PRICE = Decimal("0.030000"), Decimal("0.036000")
# m5.large in zone a costs 0.03 from 10 hours ago on and 0.036 from 2 hours ago on.
CHANGED = timedelta(hours=2)


def observations(clock: FakeClock) -> list[Observation]:
    """A quiet market: one price change, and zone c of m5.large without capacity from now + 1 h."""
    now = clock.now()
    rows = [
        Observation(Pool(name, az), now - timedelta(hours=10), FIRST_PRICE, True)
        for name in ("m5.large", "c5.large")
        for az in ZONES
    ]
    rows.append(Observation(Pool("m5.large", ZONES[0]), now - CHANGED, SECOND_PRICE, True))
    gone = now + timedelta(hours=1)
    rows.append(Observation(Pool("m5.large", ZONES[2]), gone, SECOND_PRICE, False))
    return rows


class Wires:
    """One endpoint and the clients for it, shared by all tests: making a client takes long."""

    def __init__(self, servers: LoopbackServers) -> None:
        self.servers = servers
        self.front: Front | None = None
        self.endpoint = f"http://{HOST}:{servers.open(self._respond)}"
        self._clients: dict[tuple[str, str, int], Any] = {}

    def _respond(self, request: Request) -> Response:
        return self.front.respond(request)

    def client(self, service: str, key: str, attempts: int) -> Any:
        if (service, key, attempts) not in self._clients:
            self._clients[service, key, attempts] = boto3.client(
                service,
                region_name="eu-west-1",
                endpoint_url=self.endpoint,
                aws_access_key_id=key,
                aws_secret_access_key="secret",
                config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
            )
        return self._clients[service, key, attempts]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self.servers.stop()


class Bench:
    """The region's parts without machines, and clients for it."""

    def __init__(self, wires: Wires, limits=None) -> None:
        self.clock = FakeClock()
        self.servers = wires.servers
        ondemand = {"m5.large": Decimal("0.096"), "c5.large": Decimal("0.085")}
        catalog = Catalog("eu-west-1", ZONES, ondemand)
        now = self.clock.now()
        market = ReplayMarket(observations(self.clock), now, MarketTime(now, 1.0))
        self.region = Region(
            catalog, market, self.clock, seed=7, durations=Durations(), limits=limits
        )
        self.launcher, self.images = Launcher(self.region), Images(self.region)
        self.image = self.images.make_base("base-image")
        self.interruptions = Interruptions(self.region, 7, timedelta(seconds=60))
        api = Ec2Api(self.region, self.launcher, self.images)
        wires.front = Front(api, PriceList(self.region))
        self._wires = wires
        self.ec2 = self.client("ec2")

    def client(self, service: str, *, key: str = "operator", attempts: int = 1):
        """A boto3 client that tries so often."""
        return self._wires.client(service, key, attempts)

    def subnet(self, az: str = ZONES[0]) -> str:
        """The app's subnet in a zone."""
        return self.region.catalog.subnet_in(APP_VPC, az).subnet_id

    def launch(self, az: str = ZONES[0], *, client=None, **changes):
        """Launch a spot instance through the API; return it as the API shows it."""
        request = {
            "ImageId": self.image.image_id,
            "InstanceType": "m5.large",
            "MinCount": 1,
            "MaxCount": 1,
            "SubnetId": self.subnet(az),
            "SecurityGroupIds": [APP_GROUP],
            "InstanceMarketOptions": {"MarketType": "spot"},
            **changes,
        }
        wanted = {name: value for name, value in request.items() if value is not None}
        return (client or self.ec2).run_instances(**wanted)["Instances"][0]

    def advance(self, **step: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**step))


@pytest.fixture(scope="module")
def wires() -> Iterator[Wires]:
    """Loopback ports and clients; closed after the tests of a file."""
    made = Wires(LoopbackServers())
    yield made
    made.close()


@pytest.fixture
def bench(wires: Wires) -> Bench:
    """A region without call limits."""
    return Bench(wires)
