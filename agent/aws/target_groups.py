"""Target groups of load balancers: who is in, and whether the balancer finds it healthy."""

from __future__ import annotations

from typing import Any

from agent.aws.errors import translated
from agent.aws.session import AwsSession


class TargetGroups:
    """Asks Elastic Load Balancing. Every method raises what ``aws.errors.translated`` names.

    The client is made when it is needed and let go by ``close``: a take-over is rare.
    """

    def __init__(self, session: AwsSession) -> None:
        self._session = session
        self._client: Any = None

    def register(self, arn: str, instance_id: str, port: int | None) -> None:
        """Put an instance in; repeatable."""
        targets = [_target(instance_id, port)]
        with translated():
            self._elbv2().register_targets(TargetGroupArn=arn, Targets=targets)

    def deregister(self, arn: str, instance_id: str, port: int | None) -> None:
        """Take an instance out; its open connections are drained. Repeatable."""
        targets = [_target(instance_id, port)]
        with translated():
            self._elbv2().deregister_targets(TargetGroupArn=arn, Targets=targets)

    def health(self, arn: str, instance_id: str) -> str:
        """Return the worst state of an instance's targets; ``missing`` when it is not in."""
        with translated():
            answer = self._elbv2().describe_target_health(TargetGroupArn=arn)
        states = [
            str(one["TargetHealth"]["State"])
            for one in answer["TargetHealthDescriptions"]
            if one["Target"]["Id"] == instance_id
        ]
        if not states:
            return "missing"
        return next((state for state in states if state != "healthy"), "healthy")

    def close(self) -> None:
        """Free the client's memory until it is needed again."""
        self._client = None

    def _elbv2(self) -> Any:
        if self._client is None:
            self._client = self._session.load_balancing()
        return self._client


def _target(instance_id: str, port: int | None) -> dict[str, Any]:
    return {"Id": instance_id, **({"Port": port} if port else {})}
