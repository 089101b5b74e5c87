"""Who looked at what, when and why: a log that only grows.

Each line holds the digest of the line before it, so that a line that was changed, removed, put in
or moved is noticed. What the file alone cannot tell is that its last lines are missing, nor that
somebody who may write it made all of it anew: whoever needs that sends the lines elsewhere.
"""

from bridgeboard.audit.entry import AuditError, Entry
from bridgeboard.audit.log import Audit
from bridgeboard.audit.searched_words import digest_of_words, key_beside
from bridgeboard.audit.verdict import Verdict

__all__ = ["Audit", "AuditError", "Entry", "Verdict", "digest_of_words", "key_beside"]
