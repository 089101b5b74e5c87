"""Refuses a port that cannot be listened on, in words, before anything else begins."""

import socket

from bridgeboard.settings import SettingsError


def refuse_a_taken_port(host: str, port: int) -> None:
    """Raise when ``host`` and ``port`` cannot be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host} port {port}: {error.strerror}. "
            "Choose another with --host or --port."
        ) from None
