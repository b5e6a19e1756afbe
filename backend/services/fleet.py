"""The fleet as its owner sees it: agents with the state of their primary."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.db.database import Database
from backend.db.session import Row, Session
from backend.errors import NotFound
from backend.repositories import agents


@dataclass(frozen=True, slots=True)
class AgentPage:
    """One page of agents; ``total`` counts all pages, ``after`` is None on the last one."""

    rows: Sequence[Row]
    total: int
    after: tuple[str, str] | None


class Fleet:
    """Lists agents. ``client_id`` None means every tenant (operators)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_agents(
        self, client_id: str | None, *, limit: int, after: tuple[str, str] | None
    ) -> AgentPage:
        """Return a page in logical order, not counting deleted agents."""

        def read(session: Session) -> AgentPage:
            rows = agents.list_agents(session, client_id=client_id, after=after, limit=limit + 1)
            total = agents.count_agents(session, client_id=client_id)
            page = rows[:limit]
            more = len(rows) > limit
            cursor = (page[-1]["logical_agent_id"], page[-1]["id"]) if more else None
            return AgentPage(page, total, cursor)

        return self._database.run("list_agents", read)

    def get_agent(self, client_id: str | None, agent_id: str) -> Row:
        """Return one agent, deleted or not.

        Raises:
            NotFound: there is none, or it is another tenant's.
        """
        rows = self._database.run(
            "get_agent",
            lambda s: agents.list_agents(
                s,
                client_id=client_id,
                agent_id=agent_id,
                after=None,
                limit=1,
                include_deleted=True,
            ),
        )
        if not rows:
            raise NotFound("Unknown agent", field="agent_id")
        return rows[0]
