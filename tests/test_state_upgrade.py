"""A data folder that an earlier version wrote, with one file for each thing, comes up whole.

The files in ``vectors/former-state`` were written by that version itself.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import databases
import pytest

from bridgeboard.state import Database
from bridgeboard.state.audit import Audit, Verdict, progress
from bridgeboard.state.logins import ClosedError, Ended, Login
from bridgeboard.state.saved_views import Note, SavedViews, View

FORMER = Path(__file__).with_name("vectors") / "former-state"
AT = datetime(2026, 5, 4, 9, 30, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def upgraded(tmp_path: Path) -> Iterator[Database]:
    folder = tmp_path / "data"
    shutil.copytree(FORMER, folder)
    folder.chmod(0o700)
    for file in folder.iterdir():
        file.chmod(0o600)
    with databases.database(folder) as database:
        yield database


def test_its_views_and_notes_are_there_for_whom_they_were(upgraded: Database) -> None:
    for audience in ("", "ab12"):
        saved_views = SavedViews(upgraded, "store", audience)
        assert set(saved_views.views()) == {
            View(f"Spend ü {audience}", "spend", "period=7d&models=a&models=b"),
            View("people", "people", ""),
        }
        assert saved_views.notes() == {
            f"spike:2026-05-01:{audience}": Note('known "load"\ntest', AT, "ada"),
            f"spike:2026-05-02:{audience}": Note("old", AT),
        }


def test_its_audit_log_is_right_goes_on_and_is_handed_on_from_where_it_was(
    upgraded: Database,
) -> None:
    audit = Audit(upgraded)
    assert audit.verify() == Verdict(5)
    assert [(one.who, one.what, one.why, one.about) for one in reversed(audit.entries())] == [
        *(("ada", "reveal", f"reason {n} ß\u202e", f"session s{n}") for n in range(4)),
        ("bob", "export", "", "people"),
    ]
    sent = progress(upgraded, "/var/log/audit.jsonl")
    assert [one.number for one in audit.since(sent.number, sent.digest)] == [5]
    assert audit.write("ada", "login", at=AT).number == 6
    assert audit.verify() == Verdict(6)


@pytest.mark.parametrize(
    ("subject", "nonce", "name", "reason"),
    [("1", "n", "ada", "logged out"), ("2", "m", "mallory", "ended your login")],
)
def test_logins_that_had_ended_stay_ended_and_others_hold(
    upgraded: Database, subject: str, nonce: str, name: str, reason: str
) -> None:
    ended, now = Ended(upgraded), AT + timedelta(hours=1)
    claims = {"iss": "https://login.example.com", "iat": AT.timestamp()}
    login = Login.of(claims | {"sub": subject, "nonce": nonce}, [name])
    with pytest.raises(ClosedError, match=reason):
        ended.check(login, hours=12, now=now)
    ended.check(Login.of(claims | {"sub": "1", "nonce": "later"}, ["ada"]), hours=12, now=now)
