"""The EC2 API: bytes in, bytes out; every call is counted, limited, and may be made to fail."""

import re
import uuid
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from simulator.ec2.instances import add_instance_operations
from simulator.ec2.networks import add_network_operations
from simulator.ec2.operations import Context, Operations
from simulator.ec2.prices import add_price_operations
from simulator.ec2.protocol import Ec2Protocol, render_error
from simulator.ec2.storage import add_storage_operations
from simulator.ec2.tags import add_tag_operations
from simulator.errors import AwsError
from simulator.region.images import Images
from simulator.region.launching import Launcher
from simulator.region.region import Region
from simulator.region.request_log import Call

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/")


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes


def caller_of(authorization: str) -> str:
    """Return the access key that signed a request. The signature itself is not checked.

    Raises:
        AwsError: AuthFailure, when the request is not signed.
    """
    found = _CREDENTIAL.match(authorization)
    if found is None:
        raise AwsError("AuthFailure", "AWS was not able to validate the provided credentials", 401)
    return found[1]


class Ec2Api:
    """Answers EC2 calls. Thread-safe: the region's lock is held while one runs."""

    def __init__(self, region: Region, launcher: Launcher, images: Images) -> None:
        self._region = region
        self._protocol = Ec2Protocol()
        self._operations = Operations()
        add_instance_operations(self._operations, launcher)
        add_network_operations(self._operations)
        add_storage_operations(self._operations, images)
        add_tag_operations(self._operations)
        add_price_operations(self._operations)

    def handle(self, authorization: str, body: str) -> Answer:
        """Answer one call.

        Raises:
            AnswerLost: that was ordered; the caller has to cut the connection.
        """
        request_id = str(uuid.uuid4())
        form = dict(parse_qsl(body, keep_blank_values=True))
        try:
            caller = caller_of(authorization)
            payload = self._run(caller, form, request_id)
        except AwsError as error:
            return Answer(error.status, "text/xml;charset=UTF-8", render_error(error, request_id))
        return Answer(200, "text/xml;charset=UTF-8", payload)

    def _run(self, caller: str, form: Mapping[str, str], request_id: str) -> bytes:
        action = form.get("Action", "")
        region = self._region
        with region.lock:
            code = ""
            try:
                region.throttle.admit(action, region.clock.monotonic())
                region.faults.before(action, caller)
                action, parameters = self._protocol.parse(form)
                result = self._operations.run(action, Context(region, caller), parameters)
                payload = self._protocol.render(action, result, request_id)
            except AwsError as error:
                code = error.code
                raise
            finally:
                now = region.clock.now()
                region.log.note(Call(now, caller, "ec2", action[:64], code))
            region.faults.after(action, caller)
            return payload
