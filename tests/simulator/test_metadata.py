"""Instance metadata over real HTTP."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from simulator.interruptions import Style
from simulator.metadata.service import TOKEN_HEADER, TOKEN_PATH, TTL_HEADER, MetadataService

META = "/latest/meta-data/"


class Reader:
    """Reads as a program on the instance does."""

    def __init__(self, bench, **launch) -> None:
        self.bench = bench
        name = bench.launch(**launch)["InstanceId"]
        self.instance = bench.region.instances[name]
        self.service = MetadataService(bench.region, bench.servers)
        self.service.open(self.instance)
        self._netloc = urlsplit(self.service.endpoint(name)).netloc

    def call(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._netloc, timeout=5)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def token(self, ttl: str = "60") -> str:
        return self.call("PUT", TOKEN_PATH, {TTL_HEADER: ttl})[1]

    def get(self, path: str) -> tuple[int, str]:
        return self.call("GET", path, {TOKEN_HEADER: self.token()})


@pytest.fixture
def reader(bench) -> Reader:
    return Reader(bench)


def test_metadata_needs_a_token(reader):
    assert reader.call("GET", f"{META}instance-id", {}) == (401, "Unauthorized")
    assert reader.call("GET", f"{META}instance-id", {TOKEN_HEADER: "made-up"})[0] == 401


def test_metadata_needs_no_token_when_tokens_are_optional(bench):
    reader = Reader(bench, MetadataOptions={"HttpTokens": "optional"})

    assert reader.call("GET", f"{META}instance-life-cycle", {}) == (200, "spot")
    assert reader.call("GET", f"{META}instance-life-cycle", {TOKEN_HEADER: "made-up"})[0] == 401


@pytest.mark.parametrize("ttl", ["", "0", "21601", "soon"])
def test_token_is_refused_when_its_life_is_out_of_range(reader, ttl):
    assert reader.call("PUT", TOKEN_PATH, {TTL_HEADER: ttl})[0] == 400


def test_token_is_refused_when_a_proxy_asks(reader):
    headers = {TTL_HEADER: "60", "X-Forwarded-For": "10.0.0.1"}

    assert reader.call("PUT", TOKEN_PATH, headers)[0] == 403


def test_token_ends_with_its_life(reader):
    token = reader.token("60")
    reader.bench.advance(seconds=59)
    assert reader.call("GET", f"{META}instance-id", {TOKEN_HEADER: token})[0] == 200
    reader.bench.advance(seconds=2)

    assert reader.call("GET", f"{META}instance-id", {TOKEN_HEADER: token})[0] == 401


def test_instance_reads_who_and_where_it_is(reader):
    paths = (
        "instance-id",
        "instance-type",
        "ami-id",
        "instance-life-cycle",
        "placement/availability-zone",
        "placement/availability-zone-id",
        "placement/region",
        "local-ipv4",
    )

    found = [reader.get(META + path)[1] for path in paths]

    assert found == [
        reader.instance.instance_id,
        "m5.large",
        reader.bench.image.image_id,
        "spot",
        "eu-west-1a",
        "euw1-az2",
        "eu-west-1",
        "10.20.1.10",
    ]


def test_identity_document_names_the_account(reader):
    document = json.loads(reader.get("/latest/dynamic/instance-identity/document")[1])

    assert document["accountId"] == "123456789012"
    assert document["instanceId"] == reader.instance.instance_id


@pytest.mark.parametrize(
    "path",
    [
        "/latest/user-data",
        f"{META}public-ipv4",
        f"{META}spot/instance-action",
        f"{META}events/recommendations/rebalance",
        f"{META}tags/instance/Name",
    ],
)
def test_what_is_absent_is_a_404(reader, path):
    assert reader.get(path)[0] == 404


def test_user_data_is_read_decoded(bench):
    assert Reader(bench, UserData="hello").get("/latest/user-data") == (200, "hello")


def test_tags_are_there_only_when_that_was_asked_for(bench):
    tags = [{"Key": "LogicalAgentId", "Value": "web-1"}]
    specifications = [{"ResourceType": "instance", "Tags": tags}]

    closed = Reader(bench, TagSpecifications=specifications)
    opened = Reader(
        bench,
        TagSpecifications=specifications,
        MetadataOptions={"InstanceMetadataTags": "enabled"},
    )

    assert closed.get(f"{META}tags/instance/LogicalAgentId")[0] == 404
    assert opened.get(f"{META}tags/instance/LogicalAgentId") == (200, "web-1")
    assert opened.get(f"{META}tags/instance/") == (200, "LogicalAgentId")


def test_signals_appear_as_ec2_writes_them(reader):
    reader.bench.interruptions.order(reader.instance.instance_id, Style.TOGETHER)

    action = json.loads(reader.get(f"{META}spot/instance-action")[1])
    rebalance = json.loads(reader.get(f"{META}events/recommendations/rebalance")[1])

    assert action == {"action": "terminate", "time": "2026-03-02T12:02:00Z"}
    assert rebalance == {"noticeTime": "2026-03-02T12:00:00Z"}


def test_dead_instance_answers_nothing(reader):
    reader.service.close(reader.instance.instance_id)

    with pytest.raises(OSError, match="refused"):
        reader.token()
