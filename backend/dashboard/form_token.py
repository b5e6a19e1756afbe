"""Proof that a submitted form is one of ours: a random cookie, and its signature in the form.

Another site can make a browser send our cookie but cannot read it, and so cannot sign it.
"""

import hashlib
import hmac
import secrets

from flask import Response, request

from backend.api.context import container
from backend.errors import Forbidden

COOKIE = "spot_optimizer_form"
FIELD = "form_token"


def current_nonce() -> str:
    """Return this browser's nonce, or a new one when it has none."""
    return request.cookies.get(COOKIE) or secrets.token_urlsafe(24)


def signature_of(nonce: str) -> str:
    """Return what the form carries."""
    secret = container().settings.secret_key.get_secret_value()
    message = f"form:{nonce}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def keep_nonce(answer: Response, nonce: str) -> None:
    """Hand the nonce to the browser."""
    answer.set_cookie(
        COOKIE, nonce, secure=request.is_secure, httponly=True, samesite="Lax", path="/"
    )


def require_form_token() -> None:
    """Raise Forbidden unless the submitted form was made by this site for this browser."""
    nonce = request.cookies.get(COOKIE, "")
    shown = request.form.get(FIELD, "").encode("utf-8", "surrogatepass")
    if not nonce or not hmac.compare_digest(shown, signature_of(nonce).encode()):
        raise Forbidden("The form is out of date; open the page again")
