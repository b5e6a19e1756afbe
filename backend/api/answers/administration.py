"""Clients, operators and their keys, as operators read them."""

from typing import Any

from pydantic import AwareDatetime

from backend.api.answers.base import Answer
from backend.api.answers.parts import Done, StatusNoted


class NewClient(Answer):
    """A new client with its token, which is shown once."""

    id: str
    name: str
    token: str
    status: str


class ClientCreated(Answer):
    """Make a client; its token is shown here and never again."""

    success: bool
    client: NewClient


class TokenCreated(Answer):
    """Make another token; it is shown here, never again."""

    success: bool
    id: str
    name: str
    scope: str
    token: str
    expires_at: AwareDatetime | None


class DoneWithMessage(Answer):
    """It is done, with a sentence."""

    success: bool
    message: str


class TokenRecord(Answer):
    """A token, masked."""

    id: str
    name: str
    scope: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None
    token: str


class TokenList(Answer):
    """A client's tokens, masked."""

    tokens: list[TokenRecord]
    total: int


class TokenRenewed(Answer):
    """Replace the client's default token."""

    success: bool
    token: str
    message: str


class MaskedToken(Answer):
    """The default token, masked."""

    token: str
    client_name: str
    masked: bool
    message: str


class OperatorRecord(Answer):
    """An operator."""

    id: str
    username: str
    role: str | None
    is_active: bool
    locked_until: AwareDatetime | None
    last_login_at: AwareDatetime | None
    created_at: AwareDatetime


class OperatorSaved(Answer):
    """Change role, activity or password."""

    success: bool
    operator: OperatorRecord


class OperatorList(Answer):
    """All operators."""

    operators: list[OperatorRecord]
    total: int


class ApiKeyCreated(Answer):
    """Make an API key for yourself; it is shown here, never again."""

    success: bool
    id: str
    name: str
    key: str
    expires_at: AwareDatetime | None


class ApiKeyRecord(Answer):
    """An API key, masked."""

    id: str
    operator_id: str
    username: str
    name: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None
    key: str


class ApiKeyList(Answer):
    """API keys, masked."""

    api_keys: list[ApiKeyRecord]
    total: int


class SignedInOperator(Answer):
    """Who is signed in."""

    id: str
    username: str
    role: str | None
    via: str


class SignedIn(Answer):
    """Open a session; sets the cookie."""

    success: bool
    operator: SignedInOperator


class WhoAmI(Answer):
    """Who am I."""

    operator: SignedInOperator


ANSWERS: dict[str, dict[int, Any]] = {
    "admin_clients.create_client": {200: ClientCreated},
    "admin_clients.create_token": {201: TokenCreated},
    "admin_clients.delete_client": {200: DoneWithMessage},
    "admin_clients.list_tokens": {200: TokenList},
    "admin_clients.regenerate_token": {200: TokenRenewed},
    "admin_clients.resume_client": {200: StatusNoted},
    "admin_clients.revoke_token": {200: DoneWithMessage},
    "admin_clients.show_token": {200: MaskedToken},
    "admin_clients.suspend_client": {200: StatusNoted},
    "admin_operators.change_operator": {200: OperatorSaved},
    "admin_operators.create_operator": {201: OperatorSaved},
    "admin_operators.delete_operator": {200: DoneWithMessage},
    "admin_operators.list_operators": {200: OperatorList},
    "admin_api_keys.create_api_key": {201: ApiKeyCreated},
    "admin_api_keys.list_api_keys": {200: ApiKeyList},
    "admin_api_keys.revoke_api_key": {200: DoneWithMessage},
    "auth.login": {200: SignedIn},
    "auth.logout": {200: Done},
    "auth.show_me": {200: WhoAmI},
}
