import pytest

from backend.domain.identity import Sender, identify
from backend.errors import InvalidRequest

A, B, C, D = "i-aaa", "i-bbb", "i-ccc", "i-ddd"
NOBODY = ["", " ", "unknown", "Unknown", "None", "null", None]


@pytest.mark.parametrize(
    ("message", "instance_id"),
    [
        (
            {
                "body_instance_id": A,
                "old_instance_id": B,
                "monitored_instances": [C],
                "lease_instance_id": D,
            },
            A,
        ),
        ({"old_instance_id": B, "monitored_instances": [C], "lease_instance_id": D}, B),
        ({"monitored_instances": [C, D], "lease_instance_id": D}, C),
        ({"monitored_instances": [], "lease_instance_id": D}, D),
        ({"lease_instance_id": D}, D),
        ({"body_instance_id": f" {A} "}, A),
        ({}, None),
    ],
)
def test_sender_is_taken_in_order(message, instance_id):
    assert identify(**message) == Sender(instance_id=instance_id, is_native=False)


@pytest.mark.parametrize(
    ("message", "instance_id"),
    [
        ({}, B),
        ({"monitored_instances": [C], "lease_instance_id": D}, B),
        ({"body_instance_id": B}, B),
        ({"old_instance_id": B}, B),
        ({"body_instance_id": "unknown"}, B),
    ],
)
def test_sender_is_native_when_the_header_names_it(message, instance_id):
    assert identify(header_instance_id=B, **message) == Sender(
        instance_id=instance_id, is_native=True
    )


@pytest.mark.parametrize("nobody", NOBODY)
@pytest.mark.parametrize(
    "place", ["body_instance_id", "old_instance_id", "header_instance_id", "lease_instance_id"]
)
def test_sender_stays_anonymous_when_the_value_names_nobody(place, nobody):
    assert identify(**{place: nobody}) == Sender(instance_id=None, is_native=False)


@pytest.mark.parametrize("nobody", [*NOBODY, 7, {}, []])
def test_monitored_instance_does_not_count_when_it_names_nobody(nobody):
    assert identify(monitored_instances=[nobody, A], lease_instance_id=D).instance_id == D


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"body_instance_id": A}, "instance_id"),
        ({"body_instance_id": A, "old_instance_id": B}, "instance_id"),
        ({"old_instance_id": A}, "old_instance.instance_id"),
    ],
)
def test_message_is_refused_when_body_and_header_disagree(message, field):
    with pytest.raises(InvalidRequest) as refused:
        identify(header_instance_id=B, **message)

    assert refused.value.facts == {"field": field}
    assert field in refused.value.message


def test_message_is_taken_when_only_the_lease_disagrees_with_the_header():
    assert identify(header_instance_id=A, lease_instance_id=B).instance_id == A
