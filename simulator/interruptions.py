"""How EC2 takes spot instances back: with warning, with little, or with none."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from simulator.chance import stream
from simulator.region.model import EndCause, Instance
from simulator.region.region import Region

SPARED_CHANCE = 0.06  # of instances in a pool that runs dry: they go together, or nearly


class Style(StrEnum):
    """What an instance is told before it ends."""

    NOTICE_ONLY = "notice-only"
    TOGETHER = "together"  # rebalance recommendation and notice in the same second
    REBALANCE_FIRST = "rebalance-first"
    REBALANCE_ONLY = "rebalance-only"  # a false alarm
    SILENT = "silent"  # death without notice


# Shares after the one public log that counts them.
SHARES: dict[Style, float] = {
    Style.NOTICE_ONLY: 0.37,
    Style.TOGETHER: 0.20,
    Style.REBALANCE_FIRST: 0.38,
    Style.SILENT: 0.05,
}


class Step(StrEnum):
    """One thing that happens to an instance."""

    REBALANCE = "rebalance"
    NOTICE = "notice"
    DEATH = "death"


@dataclass(frozen=True, slots=True, order=True)
class Appointment:
    """A step at an instant."""

    instant: datetime
    instance_id: str
    step: Step


class Interruptions:
    """Plans interruptions and carries them out. The region's lock guards it."""

    def __init__(self, region: Region, seed: int, rebalance_lead: timedelta) -> None:
        """Plan nothing yet.

        Args:
            region: Whose instances end.
            seed: What all chance comes from.
            rebalance_lead: How long before the notice a recommendation comes, at most.
        """
        self._region = region
        self._chance = stream(seed, "interruptions")
        self._lead = rebalance_lead
        self._appointments: list[Appointment] = []
        self._considered: set[str] = set()  # instances whose pool has run dry under them
        self.notice_count = 0

    def order(self, instance_id: str, style: Style) -> datetime | None:
        """Interrupt an instance; return when it will end, None when it will not.

        Raises:
            AwsError: there is no such instance.
        """
        with self._region.lock:
            self._region.get_instance(instance_id)
            self._considered.add(instance_id)
            now = self._region.clock.now()
            plan = self._plan(instance_id, style, now)
            self._appointments += plan
            self.tick(now)
            return max((a.instant for a in plan if a.step is Step.DEATH), default=None)

    def order_many(self, instance_ids: Iterable[str], style: Style) -> None:
        """Interrupt instances at the same instant, all or none.

        Raises:
            AwsError: there is no such instance.
        """
        with self._region.lock:
            wanted = list(dict.fromkeys(instance_ids))
            for instance_id in wanted:
                self._region.get_instance(instance_id)
            now = self._region.clock.now()
            for instance_id in wanted:
                self._considered.add(instance_id)
                self._appointments += self._plan(instance_id, style, now)
            self.tick(now)

    def tick(self, now: datetime) -> None:
        """Do what is due by ``now``. Idempotent."""
        with self._region.lock:
            self._region.market.advance(now)
            for instance in self._region.live():
                if instance.is_spot and not self._is_held(instance, now):
                    self._lose(instance, now)
            due = sorted(a for a in self._appointments if a.instant <= now)
            self._appointments = [a for a in self._appointments if a.instant > now]
            for appointment in due:
                self._keep(appointment)

    def _is_held(self, instance: Instance, now: datetime) -> bool:
        if self._region.market.is_available(instance.pool, now):
            self._considered.discard(instance.instance_id)
            return True
        return instance.instance_id in self._considered

    def _lose(self, instance: Instance, now: datetime) -> None:
        self._considered.add(instance.instance_id)
        if self._chance.random() < SPARED_CHANCE:
            return
        style = self._chance.choices(list(SHARES), list(SHARES.values()))[0]
        self._appointments += self._plan(instance.instance_id, style, now)

    def _plan(self, instance_id: str, style: Style, now: datetime) -> list[Appointment]:
        notice = now
        plan = []
        if style in (Style.TOGETHER, Style.REBALANCE_FIRST, Style.REBALANCE_ONLY):
            plan.append(Appointment(now, instance_id, Step.REBALANCE))
        if style is Style.REBALANCE_FIRST:
            notice = now + self._lead * self._chance.uniform(0.2, 1.0)
        if style in (Style.NOTICE_ONLY, Style.TOGETHER, Style.REBALANCE_FIRST):
            plan.append(Appointment(notice, instance_id, Step.NOTICE))
            end = notice + self._region.durations.notice
            plan.append(Appointment(end, instance_id, Step.DEATH))
        if style is Style.SILENT:
            plan.append(Appointment(now, instance_id, Step.DEATH))
        return plan

    def _keep(self, appointment: Appointment) -> None:
        instance = self._region.instances[appointment.instance_id]
        if not instance.is_live:
            return
        if appointment.step is Step.REBALANCE:
            self._region.recommend_rebalance(instance.instance_id)
        elif appointment.step is Step.NOTICE:
            self._region.give_notice(instance.instance_id)
            self.notice_count += 1
        else:
            self._region.end(instance.instance_id, EndCause.INTERRUPTED)
