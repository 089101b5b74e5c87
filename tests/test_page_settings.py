"""The page Settings: what it tells an admin, what it never tells, and the sync that it begins."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import shown_tables
import streamlit as st
from audit_entries import last, noted
from dashboard_store import filled
from databases import broken
from facts import facts
from streamlit.testing.v1 import AppTest
from test_pages_stored import said
from test_settings_origins import KEY, LOGIN, OUTRIGHT, SECRETS, TOKEN
from webhooks import webhook

from bridgeboard import access, formats, settings
from bridgeboard.access import PAGES, PERMISSIONS, Role, Viewer
from bridgeboard.analysis import team_file
from bridgeboard.model.store_status import Backup, BackupStatus, MirrorStatus
from bridgeboard.runtime import alert_files, process, state_files
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.state.audit import forward
from bridgeboard.state.logins import Ended, Login
from bridgeboard.store import Store
from bridgeboard.ui.views import settings_in_force
from bridgeboard.ui.views.audit import PAGE

ROOT = Path(__file__).parents[1]
END: datetime = max(row["started_at"] for row in facts().usage)
AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
PLAIN = f"""
url = "https://coder.example.com"
token = "{TOKEN}"
sync_seconds = 90
"""
ROLES = """
[roles]
admin = ["admins"]
viewer = ["viewers"]
[leads]
"ada@example.com" = ["payments", "search"]
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with filled(tmp_path_factory.mktemp("store") / "store.duckdb") as opened:
        yield opened


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """A function that writes the settings file of a machine on which nothing else is set."""
    for variable in [*settings.variables(), *settings.table_variables()]:
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "bridgeboard.toml"
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(path))

    def put(text: str) -> None:
        path.write_text(f'data_folder = "{tmp_path}"\n{text}', "utf-8")
        path.chmod(0o600)

    return put


@contextmanager
def serving(store: Store | None, **given: Any) -> Iterator[BackgroundSync]:
    """The dashboard of this process with the settings of the file, and a watch that is not run."""
    chosen = settings.read(**given)
    keeper = BackgroundSync(chosen, clock=lambda: AT, opened=store)
    st.cache_resource.clear()
    settings.install(chosen)
    process.install(keeper)
    try:
        yield keeper
    finally:
        keeper.deployment.close()
        process.install(None)
        settings._installed = None
        st.cache_resource.clear()


