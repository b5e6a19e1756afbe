"""Every field that the two installed dashboards read is there, by name and by kind."""

from typing import Any

import pytest

from tests.contract.dashboards import Story, is_number, make_story, operator_headers
from tests.contract.serving import World

# Path of a call -> what its page reads there. ``[]`` is each entry of a list, of which there has to
# be one; ``#`` ends the name of a number that the page formats, ``?`` of a value that may be null.
CAMEL = {
    "admin/clients": "[].id [].name [].status [].instances# [].agentsOnline# [].agentsTotal#"
    " [].totalSavings#",
    "admin/stats": "totalAccounts# agentsOnline# agentsTotal# poolsCovered# totalSavings#"
    " totalSwitches# modelSwitches# manualSwitches#",
    "admin/system-health": "decisionEngineStatus.loaded decisionEngineStatus.type?"
    " decisionEngineStatus.version? modelStatus.loaded modelStatus.filesUploaded#"
    " modelStatus.activeModels",
    "admin/activity": "[].id# [].type [].text [].time",
    "admin/clients/growth": "[].date [].count# [].total#",
    "admin/agents": "agents[].id agents[].clientName agents[].status agents[].hostname?"
    " agents[].instanceId agents[].lastHeartbeatAt agents[].version?",
    "admin/agents?shape=array": "[].lastHeartbeat [].agentVersion? [].instanceCount#",
    "admin/instances": "instances[].id instances[].clientName instances[].instanceType"
    " instances[].region instances[].currentMode instances[].spotPrice? instances[].ondemandPrice?",
    "admin/instances?shape=array": "[].type [].mode [].onDemandPrice?",
    "notifications?limit=50": "[].id# [].message [].severity [].isRead [].time",
    "search?q=alpha": "clients[].id clients[].name clients[].status",
    "search?q=i-0b": "instances[].id instances[].name instances[].client",
    "client/@client": "name totalSavings# status instances# agentsOnline# agentsTotal#",
    "client/@client/switch-history": "[].id [].timestamp [].instanceId [].fromMode [].toMode"
    " [].trigger [].savingsImpact# [].fromPool [].toPool [].price#",
    "client/@client/agents": "[].id [].status [].lastHeartbeat [].instanceCount# [].enabled"
    " [].autoSwitchEnabled [].manualReplicaEnabled [].autoTerminateEnabled [].terminateWaitMinutes#"
    " [].auto_switch_enabled [].auto_terminate_enabled",
    "client/@client/agents/history": "[].id [].logicalAgentId [].status [].instanceId"
    " [].instanceType [].region [].az [].createdAt [].lastHeartbeat [].terminatedAt?"
    " [].autoSwitchEnabled [].manualReplicaEnabled",
    "client/@client/agents/decisions": "[].agentId [].agentName [].status [].lastDecision.type?"
    " [].lastDecision.elapsed? [].pricingHealth.status [].pricingHealth.recentReportsCount#"
    " [].pricingHealth.recentReports",
    "client/@client/instances": "[].id [].type [].az [].mode [].poolId [].spotPrice#"
    " [].onDemandPrice# [].lastSwitch?",
    "client/instances/i-0bbb/pricing": "currentMode currentPool.id onDemand.price# pools[].id"
    " pools[].price# pools[].savings#",
    "client/instances/i-0bbb/metrics": "uptimeHours# totalSwitches# switchesLast7Days#"
    " totalSavings# savingsLast30Days# spotPrice# onDemandPrice#",
    "client/instances/i-0bbb/available-options": "pools[].id instanceTypes availablePools"
    " availableTypes",
    "client/instances/i-0bbb/price-history?days=7&interval=hour": "data[].time data[].onDemand?"
    " pools[].id pools[].key pools[].name pools[].az",
}
SNAKE = {
    "client/validate": "client_id name",
    "client/@client": "total_agents# online_agents# active_instances# spot_instances#"
    " total_switches# switches_today# total_savings# monthly_savings# recent_switches[].id"
    " recent_switches[].old_instance_id recent_switches[].new_instance_id"
    " recent_switches[].old_mode recent_switches[].new_mode recent_switches[].savings_impact#"
    " recent_switches[].initiated_at active_agents[].id active_agents[].status"
    " active_agents[].hostname? active_agents[].instance_id active_agents[].instance_type"
    " active_agents[].region active_agents[].current_mode",
    "client/@client/agents": "agents[].id agents[].hostname? agents[].logical_agent_id"
    " agents[].instance_id agents[].instance_type agents[].az agents[].current_mode"
    " agents[].status agents[].last_heartbeat_at agents[].enabled agents[].auto_switch_enabled"
    " agents[].auto_terminate_enabled agents[].manual_replica_enabled agents[].replica_count#",
    "agents/@agent": "id status",
    "client/@client/instances": "instances[].id instances[].instance_type instances[].region"
    " instances[].az instances[].current_mode instances[].spot_price# instances[].ondemand_price#"
    " instances[].is_active",
    "client/@client/switches": "switches[].id switches[].initiated_at switches[].old_instance_id"
    " switches[].old_mode switches[].old_az switches[].new_instance_id switches[].new_mode"
    " switches[].new_az switches[].trigger_type switches[].savings_impact#",
}


@pytest.fixture
def story(world: World) -> Story:
    return make_story(world)


def test_operators_dashboard_finds_every_field_that_it_reads(story: Story):
    _check(story, CAMEL, operator_headers(story.world))


def test_clients_dashboard_finds_every_field_that_it_reads(story: Story):
    _check(story, SNAKE, {"Authorization": f"Bearer {story.world.alpha.token}"})


def _check(story: Story, calls: dict[str, str], headers: dict[str, str]) -> None:
    for call, fields in calls.items():
        path = call.replace("@client", story.world.alpha.client_id)
        answer = story.read(path.replace("@agent", story.agent_id), headers=headers)
        for name in fields.split():
            values = _values(answer, name.rstrip("#?"))
            assert values, f"{call}: {name}: nothing to look at"
            for value in values:
                assert value is not None or name.endswith("?"), f"{call}: {name} is null"
                assert is_number(value) or not name.endswith("#"), f"{call}: {name}: {value}"


def _values(answer: Any, name: str) -> list[Any]:
    """Return every value that a name like ``agents[].id`` stands for. KeyError: it is not there."""
    found = [answer]
    for part in name.split("."):
        key, brackets, _ = part.partition("[]")
        found = [value[key] if key else value for value in found]
        if brackets:
            found = [entry for value in found for entry in value]
    return found
