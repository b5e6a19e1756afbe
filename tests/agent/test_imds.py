"""The metadata client against a real HTTP service."""

from datetime import timedelta

import pytest

from agent.errors import ImdsUnavailable
from agent.identity import read_identity
from agent.imds import Imds

NOTICE = "meta-data/spot/instance-action"


@pytest.fixture
def client(imds, clock) -> Imds:
    return Imds(imds.url, clock)


def test_absence_is_a_value(client):
    assert client.get(NOTICE) is None


@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_any_other_status_is_an_error(client, imds, status):
    imds.status[NOTICE] = status

    with pytest.raises(ImdsUnavailable):
        client.get(NOTICE)


def test_silence_is_an_error(imds, clock):
    imds.close()

    with pytest.raises(ImdsUnavailable, match="no answer"):
        Imds(imds.url, clock).get(NOTICE)


def test_text_that_is_no_json_is_an_error(client, imds):
    imds.items[NOTICE] = "soon"

    with pytest.raises(ImdsUnavailable, match="not JSON"):
        client.get_json(NOTICE)


def test_token_is_renewed_before_it_expires(client, imds, clock):
    client.get("meta-data/instance-id")
    clock.advance(timedelta(seconds=21_590))

    client.get("meta-data/instance-id")

    assert len([seen for seen in imds.seen if seen.method == "PUT"]) == 2


def test_token_is_renewed_when_it_was_revoked(client, imds):
    client.get("meta-data/instance-id")
    imds.tokens.clear()

    assert client.get("meta-data/instance-id") == "i-old"


def test_identity_is_read_from_metadata(client):
    identity = read_identity(client, None, None)

    assert identity.instance_id == "i-old"
    assert identity.pool_id == "m5.large.us-east-1a"
    assert (identity.mode, identity.az_id) == ("spot", "use1-az4")
    assert identity.account_id == "111122223333"
    assert identity.public_ip is None


def test_logical_name_is_the_configured_one_then_the_launch_tag_then_the_instance(client, imds):
    by_instance = read_identity(client, None, None).logical_agent_id
    imds.set_tags({"LogicalAgentId": "web-7", "CommandId": "c-1", "team": "a"})
    by_tag = read_identity(client, None, None)

    assert by_instance == "i-old"
    assert by_tag.logical_agent_id == "web-7"
    assert by_tag.launch_tags == {"LogicalAgentId": "web-7", "CommandId": "c-1"}
    assert read_identity(client, "web-1", None).logical_agent_id == "web-1"


def test_identity_needs_an_instance_id(client, imds):
    del imds.items["meta-data/instance-id"]

    with pytest.raises(ImdsUnavailable, match="instance-id"):
        read_identity(client, None, None)
