"""The load balancing API: target groups, and who is in them."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from simulator.ec2.api import Answer, caller_of
from simulator.elb.protocol import member_objects, member_texts, render, render_error
from simulator.errors import AwsError
from simulator.region.region import Region
from simulator.region.request_log import Call
from simulator.region.target_groups import Target, TargetGroup, TargetGroups

SERVICE = "elasticloadbalancing"
CONTENT_TYPE = "text/xml"
LARGEST_PORT = 65_535
Form = Mapping[str, str]


def is_meant(authorization: str) -> bool:
    """Whether a signed request is for this service: its credential scope says so."""
    return f"/{SERVICE}/aws4_request" in authorization


class ElbApi:
    """Answers calls. Thread-safe: the region's lock is held while one runs."""

    def __init__(self, region: Region, groups: TargetGroups) -> None:
        self._region = region
        self._groups = groups
        self._actions: dict[str, Callable[[Form], dict[str, Any]]] = {
            "RegisterTargets": self._register,
            "DeregisterTargets": self._deregister,
            "DescribeTargetHealth": self._describe_health,
            "DescribeTargetGroups": self._describe_groups,
        }

    def handle(self, authorization: str, body: str) -> Answer:
        """Answer one call.

        Raises:
            AnswerLost: that was ordered; the caller has to cut the connection.
        """
        request_id = str(uuid.uuid4())
        form = dict(parse_qsl(body, keep_blank_values=True))
        try:
            payload = self._run(caller_of(authorization), form, request_id)
        except AwsError as error:
            return Answer(error.status, CONTENT_TYPE, render_error(error, request_id))
        return Answer(200, CONTENT_TYPE, payload)

    def _run(self, caller: str, form: Form, request_id: str) -> bytes:
        action, region = form.get("Action", ""), self._region
        with region.lock:
            code = ""
            try:
                region.throttle.admit(action, region.clock.monotonic())
                region.faults.before(action, caller)
                payload = render(action, self._action(action)(form), request_id)
            except AwsError as error:
                code = error.code
                raise
            finally:
                region.log.note(Call(region.clock.now(), caller, "elb", action[:64], code))
            region.faults.after(action, caller)
            return payload

    def _action(self, name: str) -> Callable[[Form], dict[str, Any]]:
        if name not in self._actions:
            raise AwsError("InvalidAction", f"The simulator does not know {name}")
        return self._actions[name]

    def _register(self, form: Form) -> dict[str, Any]:
        arn = _arn(form)
        self._groups.register(arn, self._targets(form))
        return {}

    def _deregister(self, form: Form) -> dict[str, Any]:
        arn = _arn(form)
        self._groups.deregister(arn, self._targets(form))
        return {}

    def _describe_health(self, form: Form) -> dict[str, Any]:
        group = self._groups.get(_arn(form))
        wanted = self._targets(form) or list(group.targets)
        return {"TargetHealthDescriptions": [self._health_shape(group, t) for t in wanted]}

    def _describe_groups(self, form: Form) -> dict[str, Any]:
        arns, names = member_texts(form, "TargetGroupArns"), member_texts(form, "Names")
        chosen = [self._groups.get(arn) for arn in arns] or [
            group for group in self._groups.all() if not names or group.name in names
        ]
        return {"TargetGroups": [_group_shape(group) for group in chosen]}

    def _targets(self, form: Form) -> list[Target]:
        usual = self._groups.get(_arn(form)).port
        return [_target(entry, usual) for entry in member_objects(form, "Targets")]

    def _health_shape(self, group: TargetGroup, target: Target) -> dict[str, Any]:
        state, reason = self._groups.health(group.arn, target)
        return {
            "Target": {"Id": target.instance_id, "Port": target.port},
            "HealthCheckPort": str(target.port),
            "TargetHealth": {"State": state, "Reason": reason},
        }


def _arn(form: Form) -> str:
    arn = form.get("TargetGroupArn")
    if not arn:
        raise AwsError("ValidationError", "A target group ARN must be specified")
    return arn


def _target(entry: Mapping[str, str], usual_port: int) -> Target:
    port = entry.get("Port", str(usual_port))
    if not entry.get("Id") or not port.isdigit() or not 1 <= int(port) <= LARGEST_PORT:
        raise AwsError("ValidationError", "A target needs an Id, and a port from 1 to 65535")
    return Target(entry["Id"], int(port))


def _group_shape(group: TargetGroup) -> dict[str, Any]:
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": "HTTP",
        "Port": group.port,
        "VpcId": group.vpc_id,
        "TargetType": "instance",
        "HealthCheckEnabled": "true",
        "HealthyThresholdCount": 2,
    }
