"""An instance metadata service, version 2, whose items a test sets."""

import itertools

from tests.fakes.agent_http import Answer, LoopbackServer, Seen


class FakeImds(LoopbackServer):
    """Gives out tokens and refuses reads without one; ``items`` are paths below /latest/."""

    def __init__(self) -> None:
        self.items: dict[str, str] = {
            "meta-data/instance-id": "i-old",
            "meta-data/instance-type": "m5.large",
            "meta-data/placement/availability-zone": "us-east-1a",
            "meta-data/placement/availability-zone-id": "use1-az4",
            "meta-data/placement/region": "us-east-1",
            "meta-data/ami-id": "ami-1",
            "meta-data/instance-life-cycle": "spot",
            "meta-data/local-ipv4": "10.0.0.5",
            "dynamic/instance-identity/document": '{"accountId": "111122223333", "region": "us-east-1"}',
        }
        self.status: dict[str, int] = {}
        self.tokens: set[str] = set()
        self._numbers = itertools.count(1)
        super().__init__(self._respond)

    def set_tags(self, tags: dict[str, str]) -> None:
        """Offer these instance tags."""
        self.items["meta-data/tags/instance"] = "\n".join(tags)
        for key, value in tags.items():
            self.items[f"meta-data/tags/instance/{key}"] = value

    def _respond(self, seen: Seen) -> Answer:
        path = seen.path.removeprefix("/latest/")
        if path in self.status:
            return Answer(self.status[path], "<html>broken</html>\n")
        if (seen.method, path) == ("PUT", "api/token"):
            token = f"token-{next(self._numbers)}"
            self.tokens.add(token)
            return Answer(200, token)
        if seen.headers.get("X-aws-ec2-metadata-token") not in self.tokens:
            return Answer(401)
        return Answer(200, self.items[path]) if path in self.items else Answer(404)
