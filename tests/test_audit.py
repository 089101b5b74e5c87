"""The audit log: what is noted stays, and what was done to it is noticed."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import databases
import pytest
from costly_laws import tried
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from log_lines import clear, lines, put_lines
from slow_cases import one_fast
from sqlalchemy import insert, text

from bridgeboard.state import Database
from bridgeboard.state.audit import Audit, AuditError, Entry, Verdict
from bridgeboard.state.audit import log as log_module
from bridgeboard.state.audit.entry import line, signed
from bridgeboard.state.schema import AUDIT_LINES

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LINES = 7
# Each example starts its own log; how long a disk takes is no law.
PATIENT = tried(60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Audit]:
    with databases.database(tmp_path / "data") as sqlite:
        yield Audit(sqlite)


@pytest.fixture
def each(database: Database) -> Audit:
    """A log of each engine."""
    return Audit(database)


def fill(audit: Audit, count: int = LINES) -> list[Entry]:
    return [
        audit.write(f"p{n}@example.com", "reveal", "why", f"s{n}", at=AT + timedelta(minutes=n))
        for n in range(count)
    ]


def test_what_is_written_is_found_newest_first(each: Audit) -> None:
    written = fill(each)
    found = each.entries()
    assert [one.number for one in found] == [7, 6, 5, 4, 3, 2, 1]
    assert [(one.who, one.about, one.at) for one in found] == [
        (one.who, one.about, one.at) for one in reversed(written)
    ]
    assert each.verify() == Verdict(LINES)
    assert each.verify().good


def test_a_log_that_is_not_there_is_empty(audit: Audit) -> None:
    assert audit.entries() == ()
    assert audit.verify() == Verdict(0)
    assert not audit.database.folder.exists()


def test_times_are_utc_and_must_be_aware(audit: Audit) -> None:
    elsewhere = AT.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+05:00").tzinfo)
    audit.write("a", "login", at=elsewhere)
    assert json.loads(lines(audit)[0])["at"] == "2026-05-04T09:30:00.000+00:00"
    with pytest.raises(AuditError, match="aware"):
        audit.write("a", "login", at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    assert len(lines(audit)) == 1


HOSTILE = ["a\nb", '"}\n{"number":2}', "\x1b[2J\x00", "\u202ex\u2028", "\ud800", "😀" * 3_000]


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 1_000_000])
def test_hostile_text_stays_in_its_line_and_is_cut(each: Audit, text: str) -> None:
    each.write(text, text, text, text, at=AT)
    each.write("b", "login", at=AT)
    assert len(lines(each)) == 2
    assert all(0x20 <= byte < 0x7F for byte in lines(each)[0][:-1])
    first = each.entries()[1]
    assert first.why == (text if len(text) <= 500 else text[:499] + "…")
    assert len(first.what) <= 60
    assert each.verify() == Verdict(2)


@given(st.lists(st.tuples(*[st.text(max_size=70)] * 4), max_size=4))
@PATIENT
def test_any_text_comes_back(audit: Audit, told: list[tuple[str, str, str, str]]) -> None:
    clear(audit)
    for who, what, why, about in told:
        audit.write(who, what[:60], why, about, at=AT)
    found = [(one.who, one.what, one.why, one.about) for one in reversed(audit.entries())]
    assert found == [(who, what[:60], why, about) for who, what, why, about in told]
    assert audit.verify() == Verdict(len(told))


def test_pages_follow_each_other_without_a_gap(each: Audit) -> None:
    fill(each, 23)
    seen: list[int] = []
    before = None
    while page := each.entries(5, before):
        seen += [one.number for one in page]
        before = page[-1].number
    assert seen == list(range(23, 0, -1))
    assert each.entries(5, 1) == ()
    assert each.entries(0) == ()
    assert [one.number for one in each.entries(2, 99)] == [23, 22]


def test_a_page_of_a_huge_log_reads_little_of_it(
    each: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(each, 8_000)
    read: list[bytes] = []
    plain = log_module.read
    monkeypatch.setattr(
        log_module, "read", lambda one, key=None: (read.append(one), plain(one, key))[1]
    )
    assert [one.number for one in each.entries(50)] == list(range(8_000, 7_950, -1))
    assert [one.number for one in each.entries(50, 3_001)] == list(range(3_000, 2_950, -1))
    assert len(read) == 100
    with each.database.reading() as connection:
        plan = log_module.select(AUDIT_LINES).where(AUDIT_LINES.c.position < 3_001)
        plan = plan.order_by(AUDIT_LINES.c.position.desc()).limit(50)
        explain = "EXPLAIN QUERY PLAN" if each.database.path else "EXPLAIN"
        words = plan.compile(connection.engine, compile_kwargs={"literal_binds": True})
        steps = str(connection.execute(text(f"{explain} {words}")).all())
    assert "index" in steps.lower()


def test_a_long_log_is_read_in_parts(each: Audit) -> None:
    grow(each, 1_234)
    assert each.verify() == Verdict(1_234, unkeyed=1_234)
    numbers = [entry.number for entry in each.since(0, "")]
    assert numbers == list(range(1, 1_235))
    (middle,) = each.entries(1, 701)
    assert [entry.number for entry in each.since(700, middle.digest)] == numbers[700:]


def grow(audit: Audit, count: int) -> None:
    """Let the log have many entries, written at once."""
    rows = []
    digest = "0" * 64
    for number in range(1, count + 1):
        entry = signed(Entry(number, AT, "a" * (number % 90), "reveal", before=digest), None)
        whole = line(entry).decode().removesuffix("\n")
        rows.append({"position": number, "number": number, "line": whole})
        digest = entry.digest
    with audit.database.writing() as connection:
        connection.execute(insert(AUDIT_LINES), rows)


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
    clear(audit)
    fill(audit)
    rows = lines(audit)
    changed = tamper(rows)
    put_lines(audit, changed)
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
    clear(audit)
    fill(audit)
    put_lines(audit, tamper(lines(audit)))
    before = audit.verify()
    try:
        audit.write("later", "login", at=AT)
    except AuditError as error:
        assert "--verify" in str(error)  # noqa: PT017 - it may also be written
    assert audit.verify() == before


@pytest.mark.parametrize("left", range(LINES))
def test_missing_lines_at_the_end_cannot_be_noticed(audit: Audit, left: int) -> None:
    fill(audit)
    put_lines(audit, lines(audit)[:left])
    assert audit.verify() == Verdict(left)


@given(st.integers(1, 400))
@PATIENT
def test_a_torn_last_line_is_named_and_the_chain_goes_on(audit: Audit, cut: int) -> None:
    clear(audit)
    fill(audit, 3)
    whole = lines(audit)
    last = len(whole[-1])
    put_lines(audit, [*whole[:-1], whole[-1][: -(cut % last) or None]])
    kept = 3 if cut % last in {0, 1} else 2
    torn = () if kept == 3 else (3,)
    assert audit.verify() == Verdict(kept, torn=torn)
    assert audit.write("later", "login", at=AT).number == kept + 1
    assert audit.verify() == Verdict(kept + 1, torn=torn)
    assert [one.number for one in audit.entries()] == list(range(kept + 1, 0, -1))


def test_several_torn_lines_in_a_row_are_named(audit: Audit) -> None:
    fill(audit, 2)
    put_lines(audit, [*lines(audit), b'{"number":3,"at"\n{"number":3,"at":"20'])
    assert audit.verify() == Verdict(2, torn=(3, 4))
    audit.write("later", "login", at=AT)
    assert audit.verify() == Verdict(3, torn=(3, 4))


def test_a_log_that_holds_a_torn_line_only_goes_on(audit: Audit) -> None:
    put_lines(audit, [b'{"num'])
    audit.write("a", "login", at=AT)
    assert audit.verify() == Verdict(1, torn=(1,))


@pytest.mark.parametrize("done", [b"", b'{"other', b'{"num\n{"num'])
def test_a_torn_line_cannot_be_changed_or_taken_away_later(audit: Audit, done: bytes) -> None:
    fill(audit, 2)
    put_lines(audit, [*lines(audit), b'{"num'])
    fill(audit, 1)
    rows = lines(audit)
    put_lines(audit, [*rows[:2], done + b"\n" if done else b"", rows[3]])
    assert audit.verify().broken == 3


def test_a_damaged_last_line_is_not_written_behind(audit: Audit) -> None:
    fill(audit, 2)
    put_lines(audit, [row.replace(b"p1@", b"p0@") for row in lines(audit)])
    with pytest.raises(AuditError, match="--move-to"):
        fill(audit, 1)
    assert audit.verify() == Verdict(1, 2, audit.verify().why)
    assert [one.number for one in audit.entries()] == [1]


@pytest.mark.parametrize(
    "junk", one_fast([b"x" * 500_000, b"x" * 500_000 + b"\n", b"\n" * 200_000])
)
def test_junk_without_end_is_noticed_and_not_written_behind(audit: Audit, junk: bytes) -> None:
    fill(audit, 2)
    put_lines(audit, [*lines(audit), junk])
    assert audit.verify().broken == 3
    assert [one.number for one in audit.entries()] == [2, 1]
    with pytest.raises(AuditError, match="--verify"):
        fill(audit, 1)


TAMPERED = {
    "a changed line": "UPDATE audit_lines SET line = replace(line, 'p3@', 'p9@')"
    " WHERE position = 4",
    "a number beside it": "UPDATE audit_lines SET number = 99 WHERE position = 4",
    "no number beside it": "UPDATE audit_lines SET number = NULL WHERE position = 4",
    "a line less": "DELETE FROM audit_lines WHERE position = 4",
    "a line that is none": "UPDATE audit_lines SET line = NULL, torn = '' WHERE position = 4",
    "a line at another place": "UPDATE audit_lines SET position = 40 WHERE position = 4",
    "a line twice": "INSERT INTO audit_lines SELECT 40, number, line, torn FROM audit_lines"
    " WHERE position = 7",
}


@pytest.mark.parametrize("tampering", TAMPERED)
def test_what_is_done_to_rows_is_noticed_and_hides_no_other(each: Audit, tampering: str) -> None:
    fill(each)
    with each.database.writing() as connection:
        connection.execute(text(TAMPERED[tampering]))
    found = each.verify()
    assert not found.good
    assert found.right == (7 if "twice" in tampering else 3)
    assert {1, 2, 3} < {one.number for one in each.entries()}


def test_what_cannot_be_written_is_refused_with_the_reason(each: Audit) -> None:
    fill(each, 1)
    with each.database.writing() as connection:
        connection.execute(text("DROP TABLE audit_lines"))
    with pytest.raises(AuditError, match="what must be noted there is refused") as caught:
        fill(each, 1)
    assert "audit_lines" in str(caught.value)
    with pytest.raises(AuditError, match="audit log cannot be read"):
        each.entries()


def test_threads_and_dashboards_take_turns(state_url: str, tmp_path: Path) -> None:
    key = "a key that all dashboards have"
    with (
        databases.database(tmp_path / "one", state_url) as one,
        databases.database(tmp_path / ("other" if state_url else "one"), state_url) as other,
    ):
        logs = [Audit(one, key), Audit(one, key), Audit(other, key), Audit(other, key)]
        threads = [Thread(target=fill, args=(log, 25)) for log in logs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert logs[0].verify() == Verdict(100)
        assert len(logs[0].entries(200)) == 100


_WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bridgeboard.state import Database
from bridgeboard.state.audit import Audit
log = Audit(Database(Path(sys.argv[1]), sys.argv[2]), "a key that all dashboards have")
for number in range(250):
    about = f"{sys.argv[3]} {number}"
    entry = log.write("p@example.com", "export", about=about, at=datetime.now(UTC))
    print(entry.number, about)
"""


