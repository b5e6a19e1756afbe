"""The cookie of a browser session: unreadable for scripts, not sent along by other sites."""

from flask import Response

from backend.api.context import api_request
from backend.api.guards import SESSION_COOKIE
from backend.services.sign_in import SignedIn


def set_session_cookie(answer: Response, signed_in: SignedIn) -> None:
    """Hand the session to the browser. Secure exactly when this request is HTTPS."""
    answer.set_cookie(
        SESSION_COOKIE,
        signed_in.token,
        max_age=signed_in.lasts,
        secure=api_request().is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def clear_session_cookie(answer: Response) -> None:
    """Take the session away from the browser."""
    secure = api_request().is_secure
    answer.delete_cookie(SESSION_COOKIE, secure=secure, httponly=True, samesite="Lax", path="/")
