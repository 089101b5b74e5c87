"""Files of operators, as editors and spreadsheets of all kinds save them."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bridgeboard import budgets, operator_files, pricing, settings, teams
from bridgeboard.alerts import recipients
from bridgeboard.alerts.recipients import RecipientsFileError
from bridgeboard.budgets import BudgetsFileError
from bridgeboard.operator_files import LARGEST, UnreadableTextError
from bridgeboard.pricing import PriceFileError
from bridgeboard.settings import SettingsError, sources
from bridgeboard.settings.secrets import from_file
from bridgeboard.teams import TeamsFileError
from bridgeboard.teams.file import DELIMITERS

TEAMS = "username,team\nada,Übersetzung\ngrace,Search\n"
TEAMS_TOML = '[[member]]\nusername = "ada"\nteam = "Übersetzung"\n'
PRICES = '[[price]]\nprovider_name = "größe"\nmultiplier = 2\n'
BUDGETS = '[[budget]]\nname = "Übersetzung"\nscope = "organization"\namount = 5\nperiod = "month"\n'
ALERTS = '[[recipient]]\nname = "Übersetzung"\nurl_env = "json://127.0.0.1"\n'
SETTINGS = 'url = "https://coder.example.com"\nteams_file = "über.csv"\n'
SECRET = "s3cret-of-some-length"

READERS: dict[str, tuple[str, str, Callable[[Path], object], type[Exception]]] = {
    "teams.csv": ("teams.csv", TEAMS, teams.load, TeamsFileError),
    "teams.toml": ("teams.toml", TEAMS_TOML, teams.load, TeamsFileError),
    "prices.toml": ("prices.toml", PRICES, pricing.load, PriceFileError),
    "budgets.toml": ("budgets.toml", BUDGETS, budgets.load, BudgetsFileError),
    "alerts.toml": (
        "alerts.toml",
        ALERTS,
        lambda path: recipients.load(path, str),
        RecipientsFileError,
    ),
    "bridgeboard.toml": ("bridgeboard.toml", SETTINGS, sources.table, SettingsError),
    "secret": (
        "token",
        f"{SECRET}-ü",
        lambda path: from_file("token_file", str(path)),
        SettingsError,
    ),
}
"""File → its name, a text, what reads it, and what it raises."""
SAVED: dict[str, Callable[[str], bytes]] = {
    "with a byte order mark": lambda text: text.encode("utf-8-sig"),
    "as UTF-16, little end first": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "as UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "with breaks of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "with breaks of old": lambda text: text.replace("\n", "\r").encode(),
}
REFUSED: dict[str, tuple[Callable[[str], bytes], str]] = {
    "as Windows-1252": (lambda text: text.encode("cp1252"), "Windows-1252"),
    "as UTF-16 without its mark": (lambda text: text.encode("utf-16-le"), "UTF-16 without|UTF-8"),
    "as UTF-32": (lambda text: text.encode("utf-32"), "UTF-32"),
    "with a zero byte": (lambda text: text.encode() + b"\0", "zero bytes"),
    "cut in the middle of UTF-16": (
        lambda text: b"\xff\xfe" + text.encode("utf-16-le") + b"a",
        "not valid UTF-16",
    ),
    "endless": (lambda text: text.encode() + b" " * (LARGEST + 1), "has more than"),
}


@pytest.mark.parametrize("how", SAVED)
@pytest.mark.parametrize("what", READERS)
def test_every_file_is_read_however_it_was_saved(tmp_path: Path, what: str, how: str) -> None:
    name, text, read, _ = READERS[what]
    (tmp_path / name).write_bytes(text.encode())
    expected = read(tmp_path / name)
    (tmp_path / name).write_bytes(SAVED[how](text))
    assert read(tmp_path / name) == expected


@pytest.mark.parametrize("how", REFUSED)
@pytest.mark.parametrize("what", READERS)
def test_every_file_that_is_not_read_is_refused_with_its_name_and_the_cause(
    tmp_path: Path, what: str, how: str
) -> None:
    name, text, read, error = READERS[what]
    encode, cause = REFUSED[how]
    (tmp_path / name).write_bytes(encode(text))
    with pytest.raises(error, match=cause) as caught:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_the_settings_file_may_have_a_byte_order_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bridgeboard.toml"
    path.write_bytes(b'\xef\xbb\xbfhost = "127.0.0.2"\r\n')
    monkeypatch.setenv("BRIDGEBOARD_SETTINGS", str(path))
    told = settings.read()
    assert told.host == "127.0.0.2"
    origins = {one.name: one.set_by for one in settings.origins(told, None)}
    assert origins["host"] == "file"


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UnreadableTextError, match="not a regular file"):
            operator_files.read(path)
    with pytest.raises(UnreadableTextError, match="cannot be read: Is a directory"):
        operator_files.read(tmp_path)


def test_a_secret_of_several_lines_is_refused_and_not_told(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\nanother\n", "utf-8")
    with pytest.raises(SettingsError, match="several lines") as caught:
        from_file("token_file", str(tmp_path / "token"))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("parted", DELIMITERS)
@pytest.mark.parametrize("first", ["", "sep="])
def test_columns_of_a_csv_file_may_be_parted_by_commas_semicolons_or_tabs(
    parted: str, first: str
) -> None:
    lines = [
        ["username", "team", "from"],
        ["ada", '"Search, and; more"', "2026-01-01"],
        ["grace", "Platform", ""],
    ]
    text = "".join(f"{parted.join(line)}\n" for line in lines)
    head = f"{first}{parted}\n" if first else ""
    members = teams.parse(head + text, name="t.csv")
    assert [(one.username, one.team) for one in members] == [
        ("ada", "Search, and; more"),
        ("grace", "Platform"),
    ]
    assert [one.line for one in members] == [2 + bool(head), 3 + bool(head)]


def test_columns_that_are_parted_by_something_else_are_refused_with_what_may_part_them() -> None:
    with pytest.raises(TeamsFileError, match="parted by commas, semicolons or tabs"):
        teams.parse("username|team\nada|Search\n", name="t.csv")


TABLES = {
    "teams.toml": ("member", "username = 'ada'\n", "team = 'A'\n"),
    "prices.toml": ("price", "model = 'm'\n", "input = 1\noutput = 'x'\n"),
    "budgets.toml": ("budget", "name = 'B'\n", "scope = 'organization'\n"),
    "alerts.toml": ("recipient", "url_env = 'json://127.0.0.1'\n", "name = 'R'\n"),
}
"""File → the name of its tables, and two parts of one of them, the second of which is needed."""


@pytest.mark.parametrize("what", [*TABLES, "bridgeboard.toml"])
@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "9" * 5_000, "a = 1\na = 2\n"])
def test_what_is_no_toml_is_refused_in_a_sentence_however_deep_or_long(
    tmp_path: Path, what: str, text: str
) -> None:
    name, _, read, error = READERS[what]
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(error, match="not valid TOML: ") as caught:
        read(tmp_path / name)
    assert len(str(caught.value)) < len(str(tmp_path)) + 200


@pytest.mark.parametrize("what", TABLES)
def test_every_reader_refuses_tables_that_are_written_in_another_way(
    tmp_path: Path, what: str
) -> None:
    name, _, read, error = READERS[what]
    table, first, second = TABLES[what]
    place = f"^{re.escape(str(tmp_path / name))}, line "
    inline = f"{first}{second}".replace("\n", ", ").removesuffix(", ")
    for text, line in (
        (f"# one\n{table} = 5\n", 2),
        (f"{table} = [5]\n", 1),
        (f"\n{table} = [{{ {inline} }}]\n", 2),
        (f"[{table}]\n{first}", 1),
        (f"[[{table}]]\nnote = '''\n[[{table}]]\n'''\n", 1),
    ):
        (tmp_path / name).write_text(text, "utf-8")
        with pytest.raises(error, match=rf"{place}{line}: write each {table} as a \[\["):
            read(tmp_path / name)


@pytest.mark.parametrize("what", TABLES)
def test_a_key_is_looked_for_in_its_own_table_alone(tmp_path: Path, what: str) -> None:
    name, _, read, error = READERS[what]
    table, first, second = TABLES[what]
    wrong = f"[[{table}]]\n{first}\n\n[[ {table} ]]\nsurprise = 1\n{second}"
    (tmp_path / name).write_text(wrong, "utf-8")
    with pytest.raises(error, match=f"{re.escape(name)}, line 1: "):
        read(tmp_path / name)
    (tmp_path / name).write_text(f"[[{table}]]\n{first}\nsurprise = 1\n{second}", "utf-8")
    with pytest.raises(error, match=f"{re.escape(name)}, line 4: 'surprise' is unknown; there are"):
        read(tmp_path / name)
    (tmp_path / name).write_text(f"surprise = 1\n[[{table}]]\n{first}", "utf-8")
    with pytest.raises(error, match=rf"line 1: 'surprise' is unknown; use .*\[\[{table}\]\]"):
        read(tmp_path / name)
