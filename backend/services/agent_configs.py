"""The settings of an agent as they are served."""

from dataclasses import replace

from backend.db.database import Database
from backend.domain.agent_config import AgentConfig, config_from
from backend.errors import NotFound
from backend.repositories import agents


class AgentConfigs:
    """Reads agents' settings. One round trip a call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, client_id: str, agent_id: str, instance_id: str | None) -> AgentConfig:
        """Return the settings as they hold for the asking instance.

        A deleted agent and a superseded instance are told to be idle (``enabled`` false).

        Raises:
            NotFound: the client has no such agent.
        """
        row = self._database.run(
            "find_agent_config",
            lambda s: agents.find_agent_config(s, client_id, agent_id, instance_id),
        )
        if row is None:
            raise NotFound("Unknown agent", field="agent_id")
        is_idle = row["status"] == "deleted" or row["role"] in ("superseded", "terminated")
        config = config_from(row)
        return replace(config, enabled=False) if is_idle else config
