"""Control API, second part: many notices at once, silence, and where traffic goes."""

import re
from collections.abc import Callable
from typing import Any

from simulator.errors import SimulatorError
from simulator.interruptions import Style
from simulator.world import World

MOST_AT_ONCE = 10_000
Route = tuple[str, re.Pattern[str], Callable[..., Any]]


class EmergencyControl:
    """What goes wrong for more than one instance, or without any of them ending."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Return method, path and action of each."""
        instance = r"/control/instances/(i-[0-9a-f]+)"
        return [
            ("POST", re.compile(r"/control/storm"), self._storm),
            ("POST", re.compile(rf"{instance}/freeze"), self._freeze),
            ("POST", re.compile(rf"{instance}/thaw"), self._thaw),
            ("GET", re.compile(r"/control/traffic"), self._traffic),
        ]

    def _storm(self, body: dict[str, Any]) -> Any:
        """Interrupt many instances in the same second, all of them or none."""
        names = body.get("instance_ids")
        if not isinstance(names, list) or not 1 <= len(names) <= MOST_AT_ONCE:
            msg = f"instance_ids: a list of 1 to {MOST_AT_ONCE}"
            raise SimulatorError(msg)
        style = body.get("style", Style.NOTICE_ONLY)
        if style not in tuple(Style):
            msg = f"style: one of {', '.join(Style)}"
            raise SimulatorError(msg)
        self._world.interruptions.order_many([str(name) for name in names], Style(style))
        return {"interrupted": len(names)}

    def _freeze(self, instance_id: str, _body: dict[str, Any]) -> Any:
        return {"success": self._world.machines.freeze_agent(instance_id, is_frozen=True)}

    def _thaw(self, instance_id: str, _body: dict[str, Any]) -> Any:
        return {"success": self._world.machines.freeze_agent(instance_id, is_frozen=False)}

    def _traffic(self) -> Any:
        """Return who holds every address and target group at this moment."""
        region = self._world.region
        with region.lock:
            doors = [*region.addresses, *(group.arn for group in self._world.target_groups.all())]
            return {"doors": {door: sorted(region.traffic.holders(door)) for door in doors}}
