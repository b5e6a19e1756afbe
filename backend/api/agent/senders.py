"""Who sends this request: the instance behind it, as far as the message tells."""

from collections.abc import Sequence

from backend.api.context import api_request
from backend.domain.identity import Sender, identify


def sender(
    *,
    body_instance_id: str | None = None,
    old_instance_id: str | None = None,
    monitored_instances: Sequence[object] = (),
) -> Sender:
    """Identify the sender from the header ``X-Instance-Id`` and what its body names.

    Raises:
        InvalidRequest: header and body name different instances.
    """
    return identify(
        body_instance_id=body_instance_id,
        old_instance_id=old_instance_id,
        header_instance_id=api_request().headers.get("X-Instance-Id"),
        monitored_instances=monitored_instances,
    )