def test_of_a_thousand_entries_of_four_processes_none_is_lost_or_twice(
    database: Database, state_url: str
) -> None:
    command = [sys.executable, "-c", _WRITER, str(database.folder), state_url]
    workers = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
        for name in "abcd"
    ]
    outputs = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    log = Audit(database, "a key that all dashboards have")
    assert log.verify() == Verdict(1_000)
    written = {int(number): about for number, about in map(_split, "".join(outputs).splitlines())}
    assert written == {entry.number: entry.about for entry in log.entries(2_000)}
    assert sorted(written) == list(range(1, 1_001))
    assert set(written.values()) == {f"{name} {n}" for name in "abcd" for n in range(250)}


def _split(line: str) -> tuple[str, str]:
    number, _, about = line.partition(" ")
    return number, about


def test_an_entry_is_committed_when_its_writing_returns(each: Audit, state_url: str) -> None:
    with databases.database(each.database.folder, state_url) as other:
        for number in range(1, 4):
            entry = each.write("ada", "reveal", at=AT)
            assert Audit(other).entries(1) == (entry,)
            assert entry.number == number


def test_a_log_is_moved_to_a_file_and_a_new_one_begins(each: Audit, tmp_path: Path) -> None:
    written = fill(each)
    before = lines(each)
    file = tmp_path / "log-2026.jsonl"
    assert each.move_to(file, at=AT) == LINES
    assert file.read_bytes() == b"".join(before)
    assert file.stat().st_mode & 0o077 == 0
    (first,) = each.entries()
    assert (first.number, first.what) == (1, log_module.MOVED)
    assert written[-1].digest in first.about
    assert each.verify() == Verdict(1)
    with pytest.raises(AuditError, match="File exists"):
        each.move_to(file, at=AT)
    assert each.verify() == Verdict(1)
    assert file.read_bytes() == b"".join(before)


def test_a_damaged_log_is_moved_away_too(audit: Audit, tmp_path: Path) -> None:
    fill(audit, 2)
    put_lines(audit, [row.replace(b"p1@", b"p0@") for row in lines(audit)])
    assert audit.move_to(tmp_path / "damaged.jsonl", at=AT) == 2
    fill(audit, 1)
    assert audit.verify() == Verdict(2)
