"""The volumes of a host, as a launch of a copy takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.aws.instances import Instance


def describe_devices(own: Instance, volumes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the host's volumes as a launch takes them: sizes and kinds, not their contents."""
    by_id = {volume["VolumeId"]: volume for volume in volumes}
    root = own.raw.get("RootDeviceName")
    devices = []
    for mapping in own.raw.get("BlockDeviceMappings") or ():
        name, attached = mapping["DeviceName"], mapping.get("Ebs") or {}
        volume = by_id.get(attached.get("VolumeId"))
        if volume is not None:
            ebs = _ebs(volume, is_root=name == root)
            ebs["DeleteOnTermination"] = bool(attached.get("DeleteOnTermination", True))
            devices.append({"DeviceName": name, "Ebs": ebs})
    return devices


def _ebs(volume: Mapping[str, Any], *, is_root: bool) -> dict[str, Any]:
    kind = volume["VolumeType"]
    ebs: dict[str, Any] = {"VolumeSize": volume["Size"], "VolumeType": kind}
    if kind in {"gp3", "io1", "io2"} and volume.get("Iops"):
        ebs["Iops"] = volume["Iops"]
    if kind == "gp3" and volume.get("Throughput"):
        ebs["Throughput"] = volume["Throughput"]
    if volume.get("Encrypted"):
        ebs["Encrypted"] = True
        if volume.get("KmsKeyId"):
            ebs["KmsKeyId"] = volume["KmsKeyId"]
    if not is_root and volume.get("SnapshotId"):
        ebs["SnapshotId"] = volume["SnapshotId"]
    return ebs
