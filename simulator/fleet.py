"""The first machines of a fleet, as a user makes them by hand."""

from collections.abc import Iterable, Mapping

from simulator.chance import stream
from simulator.region.model import Instance, Lifecycle
from simulator.world import World

# Short intervals, so that rehearsals last seconds. All are ordinary settings of the agent.
FAST_AGENT: Mapping[str, str] = {
    "HEARTBEAT_INTERVAL": "1",
    "PENDING_COMMANDS_CHECK_INTERVAL": "1",
    "CONFIG_REFRESH_INTERVAL": "5",
    "PRICING_REPORT_INTERVAL": "20",
    "TERMINATION_CHECK_INTERVAL": "1",
    "REBALANCE_CHECK_INTERVAL": "2",
    "EC2_POLL_INTERVAL": "0.5",
    "LAUNCH_TIMEOUT": "60",
    "READINESS_TIMEOUT": "60",
    "CREATE_SNAPSHOT_ON_SWITCH": "false",
}


def agent_environment(server_url: str, token: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Return what is configured on the base image."""
    return {
        "SPOT_OPTIMIZER_SERVER_URL": server_url,
        "SPOT_OPTIMIZER_CLIENT_TOKEN": token,
        **extra,
    }


def launch_fleet(world: World, numbers: Iterable[int], *, prefix: str = "web") -> list[Instance]:
    """Launch the first instances of these agents, spread over pools by the seed, all on spot."""
    now = world.clock.now()
    pools = sorted(world.region.market.pools)
    usable = [pool for pool in pools if world.region.market.is_available(pool, now)]
    return [
        world.launch_by_hand(
            stream(world.settings.seed, "fleet", number).choice(usable),
            Lifecycle.SPOT,
            logical_agent_id=f"{prefix}-{number}",
        )
        for number in numbers
    ]
