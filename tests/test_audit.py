"""The audit log: what is noted stays, and what was done to it is noticed."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridgeboard.state.audit import Audit, AuditError, Entry, Verdict
from bridgeboard.state.audit import log as log_module
from bridgeboard.state.audit.entry import line, signed

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LINES = 7
# Each example starts its own file; how long a disk takes is no law.
PATIENT = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "audit.jsonl")


def fill(audit: Audit, count: int = LINES) -> list[Entry]:
    return [
        audit.write(f"p{n}@example.com", "reveal", "why", f"s{n}", at=AT + timedelta(minutes=n))
        for n in range(count)
    ]


def lines(audit: Audit) -> list[bytes]:
    return audit.path.read_bytes().splitlines(keepends=True)


def test_what_is_written_is_found_newest_first(audit: Audit) -> None:
    written = fill(audit)
    found = audit.entries()
    assert [one.number for one in found] == [7, 6, 5, 4, 3, 2, 1]
    assert [(one.who, one.about, one.at) for one in found] == [
        (one.who, one.about, one.at) for one in reversed(written)
    ]
    assert audit.verify() == Verdict(LINES)
    assert audit.verify().good


def test_a_log_that_is_not_there_is_empty(audit: Audit) -> None:
    assert audit.entries() == ()
    assert audit.verify() == Verdict(0)
    assert not audit.path.exists()


def test_file_and_folder_are_for_this_account_only(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "a" / "b" / "audit.jsonl")
    fill(audit, 1)
    for path, mode in ((audit.path, 0o600), (audit.path.parent, 0o700), (tmp_path / "a", 0o700)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_times_are_utc_and_must_be_aware(audit: Audit) -> None:
    elsewhere = AT.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+05:00").tzinfo)
    audit.write("a", "login", at=elsewhere)
    assert json.loads(lines(audit)[0])["at"] == "2026-05-04T09:30:00.000+00:00"
    with pytest.raises(AuditError, match="aware"):
        audit.write("a", "login", at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    assert len(lines(audit)) == 1


HOSTILE = ["a\nb", '"}\n{"number":2}', "\x1b[2J\x00", "\u202ex\u2028", "\ud800", "😀" * 3_000]


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 1_000_000])
def test_hostile_text_stays_in_its_line_and_is_cut(audit: Audit, text: str) -> None:
    audit.write(text, text, text, text, at=AT)
    audit.write("b", "login", at=AT)
    assert len(lines(audit)) == 2
    assert all(0x20 <= byte < 0x7F for byte in lines(audit)[0][:-1])
    first = audit.entries()[1]
    assert first.why == (text if len(text) <= 500 else text[:499] + "…")
    assert len(first.what) <= 60
    assert audit.verify() == Verdict(2)


@given(st.lists(st.tuples(*[st.text(max_size=70)] * 4), max_size=4))
@PATIENT
def test_any_text_comes_back(audit: Audit, told: list[tuple[str, str, str, str]]) -> None:
    audit.path.unlink(missing_ok=True)
    for who, what, why, about in told:
        audit.write(who, what[:60], why, about, at=AT)
    found = [(one.who, one.what, one.why, one.about) for one in reversed(audit.entries())]
    assert found == [(who, what[:60], why, about) for who, what, why, about in told]
    assert audit.verify() == Verdict(len(told))


def test_pages_follow_each_other_without_a_gap(audit: Audit) -> None:
    fill(audit, 23)
    seen: list[int] = []
    before = None
    while page := audit.entries(5, before):
        seen += [one.number for one in page]
        before = page[-1].number
    assert seen == list(range(23, 0, -1))
    assert audit.entries(5, 1) == ()
    assert audit.entries(0) == ()
    assert [one.number for one in audit.entries(2, 99)] == [23, 22]


def test_a_page_of_a_huge_log_reads_little_of_it(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = grown(audit, 8_000)
    read = 0
    plain = log_module.tail.piece

    def counted(file: int, start: int, stop: int) -> bytes:
        nonlocal read
        read += stop - start
        return plain(file, start, stop)

    monkeypatch.setattr(log_module.tail, "piece", counted)
    assert [one.number for one in audit.entries(50)] == list(range(8_000, 7_950, -1))
    assert read < 200_000
    assert [one.number for one in audit.entries(50, 3_001)] == list(range(3_000, 2_950, -1))
    assert read < big / 3


def grown(audit: Audit, count: int) -> int:
    """A log of many entries, written at once; its size."""
    parts: list[bytes] = []
    digest = "0" * 64
    for number in range(1, count + 1):
        made = Entry(number, AT, "a" * (number % 90), "reveal", before=digest)
        parts.append(line(signed(made, None)))
        digest = parts[-1][-67:-3].decode()
    audit.path.write_bytes(b"".join(parts))
    audit.path.chmod(0o600)
    assert audit.verify() == Verdict(count, unkeyed=count)
    return audit.path.stat().st_size


@st.composite
def tampered(draw: st.DrawFn) -> Callable[[list[bytes]], list[bytes]]:
    """A change of lines that is noticeable: not one that only takes away the last."""
    at = draw(st.integers(0, LINES - 1))
    kind = draw(st.sampled_from(["change", "remove", "insert", "repeat", "move", "swap"]))
    if kind == "change":
        where, byte = draw(st.floats(0, 0.999)), draw(st.integers(0, 255))

        def change(rows: list[bytes]) -> list[bytes]:
            row = bytearray(rows[at][:-1])
            spot = int(where * len(row))
            row[spot] = byte if byte != row[spot] else byte ^ 1
            return [*rows[:at], bytes(row) + b"\n", *rows[at + 1 :]]

        return change
    if kind == "remove":
        return lambda rows: [*rows[: at % (LINES - 1)], *rows[at % (LINES - 1) + 1 :]]
    if kind == "insert":
        junk = draw(st.binary(max_size=40)).replace(b"\n", b"")
        return lambda rows: [*rows[:at], junk + b"\n", *rows[at:]]
    if kind == "repeat":
        return lambda rows: [*rows[: at + 1], rows[at], *rows[at + 1 :]]
    to = draw(st.integers(0, LINES - 1).filter(lambda other: other != at))
    if kind == "swap":
        return lambda rows: [rows[{at: to, to: at}.get(index, index)] for index in range(len(rows))]

    def move(rows: list[bytes]) -> list[bytes]:
        rest = [*rows[:at], *rows[at + 1 :]]
        return [*rest[:to], rows[at], *rest[to:]]

    return move


@given(tampered())
@PATIENT
def test_any_line_changed_removed_put_in_or_moved_is_noticed(
    audit: Audit, tamper: Callable[[list[bytes]], list[bytes]]
) -> None:
    audit.path.unlink(missing_ok=True)
    fill(audit)
    rows = lines(audit)
    changed = tamper(rows)
    audit.path.write_bytes(b"".join(changed))
    same = next(n for n, (old, new) in enumerate(zip([*rows, b""], [*changed, b""], strict=False))
                if old != new)  # fmt: skip
    found = audit.verify()
    assert found.broken is not None
    assert found.right == same
    assert found.broken == same + 1
    assert found.why


@given(tampered())
@PATIENT
def test_writing_on_does_not_mend_what_was_done(
    audit: Audit, tamper: Callable[[list[bytes]], list[bytes]]
) -> None:
    audit.path.unlink(missing_ok=True)
    fill(audit)
    audit.path.write_bytes(b"".join(tamper(lines(audit))))
    before = audit.verify()
    try:
        audit.write("later", "login", at=AT)
    except AuditError as error:
        assert "--verify" in str(error)  # noqa: PT017 - it may also be written
    assert audit.verify() == before


@pytest.mark.parametrize("left", range(LINES))
def test_missing_lines_at_the_end_cannot_be_noticed(audit: Audit, left: int) -> None:
    fill(audit)
    audit.path.write_bytes(b"".join(lines(audit)[:left]))
    assert audit.verify() == Verdict(left)


@given(st.integers(1, 400))
@PATIENT
def test_a_torn_last_line_is_named_and_the_chain_goes_on(audit: Audit, cut: int) -> None:
    audit.path.unlink(missing_ok=True)
    fill(audit, 3)
    whole = audit.path.read_bytes()
    last = len(lines(audit)[-1])
    audit.path.write_bytes(whole[: -(cut % last) or None])
    kept = 3 if cut % last in {0, 1} else 2
    torn = () if kept == 3 else (3,)
    assert audit.verify() == Verdict(kept, torn=torn)
    assert audit.write("later", "login", at=AT).number == kept + 1
    assert audit.verify() == Verdict(kept + 1, torn=torn)
    assert [one.number for one in audit.entries()] == list(range(kept + 1, 0, -1))


def test_several_torn_lines_in_a_row_are_named(audit: Audit) -> None:
    fill(audit, 2)
    with audit.path.open("ab") as file:
        file.write(b'{"number":3,"at"\n{"number":3,"at":"20')
    assert audit.verify() == Verdict(2, torn=(3, 4))
    audit.write("later", "login", at=AT)
    assert audit.verify() == Verdict(3, torn=(3, 4))


def test_a_log_that_holds_a_torn_line_only_goes_on(audit: Audit) -> None:
    audit.path.write_bytes(b'{"num')
    audit.path.chmod(0o600)
    audit.write("a", "login", at=AT)
    assert audit.verify() == Verdict(1, torn=(1,))


@pytest.mark.parametrize("done", [b"", b'{"other', b'{"num\n{"num'])
def test_a_torn_line_cannot_be_changed_or_taken_away_later(audit: Audit, done: bytes) -> None:
    fill(audit, 2)
    with audit.path.open("ab") as file:
        file.write(b'{"num')
    fill(audit, 1)
    rows = lines(audit)
    audit.path.write_bytes(b"".join([*rows[:2], done + b"\n" if done else b"", rows[3]]))
    assert audit.verify().broken == 3


def test_a_damaged_last_line_is_not_written_behind(audit: Audit) -> None:
    fill(audit, 2)
    audit.path.write_bytes(audit.path.read_bytes().replace(b"p1@", b"p0@"))
    with pytest.raises(AuditError, match="move it away"):
        fill(audit, 1)
    assert audit.verify() == Verdict(1, 2, audit.verify().why)
    assert [one.number for one in audit.entries()] == [1]


@pytest.mark.parametrize("junk", [b"x" * 500_000, b"x" * 500_000 + b"\n", b"\n" * 200_000])
def test_junk_without_end_is_noticed_and_not_written_behind(audit: Audit, junk: bytes) -> None:
    fill(audit, 2)
    with audit.path.open("ab") as file:
        file.write(junk)
    assert audit.verify().broken == 3
    assert [one.number for one in audit.entries()] == [2, 1]
    with pytest.raises(AuditError, match="--verify"):
        fill(audit, 1)


def test_a_full_disk_is_told_and_what_was_begun_is_named(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(audit, 1)
    plain = os.write
    with monkeypatch.context() as patch:
        patch.setattr(log_module.os, "write", lambda file, text: plain(file, text[:20]))
        with pytest.raises(AuditError, match="disk is full") as caught:
            fill(audit, 1)
    assert "Make room" in str(caught.value)
    fill(audit, 1)
    assert audit.verify() == Verdict(2, torn=(2,))


def test_what_does_not_reach_the_disk_is_told(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(log_module.os, "fsync", failing)
    with pytest.raises(AuditError, match="Input/output error"):
        fill(audit, 1)


def test_a_link_in_the_files_place_is_not_followed(audit: Audit, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"")
    audit.path.symlink_to(other)
    with pytest.raises(AuditError, match="cannot be written"):
        fill(audit, 1)
    with pytest.raises(AuditError, match="link"):
        audit.entries()
    assert other.read_bytes() == b""


def test_what_is_no_file_is_told(audit: Audit, tmp_path: Path) -> None:
    os.mkfifo(audit.path)
    for ask in (audit.entries, audit.verify, lambda: fill(audit, 1)):
        with pytest.raises(AuditError, match="is no file"):
            ask()
    with pytest.raises(AuditError, match="cannot be written"):
        fill(Audit(tmp_path), 1)


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o666])
def test_a_log_that_others_may_read_or_change_is_refused(audit: Audit, mode: int) -> None:
    fill(audit, 1)
    audit.path.chmod(mode)
    with pytest.raises(AuditError, match="chmod 600"):
        fill(audit, 1)


def test_threads_and_logs_of_the_same_file_take_turns(audit: Audit) -> None:
    logs = [audit, Audit(audit.path), audit, Audit(audit.path)]
    threads = [Thread(target=fill, args=(one, 25)) for one in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.verify() == Verdict(100)


_WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bridgeboard.state.audit import Audit
log = Audit(Path(sys.argv[1]))
for number in range(30):
    log.write("p@example.com", "export", about=str(number), at=datetime.now(UTC))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock between its processes")
def test_processes_take_turns(audit: Audit) -> None:
    command = [sys.executable, "-c", _WRITER, str(audit.path)]
    workers = [subprocess.Popen(command) for _ in range(2)]  # noqa: S603 - our own command
    assert [worker.wait() for worker in workers] == [0, 0]
    assert audit.verify() == Verdict(60)
