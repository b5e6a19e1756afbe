"""Guards: who may call a route. Authentication happens here, before any body is validated.

A client shows a token: ``Authorization: Bearer token-...``, or ``client_token`` in a JSON body.
An operator shows a browser session (cookie) or an API key: ``Authorization: Bearer sok_...`` or
``X-Api-Key``. A header wins over a cookie. Writes of a browser session must come from our own pages.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.api.origin import require_same_origin
from backend.api.requests import ApiRequest
from backend.errors import Forbidden, Unauthenticated, UnsupportedMediaType
from backend.services.callers import Caller, ClientCaller, OperatorCaller, Role, Scope

if TYPE_CHECKING:
    from backend.bootstrap import Container

API_KEY_PREFIX = "sok_"
SESSION_COOKIE = "spot_optimizer_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Guard:
    """Which callers a route admits.

    Attributes:
        name: What messages and the documentation call it.
        scopes: The client token scopes that are admitted; empty: no clients.
        role: The least operator role that is admitted; None: no operators.
        is_public: Everybody is admitted and nobody is authenticated.
        is_page: The answers are HTML: anonymous visitors are sent to the login page, and forms
            prove their origin by a token instead of by JSON and headers.
        takes_files: Bodies are forms with files: their origin is proved by headers alone.
    """

    name: str
    scopes: frozenset[Scope] = frozenset()
    role: Role | None = None
    is_public: bool = False
    is_page: bool = False
    takes_files: bool = False

    def check(self, caller: Caller) -> None:
        """Raise Forbidden unless this guard admits ``caller``."""
        if isinstance(caller, ClientCaller):
            if caller.scope not in self.scopes:
                needed = self._needed_by_clients()
                raise Forbidden(needed, scope=caller.scope)
        elif self.role is None:
            raise Forbidden("This needs a client token")
        elif not caller.role.includes(self.role):
            raise Forbidden(f"This needs the role {self.role}", role=caller.role)

    def _needed_by_clients(self) -> str:
        if not self.scopes:
            return "This needs an operator"
        wanted = sorted(self.scopes - {Scope.BOTH})
        return f"This needs a token of scope {' or '.join(wanted)}"


_AGENTS = frozenset({Scope.AGENT, Scope.BOTH})
_USERS = frozenset({Scope.USER, Scope.BOTH})
_CLIENTS = frozenset(Scope)

PUBLIC = Guard("public", is_public=True)
AGENT = Guard("agent", _AGENTS)
CLIENT_USER = Guard("client user", _USERS)
CLIENT_ANY = Guard("client", _CLIENTS)
OPERATOR_VIEW = Guard("operator, viewer", role=Role.VIEWER)
OPERATOR_ACT = Guard("operator, operator", role=Role.OPERATOR)
OPERATOR_ADMIN = Guard("operator, admin", role=Role.ADMIN)
OPERATOR_ADMIN_FILES = Guard("operator, admin", role=Role.ADMIN, takes_files=True)
OPERATOR_PAGE = Guard("operator page", role=Role.VIEWER, is_page=True)
ACTING_PAGE = Guard("acting operator page", role=Role.OPERATOR, is_page=True)
ADMIN_PAGE = Guard("admin page", role=Role.ADMIN, is_page=True)
CLIENT_USER_OR_OPERATOR = Guard("client user or operator", _USERS, Role.OPERATOR)
CLIENT_ANY_OR_OPERATOR = Guard("client or operator", _CLIENTS, Role.VIEWER)
CLIENT_ANY_OR_ACTING = Guard("client or acting operator", _CLIENTS, Role.OPERATOR)
CLIENT_USER_OR_VIEWER = Guard("client user or viewer", _USERS, Role.VIEWER)


def authenticate(guard: Guard, request: ApiRequest, services: "Container") -> Caller | None:
    """Return who calls, after checking that ``guard`` admits them; None for public routes.

    Raises:
        Unauthenticated: credentials are missing, unknown, revoked or expired.
        Forbidden: they are good, but not for this route; or the client is suspended.
    """
    if guard.is_public:
        return None
    caller = _identify(guard, request, services)
    guard.check(caller)
    if isinstance(caller, OperatorCaller) and caller.via == "session" and not guard.is_page:
        _check_session_write(request, takes_files=guard.takes_files)
    return caller


def _identify(guard: Guard, request: ApiRequest, services: "Container") -> Caller:
    credential = bearer_token(request) or request.environ.get("HTTP_X_API_KEY", "").strip()
    if credential:
        if credential.startswith(API_KEY_PREFIX):
            return services.api_keys.authenticate(credential)
        return services.tokens.authenticate(credential)
    session = request.cookies.get(SESSION_COOKIE) if guard.role else None
    if session:
        return services.sign_in.authenticate(session)
    if guard.scopes:
        token = _body_token(request)
        if token:
            return services.tokens.authenticate(token)
    raise Unauthenticated("Credentials are missing")


def bearer_token(request: ApiRequest) -> str:
    """Return the token of ``Authorization: Bearer ...`` (any case), or "" when there is none."""
    scheme, _, token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _body_token(request: ApiRequest) -> str:
    body = request.get_json(silent=True)
    token = body.get("client_token") if isinstance(body, dict) else None
    return token.strip() if isinstance(token, str) else ""


def _check_session_write(request: ApiRequest, *, takes_files: bool) -> None:
    if request.method in _SAFE_METHODS:
        return
    require_same_origin(request)
    if not takes_files and not request.has_json_type():
        raise UnsupportedMediaType("Calls with a session need Content-Type: application/json")
