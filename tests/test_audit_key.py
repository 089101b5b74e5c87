"""Who lacks the key of the audit log can neither write it nor make it anew unnoticed."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from bridgeboard.state.audit import Audit, AuditError, Entry, Verdict, key_beside
from bridgeboard.state.audit.entry import line, signed
from bridgeboard.state.audit.key import Key, beside

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
KEY, OTHER = "a key of the operator", "another key of theirs"


def fill(audit: Audit, count: int = 4) -> list[Entry]:
    return [
        audit.write(f"p{n}", "reveal", "why", f"s{n}", at=AT + timedelta(minutes=n))
        for n in range(count)
    ]


def written_before_keys(path: Path, count: int = 3) -> None:
    """A log as versions without keys wrote it."""
    before, text = "0" * 64, b""
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
        text += b'%b,"digest":"%b"}\n' % (body, before.encode())
    path.write_bytes(text)
    path.chmod(0o600)


def forged(entries: list[Entry], key: Key | None) -> bytes:
    """These entries as a chain that is right by itself, signed with a key or with none."""
    text, before = b"", "0" * 64
    for number, entry in enumerate(entries, 1):
        again = signed(
            Entry(number, entry.at, entry.who, entry.what, entry.why, entry.about, before), key
        )
        before, text = again.digest, text + line(again)
    return text


@pytest.fixture(params=["", KEY])
def audit(request: pytest.FixtureRequest, tmp_path: Path) -> Audit:
    return Audit(tmp_path / "audit.jsonl", request.param)


def test_every_entry_is_signed_and_none_says_with_what(audit: Audit) -> None:
    assert audit.verify() == Verdict(0)
    fill(audit)
    assert audit.verify() == Verdict(4)
    text = audit.path.read_text()
    assert KEY not in text
    file = beside(audit.path)
    assert not file.exists() or file.read_text() not in text
    assert len({entry.key for entry in audit.entries()}) == 1


def test_the_key_of_its_own_is_private_and_stays(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    fill(audit, 1)
    file = beside(audit.path)
    text = file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert len(text) == 64
    fill(Audit(audit.path), 2)
    assert (file.read_text(), audit.verify()) == (text, Verdict(3))
    assert key_beside(audit.path).hex() == text
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
    audit.path.write_bytes(forged(entries[1:], key))
    told = audit.verify()
    assert (told.good, told.broken) == (False, 3)
    assert "lacks the key" in told.why


@pytest.mark.parametrize("secret", [None, "what somebody else made up"])
def test_what_is_put_behind_without_the_key_is_noticed(audit: Audit, secret: str | None) -> None:
    *_, last = fill(audit)
    more = Entry(5, AT, "mallory", "login", before=last.digest)
    with audit.path.open("ab") as file:
        file.write(line(signed(more, Key.of(secret) if secret else None)))
    told = audit.verify()
    assert (told.right, told.broken) == (4, 5)


def test_a_changed_entry_is_noticed_though_its_digest_was_made_anew(audit: Audit) -> None:
    fill(audit)
    lines = audit.path.read_bytes().splitlines(keepends=True)
    body = lines[1].replace(b'"p1"', b'"p9"').partition(b',"digest"')[0]
    lines[1] = b'%b,"digest":"%b"}\n' % (body, sha256(body).hexdigest().encode())
    audit.path.write_bytes(b"".join(lines))
    assert audit.verify().broken == 2


def test_a_log_from_before_stays_and_goes_on_with_a_key(audit: Audit) -> None:
    written_before_keys(audit.path)
    before = audit.path.read_bytes()
    assert len(audit.entries()) == 3
    fill(audit, 2)
    assert audit.path.read_bytes().startswith(before)
    assert audit.verify() == Verdict(5, unkeyed=3)
    assert [entry.number for entry in audit.entries()] == [5, 4, 3, 2, 1]
    lines = audit.path.read_bytes().splitlines(keepends=True)
    audit.path.write_bytes(b"".join(lines[1:]))
    assert not audit.verify().good


def test_a_log_from_before_made_anew_after_it_got_a_key_is_noticed(audit: Audit) -> None:
    written_before_keys(audit.path)
    fill(audit, 2)
    written_before_keys(audit.path)
    told = audit.verify()
    assert (told.broken, told.unkeyed) == (3, 3)


def test_without_the_key_it_is_said_what_cannot_be_checked(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written_before_keys(path)
    fill(Audit(path, KEY))
    keyless = Audit(path)
    told = keyless.verify()
    assert told == Verdict(7, unkeyed=3, unchecked=4, key_missing=True)
    assert not told.good
    assert len(keyless.entries()) == 7
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], *lines[5:]]))
    assert keyless.verify().broken == 5


def test_without_the_key_nothing_is_put_behind(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    fill(Audit(path, KEY))
    with pytest.raises(AuditError, match="audit_key"):
        fill(Audit(path), 1)
    assert not beside(path).exists()
    assert Audit(path, KEY).verify() == Verdict(4)


def test_an_operator_may_set_another_key(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    fill(Audit(path, KEY), 2)
    told = Audit(path, OTHER).verify()
    assert (told.broken, told.unchecked) == (2, 2)
    assert fill(Audit(path, OTHER), 3)[0].number == 4
    assert Audit(path, OTHER).verify() == Verdict(6, unchecked=2)


def test_the_log_says_where_another_key_begins(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    fill(Audit(path, KEY), 2)
    fill(Audit(path, OTHER), 2)
    first, _, change, last, _ = reversed(Audit(path, OTHER).entries())
    assert (change.number, change.what, change.who) == (3, "audit key changed", "bridgeboard")
    assert first.key in change.about
    assert last.key in change.about
    # Somebody who lacks the key and made the entries before does not get by without it either.
    theirs = list(reversed(Audit(path, KEY).entries()))
    path.write_bytes(forged(theirs[:2], Key.of("made up")))
    fill(Audit(path, KEY), 1)
    assert [one.what for one in Audit(path, KEY).entries()][1] == "audit key changed"


def test_entries_of_another_key_that_nothing_vouches_for_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    fill(Audit(path, KEY), 3)
    lines = path.read_bytes().splitlines(keepends=True)
    name = Key.of(KEY).name.encode()
    lines[0] = lines[0].replace(b'"p0"', b'"p9"').replace(name, b"f" * 16)
    path.write_bytes(b"".join(lines))
    told = Audit(path, KEY).verify()
    assert (told.good, told.right, told.broken, told.key_missing) == (False, 0, 1, False)


def test_without_the_key_that_was_set_nothing_is_called_broken_though_another_key_lies_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "audit.jsonl"
    key_beside(path)
    fill(Audit(path, KEY), 3)
    told = Audit(path).verify()
    assert (told.good, told.key_missing, told.unchecked) == (False, True, 3)
    assert "a key that is not here" in told.why
    fill(Audit(tmp_path / "two.jsonl"), 2)
    fill(Audit(tmp_path / "two.jsonl", KEY), 2)
    told = Audit(tmp_path / "two.jsonl").verify()
    assert (told.good, told.key_missing, told.right, told.broken) == (False, True, 2, 3)
    with pytest.raises(AuditError, match="audit_key"):
        fill(Audit(tmp_path / "two.jsonl"), 1)


def test_a_key_file_that_is_empty_is_told(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    beside(audit.path).write_text("")
    beside(audit.path).chmod(0o600)
    with pytest.raises(AuditError, match="is empty"):
        fill(audit, 1)
