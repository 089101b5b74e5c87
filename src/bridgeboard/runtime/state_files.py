"""Opens the state database and what is kept in it for this process: the audit log, logins."""

from bridgeboard import state
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.state import Database, audit, logins
from bridgeboard.state.audit import Audit, AuditError, Progress, Target
from bridgeboard.state.login_groups import LoginGroups
from bridgeboard.state.logins import Ended


def state_database(settings: Settings) -> Database:
    """Their database: beside the stores, or where several dashboards share it.

    People come in before any store is open. Nothing is opened or asked before its first use.
    """
    return state.opened(settings.folder, settings.state_url.get_secret_value())


def audit_log(settings: Settings) -> Audit:
    """The audit log, with the key that its entries are signed with."""
    return Audit(state_database(settings), settings.audit_key.get_secret_value())


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
    """How far the target of the audit log has come; None where there is none. Raises StateError."""
    if settings.demo or not settings.audit_target:
        return None
    return audit.progress(state_database(settings), settings.audit_target)


def ended_logins(settings: Settings) -> Ended:
    """The logins that were ended before their time."""
    return logins.ended(state_database(settings))


def login_groups(settings: Settings) -> LoginGroups:
    """The groups of people that logins have told."""
    return LoginGroups(state_database(settings))


def keeps_login_groups(settings: Settings) -> bool:
    """Whether these are kept: only where teams are made of them, and somebody tells them."""
    return settings.guarded and settings.teams_from == "login" and not settings.teams_file
