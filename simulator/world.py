"""A whole pretend region, assembled: market, EC2, Price List, metadata, machines."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Self

from simulator.clock import Clock, MarketTime, SystemClock
from simulator.ec2.api import Ec2Api
from simulator.elb.api import ElbApi
from simulator.errors import SimulatorError
from simulator.front import Front
from simulator.interruptions import Interruptions
from simulator.loopback import HOST, LoopbackServers
from simulator.machines.disks import Disks, read_environment, write_environment
from simulator.machines.room import MachineRoom, MachineSettings
from simulator.market.market import Market
from simulator.market.replay import HEARTBEAT, Observation, ReplayMarket, read_observations
from simulator.market.synthetic import SyntheticMarket
from simulator.metadata.service import MetadataService
from simulator.pools import Pool
from simulator.price_list import PriceList
from simulator.region.catalog import (
    ACCOUNT_ID,
    APP_GROUP,
    APP_VPC,
    INSTANCE_PROFILE,
    KEY_NAME,
    ONDEMAND_USD_PER_HOUR,
    REGIONS,
    Catalog,
)
from simulator.region.images import Images
from simulator.region.launching import Launcher
from simulator.region.model import Image, Instance, LaunchWish, Lifecycle
from simulator.region.region import Region
from simulator.region.target_groups import TargetGroups
from simulator.settings import WorldSettings

TICK_SECONDS = 0.1
OPERATOR = "operator"  # the caller of what is done by hand
MOST_ZONES = 6


class World:
    """Starts with its constructor; a context manager that leaves nothing running."""

    def __init__(self, settings: WorldSettings, clock: Clock | None = None) -> None:
        """Start the region.

        Raises:
            SimulatorError: a setting is out of range, a file or the port cannot be opened.
        """
        self.settings = settings
        self.clock = clock or SystemClock()
        market_time = MarketTime(self.clock.now(), settings.market_speed)
        catalog, market = _catalog_and_market(settings, market_time)
        self.region = Region(
            catalog,
            market,
            self.clock,
            seed=settings.seed,
            durations=settings.durations,
            limits=settings.limits,
        )
        self.launcher = Launcher(self.region)
        self.images = Images(self.region)
        self.interruptions = Interruptions(self.region, settings.seed, settings.rebalance_lead)
        self._servers = LoopbackServers()
        self.metadata = MetadataService(self.region, self._servers)
        self.target_groups = TargetGroups(self.region)
        self.front = Front(
            Ec2Api(self.region, self.launcher, self.images),
            PriceList(self.region),
            ElbApi(self.region, self.target_groups),
        )
        try:
            self.port = self._servers.open(self.front.respond, settings.port)
        except SimulatorError:
            self._servers.stop()
            raise
        self.disks = Disks(settings.root)
        self.machines = MachineRoom(self._machine_settings(), self.disks, self.metadata, self.clock)
        self.region.machines = self.machines
        self.base_image: Image = self.images.make_base("agent-installed")
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="market", daemon=True)
        self._ticker.start()

    @property
    def endpoint(self) -> str:
        """URL of the EC2, Price List and control APIs."""
        return f"http://{HOST}:{self.port}"

    def launch_by_hand(
        self,
        pool: Pool,
        lifecycle: Lifecycle,
        *,
        logical_agent_id: str | None = None,
        image_id: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> Instance:
        """Launch an instance as a user does in the console: in the app's network, untagged.

        Args:
            pool: Where; its zone is used for on-demand too.
            lifecycle: How it is paid.
            logical_agent_id: Configured on its disk as LOGICAL_AGENT_ID.
            image_id: The base image when None.
            tags: Its tags.

        Raises:
            AwsError: as RunInstances refuses.
        """
        region = self.region
        wish = LaunchWish(
            image_id=image_id or self.base_image.image_id,
            instance_type=pool.instance_type,
            lifecycle=lifecycle,
            az=pool.az,
            subnet_id=region.catalog.subnet_in(APP_VPC, pool.az).subnet_id,
            group_ids=(APP_GROUP,),
            caller=OPERATOR,
            key_name=KEY_NAME,
            profile_arn=f"arn:aws:iam::{ACCOUNT_ID}:instance-profile/{INSTANCE_PROFILE}",
            tags=dict(tags or {}),
        )
        with region.lock:
            instance = self.launcher.launch(wish)
            if logical_agent_id is not None:
                disk = self.disks.disk(instance.instance_id)
                known = read_environment(disk)
                write_environment(disk, {**known, "LOGICAL_AGENT_ID": logical_agent_id})
            return instance

    def configured_name(self, instance_id: str) -> str | None:
        """Return the LOGICAL_AGENT_ID on an instance's disk, None when there is none."""
        return read_environment(self.disks.disk(instance_id)).get("LOGICAL_AGENT_ID")

    def stop(self) -> None:
        """End everything: processes first. Idempotent."""
        self._stopping.set()
        self._ticker.join()
        self.machines.stop()
        self._servers.stop()

    def __enter__(self) -> Self:
        """Return the world."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def _machine_settings(self) -> MachineSettings:
        return MachineSettings(
            region=self.settings.region,
            endpoint=self.endpoint,
            command=self.settings.agent_command,
            agent_environment=self.settings.agent_environment,
            restart_seconds=self.settings.restart_seconds,
        )

    def _tick(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            self.interruptions.tick(self.clock.now())


def _catalog_and_market(settings: WorldSettings, market_time: MarketTime) -> tuple[Catalog, Market]:
    if settings.region not in REGIONS:
        msg = f"the region must be one of {', '.join(REGIONS)}"
        raise SimulatorError(msg)
    if settings.replay is not None:
        return _replayed(settings, market_time)
    if not 2 <= settings.zone_count <= MOST_ZONES:  # noqa: PLR2004 - one zone is no market
        msg = f"a region has 2 to {MOST_ZONES} zones"
        raise SimulatorError(msg)
    zones = [f"{settings.region}{letter}" for letter in "abcdef"[: settings.zone_count]]
    catalog = Catalog(settings.region, zones)
    prices = {pool: catalog.ondemand[pool.instance_type] for pool in catalog.pools}
    market = SyntheticMarket(prices, settings.seed, market_time, has_outages=settings.has_outages)
    return catalog, market


def _replayed(settings: WorldSettings, market_time: MarketTime) -> tuple[Catalog, Market]:
    replay = settings.replay
    assert replay is not None  # noqa: S101 - asked by the caller
    rows = read_observations(
        replay.path, region=settings.region, instance_types=replay.instance_types
    )
    ondemand: dict[str, Decimal] = {}
    for row in rows:
        name = row.pool.instance_type
        known = ONDEMAND_USD_PER_HOUR.get(name)
        # Spot is never dearer than on-demand, so the highest price seen is the best guess.
        ondemand[name] = known or max(ondemand.get(name, Decimal(0)), row.price)
    catalog = Catalog(settings.region, sorted({row.pool.az for row in rows}), ondemand)
    return catalog, ReplayMarket(rows, replay.start or _usual_start(rows), market_time)


def _usual_start(rows: Sequence[Observation]) -> datetime:
    """Return an instant at which every traded pool has a price, as far as the file allows.

    A pool whose price does not change shows up once in 24 hours.
    """
    first, last = rows[0].instant, rows[-1].instant
    return min(first + HEARTBEAT + timedelta(hours=1), first + (last - first) / 2)
