"""``/metrics`` for Prometheus: from this machine without credentials, from elsewhere as operator.

"This machine" is the peer's address after trusted proxies were accounted for; a request that came
through a proxy which nobody configured (it carries a proxy's header) does not count as local.
"""

from ipaddress import ip_address

from flask import Response

from backend.api.blueprints import guarded_blueprint
from backend.api.context import api_request, container
from backend.api.guards import OPERATOR_VIEW, PUBLIC, authenticate
from backend.domain.notification_channels import DeliveryStatus
from backend.errors import DatabaseError
from backend.observability.metrics import Metrics

PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")

routes = guarded_blueprint("metrics", guard=PUBLIC)


@routes.get("/metrics", summary="Counters in the text format of Prometheus")
def show_metrics() -> Response:
    """Answer the metrics of all workers of this node.

    Raises:
        Unauthenticated: the caller is elsewhere and shows no operator's credentials.
    """
    if not _is_local():
        authenticate(OPERATOR_VIEW, api_request(), container())
    _count_deliveries()
    return Response(container().metrics.render(), content_type=Metrics.content_type)


def _count_deliveries() -> None:
    try:
        counts = container().operating.channels.count_by_status()
    except DatabaseError:
        return  # what is known without the database is shown all the same
    for status in DeliveryStatus:
        container().metrics.set_deliveries(status, counts.get(status, 0))


def _is_local() -> bool:
    request = api_request()
    has_named_proxies = container().settings.trusted_proxies > 0
    is_forwarded = not has_named_proxies and any(h in request.headers for h in PROXY_HEADERS)
    try:
        return ip_address(request.remote_addr or "").is_loopback and not is_forwarded
    except ValueError:
        return False  # a unix socket has no address: a proxy stands in front
