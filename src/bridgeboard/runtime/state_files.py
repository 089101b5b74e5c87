"""What lies beside the stores in the data folder: the audit log, and logins that were ended."""

from pathlib import Path

from bridgeboard.settings import Settings, SettingsError
from bridgeboard.state import audit
from bridgeboard.state.audit import Audit, AuditError, Progress, Target

AUDIT = "audit.jsonl"
ENDED = "logouts.json"


def audit_file(settings: Settings) -> Path:
    """The file of the audit log, beside the stores: people come in before any store is open."""
    return settings.folder / AUDIT


def audit_log(settings: Settings) -> Audit:
    """The audit log, with the key that its entries are signed with."""
    return Audit(audit_file(settings), settings.audit_key.get_secret_value())


def audit_target(settings: Settings) -> Target | None:
    """Where its entries are handed on; None where they are not, as those of a demo.

    Raises:
        SettingsError: when the setting names nothing of the kind.
    """
    if settings.demo or not settings.audit_target:
        return None
    try:
        return audit.target(settings.audit_target)
    except AuditError as error:
        raise SettingsError(str(error)) from None


def handed_on(settings: Settings) -> Progress | None:
    """How far the target of the audit log has come; None where there is none."""
    if settings.demo or not settings.audit_target:
        return None
    return audit.progress(audit_file(settings), settings.audit_target)


def ended_file(settings: Settings) -> Path:
    """The file of logins that were ended before their time, beside the audit log."""
    return settings.folder / ENDED
