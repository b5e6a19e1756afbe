"""Which addresses the program may be made to speak to by whoever names a host."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Beside link-local ones: where clouds hand out credentials to whoever asks from the inside.
METADATA = (ip_address("fd00:ec2::254"), ip_address("100.100.100.200"), ip_address("168.63.129.16"))
_NAT64 = IPv6Network("64:ff9b::/96")
_IPV4_MASK = 0xFFFFFFFF


def refusal_of(text: str, allowed: Sequence[Network]) -> str | None:
    """Return why an address must not be spoken to ("link-local", ...), or None when it may be."""
    address = _inner(ip_address(text.partition("%")[0]))
    if any(address in network for network in allowed):
        return None
    kinds = {
        "a loopback": address.is_loopback,
        "a metadata": address in METADATA,
        "a link-local": address.is_link_local,
        "an unspecified": address.is_unspecified or address in IPv4Network("0.0.0.0/8"),
        "a multicast": address.is_multicast,
        "a reserved": address.is_reserved,
    }
    return next((kind for kind, is_it in kinds.items() if is_it), None)


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address only wraps."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _IPV4_MASK)
    return address.ipv4_mapped or address.sixtofour or address
