"""The control API: what a person, or a drill, does to the region. JSON on loopback."""

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.control.emergencies import EmergencyControl
from simulator.control.views import figures, instance_view, pool_views
from simulator.errors import AwsError, SimulatorError
from simulator.interruptions import Style
from simulator.loopback import Request, Response
from simulator.pools import Pool, parse_pool
from simulator.region.faults import Fault
from simulator.region.model import EndCause, Lifecycle
from simulator.world import OPERATOR, World

JSON = "application/json"
MOST_FAULTS = 10_000
Body = dict[str, Any]
Action = Callable[..., Any]


class ControlApi:
    """Answers requests below ``/control/``. Thread-safe."""

    def __init__(self, world: World) -> None:
        self._world = world
        instance = r"/control/instances/(i-[0-9a-f]+)"
        self._routes: list[tuple[str, re.Pattern[str], Action]] = [
            ("GET", re.compile(r"/control/instances"), self._instances),
            ("GET", re.compile(r"/control/pools"), self._pools),
            ("GET", re.compile(r"/control/figures"), self._figures),
            ("POST", re.compile(r"/control/launch"), self._launch),
            ("POST", re.compile(r"/control/images"), self._image),
            ("POST", re.compile(r"/control/faults"), self._fault),
            ("POST", re.compile(rf"{instance}/interrupt"), self._interrupt),
            ("POST", re.compile(rf"{instance}/terminate"), self._terminate),
            ("POST", re.compile(rf"{instance}/die"), self._die),
            ("POST", re.compile(rf"{instance}/crash-agent"), self._crash_agent),
            ("POST", re.compile(r"/control/pools/([\w.-]+)/capacity"), self._capacity),
            ("POST", re.compile(r"/control/pools/([\w.-]+)/price"), self._price),
            *EmergencyControl(world).routes(),
        ]

    def respond(self, request: Request) -> Response:
        """Answer a request; a refusal is ``{"error": sentence, "code": word}``."""
        try:
            self._refuse_browsers(request)
            result, status = self._run(request), 200
        except AwsError as error:
            result, status = {"error": error.message, "code": error.code}, 400
        except SimulatorError as error:
            result, status = {"error": str(error), "code": "refused"}, 400
        return Response(status, json.dumps(result, default=str).encode() + b"\n", JSON)

    @staticmethod
    def _refuse_browsers(request: Request) -> None:
        if request.header("Origin") or request.header("Sec-Fetch-Site"):
            msg = "the control API is not for web pages"
            raise SimulatorError(msg)

    def _run(self, request: Request) -> Any:
        for method, pattern, action in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                arguments: list[Any] = list(match.groups())
                if method == "POST":
                    arguments.append(_body(request))
                return action(*arguments)
        msg = f"there is no {request.method} {request.path}"
        raise SimulatorError(msg)

    def _instances(self) -> Any:
        with self._world.region.lock:
            known = list(self._world.region.instances.values())
        return {"instances": [instance_view(self._world, instance) for instance in known]}

    def _pools(self) -> Any:
        return {"pools": pool_views(self._world)}

    def _figures(self) -> Any:
        return figures(self._world)

    def _launch(self, body: Body) -> Any:
        instance = self._world.launch_by_hand(
            self._pool(_text(body, "pool")),
            Lifecycle(_word(body, "mode", tuple(Lifecycle), "spot")),
            logical_agent_id=body.get("logical_agent_id"),
            image_id=body.get("image_id"),
        )
        return instance_view(self._world, instance)

    def _image(self, body: Body) -> Any:
        instance_id = _text(body, "instance_id")
        name = str(body.get("name") or f"image-of-{instance_id}")
        image = self._world.images.create(instance_id, name, reboots=False)
        return {"image_id": image.image_id, "available_at": image.available_at.isoformat()}

    def _fault(self, body: Body) -> Any:
        count = body.get("count", 1)
        if not isinstance(count, int) or not 1 <= count <= MOST_FAULTS:
            msg = f"count: a whole number from 1 to {MOST_FAULTS}"
            raise SimulatorError(msg)
        caller = str(body.get("caller", ""))
        fault = Fault(_text(body, "action"), _text(body, "code"), count, caller)
        with self._world.region.lock:
            self._world.region.faults.order(fault)
        return {"success": True}

    def _interrupt(self, instance_id: str, body: Body) -> Any:
        style = Style(_word(body, "style", tuple(Style), Style.NOTICE_ONLY))
        end = self._world.interruptions.order(instance_id, style)
        return {"ends_at": end.isoformat() if end else None}

    def _terminate(self, instance_id: str, _body: Body) -> Any:
        self._world.region.terminate([instance_id], OPERATOR)
        return {"success": True}

    def _die(self, instance_id: str, _body: Body) -> Any:
        with self._world.region.lock:
            self._world.region.get_instance(instance_id)
            self._world.region.end(instance_id, EndCause.DIED)
        return {"success": True}

    def _crash_agent(self, instance_id: str, _body: Body) -> Any:
        return {"success": self._world.machines.crash_agent(instance_id)}

    def _capacity(self, pool_name: str, body: Body) -> Any:
        pool = self._pool(pool_name)
        count = body.get("capacity")
        if count is not None and (not isinstance(count, int) or count < 0):
            msg = "capacity: a whole number from 0, or null for the market's own"
            raise SimulatorError(msg)
        lifecycle = Lifecycle(_word(body, "mode", tuple(Lifecycle), "spot"))
        with self._world.region.lock:
            self._world.region.capacity.set(pool, lifecycle, count)
        return {"success": True}

    def _price(self, pool_name: str, body: Body) -> Any:
        pool = self._pool(pool_name)
        try:
            price = Decimal(_text(body, "usd_per_hour"))
        except InvalidOperation:
            price = Decimal(0)
        if not 0 < price <= self._world.region.catalog.ondemand[pool.instance_type]:
            msg = "usd_per_hour: a text, greater than 0 and at most the on-demand price"
            raise SimulatorError(msg)
        with self._world.region.lock:
            self._world.region.market.set_price(pool, price, self._world.clock.now())
        return {"success": True}

    def _pool(self, name: str) -> Pool:
        pool = parse_pool(name)
        if pool not in self._world.region.market.pools:
            msg = f"there is no pool {name}; GET /control/pools lists them"
            raise SimulatorError(msg)
        return pool


def _body(request: Request) -> Body:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        msg = "the body must be a JSON object"
        raise SimulatorError(msg)
    return body


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        msg = f"{name}: a text is needed"
        raise SimulatorError(msg)
    return value


def _word(body: Body, name: str, allowed: tuple[str, ...], default: str) -> str:
    value = body.get(name, default)
    if value not in allowed:
        msg = f"{name}: one of {', '.join(allowed)}"
        raise SimulatorError(msg)
    return str(value)
