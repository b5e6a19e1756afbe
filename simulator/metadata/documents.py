"""What an instance can read about itself: path to text. A path that is absent is a 404."""

import base64
import json
from datetime import UTC, datetime

from simulator.region.catalog import ACCOUNT_ID, Catalog
from simulator.region.model import Instance

META = "/latest/meta-data/"
LATEST = "/latest/"


def documents(instance: Instance, catalog: Catalog) -> dict[str, bytes]:
    """Return everything that the instance can read now. The caller holds the region's lock."""
    texts = _meta_data(instance, catalog) | _signals(instance) | _tags(instance)
    result = {f"{META}{path}": text.encode() for path, text in texts.items() if text is not None}
    result[f"{LATEST}dynamic/instance-identity/document"] = _identity(instance, catalog)
    if instance.wish.user_data is not None:
        result[f"{LATEST}user-data"] = base64.b64decode(instance.wish.user_data)
    return result


def listing(path: str, known: dict[str, bytes]) -> bytes | None:
    """Return the names below a folder, a line each, folders with a slash; None if it is none."""
    folder = path if path.endswith("/") else f"{path}/"
    below = [name.removeprefix(folder) for name in known if name.startswith(folder)]
    if not below:
        return None
    names = {part.split("/")[0] + ("/" if "/" in part else "") for part in below}
    return "\n".join(sorted(names)).encode()


def instant_text(instant: datetime) -> str:
    """Return an instant as the metadata service writes it: UTC, whole seconds, Z."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _meta_data(instance: Instance, catalog: Catalog) -> dict[str, str | None]:
    wish = instance.wish
    name = f"ip-{instance.private_ip.replace('.', '-')}.{catalog.region}.compute.internal"
    mac = _mac(instance)
    network = f"network/interfaces/macs/{mac}/"
    return {
        "ami-id": wish.image_id,
        "instance-id": instance.instance_id,
        "instance-type": wish.instance_type,
        "instance-life-cycle": "spot" if instance.is_spot else "on-demand",
        "hostname": name,
        "local-hostname": name,
        "local-ipv4": instance.private_ip,
        "public-ipv4": instance.public_ip,
        "mac": mac,
        "reservation-id": instance.reservation_id,
        "placement/availability-zone": wish.az,
        "placement/availability-zone-id": catalog.zone_id(wish.az),
        "placement/region": catalog.region,
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
        f"{network}subnet-id": wish.subnet_id,
        f"{network}vpc-id": catalog.subnets[wish.subnet_id].vpc_id,
        f"{network}security-group-ids": "\n".join(wish.group_ids),
        f"{network}owner-id": ACCOUNT_ID,
    }


def _signals(instance: Instance) -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    if instance.deadline is not None:
        end = instant_text(instance.deadline)
        texts["spot/instance-action"] = json.dumps({"action": "terminate", "time": end})
        texts["spot/termination-time"] = end
    if instance.rebalance_at is not None:
        notice = {"noticeTime": instant_text(instance.rebalance_at)}
        texts["events/recommendations/rebalance"] = json.dumps(notice)
    return texts


def _tags(instance: Instance) -> dict[str, str | None]:
    if instance.metadata_options.get("InstanceMetadataTags") != "enabled":
        return {}
    return {f"tags/instance/{key}": value for key, value in instance.tags.items()}


def _identity(instance: Instance, catalog: Catalog) -> bytes:
    wish = instance.wish
    document = {
        "accountId": ACCOUNT_ID,
        "architecture": "x86_64",
        "availabilityZone": wish.az,
        "billingProducts": None,
        "imageId": wish.image_id,
        "instanceId": instance.instance_id,
        "instanceType": wish.instance_type,
        "pendingTime": instant_text(instance.launched_at),
        "privateIp": instance.private_ip,
        "region": catalog.region,
        "version": "2017-09-30",
    }
    return json.dumps(document, indent=2).encode()


def _mac(instance: Instance) -> str:
    digits = f"02{instance.instance_id[-10:]}"
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))
