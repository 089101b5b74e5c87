"""Entries are handed on once they are noted: all, in order, and again until they were taken."""

import json
import os
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from log_lines import lines
from misbehaving_ports import certificate

from bridgeboard.state import Database, opened
from bridgeboard.state.audit import (
    Audit,
    AuditError,
    Entry,
    Forwarder,
    forward,
    forwarding,
    progress,
)
from bridgeboard.state.audit import target as named_target
from bridgeboard.state.audit.forwarding import File, Syslog
from bridgeboard.state.schema import FORWARDED

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
NAME = "somewhere"


class Collector:
    """A target that remembers what it took, and can be away."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.away = ""

    def send(self, entries: Sequence[Entry]) -> None:
        if self.away:
            raise OSError(self.away)
        self.entries += entries

    @property
    def numbers(self) -> list[int]:
        return [entry.number for entry in self.entries]


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(opened(tmp_path))


def fill(audit: Audit, count: int) -> list[Entry]:
    return [audit.write("ada", "reveal", "wh\u00fd", at=AT) for _ in range(count)]


def test_all_is_handed_on_once_and_in_order(audit: Audit) -> None:
    there = Collector()
    assert forward(audit, NAME, there, AT).number == 0
    written = fill(audit, 3)
    assert forward(audit, NAME, there, AT).digest == written[-1].digest
    forward(audit, NAME, there, AT)
    written += fill(audit, 2)
    done = forward(audit, NAME, there, AT)
    assert there.entries == written
    assert (done.number, done.digest, done.problem) == (5, written[-1].digest, "")


def test_a_target_that_was_away_is_caught_up_with(audit: Audit) -> None:
    there = Collector()
    fill(audit, 2)
    forward(audit, NAME, there, AT)
    there.away = "the disk is full"
    fill(audit, 2)
    done = forward(audit, NAME, there, AT)
    later = forward(audit, NAME, there, AT + timedelta(hours=1))
    assert (done.number, done.problem) == (2, "the disk is full")
    assert later == done == progress(audit.database, NAME)
    assert done.failing_since == AT.isoformat()
    there.away = ""
    assert forward(audit, NAME, there, AT).problem == progress(audit.database, NAME).problem == ""
    assert there.numbers == [1, 2, 3, 4]
    assert audit.verify().good


def test_many_are_handed_on_in_parts_and_a_failure_loses_no_part(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "AT_ONCE", 2)
    there, taken = Collector(), Collector()
    fill(audit, 5)

    class FailsThird:
        def send(self, entries: Sequence[Entry]) -> None:
            if len(taken.entries) == 4:
                raise OSError("away")
            taken.send(entries)

    assert forward(audit, NAME, FailsThird(), AT).number == 4
    forward(audit, NAME, there, AT)
    assert (taken.numbers, there.numbers) == ([1, 2, 3, 4], [5])


def test_a_log_that_began_anew_is_handed_on_from_its_beginning(
    audit: Audit, tmp_path: Path
) -> None:
    there = Collector()
    fill(audit, 3)
    forward(audit, NAME, there, AT)
    audit.move_to(tmp_path / "moved.jsonl", at=AT)
    fill(audit, 1)
    forward(audit, NAME, there, AT)
    assert there.numbers == [1, 2, 3, 1, 2]


def test_another_target_begins_anew(audit: Audit) -> None:
    one, other = Collector(), Collector()
    fill(audit, 2)
    forward(audit, "one", one, AT)
    forward(audit, "other", other, AT)
    assert one.numbers == other.numbers == [1, 2]


def test_progress_that_is_lost_hands_on_twice_rather_than_not(audit: Audit) -> None:
    there = Collector()
    fill(audit, 2)
    forward(audit, NAME, there, AT)
    with audit.database.writing() as connection:
        connection.execute(FORWARDED.delete())
    forward(audit, NAME, there, AT)
    assert there.numbers == [1, 2, 1, 2]


def test_a_target_that_was_set_before_goes_on_where_it_was(audit: Audit) -> None:
    one, other = Collector(), Collector()
    fill(audit, 2)
    forward(audit, "one", one, AT)
    fill(audit, 1)
    forward(audit, "other", other, AT)
    forward(audit, "one", one, AT)
    assert one.numbers == other.numbers == [1, 2, 3]


def test_one_dashboard_at_a_time_hands_on(database: Database) -> None:
    audit, there = Audit(database), Collector()
    fill(audit, 2)

    class Nested:
        """While it takes entries, another dashboard finds them new, too."""

        def send(self, entries: Sequence[Entry]) -> None:
            assert forward(audit, NAME, there, AT).number == 0
            there.send(entries)

    assert forward(audit, NAME, Nested(), AT).number == 2
    assert there.numbers == [1, 2]
    assert progress(database, NAME).problem == ""


def test_what_was_noted_last_is_handed_on_at_the_end(audit: Audit) -> None:
    there = Collector()
    forwarder = Forwarder(audit, NAME, there, lambda: AT)
    forwarder.start()
    fill(audit, 3)
    forwarder.stop()
    assert there.numbers == [1, 2, 3]


def test_a_file_holds_the_lines_of_the_log_and_may_be_renamed(audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "collected.jsonl"
    there = named_target(str(path))
    assert isinstance(there, File)
    fill(audit, 2)
    forward(audit, NAME, there, AT)
    assert path.read_bytes() == b"".join(lines(audit))
    assert path.stat().st_mode & 0o777 == 0o600
    path.rename(tmp_path / "collected.jsonl.1")
    path.touch()
    path.chmod(0o640)
    fill(audit, 1)
    forward(audit, NAME, there, AT)
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [3]
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_line_that_was_begun_in_the_file_is_ended(audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "collected.jsonl"
    path.write_bytes(b'{"numb')
    fill(audit, 1)
    forward(audit, NAME, File(path), AT)
    assert path.read_bytes() == b'{"numb\n' + b"".join(lines(audit))


def test_a_full_disk_leaves_no_half_line_and_the_rest_follows(
    audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "collected.jsonl"
    fill(audit, 1)
    forward(audit, NAME, File(path), AT)
    before, write = path.read_bytes(), os.write
    fill(audit, 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, text: write(file, text[:20]))
        done = forward(audit, NAME, File(path), AT)
    assert "No space left" in done.problem
    assert path.read_bytes() == before
    forward(audit, NAME, File(path), AT)
    assert path.read_bytes() == b"".join(lines(audit))


MESSAGE = re.compile(
    r"<109>1 2026-05-04T09:30:00\.000Z [!-~]+ bridgeboard - audit - (\{.*\})", re.ASCII
)


def numbers(data: bytes) -> list[int]:
    """The entries of messages with their length before each, as a collector reads them."""
    found = []
    while data:
        size, _, rest = data.partition(b" ")
        message, data = rest[: int(size)], rest[int(size) :]
        read = MESSAGE.fullmatch(message.decode("ascii"))
        assert read
        found.append(json.loads(read[1])["number"])
    return found


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def received(listener: socket.socket, context: ssl.SSLContext | None = None) -> bytes:
    """All that one connection brings, until it is closed from the other side."""
    connection, _ = listener.accept()
    with connection:
        if context:
            with context.wrap_socket(connection, server_side=True) as secured:
                data = _read(secured)
                secured.unwrap().close()
                return data
        return _read(connection)


def _read(connection: socket.socket) -> bytes:
    data = b""
    while piece := connection.recv(4_096):
        data += piece
    return data


def collecting(
    listener: socket.socket, context: ssl.SSLContext | None = None
) -> tuple[ThreadPoolExecutor, "Future[bytes]"]:
    threads = ThreadPoolExecutor(1)
    return threads, threads.submit(received, listener, context)


def test_syslog_over_tcp(audit: Audit, listening: socket.socket) -> None:
    fill(audit, 3)
    threads, taken = collecting(listening)
    with threads:
        there = named_target(f"syslog+tcp://127.0.0.1:{port_of(listening)}")
        assert forward(audit, NAME, there, AT).problem == ""
        assert numbers(taken.result()) == [1, 2, 3]


def test_a_collector_that_breaks_off_gets_it_again(audit: Audit, listening: socket.socket) -> None:
    fill(audit, 1)
    there = named_target(f"syslog+tcp://127.0.0.1:{port_of(listening)}")

    def break_off() -> None:
        connection, _ = listening.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(break_off)
        assert forward(audit, NAME, there, AT).number == 0
    again, taken = collecting(listening)
    with again:
        assert forward(audit, NAME, there, AT).number == 1
        assert numbers(taken.result()) == [1]


def test_syslog_by_datagrams(audit: Audit) -> None:
    fill(audit, 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(30)
        forward(audit, NAME, named_target(f"syslog+udp://127.0.0.1:{port_of(listener)}"), AT)
        for number in (1, 2):
            read = MESSAGE.fullmatch(listener.recv(65_536).decode())
            assert read
            assert json.loads(read[1])["number"] == number


def test_syslog_over_tls_verifies_who_answers(
    audit: Audit, listening: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(audit, 2)
    ours = certificate(tmp_path, "ours")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ours)
    there = named_target(f"syslog+tls://127.0.0.1:{port_of(listening)}")
    threads, taken = collecting(listening, context)
    with threads:
        done = forward(audit, NAME, there, AT)
        assert (done.number, "certificate" in done.problem) == (0, True)
        assert isinstance(taken.exception(), OSError)
    monkeypatch.setenv("SSL_CERT_FILE", str(ours))
    threads, taken = collecting(listening, context)
    with threads:
        assert forward(audit, NAME, there, AT).problem == ""
        assert numbers(taken.result()) == [1, 2]


def test_a_collector_that_is_not_there_is_told(audit: Audit) -> None:
    fill(audit, 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = port_of(server)
    done = forward(audit, NAME, Syslog("tcp", "127.0.0.1", port), AT)
    assert "refused" in done.problem


@pytest.mark.parametrize(
    "text",
    [
        "here.jsonl",
        "https://x",
        "syslog+tls://",
        "syslog+sctp://x",
        "tls://x",
        "syslog+tcp://x:p",
        "syslog+udp://x/y",
        "syslog+tcp://u@x",
        "syslog+tls://x?ca=1",
    ],
)
def test_a_target_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AuditError, match="audit_target"):
        named_target(text)


def test_ports_are_those_of_the_standards() -> None:
    assert named_target("syslog+tls://x") == Syslog("tls", "x", 6514)
    assert named_target("syslog+tcp://x") == Syslog("tcp", "x", 601)
    assert named_target("syslog+udp://x") == Syslog("udp", "x", 514)
