"""The list of blueprints: one line for each, in the order of the documentation."""

from backend.api import auth, health, metrics
from backend.api.admin import api_keys, clients, models, operators
from backend.api.agent import fleet, lifecycle, takeover, work
from backend.api.blueprints import GuardedBlueprint
from backend.api.client import instances, validate


def blueprints() -> list[GuardedBlueprint]:
    """Return every blueprint of the API."""
    return [
        lifecycle.routes,
        work.routes,
        takeover.routes,
        fleet.routes,
        instances.routes,
        validate.routes,
        clients.routes,
        operators.routes,
        api_keys.routes,
        models.routes,
        auth.routes,
        health.routes,
        metrics.routes,
    ]
