"""Refuse state changes that another site's page started in an operator's browser."""

from flask import Request

from backend.errors import Forbidden

_OWN = frozenset({"same-origin", "none"})


def require_same_origin(request: Request) -> None:
    """Raise Forbidden unless the browser says that our own page, or the user, made the request."""
    verdict = _is_own(request)
    if not verdict:
        raise Forbidden("This call must come from the dashboard's own pages")


def refuse_cross_site(request: Request) -> None:
    """Raise Forbidden when the browser says that another site made the request.

    Weaker than ``require_same_origin``: programs that are no browsers send neither header.
    """
    if _is_own(request) is False:
        raise Forbidden("This call comes from another site")


def _is_own(request: Request) -> bool | None:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in _OWN
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == request.host_url.rstrip("/")
    return None
