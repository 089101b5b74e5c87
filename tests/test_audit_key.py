"""Who lacks the key of the audit log can neither write it nor make it anew unnoticed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import databases
import pytest
from log_lines import lines, put_lines

from bridgeboard.state import Database, opened
from bridgeboard.state.audit import Audit, AuditError, Entry, Verdict
from bridgeboard.state.audit.entry import line, signed
from bridgeboard.state.audit.key import Key

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
KEY, OTHER = "a key of the operator", "another key of theirs"


def fill(audit: Audit, count: int = 4) -> list[Entry]:
    return [
        audit.write(f"p{n}", "reveal", "why", f"s{n}", at=AT + timedelta(minutes=n))
        for n in range(count)
    ]


def written_before_keys(audit: Audit, count: int = 3) -> list[bytes]:
    """Let the log be one as versions without keys wrote it; its lines."""
    before, texts = "0" * 64, []
    for number in range(1, count + 1):
        told = {
            "number": number,
            "at": AT.isoformat(timespec="milliseconds"),
            "who": "ada",
            "what": "login",
            "why": "",
            "about": "",
            "before": before,
        }
        body = json.dumps(told, separators=(",", ":")).encode()[:-1]
        before = sha256(body).hexdigest()
        texts.append(b'%b,"digest":"%b"}\n' % (body, before.encode()))
    put_lines(audit, texts)
    return texts


def forged(entries: list[Entry], key: Key | None) -> list[bytes]:
    """These entries as a chain that is right by itself, signed with a key or with none."""
    texts, before = [], "0" * 64
    for number, entry in enumerate(entries, 1):
        again = signed(
            Entry(number, entry.at, entry.who, entry.what, entry.why, entry.about, before), key
        )
        before = again.digest
        texts.append(line(again))
    return texts


@pytest.fixture(params=["", KEY])
def audit(request: pytest.FixtureRequest, tmp_path: Path) -> Audit:
    return Audit(opened(tmp_path), request.param)


def test_every_entry_is_signed_and_none_says_with_what(audit: Audit) -> None:
    assert audit.verify() == Verdict(0)
    fill(audit)
    assert audit.verify() == Verdict(4)
    text = b"".join(lines(audit)).decode()
    assert KEY not in text
    file = audit.database.folder / "audit.key"
    assert not file.exists() or file.read_text() not in text
    assert len({entry.key for entry in audit.entries()}) == 1


def test_the_key_of_its_own_is_private_and_stays(tmp_path: Path) -> None:
    audit = Audit(opened(tmp_path))
    fill(audit, 1)
    file = tmp_path / "audit.key"
    text = file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert len(text) == 64
    fill(Audit(audit.database), 2)
    assert (file.read_text(), audit.verify()) == (text, Verdict(3))
    assert audit.words_key().hex() == text
    file.chmod(0o644)
    with pytest.raises(AuditError, match="chmod 600"):
        fill(audit, 1)


@pytest.mark.parametrize("secret", [None, "what somebody else made up"])
def test_a_log_that_is_made_anew_without_the_key_is_noticed(
    audit: Audit, secret: str | None
) -> None:
    entries = fill(audit)
    assert audit.verify().good
    key = Key.of(secret) if secret else None
    put_lines(audit, forged(entries[1:], key))
    told = audit.verify()
    assert (told.good, told.broken) == (False, 3)
    assert "lacks the key" in told.why


@pytest.mark.parametrize("secret", [None, "what somebody else made up"])
def test_what_is_put_behind_without_the_key_is_noticed(audit: Audit, secret: str | None) -> None:
    *_, last = fill(audit)
    more = Entry(5, AT, "mallory", "login", before=last.digest)
    forged_line = line(signed(more, Key.of(secret) if secret else None))
    put_lines(audit, [*lines(audit), forged_line])
    told = audit.verify()
    assert (told.right, told.broken) == (4, 5)


def test_a_changed_entry_is_noticed_though_its_digest_was_made_anew(audit: Audit) -> None:
    fill(audit)
    texts = lines(audit)
    body = texts[1].replace(b'"p1"', b'"p9"').partition(b',"digest"')[0]
    texts[1] = b'%b,"digest":"%b"}\n' % (body, sha256(body).hexdigest().encode())
    put_lines(audit, texts)
    assert audit.verify().broken == 2


def test_a_log_from_before_stays_and_goes_on_with_a_key(audit: Audit) -> None:
    before = written_before_keys(audit)
    assert len(audit.entries()) == 3
    fill(audit, 2)
    assert lines(audit)[:3] == before
    assert audit.verify() == Verdict(5, unkeyed=3)
    assert [entry.number for entry in audit.entries()] == [5, 4, 3, 2, 1]
    put_lines(audit, lines(audit)[1:])
    assert not audit.verify().good


def test_a_log_from_before_made_anew_after_it_got_a_key_is_noticed(audit: Audit) -> None:
    written_before_keys(audit)
    fill(audit, 2)
    written_before_keys(audit)
    told = audit.verify()
    assert (told.broken, told.unkeyed) == (3, 3)


def test_without_the_key_it_is_said_what_cannot_be_checked(tmp_path: Path) -> None:
    database = opened(tmp_path)
    written_before_keys(Audit(database, KEY))
    fill(Audit(database, KEY))
    keyless = Audit(database)
    told = keyless.verify()
    assert told == Verdict(7, unkeyed=3, unchecked=4, key_missing=True)
    assert not told.good
    assert len(keyless.entries()) == 7
    texts = lines(keyless)
    put_lines(keyless, [*texts[:4], *texts[5:]])
    assert keyless.verify().broken == 5


def test_without_the_key_nothing_is_put_behind(tmp_path: Path) -> None:
    database = opened(tmp_path)
    fill(Audit(database, KEY))
    with pytest.raises(AuditError, match="audit_key"):
        fill(Audit(database), 1)
    assert not (tmp_path / "audit.key").exists()
    assert Audit(database, KEY).verify() == Verdict(4)


def test_a_log_whose_key_was_lost_is_begun_anew(tmp_path: Path) -> None:
    database = opened(tmp_path / "data")
    fill(Audit(database, KEY))
    keyless = Audit(database)
    assert keyless.move_to(tmp_path / "old.jsonl", at=AT) == 4
    fill(keyless, 1)
    assert keyless.verify() == Verdict(2)


def test_an_operator_may_set_another_key(tmp_path: Path) -> None:
    database = opened(tmp_path)
    fill(Audit(database, KEY), 2)
    told = Audit(database, OTHER).verify()
    assert (told.broken, told.unchecked) == (2, 2)
    assert fill(Audit(database, OTHER), 3)[0].number == 4
    assert Audit(database, OTHER).verify() == Verdict(6, unchecked=2)


def test_the_log_says_where_another_key_begins(tmp_path: Path) -> None:
    database = opened(tmp_path)
    fill(Audit(database, KEY), 2)
    fill(Audit(database, OTHER), 2)
    first, _, change, last, _ = reversed(Audit(database, OTHER).entries())
    assert (change.number, change.what, change.who) == (3, "audit key changed", "bridgeboard")
    assert first.key in change.about
    assert last.key in change.about
    # Somebody who lacks the key and made the entries before does not get by without it either.
    theirs = list(reversed(Audit(database, KEY).entries()))
    put_lines(Audit(database, KEY), forged(theirs[:2], Key.of("made up")))
    fill(Audit(database, KEY), 1)
    assert [one.what for one in Audit(database, KEY).entries()][1] == "audit key changed"


def test_entries_of_another_key_that_nothing_vouches_for_are_noticed(tmp_path: Path) -> None:
    audit = Audit(opened(tmp_path), KEY)
    fill(audit, 3)
    texts, name = lines(audit), Key.of(KEY).name.encode()
    texts[0] = texts[0].replace(b'"p0"', b'"p9"').replace(name, b"f" * 16)
    put_lines(audit, texts)
    told = audit.verify()
    assert (told.good, told.right, told.broken, told.key_missing) == (False, 0, 1, False)


def test_without_the_key_that_was_set_nothing_is_called_broken_though_another_key_lies_there(
    tmp_path: Path,
) -> None:
    database = opened(tmp_path / "one")
    Audit(database).words_key()
    fill(Audit(database, KEY), 3)
    told = Audit(database).verify()
    assert (told.good, told.key_missing, told.unchecked) == (False, True, 3)
    assert "a key that is not here" in told.why
    other = opened(tmp_path / "two")
    fill(Audit(other), 2)
    fill(Audit(other, KEY), 2)
    told = Audit(other).verify()
    assert (told.good, told.key_missing, told.right, told.broken) == (False, True, 2, 3)
    with pytest.raises(AuditError, match="audit_key"):
        fill(Audit(other), 1)


def test_a_key_file_that_is_empty_is_told(tmp_path: Path) -> None:
    audit = Audit(opened(tmp_path))
    file = tmp_path / "audit.key"
    file.write_text("")
    file.chmod(0o600)
    with pytest.raises(AuditError, match="is empty"):
        fill(audit, 1)


def test_words_are_known_by_the_key_that_dashboards_share(tmp_path: Path) -> None:
    one, other = (Audit(opened(tmp_path / name), KEY) for name in ("one", "other"))
    assert one.words_key() == other.words_key()
    assert one.words_key() != Audit(one.database).words_key()
    assert one.words_key() != KEY.encode()
    assert one.known_words_keys() == (one.words_key(), Audit(one.database).words_key())


@pytest.fixture
def shared(postgres: databases.Server, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """The state of two dashboards on one PostgreSQL, each with a data folder of its own."""
    url = postgres.fresh()
    with (
        databases.database(tmp_path / "one", url) as one,
        databases.database(tmp_path / "other", url) as other,
    ):
        yield one, other


@pytest.mark.parametrize("theirs", ["", OTHER])
@pytest.mark.parametrize("ours", ["", KEY])
def test_of_dashboards_that_share_a_log_one_with_another_key_writes_nothing(
    shared: tuple[Database, Database], ours: str, theirs: str
) -> None:
    one, other = Audit(shared[0], ours), Audit(shared[1], theirs)
    for log in (one, other):
        log.check_key()  # of an empty log any may be the first
    (entry,) = fill(one, 1)
    other.database.folder.mkdir(exist_ok=True)
    for made in (False, True):
        for refused in (lambda: fill(other, 1), other.check_key):
            with pytest.raises(AuditError, match="same audit_key") as caught:
                refused()
            assert f"with the key {entry.key}" in str(caught.value)
            assert ("has none" in str(caught.value)) == (not theirs and not made)
            assert KEY not in str(caught.value)
            assert OTHER not in str(caught.value)
        other.words_key()  # which makes a key of its own, where none is set
    one.check_key()
    fill(one, 1)
    assert one.verify() == Verdict(2)


def test_dashboards_that_share_a_log_get_another_key_once_and_those_with_the_old_one_stop(
    shared: tuple[Database, Database],
) -> None:
    one, other = Audit(shared[0], KEY), Audit(shared[1], OTHER)
    fill(one, 2)
    accepted = other.change_key(at=AT)
    assert (accepted.number, accepted.what) == (4, "accept audit key")
    fill(other, 1)
    assert other.verify() == Verdict(5, unchecked=2)
    for refused in (lambda: fill(one, 1), one.check_key):
        with pytest.raises(AuditError, match="same audit_key"):
            refused()
    assert other.verify() == Verdict(5, unchecked=2)


def test_where_one_dashboard_writes_alone_an_operator_sets_another_key_without_a_command(
    tmp_path: Path,
) -> None:
    database = opened(tmp_path)
    fill(Audit(database, KEY), 1)
    Audit(database, OTHER).check_key()
    with pytest.raises(AuditError, match="audit_key"):
        Audit(database).check_key()
