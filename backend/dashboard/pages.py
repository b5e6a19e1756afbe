"""The operators' pages: signing in and out, and the status page."""

from functools import partial
from pathlib import Path

from flask import Response, make_response, redirect, render_template
from pydantic import BaseModel, Field

from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import api_request, container, operator_caller
from backend.api.guards import OPERATOR_PAGE, PUBLIC, SESSION_COOKIE
from backend.api.session_cookie import clear_session_cookie, set_session_cookie
from backend.dashboard.form_token import (
    current_nonce,
    keep_nonce,
    require_form_token,
    signature_of,
)
from backend.dashboard.words import ago, dash, price
from backend.errors import LimitReached, Unauthenticated

_FOLDER = Path(__file__).parent
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
UNAUTHENTICATED = 401
TOO_MANY = 429

pages = guarded_blueprint(
    "dashboard",
    guard=OPERATOR_PAGE,
    import_name=__name__,
    template_folder=str(_FOLDER / "templates"),
    doc_ui=False,
)
assets = guarded_blueprint(
    "assets",
    guard=PUBLIC,
    import_name=__name__,
    static_folder=str(_FOLDER / "static"),
    static_url_path="/assets",
    doc_ui=False,
)


class StatusQuery(BaseModel):
    """Which pages of the two long lists."""

    page: int = Field(1, ge=1, le=10_000)
    instances_page: int = Field(1, ge=1, le=10_000)


@pages.get("/")
def show_status(query: StatusQuery) -> Response:
    """Show the fleet."""
    found = container().status.read(agents_page=query.page, instances_page=query.instances_page)
    return _page(
        "dashboard/status.html",
        status=found,
        operator=operator_caller(),
        ago=partial(ago, now=found.at),
        price=price,
        dash=dash,
        server_url=api_request().host_url.rstrip("/"),
    )


@pages.get("/login")
@guarded_by(PUBLIC)
def show_login() -> Response:
    """Show the form."""
    return _page("dashboard/login.html", message=None)


@pages.post("/login")
@guarded_by(PUBLIC)
def submit_login() -> Response:
    """Open a session and go to the status page, or show the form again with a sentence."""
    require_form_token()
    request = api_request()
    try:
        signed_in = container().sign_in.sign_in(
            request.form.get("username", ""),
            request.form.get("password", ""),
            address=request.remote_addr,
            user_agent=request.headers.get("User-Agent"),
        )
    except (Unauthenticated, LimitReached) as error:
        answer = _page("dashboard/login.html", message=error.message)
        is_locked = isinstance(error, LimitReached)
        answer.status_code = TOO_MANY if is_locked else UNAUTHENTICATED
        return answer
    answer = make_response(redirect("/"))
    set_session_cookie(answer, signed_in)
    return answer


@pages.post("/logout")
def submit_logout() -> Response:
    """End the session and go to the form."""
    require_form_token()
    token = api_request().cookies.get(SESSION_COOKIE)
    if token:
        container().sign_in.sign_out(token)
    answer = make_response(redirect("/login"))
    clear_session_cookie(answer)
    return answer


def _page(template: str, **values: object) -> Response:
    nonce = current_nonce()
    answer = make_response(render_template(template, form_token=signature_of(nonce), **values))
    answer.headers["Content-Security-Policy"] = PAGE_POLICY
    keep_nonce(answer, nonce)
    return answer
