"""Replicas: what launchers and replicas report, what their owners order.

Installed agents cannot read the body of an error: for them an expected refusal is 200 with
``success`` false. A caller with the header ``X-Instance-Id`` is an agent of ours and gets 4xx.
"""

from collections.abc import Callable
from typing import Any

from backend.api.agent.replica_schemas import (
    OUR_TAGS,
    BindReplicaBody,
    CreateReplicaBody,
    PromoteBody,
    ReplicaPath,
    ReplicasQuery,
    ReplicaStatusBody,
    SyncStatusBody,
)
from backend.api.agent.schemas import AgentPath
from backend.api.agent.senders import sender
from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import ClientCaller, actor, caller, client_id, container, tenant
from backend.api.guards import (
    AGENT,
    CLIENT_ANY_OR_ACTING,
    CLIENT_ANY_OR_OPERATOR,
    CLIENT_USER_OR_OPERATOR,
)
from backend.api.replica_views import replica_to_wire
from backend.domain.replicas import ReplicaStatus
from backend.errors import Conflict, Forbidden, InvalidRequest, NotFound
from backend.services.callers import Scope
from backend.services.replica_lists import ReplicaFilter
from backend.services.replica_requests import Launched, ReplicaWish
from backend.services.replicas import Launch, StatusReport, SyncReport

routes = guarded_blueprint("agent_replicas", guard=AGENT, url_prefix="/api/agents", tag="replicas")


@routes.get("/<agent_id>/replicas", summary="Replicas of the agent")
@guarded_by(CLIENT_ANY_OR_OPERATOR)
def list_replicas(path: AgentPath, query: ReplicasQuery) -> dict[str, Any]:
    """Answer the agent's replicas, newest first.

    With ``status=launching`` from an installed agent: the orders that it is to launch now. It gets
    each of them once.
    """
    services, now = container(), container().clock.now()
    if query.status is ReplicaStatus.LAUNCHING and _may_be_installed_agent():
        rows = services.replica_lists.hand_out(client_id(), path.agent_id)
    else:
        wanted = ReplicaFilter(status=query.status, include_ended=query.include_terminated)
        rows = services.replica_lists.list_of_agent(tenant(), path.agent_id, wanted)
    return {"replicas": [replica_to_wire(row, now) for row in rows], "total": len(rows)}


def _may_be_installed_agent() -> bool:
    found = caller()
    return (
        isinstance(found, ClientCaller)
        and found.scope in (Scope.AGENT, Scope.BOTH)
        and not sender().is_native
    )


@routes.post("/<agent_id>/replicas", summary="Order a replica")
@guarded_by(CLIENT_ANY_OR_ACTING)
def create_replica(path: AgentPath, body: CreateReplicaBody) -> dict[str, Any]:
    """Order a replica; with ``instance_id``: bind an instance that an installed agent launched."""
    if body.instance_id is not None:
        return _adopt(path.agent_id, body)
    requested = container().replica_requests.request(
        tenant(),
        path.agent_id,
        ReplicaWish(
            pool_id=body.pool_id,
            exclude_zones=frozenset(body.exclude_zones or ()),
            max_hourly_cost=body.max_hourly_cost,
            tags=_user_tags(body),
            created_by=body.created_by or actor().name,
            actor=actor(),
        ),
    )
    pool = requested.pool
    return {
        "success": True,
        "replica_id": requested.replica_id,
        "instance_id": f"replica-{requested.replica_id[:8]}",
        "pool": {
            "id": str(pool),
            "name": str(pool),
            "instance_type": pool.instance_type,
            "region": requested.region,
            "az": pool.az,
        },
        "hourly_cost": None if requested.price is None else float(requested.price),
        "status": ReplicaStatus.LAUNCHING,
        "message": "Replica ordered",
    }


def _user_tags(body: CreateReplicaBody) -> dict[str, str]:
    tags = body.tags or {}
    reserved = [name for name in tags if name in OUR_TAGS or name.lower().startswith("aws:")]
    if reserved:
        raise InvalidRequest(f"The tag {reserved[0]} is reserved", field=f"tags.{reserved[0]}")
    return tags


def _adopt(agent_id: str, body: CreateReplicaBody) -> dict[str, Any]:
    launched = Launched(
        instance_id=body.instance_id or "",
        pool_id=body.pool_id,
        is_ready=body.status == ReplicaStatus.READY,
    )
    replica_id = container().replica_requests.adopt(client_id(), agent_id, launched)
    if replica_id is None:
        refusal = "No order for a replica is open: this instance belongs to nothing"
        if sender().is_native:
            raise Conflict(refusal, field="instance_id")
        return {"success": False, "error": refusal, "code": "conflict"}
    return {
        "success": True,
        "replica_id": replica_id,
        "instance_id": launched.instance_id,
        "status": ReplicaStatus.SYNCING,
        "message": "Replica adopted",
    }


