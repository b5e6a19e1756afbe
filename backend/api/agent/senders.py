"""Who sends this request: the instance behind it, as far as the message tells."""

import re
from collections.abc import Sequence

from backend.api.context import api_request
from backend.domain.identity import Sender, identify
from backend.errors import InvalidRequest

_INSTANCE_ID = re.compile(r"[\x21-\x7e]{1,64}")


def sender(
    *,
    body_instance_id: str | None = None,
    old_instance_id: str | None = None,
    monitored_instances: Sequence[object] = (),
) -> Sender:
    """Identify the sender from the header ``X-Instance-Id`` and what its body names.

    Raises:
        InvalidRequest: header and body name different instances, or one that cannot exist.
    """
    found = identify(
        body_instance_id=body_instance_id,
        old_instance_id=old_instance_id,
        header_instance_id=api_request().headers.get("X-Instance-Id"),
        monitored_instances=monitored_instances,
    )
    if found.instance_id is not None and not _INSTANCE_ID.fullmatch(found.instance_id):
        raise InvalidRequest(
            "instance_id must have 1 to 64 printable characters and no spaces", field="instance_id"
        )
    return found
