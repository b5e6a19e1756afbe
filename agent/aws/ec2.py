"""EC2: the few calls that the agent needs, with typed answers and typed errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.aws.errors import translated
from agent.aws.instances import Instance, parse_instance
from agent.aws.session import AwsSession
from agent.errors import AwsNotFound


class Ec2:
    """Asks EC2. Every method raises what ``agent.aws.errors.translated`` names."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def find(self, instance_id: str) -> Instance | None:
        """Return an instance; None when EC2 does not know it (any more, or yet)."""
        try:
            with translated():
                answer = self._session.ec2.describe_instances(InstanceIds=[instance_id])
        except AwsNotFound:
            return None
        found = [one for group in answer["Reservations"] for one in group["Instances"]]
        return parse_instance(found[0]) if found else None

    def find_by_tags(self, tags: Mapping[str, str]) -> list[Instance]:
        """Return every instance that carries all these tags, ended ones included."""
        filters: Any = [{"Name": f"tag:{name}", "Values": [value]} for name, value in tags.items()]
        with translated():
            pages = self._session.ec2.get_paginator("describe_instances").paginate(Filters=filters)
            return [
                parse_instance(one)
                for page in pages
                for group in page["Reservations"]
                for one in group["Instances"]
            ]

    def run(self, parameters: Mapping[str, Any]) -> Instance:
        """Launch one instance; the same ClientToken again returns the same instance."""
        with translated():
            answer = self._session.launcher().run_instances(MinCount=1, MaxCount=1, **parameters)
        return parse_instance(answer["Instances"][0])

    def terminate(self, instance_id: str) -> None:
        """Ask EC2 to end an instance; the caller reads back whether it does."""
        with translated():
            self._session.ec2.terminate_instances(InstanceIds=[instance_id])

    def passes_status_checks(self, instance_id: str) -> bool:
        """Tell whether both of EC2's status checks have passed."""
        try:
            with translated():
                answer = self._session.ec2.describe_instance_status(InstanceIds=[instance_id])
        except AwsNotFound:
            return False
        return any(
            status["InstanceStatus"]["Status"] == "ok" and status["SystemStatus"]["Status"] == "ok"
            for status in answer["InstanceStatuses"]
        )

    def is_protected(self, instance_id: str) -> bool:
        """Tell whether somebody protected the instance against termination."""
        with translated():
            answer = self._session.ec2.describe_instance_attribute(
                InstanceId=instance_id, Attribute="disableApiTermination"
            )
        return bool(answer["DisableApiTermination"].get("Value"))

    def user_data(self, instance_id: str) -> str:
        """Return the instance's user data in base64; empty when it has none."""
        with translated():
            answer = self._session.ec2.describe_instance_attribute(
                InstanceId=instance_id, Attribute="userData"
            )
        return answer["UserData"].get("Value", "")

    def volumes(self, instance_id: str) -> list[Mapping[str, Any]]:
        """Return the volumes that are attached to the instance, as EC2 describes them."""
        attached: Any = [{"Name": "attachment.instance-id", "Values": [instance_id]}]
        with translated():
            return list(self._session.ec2.describe_volumes(Filters=attached)["Volumes"])

    def subnets(self, vpc_id: str) -> list[Mapping[str, Any]]:
        """Return the subnets of a network, as EC2 describes them."""
        within: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
        with translated():
            pages = self._session.ec2.get_paginator("describe_subnets").paginate(Filters=within)
            return [subnet for page in pages for subnet in page["Subnets"]]

    def zone_ids(self) -> dict[str, str]:
        """Return what this account's zone names stand for: ``us-east-1a`` to ``use1-az4``."""
        with translated():
            answer = self._session.ec2.describe_availability_zones()
        return {
            zone["ZoneName"]: zone["ZoneId"]
            for zone in answer["AvailabilityZones"]
            if "ZoneId" in zone
        }

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Put tags on an instance."""
        pairs: Any = [{"Key": name, "Value": value} for name, value in tags.items()]
        with translated():
            self._session.ec2.create_tags(Resources=[instance_id], Tags=pairs)
