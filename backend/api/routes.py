"""The list of blueprints: one line for each, in the order of the documentation."""

from backend.api import auth, health, metrics, notifications, search
from backend.api.admin import api_keys, clients, exports, fleet_views, operators, overview
from backend.api.agent import fleet, lifecycle, takeover, work
from backend.api.blueprints import GuardedBlueprint
from backend.api.client import agent_settings, instance_views, instances, validate, views


def blueprints() -> list[GuardedBlueprint]:
    """Return every blueprint of the API."""
    return [
        lifecycle.routes,
        work.routes,
        takeover.routes,
        fleet.routes,
        instances.routes,
        instance_views.routes,
        agent_settings.routes,
        validate.routes,
        views.routes,
        notifications.routes,
        search.routes,
        clients.routes,
        operators.routes,
        api_keys.routes,
        overview.routes,
        fleet_views.routes,
        exports.routes,
        auth.routes,
        health.routes,
        metrics.routes,
    ]
