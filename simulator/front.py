"""The one port of a region: tells EC2, load balancing, Price List and control requests apart."""

from collections.abc import Callable

from simulator.ec2.api import Answer, Ec2Api
from simulator.elb.api import ElbApi, is_meant
from simulator.loopback import Request, Response
from simulator.price_list import PriceList

CONTROL = "/control/"


class Front:
    """Passes each request on. The control API is added once it exists."""

    def __init__(self, ec2: Ec2Api, price_list: PriceList, elb: ElbApi | None = None) -> None:
        self._ec2 = ec2
        self._elb = elb
        self._price_list = price_list
        self._control: Callable[[Request], Response] | None = None

    def add_control(self, control: Callable[[Request], Response]) -> None:
        """Answer requests below ``/control/`` with this."""
        self._control = control

    def respond(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            AnswerLost: that was ordered; the caller has to cut the connection.
        """
        if self._control is not None and request.path.startswith(CONTROL):
            return self._control(request)
        if request.method != "POST" or request.path != "/":
            return Response(404, b"This is the pretend region's EC2, Price List and control API\n")
        authorization, target = request.header("Authorization"), request.header("X-Amz-Target")
        if target:
            return _response(self._price_list.handle(authorization, target, request.body))
        body = request.body.decode("utf-8", errors="replace")
        if self._elb is not None and is_meant(authorization):
            return _response(self._elb.handle(authorization, body))
        return _response(self._ec2.handle(authorization, body))


def _response(answer: Answer) -> Response:
    return Response(answer.status, answer.body, answer.content_type)
