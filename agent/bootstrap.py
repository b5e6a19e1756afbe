"""The composition root: parts to a supervisor that is ready to run."""

from __future__ import annotations

import os

from agent.actions.actor import Actor
from agent.actions.cutover import Cutover
from agent.actions.replica_rows import ReplicaRows
from agent.actions.takeaway import Takeaway
from agent.fitness import Fitness
from agent.handlers import make_handlers
from agent.parts import Parts
from agent.service_manager import ServiceManager
from agent.supervisor import Supervisor
from agent.workers.base import Worker
from agent.workers.delivery import DeliveryWorker
from agent.workers.enrolment import EnrolmentWorker
from agent.workers.interruption import InterruptionWorker
from agent.workers.inventory import InventoryWorker
from agent.workers.prices import PriceWorker
from agent.workers.replica import ReplicaWorker
from agent.workers.response import Response
from agent.workers.sync import SyncWorker


def assemble(parts: Parts) -> Supervisor:
    """Wire the parts to workers and actions."""
    cutover = Cutover(parts.settings, parts.addresses, parts.targets, parts.clock)
    takeaway = Takeaway(parts.settings, parts.identity, parts.state, cutover, parts.clock)
    rows = ReplicaRows(parts.client, parts.ec2, parts.clock)
    actor = Actor(
        queue=parts.queue,
        journal=parts.journal,
        outbox=parts.outbox,
        state=parts.state,
        handlers=make_handlers(parts, cutover, takeaway, rows),
        clock=parts.clock,
    )
    settings, state, clock = parts.settings, parts.state, parts.clock
    return Supervisor(
        instance_id=parts.identity.instance_id,
        workers=[*_reporters(parts, actor), *_watchers(parts, actor, takeaway, rows)],
        delivery=DeliveryWorker(settings.sync_interval, state, parts.client, parts.outbox, clock),
        actor=actor,
        queue=parts.queue,
        state=state,
        outbox=parts.outbox,
        client=parts.client,
        counter=parts.counter,
        clock=clock,
        manager=ServiceManager(os.environ),
    )


def _reporters(parts: Parts, actor: Actor) -> list[Worker]:
    """The loops that tell the backend what is, and hear what to do."""
    settings, identity, state, clock = parts.settings, parts.identity, parts.state, parts.clock
    return [
        SyncWorker(
            settings=settings,
            identity=identity,
            state=state,
            client=parts.client,
            journal=parts.journal,
            outbox=parts.outbox,
            actor=actor,
            plans=parts.plans,
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


def _watchers(parts: Parts, actor: Actor, takeaway: Takeaway, rows: ReplicaRows) -> list[Worker]:
    """The loops of the fallback: the watch for interruptions, and life as a replica."""
    settings, identity, state, clock = parts.settings, parts.identity, parts.state, parts.clock
    response = Response(
        identity, state, parts.client, parts.journal, parts.notices, rows, actor, clock
    )
    return [
        InterruptionWorker(
            settings=settings,
            identity=identity,
            imds=parts.imds,
            notices=parts.notices,
            response=response,
            takeaway=takeaway,
            state=state,
            actor=actor,
            clock=clock,
        ),
        ReplicaWorker(
            settings=settings,
            identity=identity,
            state=state,
            client=parts.client,
            imds=parts.imds,
            fitness=Fitness(settings, identity, parts.ec2),
            documents=parts.documents,
            clock=clock,
        ),
    ]
