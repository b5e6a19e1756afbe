"""The operators' pages: signing in and out, and the files of pages."""

from flask import Response, make_response, redirect

from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import api_request, container
from backend.api.guards import PUBLIC, SESSION_COOKIE
from backend.api.session_cookie import clear_session_cookie, set_session_cookie
from backend.dashboard.form_token import require_form_token
from backend.dashboard.interrupted import carried_form
from backend.dashboard.rendering import FOLDER, page, page_blueprint
from backend.errors import LimitReached, Unauthenticated

UNAUTHENTICATED = 401
TOO_MANY = 429
ASSETS_FOLDER = FOLDER / "static"

pages = page_blueprint("dashboard")
assets = guarded_blueprint(
    "assets",
    guard=PUBLIC,
    import_name=__name__,
    static_folder=str(ASSETS_FOLDER),
    static_url_path="/assets",
    doc_ui=False,
)


@pages.get("/login")
@guarded_by(PUBLIC)
def show_login() -> Response:
    """Show the form."""
    return page("dashboard/login.html", message=None, waiting=None)


@pages.post("/login")
@guarded_by(PUBLIC)
def submit_login() -> Response:
    """Open a session and go to the fleet, or to the form that the last session left unsent.

    A refusal shows the form again with a sentence.
    """
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
        answer = page("dashboard/login.html", message=error.message, waiting=carried_form())
        is_locked = isinstance(error, LimitReached)
        answer.status_code = TOO_MANY if is_locked else UNAUTHENTICATED
        return answer
    waiting = carried_form()
    answer = page("dashboard/resume.html", waiting=waiting) if waiting else _to_the_fleet()
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


def _to_the_fleet() -> Response:
    return make_response(redirect("/"))
