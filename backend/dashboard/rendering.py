"""How every page of the operators is made: its frame, its policy, its links."""

from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from flask import Response, make_response, redirect, render_template
from flask.typing import ResponseReturnValue

from backend.api.blueprints import GuardedBlueprint, guarded_blueprint
from backend.api.context import OperatorCaller, api_request, container, operator_caller
from backend.api.frame import LOGIN_PATH
from backend.api.guards import OPERATOR_PAGE
from backend.dashboard.form_token import current_nonce, keep_nonce, signature_of
from backend.dashboard.interrupted import interrupted_form
from backend.dashboard.words import ago, dash, percent, price, saving
from backend.errors import Unauthenticated
from backend.services.callers import Role

FOLDER = Path(__file__).parent
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ROOMS = (
    ("fleet", "Fleet", "/", Role.VIEWER),
    ("instances", "Instances", "/instances", Role.VIEWER),
    ("pools", "Pools", "/pools", Role.VIEWER),
    ("switches", "Switches", "/switches", Role.VIEWER),
    ("models", "Models", "/models", Role.VIEWER),
    ("notifications", "Notifications", "/notifications", Role.VIEWER),
    ("audit", "Audit", "/audit", Role.ADMIN),
    ("health", "Health", "/system", Role.VIEWER),
)


def page_blueprint(name: str) -> GuardedBlueprint:
    """Return a blueprint whose routes answer pages to operators."""
    blueprint = guarded_blueprint(
        name,
        guard=OPERATOR_PAGE,
        import_name=__name__,
        template_folder=str(FOLDER / "templates"),
        doc_ui=False,
    )
    blueprint.register_error_handler(Unauthenticated, _ask_to_sign_in)
    return blueprint


def page(template: str, **values: object) -> Response:
    """Return a page under the strict policy, with the token that its forms carry."""
    nonce = current_nonce()
    answer = make_response(render_template(template, form_token=signature_of(nonce), **values))
    answer.headers["Content-Security-Policy"] = PAGE_POLICY
    answer.headers["Cache-Control"] = "no-store"
    keep_nonce(answer, nonce)
    return answer


def room(template: str, here: str, **values: object) -> Response:
    """Return a page of the signed-in operator: navigation, banner, who am I."""
    operator = operator_caller()
    services = container()
    return page(
        template,
        here=here,
        rooms=_rooms_of(operator),
        operator=operator,
        may_act=operator.role.includes(Role.OPERATOR),
        health=services.health.check(),
        ago=partial(ago, now=services.status.now()),
        price=price,
        percent=percent,
        saving=saving,
        dash=dash,
        link=link,
        **values,
    )


def link(**changes: object) -> str:
    """Return this page's query with other values; None and "" leave a name out."""
    query: dict[str, object] = {**api_request().args.to_dict(), **changes}
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    return "?" + urlencode(kept, errors="replace")


def _ask_to_sign_in(_error: Unauthenticated) -> ResponseReturnValue:
    """Keep what was typed into a form whose session has ended; else go to the login page."""
    waiting = interrupted_form()
    if waiting is None:
        return redirect(LOGIN_PATH)
    message = "Your session has ended. Sign in: what you typed is kept, and nothing was done."
    answer = page("dashboard/login.html", message=message, waiting=waiting)
    answer.status_code = 401
    return answer


def _rooms_of(operator: OperatorCaller) -> list[tuple[str, str, str]]:
    return [(key, label, path) for key, label, path, role in _ROOMS if operator.role.includes(role)]
