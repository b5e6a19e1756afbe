"""Whose failures are counted together."""

import pytest

from backend.services.sign_in import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        (None, ""),
        ("198.51.100.7:4711", "198.51.100.7:4711"),
    ],
)
def test_addresses_of_one_subscriber_count_as_one(address, network):
    assert network_of(address) == network


def test_key_stays_short_when_a_proxy_passes_nonsense_on():
    assert len(network_of("x" * 10_000)) == 64
