"""What RunInstances is asked for a copy of this host; pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from agent.actions.plans import Attempt
from agent.launch_spec import LaunchSpec

# Instance metadata cannot offer a tag whose key has other characters: EC2 refuses the launch.
_OFFERED_TAG = re.compile(r"^(?!\.{1,2}$|_index$)[A-Za-z0-9+\-=.,_:@]+$")


def launch_parameters(
    spec: LaunchSpec, attempt: Attempt, tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return what RunInstances is asked; ``tags`` are ours, they go on top of the carried ones."""
    everything = {**spec.tags, **tags}
    pairs = [{"Key": name, "Value": value} for name, value in sorted(everything.items())]
    can_offer = all(_OFFERED_TAG.match(name) for name in everything)
    kinds = ["instance", "volume", "network-interface"]
    parameters: dict[str, Any] = {
        "ImageId": spec.ami_id,
        "InstanceType": attempt.instance_type,
        "ClientToken": attempt.token,
        "Placement": _placement(spec, attempt),
        "SubnetId": attempt.subnet_id,
        "SecurityGroupIds": list(spec.security_group_ids),
        "KeyName": spec.key_name,
        "UserData": base64.b64decode(spec.user_data),  # boto3 encodes it again
        "BlockDeviceMappings": [dict(device) for device in spec.block_devices],
        "Monitoring": {"Enabled": spec.is_monitored},
        "MetadataOptions": {
            **spec.metadata_options,
            "InstanceMetadataTags": "enabled" if can_offer else "disabled",
        },
    }
    if spec.iam_instance_profile_arn:
        parameters["IamInstanceProfile"] = {"Arn": spec.iam_instance_profile_arn}
    if spec.ebs_optimized:
        parameters["EbsOptimized"] = True
    if attempt.mode == "spot":
        kinds.append("spot-instances-request")
        parameters["InstanceMarketOptions"] = {
            "MarketType": "spot",
            "SpotOptions": {
                "SpotInstanceType": "one-time",
                "InstanceInterruptionBehavior": "terminate",
            },
        }
    parameters["TagSpecifications"] = [{"ResourceType": kind, "Tags": pairs} for kind in kinds]
    return {name: value for name, value in parameters.items() if value not in (None, [], b"")}


def _placement(spec: LaunchSpec, attempt: Attempt) -> dict[str, str]:
    placement = {"AvailabilityZone": attempt.az}
    return placement if spec.tenancy == "default" else {**placement, "Tenancy": spec.tenancy}