@routes.post("/<agent_id>/replicas/<replica_id>/promote", summary="Make a replica the primary")
@guarded_by(CLIENT_USER_OR_OPERATOR)
def promote_replica(path: ReplicaPath, body: PromoteBody) -> dict[str, Any]:  # noqa: ARG001 - documented, and changes nothing
    """Promote a replica that is ready or syncing; a repeat is answered again."""
    promoted, at = container().replica_decisions.promote(
        tenant(), path.agent_id, path.replica_id, actor()
    )
    return {
        "success": True,
        "message": f"{promoted.new_instance_id} is the primary now",
        "new_instance_id": promoted.new_instance_id,
        "old_instance_id": promoted.old_instance_id,
        "demoted": True,
        "switch_id": promoted.switch_id,
        "epoch": promoted.epoch,
        "switch_time": at,
    }


@routes.delete("/<agent_id>/replicas/<replica_id>", summary="End a replica")
@guarded_by(CLIENT_USER_OR_OPERATOR)
def delete_replica(path: ReplicaPath) -> dict[str, Any]:
    """Retire a replica: its launch is called off, or its instance is ended by the primary."""
    ended = container().replica_decisions.retire(tenant(), path.agent_id, path.replica_id, actor())
    return {
        "success": True,
        "message": "Replica ended",
        "replica_id": ended.replica_id,
        "state": ended.status,
        "terminated_at": ended.at,
    }


@routes.put("/<agent_id>/replicas/<replica_id>", summary="Which instance a replica is")
def bind_replica(path: ReplicaPath, body: BindReplicaBody) -> dict[str, Any]:
    """Bind the instance that was launched for a replica; repeatable."""

    def bind() -> dict[str, Any]:
        row = container().replicas.bind(
            client_id(),
            path.agent_id,
            path.replica_id,
            Launch(
                instance_id=body.instance_id,
                status=ReplicaStatus(body.status),
                pool_id=body.pool_id,
                mode=body.mode,
                launched_at=body.launched_at,
            ),
        )
        return {
            "success": True,
            "replica_id": row["id"],
            "instance_id": row["instance_id"],
            "status": row["status"],
        }

    return _readable(bind)


@routes.post("/<agent_id>/replicas/<replica_id>/status", summary="How a replica stands")
def report_status(path: ReplicaPath, body: ReplicaStatusBody) -> dict[str, Any]:
    """Move a replica forward; repeatable."""

    def report() -> dict[str, Any]:
        row = container().replicas.report_status(
            client_id(),
            path.agent_id,
            path.replica_id,
            StatusReport(
                status=ReplicaStatus(body.status),
                sender=sender(),
                error_message=body.error_message,
                failed_pools=tuple(body.failed_pools or ()),
            ),
        )
        return {"success": True, "replica_id": row["id"], "status": row["status"]}

    return _readable(report)


@routes.post("/<agent_id>/replicas/<replica_id>/sync-status", summary="How far its data have come")
def report_sync_status(path: ReplicaPath, body: SyncStatusBody) -> dict[str, Any]:
    """Note progress; repeatable."""
    said = (body.sync_status, body.sync_latency_ms, body.state_transfer_progress, body.status)
    if all(value is None for value in said):
        raise InvalidRequest(
            "Nothing to update: say sync_status, sync_latency_ms, state_transfer_progress or status"
        )

    def report() -> dict[str, Any]:
        row = container().replicas.report_sync(
            client_id(),
            path.agent_id,
            path.replica_id,
            SyncReport(
                sender=sender(),
                sync_status=body.sync_status,
                latency_ms=body.sync_latency_ms,
                progress_percent=body.state_transfer_progress,
                status=ReplicaStatus(body.status) if body.status else None,
            ),
        )
        return {"success": True, "message": "Sync status noted", "status": row["status"]}

    return _readable(report)


def _readable(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Answer an expected refusal as an installed agent can read it."""
    try:
        return work()
    except (Conflict, Forbidden, NotFound) as error:
        if sender().is_native or (
            isinstance(error, NotFound) and error.facts.get("field") == "agent_id"
        ):
            raise
        return {"success": False, "error": error.message, "code": error.code}
