"""The lines of an audit log as bytes, to look at and to tamper with."""

from collections.abc import Sequence

from sqlalchemy import select

from bridgeboard.state.audit import Audit
from bridgeboard.state.audit.former_log import LOG
from bridgeboard.state.schema import AUDIT_LINES, TAKEN_OVER


def lines(audit: Audit) -> list[bytes]:
    """All lines with their breaks, the oldest first."""
    with audit.database.reading() as connection:
        rows = connection.execute(select(AUDIT_LINES).order_by(AUDIT_LINES.c.position)).all()
    return [row.torn if row.line is None else row.line.encode() + b"\n" for row in rows]


def put_lines(audit: Audit, texts: Sequence[bytes]) -> None:
    """Let the log hold these lines, as if an earlier version had written them into its file."""
    clear(audit)
    path = audit.database.folder / LOG
    path.parent.mkdir(exist_ok=True, mode=0o700)
    path.write_bytes(b"".join(texts))
    path.chmod(0o600)


def clear(audit: Audit) -> None:
    """Let the log hold nothing, and nothing be known of former files."""
    with audit.database.writing() as connection:
        connection.execute(AUDIT_LINES.delete())
        connection.execute(TAKEN_OVER.delete())
