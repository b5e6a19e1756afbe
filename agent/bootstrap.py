"""The composition root: parts to a supervisor that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping

from agent.actions.actor import Actor, Handler
from agent.actions.ending import Ending
from agent.actions.handover import Handover
from agent.actions.launch import Launcher
from agent.actions.readiness import Readiness
from agent.actions.retire import Retirement
from agent.actions.search import LaunchSearch
from agent.actions.switch import Switch
from agent.parts import Parts
from agent.supervisor import Supervisor
from agent.workers.delivery import DeliveryWorker
from agent.workers.enrolment import EnrolmentWorker
from agent.workers.inventory import InventoryWorker
from agent.workers.prices import PriceWorker
from agent.workers.sync import SyncWorker


def assemble(parts: Parts) -> Supervisor:
    """Wire the parts to workers and actions."""
    actor = Actor(
        queue=parts.queue,
        journal=parts.journal,
        outbox=parts.outbox,
        state=parts.state,
        handlers=_handlers(parts),
        clock=parts.clock,
    )
    settings, identity, state, clock = parts.settings, parts.identity, parts.state, parts.clock
    workers = [
        SyncWorker(
            settings=settings,
            identity=identity,
            state=state,
            client=parts.client,
            journal=parts.journal,
            outbox=parts.outbox,
            actor=actor,
            counter=parts.counter,
            clock=clock,
        ),
        PriceWorker(
            settings.pricing_report_interval, identity, state, parts.prices, parts.outbox, clock
        ),
        InventoryWorker(
            settings.inventory_interval, identity, state, parts.client, parts.ec2, clock
        ),
        EnrolmentWorker(
            settings=settings,
            identity=identity,
            state=state,
            client=parts.client,
            ec2=parts.ec2,
            own_host=parts.own_host,
            clock=clock,
        ),
    ]
    return Supervisor(
        instance_id=identity.instance_id,
        workers=workers,
        delivery=DeliveryWorker(settings.sync_interval, state, parts.client, parts.outbox, clock),
        actor=actor,
        queue=parts.queue,
        state=state,
        outbox=parts.outbox,
        client=parts.client,
        counter=parts.counter,
        clock=clock,
    )


def _handlers(parts: Parts) -> Mapping[str, Handler]:
    """Which command is carried out by what."""
    settings, identity, state, clock = parts.settings, parts.identity, parts.state, parts.clock
    ending = Ending(
        settings=settings,
        identity=identity,
        state=state,
        client=parts.client,
        ec2=parts.ec2,
        outbox=parts.outbox,
        clock=clock,
    )
    search = LaunchSearch(identity, parts.ec2, clock, settings.ec2_poll_interval)
    launcher = Launcher(
        identity=identity,
        state=state,
        ec2=parts.ec2,
        journal=parts.journal,
        read_spec=parts.own_host.read,
        search=search,
        clock=clock,
    )
    handover = Handover(
        settings=settings,
        identity=identity,
        state=state,
        ec2=parts.ec2,
        outbox=parts.outbox,
        prices=parts.prices,
        clock=clock,
    )
    switch = Switch(
        identity=identity,
        state=state,
        client=parts.client,
        launcher=launcher,
        search=search,
        readiness=Readiness(settings, parts.ec2, clock),
        handover=handover,
        ending=ending,
        clock=clock,
    )
    retirement = Retirement(settings, state, ending)
    return {"switch": switch.steps, "retire_instance": retirement.steps}
