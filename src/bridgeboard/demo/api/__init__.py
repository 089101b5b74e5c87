"""The demo AI Bridge API: everything public of it.

``Bridge`` answers requests over raw tables as the real server would, quirks included
(docs/api-contract.md).
"""

from bridgeboard.demo.api.auth_and_rate_limit import Key, holders, tokens
from bridgeboard.demo.api.bridge import Bridge, Clock, Switches
from bridgeboard.demo.api.deployment import Profile
from bridgeboard.demo.api.http_answers import KINDS, Answer, Faults

__all__ = [
    "KINDS",
    "Answer",
    "Bridge",
    "Clock",
    "Faults",
    "Key",
    "Profile",
    "Switches",
    "holders",
    "tokens",
]
