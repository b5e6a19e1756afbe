"""Instances for people: lists with filters, the facts of one, and what happened to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.errors import NotFound
from backend.repositories import instance_lists
from backend.repositories.instance_lists import InstanceFilter
from backend.repositories.search import like_pattern
from backend.services.agent_lists import Listed
from backend.services.instance_lookup import find_owner
from backend.services.savings import Saved, Savings

WEEK = timedelta(days=7)
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceWish:
    """Which instances are asked for; None passes over a filter."""

    is_active: bool | None = None
    mode: str | None = None
    region: str | None = None
    search: str | None = None
    search_names: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFigures:
    """The facts of one instance at a moment."""

    instance: Row
    switches: Row
    saved: Saved
    at: datetime


class InstanceLists:
    """Reads instances. ``client_id`` None means every tenant (operators). Thread-safe."""

    def __init__(self, database: Database, clock: Clock, savings: Savings) -> None:
        self._database = database
        self._clock = clock
        self._savings = savings

    def page(self, client_id: str | None, wish: InstanceWish, *, limit: int, offset: int) -> Listed:
        """Return a page of instances, the youngest first."""
        wanted = InstanceFilter(
            client_id=client_id,
            is_active=wish.is_active,
            mode=wish.mode,
            region=wish.region,
            pattern=like_pattern(wish.search) if wish.search else None,
            search_names=wish.search_names,
        )
        return self._database.run(
            "list_instances",
            lambda s: Listed(
                instance_lists.list_instances(s, wanted, limit=limit, offset=offset),
                instance_lists.count_instances(s, wanted),
            ),
        )

    def figures(self, client_id: str | None, instance_id: str) -> InstanceFigures:
        """Return the facts of one instance.

        Raises:
            NotFound: it is nobody's, or another tenant's.
            Conflict: several tenants claim it.
        """
        now = self._clock.now()

        def read(session: Session) -> tuple[Row, Row]:
            owner = find_owner(session, client_id, instance_id)
            found = instance_lists.find_instance(session, owner["agent_id"], instance_id)
            if found is None:
                raise NotFound("Unknown instance", field="instance_id")
            switches = instance_lists.count_switches_to(
                session,
                owner["agent_id"],
                instance_id,
                since_week=now - WEEK,
                since_month=now - MONTH,
            )
            return found, switches

        instance, switches = self._database.run("read_instance_figures", read)
        saved = self._savings.of(
            instance["client_id"], agent_id=instance["agent_id"], instance_id=instance_id
        )
        return InstanceFigures(instance=instance, switches=switches, saved=saved, at=now)

    def events(self, client_id: str | None, instance_id: str, *, limit: int) -> list[Row]:
        """Return what happened to one instance, newest first.

        Raises:
            NotFound: it is nobody's, or another tenant's.
            Conflict: several tenants claim it.
        """

        def read(session: Session) -> list[Row]:
            owner = find_owner(session, client_id, instance_id)
            return instance_lists.list_events(
                session,
                client_id=owner["client_id"],
                agent_id=owner["agent_id"],
                instance_id=instance_id,
                limit=limit,
            )

        return self._database.run("list_instance_events", read)
