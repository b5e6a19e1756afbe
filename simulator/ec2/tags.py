"""Operations on tags."""

from typing import Any

from simulator.ec2.filters import filtered
from simulator.ec2.operations import Context, Operations, Parameters, Result, stop_dry_run
from simulator.ec2.pages import check_page_size, page_after
from simulator.errors import AwsError
from simulator.region.region import checked_tags

LARGEST_PAGE = 1000


def add_tag_operations(operations: Operations) -> None:
    """Teach the API to write and read tags."""
    operations.add("CreateTags", "Resources", "Tags")(_create)
    operations.add("DeleteTags", "Resources", "Tags")(_delete)
    operations.add("DescribeTags", "Filters", "MaxResults", "NextToken")(_describe)


def _create(context: Context, parameters: Parameters) -> Result:
    tags = {tag["Key"]: tag.get("Value", "") for tag in parameters.get("Tags", [])}
    if not tags:
        raise AwsError("MissingParameter", "The request must contain the parameter tag")
    present = [context.region.tags_of(name) for name in parameters.get("Resources", [])]
    for existing in present:
        checked_tags({**existing, **tags})
    stop_dry_run(parameters)
    for existing in present:
        existing.update(tags)
    return {}


def _delete(context: Context, parameters: Parameters) -> Result:
    present = [context.region.tags_of(name) for name in parameters.get("Resources", [])]
    stop_dry_run(parameters)
    for existing in present:
        for tag in parameters.get("Tags", [{"Key": key} for key in existing]):
            if tag.get("Value", existing.get(tag["Key"])) == existing.get(tag["Key"]):
                existing.pop(tag["Key"], None)
    return {}


def _describe(context: Context, parameters: Parameters) -> Result:
    rows = filtered(
        _all_tags(context),
        parameters.get("Filters", []),
        {
            "resource-id": lambda row: row["ResourceId"],
            "resource-type": lambda row: row["ResourceType"],
            "key": lambda row: row["Key"],
            "value": lambda row: row["Value"],
        },
    )
    keys = [f"{row['ResourceId']}/{row['Key']}" for row in rows]
    ordered = [row for _, row in sorted(zip(keys, rows, strict=True), key=lambda pair: pair[0])]
    size = check_page_size(parameters.get("MaxResults"), 5, LARGEST_PAGE)
    page, token = page_after(ordered, sorted(keys), parameters.get("NextToken"), size)
    return {"Tags": page, "NextToken": token}


def _all_tags(context: Context) -> list[dict[str, Any]]:
    region = context.region
    now = region.clock.now()
    owners = [("instance", n, i.tags) for n, i in region.instances.items() if i.is_described(now)]
    owners += [("image", name, image.tags) for name, image in region.images.items()]
    owners += [("snapshot", name, snapshot.tags) for name, snapshot in region.snapshots.items()]
    owners += [("volume", name, volume.tags) for name, volume in region.volumes.items()]
    return [
        {"ResourceId": name, "ResourceType": kind, "Key": key, "Value": value}
        for kind, name, tags in owners
        for key, value in tags.items()
    ]
