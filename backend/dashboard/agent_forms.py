"""What the forms of an agent's page do. Each returns the word for what was done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from backend.api.admin.fallback import RehearseBody
from backend.api.client.agent_settings import SettingsBody
from backend.api.context import actor, container
from backend.api.errors import invalid_request
from backend.domain.agent_settings import SettingsWish
from backend.domain.commands import Priority
from backend.domain.modes import Mode
from backend.errors import InvalidRequest
from backend.services.rehearsals import Rehearsal
from backend.services.replica_requests import ReplicaWish
from backend.services.switch_requests import SwitchRequest

Form = Mapping[str, str]
ONDEMAND: Final = "ondemand"  # the choice beside the pools
LONGEST_REASON: Final = 255  # characters, as the column

# The address of the page carries the word; only these sentences can appear.
SAID: Final = {
    "switch_ordered": "The switch is ordered. It appears below, step by step.",
    "there_already": "The agent runs there already; nothing was ordered.",
    "promoted": "The replica is the primary now.",
    "replica_ordered": "The replica is ordered. It appears below as soon as it is launched.",
    "replica_ended": "The replica is being ended.",
    "paused": "The agent is paused: it reports, and nothing moves it.",
    "resumed": "The agent is resumed.",
    "settings_saved": "The settings are saved. What holds now is shown below.",
    "settings_same": "Nothing differed from what held already.",
    "deleted": "The agent is deleted. Its instances keep running.",
}
FLAGS: Final = (
    "auto_switch_enabled",
    "manual_replica_enabled",
    "auto_terminate_enabled",
    "replica_enabled",
)
NUMBERS: Final = (
    "terminate_wait_seconds",
    "replica_count",
    "min_savings_percent",
    "risk_threshold",
    "max_switches_per_day",
    "max_switches_per_week",
    "min_pool_duration_hours",
)


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence that only this answer can tell."""

    sentence: str


def order_switch(agent_id: str, form: Form) -> str:
    """Order a switch, whether or not the agent may switch by itself."""
    target = form.get("target", "")
    if not target:
        raise InvalidRequest("Choose where to switch to", field="target")
    reason = form.get("reason", "").strip()
    if len(reason) > LONGEST_REASON:
        raise InvalidRequest(f"The reason may have {LONGEST_REASON} characters", field="reason")
    is_ondemand = target == ONDEMAND
    order = container().switch_requests.request(
        None,
        agent_id,
        SwitchRequest(
            target_mode=Mode.ONDEMAND if is_ondemand else Mode.SPOT,
            pool_id=None if is_ondemand else target,
            allow_ondemand="allow_ondemand" in form,
            priority=Priority.MANUAL,
            reason=reason or None,
            requested_by=actor().name,
            actor=actor(),
            idempotency_key=form.get("key", "")[:128] or None,
        ),
    )
    return "there_already" if order.command_id is None else "switch_ordered"


def promote_replica(agent_id: str, form: Form) -> str:
    """Make a replica the primary."""
    container().replica_decisions.promote(None, agent_id, form.get("replica_id", ""), actor())
    return "promoted"


def order_replica(agent_id: str, form: Form) -> str:
    """Order a replica in a pool, or in the one that ranks first."""
    wish = ReplicaWish(pool_id=form.get("pool_id") or None, created_by=actor().name, actor=actor())
    container().replica_requests.request(None, agent_id, wish)
    return "replica_ordered"


def end_replica(agent_id: str, form: Form) -> str:
    """End a replica."""
    container().replica_decisions.retire(None, agent_id, form.get("replica_id", ""), actor())
    return "replica_ended"


def pause(agent_id: str, _form: Form) -> str:
    """Let nothing move the agent."""
    _set(agent_id, SettingsWish(enabled=False))
    return "paused"


def resume(agent_id: str, _form: Form) -> str:
    """Let the agent be moved again."""
    _set(agent_id, SettingsWish(enabled=True))
    return "resumed"


def rehearse(agent_id: str, form: Form) -> Told:
    """Rehearse an interruption, and tell what would happen."""
    try:
        body = RehearseBody.model_validate(
            {
                "signal": form.get("signal") or "termination-notice",
                "with_replica": "with_replica" in form,
                "execute": "execute" in form,
            }
        )
    except ValidationError as error:
        raise invalid_request(error, RehearseBody) from None
    if body.execute:
        _require_name(agent_id, form)
    wanted = Rehearsal(signal=body.signal, with_replica=body.with_replica, is_executed=body.execute)
    outcome = container().rehearsals.rehearse(agent_id, wanted, actor())
    sentence = f"Rehearsed. What would happen: {outcome['would']}."
    done = outcome["executed"]
    if done:
        sentence += f" Really done: {done['action']} (replica {done['replica_id']})."
    return Told(sentence)


def save_settings(agent_id: str, form: Form) -> str:
    """Save the settings that the form shows, unless somebody else changed them meanwhile."""
    values: dict[str, Any] = {name: name in form for name in FLAGS}
    for name in NUMBERS:
        text = form.get(name, "").strip()
        if not text:
            raise InvalidRequest(f"{name.replace('_', ' ')} needs a number", field=name)
        values[name] = text
    values["version"] = form.get("version", "")
    try:
        body = SettingsBody.model_validate(values)
    except ValidationError as error:
        raise invalid_request(error, SettingsBody) from None
    after = _set(agent_id, body.wish(), expected_version=body.version)
    return "settings_same" if after.version == body.version else "settings_saved"


def delete(agent_id: str, form: Form) -> str:
    """Delete the agent, once its name was typed."""
    _require_name(agent_id, form)
    container().operating.agent_deletion.delete(None, agent_id, actor())
    return "deleted"


ACTIONS: Final[Mapping[str, Callable[[str, Form], str | Told]]] = {
    "switch": order_switch,
    "promote": promote_replica,
    "replica": order_replica,
    "end-replica": end_replica,
    "pause": pause,
    "resume": resume,
    "rehearse": rehearse,
    "settings": save_settings,
    "delete": delete,
}


def _set(agent_id: str, wish: SettingsWish, *, expected_version: int | None = None) -> Any:
    return container().operating.agent_settings.update(
        None, agent_id, wish, actor(), expected_version=expected_version
    )


def _require_name(agent_id: str, form: Form) -> None:
    name = str(container().fleet.get_agent(None, agent_id)["logical_agent_id"])
    if form.get("name", "").strip() != name.strip():
        raise InvalidRequest("Type the agent's name to confirm", field="name")
