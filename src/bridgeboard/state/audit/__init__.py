"""Who looked at what, when and why: a log that only grows.

Each line holds the digest of the line before it, so that a line that was changed, removed, put in
or moved is noticed, and digests are made with a key, so that nobody who lacks it can make the log
anew. What the file alone cannot tell is that its last lines are missing: whoever needs that has
the entries handed on elsewhere.
"""

from bridgeboard.state.audit.entry import AuditError, Entry
from bridgeboard.state.audit.forwarding import Forwarder, Progress, forward, progress
from bridgeboard.state.audit.log import Audit
from bridgeboard.state.audit.searched_words import digest_of_words, key_beside
from bridgeboard.state.audit.target import Target, target
from bridgeboard.state.audit.verdict import Verdict

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
    "key_beside",
    "progress",
    "target",
]
