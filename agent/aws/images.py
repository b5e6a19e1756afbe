"""Images of hosts, named so that a repeat finds the first one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.aws.errors import translated
from agent.aws.session import AwsSession
from agent.errors import AwsRejected

_NAME_IS_TAKEN = "InvalidAMIName.Duplicate"


class Images:
    """Asks EC2. Every method raises what ``agent.aws.errors.translated`` names."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def create(self, instance_id: str, name: str, tags: Mapping[str, str]) -> str:
        """Begin an image without rebooting and return its id; the same name, the same image."""
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        kinds: Any = [{"ResourceType": kind, "Tags": pairs} for kind in ("image", "snapshot")]
        try:
            with translated():
                answer = self._session.launcher().create_image(
                    InstanceId=instance_id, Name=name, NoReboot=True, TagSpecifications=kinds
                )
        except AwsRejected as error:
            if error.code != _NAME_IS_TAKEN:
                raise
            return self._find(name)
        return answer["ImageId"]

    def _find(self, name: str) -> str:
        named: Any = [{"Name": "name", "Values": [name]}]
        with translated():
            answer = self._session.ec2.describe_images(Owners=["self"], Filters=named)
        return answer["Images"][0]["ImageId"] if answer["Images"] else ""
