"""One request of each kind, as a WSGI server hands it over: for profiling without a network."""

import json
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

_TYPE = "m5.large"


def environ(endpoint: str, number: int, token: str, now: datetime) -> dict[str, Any]:
    """Return the WSGI environment of request ``number`` of a run.

    Args:
        endpoint: The call.
        number: Chooses one of the first 200 agents, and makes a price report's time its own.
        token: The fleet's.
        now: The present, aware.
    """
    agent = number % 100 * 2  # even numbers are agents of ours, which know every call
    instance_id = f"i-{agent:017X}"
    body = _body(endpoint, instance_id, now - timedelta(milliseconds=number))
    data = b"" if body is None else json.dumps(body).encode()
    declared = {} if body is None else {"CONTENT_TYPE": "application/json"}
    return {
        "REQUEST_METHOD": "GET" if body is None else "POST",
        "PATH_INFO": f"/api/agents/00000000-0000-4000-8000-{agent:012X}/{endpoint}",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_X_INSTANCE_ID": instance_id,
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(data),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.version": (1, 0),
        **declared,
    }


def _body(endpoint: str, instance_id: str, at: datetime) -> dict[str, Any] | None:
    machine = {
        "instance_id": instance_id,
        "instance_type": _TYPE,
        "region": "us-east-1",
        "az": "us-east-1a",
        "mode": "spot",
    }
    if endpoint == "heartbeat":
        return {**machine, "status": "online", "monitored_instances": [instance_id]}
    if endpoint == "sync":
        return {"instance_id": instance_id, "config_version": 1, "cpu_percent": 12.5}
    if endpoint == "pricing-report":
        pools = [
            {"pool_id": f"{_TYPE}.us-east-1{letter}", "price": 0.03 + position / 1000}
            for position, letter in enumerate("abcdef")
        ]
        pricing = {
            "on_demand_price": 0.096,
            "current_spot_price": 0.0351,
            "collected_at": at.isoformat(),
            "spot_pools": pools,
        }
        return {"instance": machine, "pricing": pricing}
    return None
