"""Is this token good? Route 31 of the recorded contract, which installed dashboards ask first.

Public for the guard, because a refusal has its own shape here: ``{"valid": false, "error": ...}``.
"""

from flask import Response, jsonify

from backend.api.blueprints import guarded_blueprint
from backend.api.context import api_request, container
from backend.api.errors import error_body, status_of
from backend.api.guards import PUBLIC, bearer_token
from backend.errors import Forbidden, Unauthenticated
from backend.services.callers import ClientCaller

routes = guarded_blueprint("client_validate", guard=PUBLIC, url_prefix="/api/client", tag="clients")


@routes.get("/validate", summary="Check a client token")
def validate_token() -> Response:
    """Answer the client of a good token; 401 for a bad one, 403 for a suspended client."""
    try:
        caller = _authenticated()
    except (Unauthenticated, Forbidden) as error:
        answer = jsonify(valid=False, **error_body(error.message, error.code))
        answer.status_code = status_of(error)
        return answer
    return jsonify(
        valid=True,
        client_id=caller.client_id,
        name=caller.client_name,
        email=caller.client_email,
        scope=caller.scope.value,
    )


def _authenticated() -> ClientCaller:
    token = bearer_token(api_request())
    if not token:
        raise Unauthenticated("The token is missing")
    return container().tokens.authenticate(token)
