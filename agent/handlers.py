"""Which command is carried out by what."""

from __future__ import annotations

from collections.abc import Mapping

from agent.actions.actor import Handler
from agent.actions.cutover import Cutover
from agent.actions.emergency import Emergency
from agent.actions.ending import Ending
from agent.actions.handover import Handover
from agent.actions.last_image import ImageTaking
from agent.actions.launch import Launcher
from agent.actions.promote import Promotion
from agent.actions.readiness import Readiness
from agent.actions.replica_launch import ReplicaLaunch
from agent.actions.replica_rows import ReplicaRows
from agent.actions.rescue import Rescue
from agent.actions.retire import Retirement
from agent.actions.search import LaunchSearch
from agent.actions.standby import Standby
from agent.actions.switch import Switch
from agent.actions.takeaway import Takeaway
from agent.parts import Parts


def make_handlers(
    parts: Parts, cutover: Cutover, takeaway: Takeaway, rows: ReplicaRows
) -> Mapping[str, Handler]:
    """Wire the actions, and name the command of each."""
    settings, identity, state, clock = parts.settings, parts.identity, parts.state, parts.clock
    search = LaunchSearch(identity, parts.ec2, clock, settings.ec2_poll_interval)
    launcher, ending = _launcher(parts, search), _ending(parts)
    replicas = ReplicaLaunch(identity, state, launcher, rows, clock)
    rescue = Rescue(
        settings=settings,
        identity=identity,
        state=state,
        client=parts.client,
        ec2=parts.ec2,
        replicas=replicas,
        clock=clock,
    )
    standby = Standby(
        settings=settings,
        identity=identity,
        state=state,
        own_host=parts.own_host,
        replicas=replicas,
        search=search,
        ending=ending,
        notices=parts.notices,
        journal=parts.journal,
    )
    emergency = Emergency(
        settings=settings,
        identity=identity,
        state=state,
        journal=parts.journal,
        launcher=launcher,
        own_host=parts.own_host,
        notices=parts.notices,
        plans=parts.plans,
        takeaway=takeaway,
        rows=rows,
        clock=clock,
    )
    return {
        "switch": _switch(parts, launcher, search, ending).steps,
        "retire_instance": Retirement(settings, state, ending).steps,
        "create_replica": standby.steps,
        "promote": Promotion(identity, cutover).steps,
        "verify_primary": rescue.verify_steps,
        "rescue": rescue.rescue_steps,
        "snapshot": ImageTaking(identity, state, parts.images, clock).steps,
        "emergency": emergency.steps,
    }


def _switch(parts: Parts, launcher: Launcher, search: LaunchSearch, ending: Ending) -> Switch:
    settings, identity, state, clock = parts.settings, parts.identity, parts.state, parts.clock
    handover = Handover(
        settings=settings,
        identity=identity,
        state=state,
        ec2=parts.ec2,
        outbox=parts.outbox,
        prices=parts.prices,
        clock=clock,
    )
    return Switch(
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


def _launcher(parts: Parts, search: LaunchSearch) -> Launcher:
    return Launcher(
        identity=parts.identity,
        state=parts.state,
        ec2=parts.ec2,
        journal=parts.journal,
        read_spec=parts.own_host.read,
        search=search,
        clock=parts.clock,
    )


def _ending(parts: Parts) -> Ending:
    return Ending(
        settings=parts.settings,
        identity=parts.identity,
        state=parts.state,
        client=parts.client,
        ec2=parts.ec2,
        outbox=parts.outbox,
        clock=parts.clock,
    )
