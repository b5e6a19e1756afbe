"""``/health``: alive, ready, and the parts. For load balancers, so without credentials."""

from typing import Any

from flask import Response, jsonify

from backend.api.blueprints import guarded_blueprint
from backend.api.context import container
from backend.api.guards import PUBLIC

routes = guarded_blueprint("health", guard=PUBLIC, url_prefix="/health")

NOT_READY = 503


@routes.get("", summary="Health with all parts; 503 when not ready")
def show_health() -> Response:
    """Answer the shape that installed scripts read, and the parts."""
    found = container().health.check()
    database = found.parts["database"]
    body: dict[str, Any] = {
        "status": "healthy" if found.is_ready else "unhealthy",
        "timestamp": found.at,
        "database": "connected" if database.is_ok else "disconnected",
        "decision_engine_loaded": container().deciding.host.is_loaded,
        "live": True,
        "ready": found.is_ready,
        "parts": found.as_dict(),
    }
    if not database.is_ok:
        body["error"] = "The database cannot be reached"
    answer = jsonify(body)
    answer.status_code = 200 if found.is_ready else NOT_READY
    return answer


@routes.get("/live", summary="This process answers")
def show_live() -> dict[str, bool]:
    """Answer without touching anything else."""
    return {"live": True}


@routes.get("/ready", summary="This node should get traffic")
def show_ready() -> Response:
    """Answer 200 or 503."""
    is_ready = container().health.check().is_ready
    answer = jsonify(ready=is_ready)
    answer.status_code = 200 if is_ready else NOT_READY
    return answer
