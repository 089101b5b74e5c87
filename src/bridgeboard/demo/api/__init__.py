"""The demo AI Bridge API: everything public of it.

``Bridge`` answers requests over raw tables as the real server would, quirks included
(docs/api-contract.md). ``transport`` and ``asgi`` put it behind httpx or a server.
"""

from bridgeboard.demo.api.auth_and_rate_limit import Key, holders, tokens
from bridgeboard.demo.api.bridge import Bridge, Clock, Switches
from bridgeboard.demo.api.deployment import Profile
from bridgeboard.demo.api.faults import KINDS, Faults
from bridgeboard.demo.api.http_answers import Answer
from bridgeboard.demo.api.transports import App, Transport, asgi, transport

__all__ = [
    "KINDS",
    "Answer",
    "App",
    "Bridge",
    "Clock",
    "Faults",
    "Key",
    "Profile",
    "Switches",
    "Transport",
    "asgi",
    "holders",
    "tokens",
    "transport",
]
