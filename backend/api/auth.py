"""Signing in and out with JSON, and who am I."""

from typing import Any

from flask import Response, jsonify
from pydantic import SecretStr

from backend.api.admin.fields import AdminBody
from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import api_request, container, operator_caller
from backend.api.guards import OPERATOR_VIEW, PUBLIC, SESSION_COOKIE
from backend.api.origin import refuse_cross_site
from backend.api.session_cookie import clear_session_cookie, set_session_cookie
from backend.errors import UnsupportedMediaType
from backend.services.callers import OperatorCaller

routes = guarded_blueprint("auth", guard=OPERATOR_VIEW, url_prefix="/api/auth", tag="signing in")


class LoginBody(AdminBody):
    """Name and password."""

    username: str
    password: SecretStr


@routes.post("/login", summary="Open a session; sets the cookie")
@guarded_by(PUBLIC)
def login(body: LoginBody) -> Response:
    """Answer the operator.

    Raises:
        Unauthenticated: wrong name or password.
        LimitReached: too many failures.
        Forbidden: another site's page sent this.
    """
    request = api_request()
    refuse_cross_site(request)
    if not request.has_json_type():
        raise UnsupportedMediaType("Signing in needs Content-Type: application/json")
    signed_in = container().sign_in.sign_in(
        body.username,
        body.password.get_secret_value(),
        address=request.remote_addr,
        user_agent=request.headers.get("User-Agent"),
    )
    answer = jsonify(success=True, operator=_shown(signed_in.operator))
    set_session_cookie(answer, signed_in)
    return answer


@routes.post("/logout", summary="End the session")
def logout() -> Response:
    """End the session of the cookie; a call with an API key ends nothing."""
    token = api_request().cookies.get(SESSION_COOKIE)
    if token and operator_caller().via == "session":
        container().sign_in.sign_out(token)
    answer = jsonify(success=True)
    clear_session_cookie(answer)
    return answer


@routes.get("/me", summary="Who am I")
def show_me() -> dict[str, Any]:
    """Answer the operator who calls."""
    return {"operator": _shown(operator_caller())}


def _shown(operator: OperatorCaller) -> dict[str, Any]:
    return {
        "id": operator.operator_id,
        "username": operator.username,
        "role": operator.role.value,
        "via": operator.via,
    }
