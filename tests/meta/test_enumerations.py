"""The words that the code knows are the words that the tables permit."""

import importlib
import typing
from enum import EnumType

import pytest

from tests.meta import house

# Constraint of a table -> where the code names the same words: an enumeration, a Literal, or the
# field of a dataclass that has one.
SAME_WORDS = {
    "agents_freeze_ck": "backend.domain.freezing:Frozen",
    "agents_status_ck": "backend.domain.agents:AgentStatus",
    "audit_logs_actor_ck": "backend.services.callers:Actor.kind",
    "client_tokens_scope_ck": "backend.services.callers:Scope",
    "clients_freeze_ck": "backend.domain.freezing:Frozen",
    "commands_mode_ck": "backend.domain.modes:TargetMode",
    "commands_status_ck": "backend.domain.commands:CommandStatus",
    "commands_type_ck": "backend.domain.commands:CommandType",
    "cost_corrections_reason_ck": "backend.domain.ledger_books:CorrectionReason",
    "cost_records_mode_ck": "backend.domain.ledger:CostMode",
    "cost_records_role_ck": "backend.domain.ledger:CostRole",
    "decision_engine_log_action_ck": "decision_engines.contract:Action",
    "decision_engine_log_guard_ck": "backend.services.decision_records:GuardOutcome",
    "decision_engine_log_outcome_ck": "backend.services.decision_records:Outcome",
    "decision_engine_log_source_ck": "backend.engines.host:Source",
    "decision_engine_log_trigger_ck": "backend.services.decisions:Trigger",
    "instances_mode_ck": "backend.domain.modes:Mode",
    "instances_role_ck": "backend.domain.fencing:Role",
    "job_runs_status_ck": "backend.services.job_history:Status",
    "model_predictions_outcome_ck": "backend.services.model_predictions:PredictionOutcome",
    "model_registry_status_ck": "backend.domain.models:ModelStatus",
    "notification_channels_kind_ck": "backend.domain.notification_channels:ChannelKind",
    "notification_channels_severity_ck": "backend.domain.notification_channels:Severity",
    "notification_deliveries_status_ck": "backend.domain.notification_channels:DeliveryStatus",
    "notifications_severity_ck": "backend.domain.notification_channels:Severity",
    "operators_role_ck": "backend.services.callers:Role",
    "pool_cooldowns_reason_ck": "backend.sef.pools:CooldownReason",
    "pool_risk_analysis_recommendation_ck": "backend.sef.risk:Recommendation",
    "pricing_data_gaps_outcome_ck": "backend.sef.gaps:GapOutcome",
    "pricing_data_gaps_status_ck": "backend.sef.gaps:GapStatus",
    "pricing_snapshots_clean_source_ck": "backend.sef.quality:CleanSource",
    "pricing_snapshots_interpolated_method_ck": "backend.sef.quality:FillMethod",
    "risk_scores_action_ck": "decision_engines.contract:Action",
    "risk_scores_outcome_ck": "backend.services.decision_records:RiskOutcome",
    "replica_instances_kind_ck": "backend.domain.replica_orders:ReplicaKind",
    "replica_instances_mode_ck": "backend.domain.modes:TargetMode",
    "replica_instances_status_ck": "backend.domain.replicas:ReplicaStatus",
    "replica_instances_sync_ck": "backend.domain.replica_reports:SyncStatus",
    "spot_interruption_events_finding_ck": "backend.services.findings:InstanceState",
    "spot_interruption_events_signal_ck": "backend.sef.policy:Signal",
    "spot_interruption_events_status_ck": "backend.domain.interruptions:InterruptionStatus",
    "spot_price_snapshots_source_ck": "backend.domain.prices:PriceSource",
    "switches_cause_ck": "backend.domain.switches:SwitchCause",
    "system_events_severity_ck": "backend.domain.notification_channels:Severity",
    "switches_status_ck": "backend.domain.switches:SwitchStatus",
}
# Written as plain words by one repository or service, never read back as a choice.
PLAIN_WORDS = {
    "clients_status_ck",
    "model_registry_format_ck",
    "model_upload_sessions_type_ck",
    "replica_instances_slot_ck",
}


def test_every_constraint_is_accounted_for():
    assert set(house.allowed_values()) == {*SAME_WORDS, *PLAIN_WORDS}


@pytest.mark.parametrize("constraint", SAME_WORDS)
def test_enumeration_equals_its_constraint(constraint: str):
    assert _words(SAME_WORDS[constraint]) == house.allowed_values()[constraint]


def _words(place: str) -> set[str]:
    module, _, name = place.partition(":")
    owner, _, field = name.partition(".")
    found = getattr(importlib.import_module(module), owner)
    if field:
        found = typing.get_type_hints(found)[field]
    return (
        {word.value for word in found} if isinstance(found, EnumType) else {*typing.get_args(found)}
    )
