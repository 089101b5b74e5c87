"""Who looked at what, when and why: a log that only grows.

Each line holds the digest of the line before it, so that a line that was changed, removed, put in
or moved is noticed, and digests are made with a key, so that nobody who lacks it can make the log
anew. What the log alone cannot tell is that its last lines are missing: whoever needs that has
the entries handed on elsewhere.
"""

from bridgeboard.state.audit.entry import Entry
from bridgeboard.state.audit.forwarding import (
    Forwarder,
    Progress,
    Target,
    forward,
    progress,
    target,
)
from bridgeboard.state.audit.key import digest_of_words
from bridgeboard.state.audit.log import Audit
from bridgeboard.state.audit.verdict import Verdict
from bridgeboard.state.errors import AuditError

__all__ = [
    "Audit",
    "AuditError",
    "Entry",
    "Forwarder",
    "Progress",
    "Target",
    "Verdict",
    "digest_of_words",
    "forward",
    "progress",
    "target",
]