def page(*groups: str, name: str = "settings", **query: str) -> AppTest:
    """The page as somebody of these groups sees it, or the operator."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    test.query_params.update({"tz": "UTC", **query})
    if groups:
        began = datetime.now(UTC) - timedelta(minutes=1)
        test.user = {
            "is_logged_in": True, "email": "bob@example.com", "email_verified": True,
            "groups": list(groups), "iat": began.timestamp(),
        }  # fmt: skip
    test.switch_page(f"pages/{name}.py")
    return test.run()


def tables(test: AppTest) -> dict[str, dict[str, list[str]]]:
    """The tables by their title or the label of their first column, all facts together."""
    shown: dict[str, dict[str, list[str]]] = {}
    for one in shown_tables.tables(test):
        rows = {name: cells for name, *cells in one.lines}
        shown.setdefault(one.data["title"] or one.heads[0] or "facts", {}).update(rows)
    return shown


def sent(test: AppTest) -> str:
    """Every message of the page, as text."""
    found: list[str] = []

    def walk(node: Any) -> None:
        found.append(repr(getattr(node, "proto", "")))
        for child in getattr(node, "children", {}).values():
            walk(child)

    walk(test._tree)
    return "\n".join(found)


def test_a_run_looks_once_whether_its_login_has_ended(
    store: Store, write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PLAIN + LOGIN.format(more=OUTRIGHT) + ROLES)
    looked, check = [], Ended.check

    def counted(ended: Ended, login: Login, **more: Any) -> None:
        looked.append(login.key)
        check(ended, login, **more)

    monkeypatch.setattr(Ended, "check", counted)
    with serving(store):
        test = page("admins")
        looked.clear()
        test.run()
        assert "Sync" in said(test)
        assert len(looked) == 1
        ended = state_files.ended_logins(settings.current())
        ended.end_all_of("bob@example.com", now=datetime.now(UTC))
        test.run()
        assert "The operator of this dashboard ended your login." in said(test)
        assert "Sync" not in said(test)


def test_no_secret_is_anywhere_on_the_page(
    store: Store, write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://ada:zq-word@coder.example.com"
    monkeypatch.setenv("CODER_URL", address)
    write(
        f'token = "{TOKEN}"\npseudonym_key = "{KEY}"\nnames = "pseudonyms"\n'
        + LOGIN.format(more=OUTRIGHT)
        + ROLES
    )
    with serving(store) as keeper:
        keeper._tell(state="waiting", ended_at=AT, problem=f"{address} refused {TOKEN}. Make one.")
        test = page("admins")
    assert not test.exception
    assert "Could not" not in said(test)
    assert "https://…@coder.example.com refused …. Make one." in said(test)
    found = sent(test)
    assert "login.cookie_secret" in found
    assert not [word for word in (TOKEN, KEY, *SECRETS.values(), "zq-word") if word in found]
    shown = tables(test)["Setting"]
    secrets = ("token", "pseudonym_key", *(f"login.{name}" for name in SECRETS))
    assert {shown[name][0] for name in secrets} == {"set"}
    assert shown["url"][:2] == ["https://…@coder.example.com", "environment CODER_URL"]


def test_a_viewer_is_refused_and_has_no_link(store: Store, write: Callable[[str], None]) -> None:
    write(PLAIN + LOGIN.format(more=OUTRIGHT) + ROLES)
    with serving(store):
        links = [page(who).get("page_link") for who in ("admins", "viewers")]
        test = page("viewers")
    assert ["Settings" in {one.proto.label for one in shown} for shown in links] == [True, False]
    assert "This page is not for you" in said(test)
    assert "Setting" not in tables(test)
    assert not [one for one in test.button if one.key == "sync-now"]


def test_recipients_of_alerts_are_masked_and_a_test_message_is_noted_and_sent(
    store: Store, write: Callable[[str], None], tmp_path: Path
) -> None:
    file = tmp_path / "alerts.toml"
    write(f'{PLAIN}alerts_file = "{file}"\n' + LOGIN.format(more=OUTRIGHT) + ROLES)
    with webhook() as hook, serving(store):
        url = f"{hook.url.replace('http', 'json')}/zq-word"
        file.write_text(f'[[recipient]]\nname = "Costs"\nurl = "{url}"\n', "utf-8")
        file.chmod(0o600)
        outbox = alert_files.outbox(settings.current(), store.path)
        row = {"digest": "d", "kind": "sync", "level": 0, "text": "late"}
        outbox.put("Costs", [row], AT)
        outbox.claim("Costs", "3f2a9c1b", AT)
        outbox.settle()
        test = page("admins")
        assert not test.exception
        assert "Could not" not in said(test)
        shown = tables(test)["Recipient"]["Costs"]
        assert shown[:3] == ["json://…", "viewer", "budgets, sync, unpriced"]
        assert "3f2a9c1b" in said(test)
        test.button(key="alert-send").click().run()
        assert "The service took the message" in said(test)
        assert "zq-word" not in sent(test)
        assert [(one.who, one.about) for one in noted("test alert")] == [
            ("bob@example.com", "Costs")
        ]
        ((_, _, message),) = hook.calls
        assert "bob@example.com sent this test" in message["message"]
        file.write_text("[[recipient]]\n", "utf-8")
        assert "line 1: 'name' must be a non-empty text" in said(page("admins"))


def test_what_changed_since_the_start_is_said(store: Store, write: Callable[[str], None]) -> None:
    write(PLAIN + "floor = 7")
    with serving(store, port=9002):
        test = page()
        assert "changed since the start" not in said(test) + sent(test)
        assert tables(test)["Setting"]["port"][:2] == ["9002", "command line"]
        write(PLAIN + "floor = 9\nport = 9003")
        test = page()
        assert "1 setting changed since the start" in said(test)
        assert tables(test)["Setting"]["floor"][:2] == ["7", "file; changed since the start"]
        write("prot = 7")
        test = page()
        assert "would not start again" in said(test)
        assert "prot: no such setting" in said(test)
        assert tables(test)["Setting"]["floor"][0] == "7"


def test_sync_now_is_noted_and_wakes_the_watch(
    store: Store, write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PLAIN)
    woken: list[int] = []
    with serving(store) as keeper:
        keeper._tell(state="waiting", began_at=AT, ended_at=AT + timedelta(minutes=1), good_at=AT)
        before = last()
        monkeypatch.setattr(keeper, "wake", lambda: woken.append(len(noted("sync", before))))
        test = page()
        assert tables(test)["facts"]["Next sync"] == ["4 May 2026, 09:32:30 UTC"]
        test.button(key="sync-now").click().run()
        assert not test.exception
        assert woken == [1]  # it was noted first
        assert [one.who for one in noted("sync", before)] == ["operator"]
        assert tables(test)["facts"]["State"] == ["about to begin"]
        assert test.button(key="sync-now").disabled
        keeper._tell(state="syncing", began_at=AT + timedelta(hours=1))
        assert tables(test.run())["facts"]["State"] == ["asking the deployment what is new"]
        keeper._tell(state="waiting", ended_at=AT + timedelta(hours=2))
        test.run()
        assert tables(test)["facts"]["State"][0].startswith("waiting")
        assert not test.button(key="sync-now").disabled
    assert woken == [1]


def test_when_the_last_backup_was_made_and_why_the_last_try_failed_is_shown(
    store: Store, write: Callable[[str], None], tmp_path: Path
) -> None:
    write(PLAIN)
    with serving(store) as keeper:
        assert tables(page())["facts"]["Last good backup"] == [formats.DASH]
        keeper.backups.status = BackupStatus(
            [Backup(tmp_path, AT, 12_345)], "The disk is full.", AT + timedelta(days=1)
        )
        test = page()
        shown = tables(test)["facts"]
    assert shown["Last good backup"] == ["4 May 2026, 09:30:00 UTC"]
    assert shown["Size of that backup"] == ["12.3k bytes"]
    assert shown["Next backup due"] == ["5 May 2026, 09:30:00 UTC"]
    assert shown["Good backups kept"] == ["1 of at most 7"]
    assert "The disk is full." in said(test)
    write(PLAIN + 'backup_at = "off"')
    with serving(store):
        assert "No backups are made" in said(page())


def test_which_state_the_mirror_has_and_why_it_has_no_later_one_is_shown(
    store: Store, write: Callable[[str], None]
) -> None:
    write(PLAIN)
    with serving(store):
        assert "ClickHouse" not in tables(page())["facts"]
    write(
        f'{PLAIN}mirror = "clickhouse://me@one:8443/db"\nmirror_password = "s3cret-of-the-mirror"\n'
    )
    with serving(store) as keeper:
        assert keeper.mirror
        assert tables(page())["facts"]["State of the store"] == [formats.DASH]
        problem = "The disk is full (s3cret-of-the-mirror)."
        keeper.mirror.status = MirrorStatus(AT, 1_234, 5, problem)
        test = page()
    shown = tables(test)["facts"]
    assert shown["ClickHouse"] == ["clickhouse://…@one:8443/db"]
    assert shown["State of the store"] == ["4 May 2026, 09:30:00 UTC"]
    assert shown["Version"] == ["1,234"]
    assert "The disk is full (…)." in said(test)
    assert "s3cret-of-the-mirror" not in sent(test)


def test_a_sync_that_cannot_be_noted_is_not_begun(
    store: Store, write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(PLAIN)
    with serving(store) as keeper:
        monkeypatch.setattr(keeper, "wake", lambda: pytest.fail("it was woken"))
        test = page()
        unusable = broken(tmp_path / "broken")
        monkeypatch.setattr(state_files, "state_database", lambda _: unusable)
        test.button(key="sync-now").click().run()
        assert not test.exception
        assert "No sync was begun." in said(test)
        assert not test.button(key="sync-now").disabled


def test_without_syncs_there_is_nothing_to_begin(
    store: Store, write: Callable[[str], None]
) -> None:
    write(PLAIN.replace("90", "0"))
    with serving(store):
        test = page()
        assert tables(test)["facts"]["State"] == ["off: sync_seconds is 0"]
        assert test.button(key="sync-now").disabled


@pytest.mark.parametrize("told", [PLAIN, ""])
def test_the_page_stands_without_a_store(write: Callable[[str], None], told: str) -> None:
    """Why there is none is what an admin came for."""
    write(told)
    with serving(None) as keeper:
        keeper._tell(state="waiting", ended_at=AT, problem="The disk is full.")
        test = page()
    assert not test.exception
    assert "The disk is full." in said(test)
    assert tables(test)["Setting"]["sync_seconds"]
    assert tables(test)["facts"]["Price list"] == ["none yet: there is no store"]
    assert "Could not" not in said(test)
    assert "None yet: there is no store." in said(test)


def test_a_target_that_takes_no_entries_of_the_audit_log_is_told(
    store: Store, write: Callable[[str], None]
) -> None:
    write(PLAIN + '\naudit_target = "/nowhere/audit.jsonl"\n')
    log, target = state_files.audit_log(settings.read()), state_files.audit_target(settings.read())
    log.write("ada", "login", at=AT)
    assert target
    forward(log, "/nowhere/audit.jsonl", target, AT)
    with serving(store):
        test = page()
    assert "/nowhere/audit.jsonl has not taken entries of the audit log since" in said(test)
    assert "No such file" in said(test)


def test_the_address_names_the_page_of_the_audit_log(
    store: Store, write: Callable[[str], None]
) -> None:
    write(PLAIN)
    log = state_files.audit_log(settings.read())
    for number in range(PAGE + 10):
        log.write("ada", f"try {number}", at=AT)
    every = [str(one.number) for one in log.entries(1_000)]

    def shown(test: AppTest) -> list[str]:
        assert not test.exception
        return [line[-1] for line in shown_tables.table(test, "audit-entries").lines]

    with serving(store):
        test = page(name="audit")
        assert shown(test) == every[:PAGE]
        assert test.button(key="turn-newest").disabled
        test.button(key="turn-older").click().run()
        assert test.query_params["after"] == every[PAGE - 1]
        assert shown(test) == every[PAGE:]
        assert test.button(key="turn-older").disabled
        test.button(key="turn-newest").click().run()
        assert "after" not in test.query_params
        assert shown(test) == every[:PAGE]
        assert "No entry is older than this" in said(page(name="audit", after="1"))
        lost = page(name="audit", after="one")
        assert "Not understood in this address: after=one" in said(lost)
        assert shown(lost) == every[:PAGE]


def test_what_each_role_may_is_what_the_door_decides(
    store: Store, write: Callable[[str], None]
) -> None:
    write(PLAIN + 'default_role = "self"\n[proxy]\naddresses = ["10.0.0.5", "10.1.0.0/24"]' + ROLES)
    chosen = settings.read()
    with serving(store):
        settings.install(chosen.model_copy(update={"proxy": settings.Proxy()}))  # nobody is asked
        test = page()
    shown = tables(test)
    assert shown["Who has which role"]["admin"] == ["admins"]
    assert shown["Who has which role"]["lead"] == ["ada@example.com"]
    assert shown["Who leads which teams"] == {"ada@example.com": ["payments, search"]}
    assert shown["facts"]["Login"][0].startswith("none: ")
    may = list(shown["What each role may"].values())
    for place, role in enumerate(Role):
        who = Viewer("somebody", frozenset({role}))
        allowed = [access.may_open(who, name) for name in PAGES]
        allowed += [access.may_use(who, permission) for permission in PERMISSIONS]
        assert [cells[place] == "yes" for cells in may] == allowed
    assert settings_in_force._way_in(chosen) == "a proxy, trusted at 10.0.0.5, 10.1.0.0/24"
    assert settings_in_force._others(chosen) == "have the role self"


def test_the_prices_of_the_operator_are_found_missing_or_wrong(
    store: Store, write: Callable[[str], None], tmp_path: Path
) -> None:
    path = tmp_path / "prices.toml"
    write(f'{PLAIN}prices_file = "{path}"')
    with serving(store):
        own = tables(page())["facts"]["Your own prices"]
        assert own == [f"{path}: not found"]
        path.write_text("[[price]]\nmodel = 7", "utf-8")
        test = page()
        assert tables(test)["facts"]["Your own prices"] == [f"{path}: cannot be used"]
        assert "line 2" in said(test)
        path.write_text('[[price]]\nmodel = "m"\nbilling = "free"', "utf-8")
        test = page()
        assert tables(test)["facts"]["Your own prices"] == [f"{path}: found"]
        assert "Models without a price" in tables(test)["facts"]


def test_entries_that_mean_nobody_and_people_in_no_team_are_named_to_who_may_see_names(
    store: Store, write: Callable[[str], None]
) -> None:
    with store.write() as batch:
        batch.execute(
            "INSERT INTO memberships VALUES ('zq-nobody', 'Search', '1900-01-01', '3000-01-01')"
        )
    with store.snapshot() as reader:
        teamless = team_file.matching(reader, datetime.now(UTC)).teamless
    assert teamless
    for rules, groups, has_names in (
        ("", (), True),
        (LOGIN.format(more=OUTRIGHT) + ROLES, ("admins",), False),
    ):
        write(f'{PLAIN}teams_file = "teams.csv"\n{rules}')
        with serving(store):
            test = page(*groups)
        assert not test.exception
        assert "1 entry of the teams file for people who have not" in said(test)
        assert ("zq-nobody" in said(test)) is has_names
        (line,) = [one for one in said(test).splitlines() if "in no team now" in one]
        assert line.startswith(formats.plural(len(teamless), "person", "people"))
        assert all((name in line) is has_names for name in teamless[: team_file.MOST])
