"""Which IP addresses are out on the internet. Knows no names: those are looked up by whoever connects."""

import ipaddress

PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")


def is_public(text: str) -> bool:
    """Whether an IP address leads to the internet and nowhere else. Raises ValueError for what is no address."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        # Wrapped IPv4 addresses could lead inside.
        return address in PUBLIC_IPV6 and address.is_global and not (address.sixtofour or address.teredo)
    return address.is_global and not address.is_multicast
