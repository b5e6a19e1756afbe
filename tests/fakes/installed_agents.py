"""Agents as they are installed at users' sites: what they send, and what they can read.

The messages are those that unmodified agents were recorded sending, with placeholders: ``@instance``
and the like for ids, ``@offset-30`` for "30 s ago" in the spelling of that dialect.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from backend.clock import Clock

DIALECTS = ("agent_4_0_0", "agent_4_0_0_agent_v2", "agent_3_2_0")
_FOLDER = Path(__file__).resolve().parents[1] / "contract" / "dialects"
_TIME = re.compile(r"@(offset|naive|zulu)-(\d+)")
_GOOD = (200, 201, 202)


@dataclass
class InstalledAgent:
    """One instance that runs an installed agent."""

    dialect: str
    url: str
    token: str
    clock: Clock
    http: requests.Session
    instance_id: str = "i-0aaa"
    logical_agent_id: str = "web-1"
    az: str = "us-east-1a"
    agent_id: str | None = None
    enabled: bool = True
    is_running: bool = True
    answers: list[requests.Response] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        path = _FOLDER / f"{self.dialect}.json"
        self._messages: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))

    def register(self) -> bool:
        """Sign on; without ``agent_id`` in the answer the process ends."""
        answer = self._call("POST", "register", self.body("register"))
        if not answer or "agent_id" not in answer:
            self.is_running = False
            return False
        self.agent_id = answer["agent_id"]
        config = answer.get("config", {})
        self.enabled = config.get("enabled", True)  # null instead of an object ends it too
        return True

    def beat(self) -> bool:
        return self._call("POST", f"{self.agent_id}/heartbeat", self.body("heartbeat")) is not None

    def say_goodbye(self) -> bool:
        """The last message: it names no instance."""
        return self._call("POST", f"{self.agent_id}/heartbeat", self.body("offline")) is not None

    def refresh_config(self) -> None:
        answer = self._call("GET", f"{self.agent_id}/config")
        if answer:
            self.enabled = answer.get("enabled", True)

    def report_prices(self) -> bool:
        return (
            self._call("POST", f"{self.agent_id}/pricing-report", self.body("prices")) is not None
        )

    def report_cleanup(self) -> bool:
        if self._messages["cleanup"] is None:
            return True
        return (
            self._call("POST", f"{self.agent_id}/cleanup-report", self.body("cleanup")) is not None
        )

    def replicas_to_launch(self) -> list[Any]:
        """What the replica worker would launch; only one dialect asks."""
        if not self._messages["polls_replicas"]:
            return []
        answer = self._call("GET", f"{self.agent_id}/replicas?status=launching")
        listed = answer if isinstance(answer, list) else (answer or {}).get("replicas", [])
        return [entry for entry in listed if entry["id"] and entry["pool_id"] and entry["az"]]

    def poll(self) -> dict[str, Any] | None:
        """Ask for commands and return the one that would be executed now, if any."""
        if not self.enabled:
            return None
        answer = self._call("GET", f"{self.agent_id}/pending-commands")
        for command in answer or []:
            if command.get("id") and command.get("target_mode"):
                return dict(command)
        return None

    def successor(self, instance_id: str, az: str) -> "InstalledAgent":
        """The instance that a switch launches: same logical id, its own agent."""
        return InstalledAgent(
            dialect=self.dialect,
            url=self.url,
            token=self.token,
            clock=self.clock,
            http=self.http,
            instance_id=instance_id,
            logical_agent_id=self.logical_agent_id,
            az=az,
        )

    def execute(
        self,
        command: Mapping[str, Any],
        successor: "InstalledAgent",
        *,
        terminates_itself: bool = False,
    ) -> None:
        """Switch as it does: launch, report at the very end, acknowledge after that."""
        body = self.switch_report(command, successor, terminates_itself=terminates_itself)
        self._call("POST", f"{self.agent_id}/switch-report", body)
        self.acknowledge(command)
        if terminates_itself:
            self.is_running = False

    def switch_report(
        self,
        command: Mapping[str, Any],
        successor: "InstalledAgent",
        *,
        terminates_itself: bool = False,
    ) -> dict[str, Any]:
        body = self.body("switch", successor=successor)
        body["trigger"] = "manual" if command.get("priority", 0) >= 50 else "model"
        if terminates_itself:
            at = self._filled(self._messages["terminated_at"], successor)
            body["timing"]["old_instance_terminated_at"] = at
        return body

    def acknowledge(self, command: Mapping[str, Any]) -> bool:
        executed = self._messages["executed"]
        path = executed["path"].replace("@command", command["id"])
        body = {
            name: command["id"] if value == "@command" else value
            for name, value in executed["body"].items()
        }
        return self._call("POST", f"{self.agent_id}/{path}", body) is not None

    def body(self, name: str, successor: "InstalledAgent | None" = None) -> dict[str, Any]:
        """A message of this dialect, filled in for this instance and this moment."""
        filled: dict[str, Any] = self._filled(self._messages[name], successor)
        return filled

    def _filled(self, value: Any, successor: "InstalledAgent | None" = None) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(part, successor) for name, part in value.items()}
        if isinstance(value, list):
            return [self._filled(part, successor) for part in value]
        if not isinstance(value, str) or not value.startswith("@"):
            return value
        time = _TIME.fullmatch(value)
        if time:
            return self._spelled(time[1], int(time[2]))
        names = {
            "@token": self.token,
            "@instance": self.instance_id,
            "@logical": self.logical_agent_id,
            "@az": self.az,
            "@pool": f"m5.large.{self.az}",
            "@successor": successor.instance_id if successor else None,
            "@new_az": successor.az if successor else None,
            "@new_pool": f"m5.large.{successor.az}" if successor else None,
        }
        return names[value]

    def _spelled(self, form: str, seconds_ago: int) -> str:
        at = (self.clock.now() - timedelta(seconds=seconds_ago)).replace(tzinfo=None)
        text = at.isoformat(timespec="microseconds")
        return text + {"offset": "+00:00", "naive": "", "zulu": "Z"}[form]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the parsed answer; None for every failure, whose body is never read."""
        response = self.http.request(
            method,
            f"{self.url}/api/agents/{path}",
            json=body,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            timeout=30,
        )
        self.answers.append(response)
        if response.status_code not in _GOOD:
            return None
        return response.json() if response.text else {}
