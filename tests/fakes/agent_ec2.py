"""EC2 in memory, as strict as the real one where the agent's safety depends on it."""

import itertools
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from agent.aws.instances import Instance, parse_instance
from agent.errors import AwsError, AwsRejected, InsufficientCapacity

_LAUNCHED = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


class FakeEc2:
    """Implements ``agent.aws.ec2.Ec2``, addresses, target groups and images. One network with a subnet in each of three AZs.

    ``full`` names pools without capacity, ``lag`` how often a new instance stays hidden,
    ``boot`` how many looks it is pending, ``failures`` errors to raise by method, in order.
    """

    def __init__(self) -> None:
        self.instances: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, tuple[str, str]] = {}
        self.launches: list[dict[str, Any]] = []
        self.full: set[str] = set()
        self.protected: set[str] = set()
        self.lag = 0
        self.boot = 1
        self.status_is_ok = True
        self.terminates = True
        self.failures: dict[str, list[AwsError]] = {}
        self.address_holder: str | None = "i-old"
        self.targets: dict[str, dict[str, str]] = {}
        self.target_health = "healthy"
        self.images: set[str] = set()
        self.calls: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self.add("i-old", az="us-east-1a", tags={"Name": "web", "team": "a", "aws:x": "y"})

    def add(self, instance_id: str, *, az: str, tags: dict[str, str], state: str = "running"):
        """Put an instance there."""
        self.instances[instance_id] = {
            "InstanceId": instance_id,
            "State": {"Name": state},
            "InstanceType": "m5.large",
            "Placement": {"AvailabilityZone": az},
            "InstanceLifecycle": "spot",
            "ImageId": "ami-1",
            "LaunchTime": _LAUNCHED,
            "PrivateIpAddress": "127.0.0.1",
            "PlatformDetails": "Linux/UNIX",
            "VpcId": "vpc-1",
            "SubnetId": f"subnet-{az[-1]}",
            "SecurityGroups": [{"GroupId": "sg-1"}],
            "IamInstanceProfile": {"Arn": "arn:aws:iam::1:instance-profile/web"},
            "KeyName": "key-1",
            "RootDeviceName": "/dev/xvda",
            "BlockDeviceMappings": [
                {
                    "DeviceName": "/dev/xvda",
                    "Ebs": {"VolumeId": "vol-1", "DeleteOnTermination": True},
                }
            ],
            "MetadataOptions": {"HttpPutResponseHopLimit": 2},
            "Tags": [{"Key": k, "Value": v} for k, v in tags.items()],
            "hidden": 0,
            "pending": 0,
        }

    def alive(self) -> list[str]:
        """The ids of the instances that run or start."""
        ended = {"shutting-down", "terminated"}
        return [i for i, raw in self.instances.items() if raw["State"]["Name"] not in ended]

    def set_state(self, instance_id: str, state: str) -> None:
        """Let something happen to an instance."""
        self.instances[instance_id]["State"] = {"Name": state}

    def find(self, instance_id: str) -> Instance | None:
        self._note("find")
        raw = self.instances.get(instance_id)
        return self._look(raw) if raw else None

    def find_by_tags(self, tags: dict[str, str]) -> list[Instance]:
        self._note("find_by_tags")
        wanted = [{"Key": k, "Value": v} for k, v in tags.items()]
        found = [r for r in self.instances.values() if all(t in r["Tags"] for t in wanted)]
        return [one for raw in found if (one := self._look(raw)) is not None]

    def run(self, parameters: dict[str, Any]) -> Instance:
        self._note("run")
        pairs = parameters["TagSpecifications"][0]["Tags"]
        az, kind = parameters["Placement"]["AvailabilityZone"], parameters["InstanceType"]
        market = "spot" if "InstanceMarketOptions" in parameters else "ondemand"
        token, shape = parameters["ClientToken"], repr(sorted(parameters.items()))
        if token in self.tokens:
            instance_id, first_shape = self.tokens[token]
            if shape != first_shape:
                raise AwsRejected("RunInstances", code="IdempotentParameterMismatch")
            return parse_instance(self.instances[instance_id])
        if {f"{kind}.{az}", f"{kind}.{az}:{market}"} & self.full:
            raise InsufficientCapacity("RunInstances", code="InsufficientInstanceCapacity")
        instance_id = f"i-new-{next(self._numbers)}"
        self.add(instance_id, az=az, tags={p["Key"]: p["Value"] for p in pairs}, state="pending")
        raw = self.instances[instance_id]
        raw.update(InstanceType=kind, hidden=self.lag, pending=self.boot)
        if market == "ondemand":
            del raw["InstanceLifecycle"]
        self.tokens[token] = (instance_id, shape)
        self.launches.append(parameters)
        return parse_instance(raw)

    def terminate(self, instance_id: str) -> None:
        self._note("terminate")
        if self.terminates:
            self.set_state(instance_id, "shutting-down")

    def passes_status_checks(self, instance_id: str) -> bool:
        self._note("passes_status_checks")
        return self.status_is_ok and instance_id in self.alive()

    def is_protected(self, instance_id: str) -> bool:
        self._note("is_protected")
        return instance_id in self.protected

    def user_data(self, _: str) -> str:
        self._note("user_data")
        return "IyEvYmluL3No"  # #!/bin/sh

    def volumes(self, _: str) -> list[dict[str, Any]]:
        self._note("volumes")
        return [{"VolumeId": "vol-1", "Size": 30, "VolumeType": "gp3", "Iops": 4000}]

    def subnets(self, _: str) -> list[dict[str, Any]]:
        self._note("subnets")
        return [
            {"SubnetId": f"subnet-{zone}", "AvailabilityZone": f"us-east-1{zone}"} for zone in "abc"
        ]

    def zone_ids(self) -> dict[str, str]:
        self._note("zone_ids")
        return {"us-east-1a": "use1-az4", "us-east-1b": "use1-az6"}

    def tag(self, instance_id: str, tags: dict[str, str]) -> None:
        self._note("tag")
        self.instances[instance_id]["Tags"] += [{"Key": k, "Value": v} for k, v in tags.items()]

    def holder(self, _: str) -> str | None:
        self._note("holder")
        return self.address_holder

    def associate(self, _: str, instance_id: str) -> None:
        self._note("associate")
        self.address_holder = instance_id

    def register(self, arn: str, instance_id: str, _: int | None) -> None:
        self._note("register")
        self.targets.setdefault(arn, {})[instance_id] = self.target_health

    def deregister(self, arn: str, instance_id: str, _: int | None) -> None:
        self._note("deregister")
        self.targets.setdefault(arn, {}).pop(instance_id, None)

    def health(self, arn: str, instance_id: str) -> str:
        self._note("health")
        return self.targets.get(arn, {}).get(instance_id, "missing")

    def close(self) -> None:
        """Nothing to free here."""

    def create(self, _: str, name: str, __: dict[str, str]) -> str:
        self._note("create")
        self.images.add(name)
        return f"ami-{name}"

    def _note(self, method: str) -> None:
        self.calls[method] += 1
        if self.failures.get(method):
            raise self.failures[method].pop(0)

    @staticmethod
    def _look(raw: dict[str, Any]) -> Instance | None:
        if raw["hidden"] > 0:
            raw["hidden"] -= 1
            return None
        if raw["State"]["Name"] == "pending":
            raw["pending"] -= 1
            if raw["pending"] < 0:
                raw["State"] = {"Name": "running"}
        return parse_instance(raw)
