"""The logout command: ends somebody's logins while the dashboard runs."""

import os
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from bridgeboard import settings
from bridgeboard.cli.terminal import err, explained, out
from bridgeboard.formats import line
from bridgeboard.runtime import state_files
from bridgeboard.settings import Settings, SettingsError

ENDED: Final = "end logins"
"""What the audit log calls it."""
LOOKED_AT: Final = 10_000
"""Entries of the audit log in which the name is looked for."""
User = Annotated[
    str, typer.Argument(help="Their e-mail address, username or subject, as they log in.")
]


def logout(user: User) -> None:
    """End all logins that somebody has now. The dashboard need not be restarted.

    It needs the dashboard's data folder and its account, and neither its settings nor its secrets.
    """
    name = user.strip()
    with explained():
        chosen = settings.read()
        _refuse(chosen, name)
        now = datetime.now(UTC)
        log = state_files.audit_log(chosen)
        known = {entry.who.casefold() for entry in log.entries(LOOKED_AT)}
        log.write("operator", ENDED, about=name, at=now)
        state_files.ended_logins(chosen).end_all_of(name, now=now)
    out.print(
        f"Every login that {line(name)} had until now is over. Open pages notice it within half "
        "a minute. Who is still let in by the provider or the proxy can come back.",
        markup=False,
    )
    if name.casefold() not in known:
        err.print(
            f"The audit log knows nobody called {line(name)}: if that is not how they log in, "
            "nothing has ended.",
            markup=False,
        )


def _refuse(chosen: Settings, name: str) -> None:
    """Raise SettingsError where it could have no effect."""
    if not name:
        raise SettingsError("Name somebody: an e-mail address, a username or a subject.")
    folder = chosen.folder
    if not folder.is_dir():
        raise SettingsError(
            f"{folder} is not there: name the dashboard's own folder with BRIDGEBOARD_DATA."
        )
    if hasattr(os, "geteuid") and folder.stat().st_uid != os.geteuid():
        raise SettingsError(
            f"{folder} belongs to another account, whose dashboard could not read what is written "
            "here. Run this command as that account."
        )
