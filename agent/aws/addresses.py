"""Elastic IPs: which instance has one, and giving it to another."""

from __future__ import annotations

from agent.aws.errors import translated
from agent.aws.session import AwsSession


class Addresses:
    """Asks EC2. Every method raises what ``agent.aws.errors.translated`` names."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def holder(self, allocation_id: str) -> str | None:
        """Return the instance that has an address; None when nobody has."""
        with translated():
            answer = self._session.ec2.describe_addresses(AllocationIds=[allocation_id])
        found = answer["Addresses"]
        return found[0].get("InstanceId") or None if found else None

    def associate(self, allocation_id: str, instance_id: str) -> None:
        """Give an address to an instance, whoever has it now; repeatable."""
        with translated():
            self._session.ec2.associate_address(
                AllocationId=allocation_id, InstanceId=instance_id, AllowReassociation=True
            )
