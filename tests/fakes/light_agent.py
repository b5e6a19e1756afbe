"""A small agent that speaks protocol 5: everything that ours says, nothing that touches EC2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

TIMEOUT_SECONDS = 20
NATIVE_PROTOCOL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The machine that an agent runs on, and the tags it was launched with."""

    instance_id: str
    az: str = "us-east-1a"
    az_id: str = "use1-az1"
    instance_type: str = "m5.large"
    region: str = "us-east-1"
    mode: str = "spot"
    account_id: str = "123456789012"
    ami_id: str = "ami-0a1"
    launch_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def pool_id(self) -> str | None:
        return f"{self.instance_type}.{self.az}" if self.mode == "spot" else None

    def described(self) -> dict[str, Any]:
        """The machine as reports name it."""
        return {
            "instance_id": self.instance_id,
            "instance_type": self.instance_type,
            "region": self.region,
            "az": self.az,
            "ami_id": self.ami_id,
            "mode": self.mode,
            "pool_id": self.pool_id,
        }


class Refused(Exception):
    """The backend answered with an error."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"{response.status_code} {response.text}")
        self.status = response.status_code
        self.body: dict[str, Any] = response.json()


class LightAgent:
    """One process on one host. It stops acting the moment it is superseded."""

    def __init__(self, url: str, token: str, host: Host, logical_agent_id: str = "web-1") -> None:
        self.host = host
        self.logical_agent_id = logical_agent_id
        self.agent_id = ""
        self.role = ""
        self.epoch = 0
        self.config: dict[str, Any] = {}
        self.journal: dict[str, dict[str, Any]] = {}  # commands by id, as first handed out
        self._base = f"{url}/api/agents"
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {token}"
        self._http.headers["X-Instance-Id"] = host.instance_id

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "LightAgent":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def is_active(self) -> bool:
        """Whether it may act at all."""
        return self.role not in ("superseded", "terminated") and bool(self.config.get("enabled"))

    @property
    def launch_tags(self) -> dict[str, str]:
        """What it puts on everything that it launches."""
        return {"ManagedBy": "SpotOptimizer", "LogicalAgentId": self.logical_agent_id}

    def register(self) -> dict[str, Any]:
        host = self.host
        answer = self._post(
            "register",
            {
                **host.described(),
                "protocol": NATIVE_PROTOCOL,
                "agent_version": "5.0.0",
                "logical_agent_id": self.logical_agent_id,
                "az_id": host.az_id,
                "account_id": host.account_id,
                "hostname": f"host-{host.instance_id}",
                "launch_tags": dict(host.launch_tags),
            },
        )
        self.agent_id = answer["agent_id"]
        self._stand(answer)
        self.config = answer["config"]
        return answer

    def sync(self, cpu_percent: float | None = None) -> list[dict[str, Any]]:
        """Beat; return the commands that are new to this instance."""
        answer = self._post(
            f"{self.agent_id}/sync",
            {
                "instance_id": self.host.instance_id,
                "config_version": self.config.get("version"),
                "cpu_percent": cpu_percent,
                "memory_percent": 40.5,
                "disk_percent": 10,
            },
        )
        self._stand(answer)
        if answer["config"] is not None:
            self.config = answer["config"]
        fresh = [command for command in answer["commands"] if command["id"] not in self.journal]
        self.journal.update({command["id"]: command for command in fresh})
        return fresh

    def beat(self) -> dict[str, Any]:
        body = {"status": "online", "instance_id": self.host.instance_id}
        return self._post(f"{self.agent_id}/heartbeat", body)

    def say_goodbye(self) -> dict[str, Any]:
        body = {"status": "offline", "instance_id": self.host.instance_id}
        return self._post(f"{self.agent_id}/heartbeat", body)

    def poll(self) -> list[dict[str, Any]]:
        """The classic call: everything that it holds, every time."""
        response = self._http.get(
            f"{self._base}/{self.agent_id}/pending-commands", timeout=TIMEOUT_SECONDS
        )
        return self._read(response)

    def report_prices(
        self,
        prices: Mapping[str, float],
        *,
        at: datetime,
        on_demand: float | None = None,
        az_ids: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Report what pools cost; ``prices`` maps AZ names to USD per hour."""
        host = self.host
        pools = [
            {"pool_id": f"{host.instance_type}.{az}", "price": price}
            for az, price in prices.items()
        ]
        return self._post(
            f"{self.agent_id}/pricing-report",
            {
                "instance": host.described(),
                "pricing": {
                    "on_demand_price": on_demand,
                    "current_spot_price": prices.get(host.az),
                    "spot_pools": pools,
                    "collected_at": at.isoformat(),
                    "az_ids": dict(az_ids or {host.az: host.az_id}),
                },
            },
        )

    def launch(self, command: Mapping[str, Any], instance_id: str, az_id: str) -> Host:
        """The machine that a switch command asks for, tagged with the command."""
        az = (command["target_pool_id"] or f".{self.host.az}").rpartition(".")[2]
        tags = {**self.launch_tags, "CommandId": command["id"]}
        return Host(
            instance_id=instance_id,
            az=az,
            az_id=az_id,
            mode=command["target_mode"],
            launch_tags=tags,
        )

    def report_switch(
        self, command: Mapping[str, Any], new: Host, *, times: Sequence[datetime]
    ) -> dict[str, Any]:
        """Report a switch that was made; ``times``: initiated, launched, ready, cut over."""
        names = (
            "switch_initiated_at",
            "new_instance_launched_at",
            "new_instance_ready_at",
            "traffic_switched_at",
        )
        return self._post(
            f"{self.agent_id}/switch-report",
            {
                "old_instance": self.host.described(),
                "new_instance": new.described(),
                "snapshot": {"used": False},
                "timing": {name: at.isoformat() for name, at in zip(names, times, strict=True)},
                "trigger": "manual",
                "command_id": command["id"],
            },
        )

    def acknowledge(
        self, command: Mapping[str, Any], *, success: bool = True, message: str = ""
    ) -> dict[str, Any]:
        path = f"{self.agent_id}/commands/{command['id']}/executed"
        return self._post(path, {"success": success, "message": message})

    def _stand(self, answer: Mapping[str, Any]) -> None:
        self.role = answer["role"]
        self.epoch = answer["epoch"]

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._http.post(f"{self._base}/{path}", json=body, timeout=TIMEOUT_SECONDS)
        read: dict[str, Any] = self._read(answer)
        return read

    @staticmethod
    def _read(response: requests.Response) -> Any:
        if not response.ok:
            raise Refused(response)
        return response.json()
