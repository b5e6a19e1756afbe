"""The list of blueprints: one line for each, in the order of the documentation."""

from backend.api import auth, health, metrics, notifications, search
from backend.api.admin import (
    api_keys,
    clients,
    exports,
    fallback,
    fleet_views,
    models,
    operators,
    overview,
)
from backend.api.admin import savings as admin_savings
from backend.api.agent import decisions, emergency, fleet, lifecycle, replicas, takeover, work
from backend.api.blueprints import GuardedBlueprint
from backend.api.client import (
    agent_settings,
    instance_views,
    instances,
    savings,
    validate,
    views,
)
from backend.api.client import decisions as client_decisions
from backend.api.client import replicas as client_replicas


def blueprints() -> list[GuardedBlueprint]:
    """Return every blueprint of the API."""
    return [
        lifecycle.routes,
        work.routes,
        takeover.routes,
        replicas.routes,
        emergency.routes,
        fleet.routes,
        decisions.routes,
        decisions.limit_routes,
        client_decisions.routes,
        instances.routes,
        client_replicas.routes,
        instance_views.routes,
        agent_settings.routes,
        validate.routes,
        views.routes,
        savings.routes,
        notifications.routes,
        search.routes,
        clients.routes,
        operators.routes,
        fallback.routes,
        api_keys.routes,
        overview.routes,
        admin_savings.routes,
        fleet_views.routes,
        exports.routes,
        models.routes,
        auth.routes,
        health.routes,
        metrics.routes,
    ]
