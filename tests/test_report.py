"""The report: its numbers counted again, its page taken apart, its command line."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import commands
import demo_sync
import demo_worlds
import pytest
import stores
import truth
from test_sync_cost import counted, responses

from bridgeboard import formats, report
from bridgeboard.analysis import invariants
from bridgeboard.demo.records import InterceptionRow, Tables
from bridgeboard.model import periods
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.pages import FILTERS, PAGE_CONTENTS
from bridgeboard.model.scope import Scope
from bridgeboard.report import Answers
from bridgeboard.store import Store, people
from bridgeboard.teams import Membership

pytestmark = pytest.mark.usefixtures("no_settings")
run = partial(commands.run, "report")
TABLES = demo_worlds.small().tables
ZONE = "Europe/Berlin"
DAYS = (date(2026, 11, 8), date(2026, 11, 12))
SCOPE = Scope.days(*DAYS, ZONE)
EVIL = '"><script>alert(1)</script><img src=http://evil.example/x onerror=y> \u202e{{ 7*7 }}'
EMPTY = {"meta", "line"}


@pytest.fixture(scope="module")
def synced_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synced store's file, with teams; to be copied or read, not changed."""
    folder = tmp_path_factory.mktemp("synced")
    told = sorted(demo_worlds.small().teams.items())
    with demo_sync.whole(folder) as store:
        people.put_memberships(
            store,
            [Membership(name, team) for team, names in told for name in names],
        )
    return folder / "store.duckdb"


@pytest.fixture(scope="module")
def answers(synced_file: Path) -> Answers:
    return asked(synced_file, SCOPE)


@pytest.fixture(scope="module")
def html(answers: Answers) -> str:
    return report.page(answers)


def asked(
    file: Path, scope: Scope, preset: str = "custom", now: datetime = demo_sync.NOW
) -> Answers:
    with Store.open(file, memory_mb=256, threads=2) as store, store.snapshot() as reader:
        return report.ask(reader, scope, preset, now)


class Page(HTMLParser):
    """Tables and tags of a page; a cell is its text and its exact hint."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[tuple[str, str]]]] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    @classmethod
    def of(cls, text: str) -> "Page":
        page = cls()
        page.feed(text)
        page.close()
        assert page.open == []
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append(("", dict(attrs).get("title") or ""))
        elif tag == "span" and {"td", "th"} & set(self.open):
            text, hint = self.tables[-1][-1][-1]
            self.tables[-1][-1][-1] = (text, dict(attrs).get("title") or hint)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            text, hint = self.tables[-1][-1][-1]
            self.tables[-1][-1][-1] = (text + data.strip(), hint)


def tokens_of(rows: Sequence[InterceptionRow]) -> dict[str, int]:
    """Tokens by kind, every response of these requests counted by itself."""
    ids = {row.id for row in rows}
    counts = [counted(told) for call, told in responses() if call.id in ids]
    return {kind: sum(each[kind] for each in counts) for kind in stores.KINDS}


def started() -> list[InterceptionRow]:
    return truth.finished(TABLES, since=SCOPE.since, until=SCOPE.until)


def test_totals_are_those_counted_in_the_company(answers: Answers, html: str) -> None:
    rows = started()
    tokens = tokens_of(rows)
    first_of: dict[tuple[str, str], datetime] = {}
    for row in truth.finished(TABLES):
        key = (row.session_id, row.initiator_id)
        first_of[key] = min(row.started_at, first_of.get(key, row.started_at))
    expected = {
        "total_tokens": sum(tokens.values()),
        "active_people": len(truth.people(rows)),
        "prompts": len(truth.prompts(TABLES, rows)),
        "sessions": sum(SCOPE.since <= at < SCOPE.until for at in first_of.values()),
    }
    assert min(expected.values()) > 0
    assert {name: answers.headlines.now[name] for name in expected} == expected
    assert answers.headlines.now["cache_hit_rate"] == pytest.approx(
        tokens["cache_read"] / (sum(tokens.values()) - tokens["output"])
    )
    assert all(f'title="{formats.exact(value)}"' in html for value in expected.values())


def test_spend_is_the_plain_sum_of_what_requests_cost(
    synced_file: Path, answers: Answers, html: str
) -> None:
    with Store.open(synced_file, memory_mb=256) as store:
        ((spend,),) = store.rows(
            "SELECT sum(cost) FROM usage WHERE started_at >= $1 AND started_at < $2",
            [stores.naive(SCOPE.since), stores.naive(SCOPE.until)],
        )
    assert answers.headlines.now["spend"] == spend
    assert formats.exact_money(spend) in html


def test_the_parts_of_every_table_add_up_to_its_last_line(answers: Answers) -> None:
    assert [table.by for table in answers.tables] == [
        "family",
        "team",
        "initiator",
        "client",
        "tool",
    ]
    for table in answers.tables:
        assert 0 < len(table.parts) <= 21
        for name in table.names:
            if METRICS[name].adds_up(DIMENSIONS[table.by]):
                parts = sum(value or 0 for value in table.parts.column(name))
                assert parts == table.whole[name], (table.by, name)
        shared = set(table.whole) & set(answers.headlines.now)
        # People and sessions of a table of tools are those of its calls.
        shared -= {"active_people", "sessions"}
        assert all(table.whole[name] == answers.headlines.now[name] for name in shared)


def test_people_and_sessions_below_a_table_of_tools_are_those_of_its_calls(
    answers: Answers,
) -> None:
    calls = truth.tool_calls(TABLES, started())
    owner = {row.id: row.initiator_id for row in started()}
    tools = answers.tables[-1]
    assert tools.whole["tool_calls"] == len(calls)
    assert tools.whole["active_people"] == len({owner[call.interception_id] for call in calls})
    assert tools.whole["tool_errors"] == sum(bool(call.invocation_error) for call in calls)


def test_more_values_than_fit_are_one_row_that_says_how_many(answers: Answers, html: str) -> None:
    tools = answers.tables[-1]
    values = tools.parts.column("values_count")[0]
    assert values > 20
    assert f"Top 20 of {values} tools by tool calls" in html
    assert f">Other ({values - 20})</span>" in html


def test_the_numbers_that_are_shown_add_up(html: str) -> None:
    tables = Page.of(html).tables
    assert len(tables) >= 5
    for table in tables[:5]:
        head, *rows, last = table
        for label in ("Tokens", "Requests", "Tool calls"):
            places = [place for place, cell in enumerate(head) if cell[0] == label]
            for place in places:
                exact = [int(row[place][1].replace(",", "")) for row in [*rows, last]]
                assert sum(exact[:-1]) == exact[-1] > 0


def test_bars_add_up_to_the_headline(answers: Answers, html: str) -> None:
    for course in answers.courses:
        trend = course.trend
        assert sum(value or 0 for *_, value in trend.rows) == answers.headlines.now[trend.measure]
    assert html.count('<svg role="img" aria-label="Bars of ') == 2
    assert len(re.findall(r"<rect[^>]*><title>\d+ Nov 2026: ", html)) == html.count("<rect")


def test_no_period_makes_more_than_a_thousand_bars(synced_file: Path) -> None:
    told = asked(synced_file, Scope.days(date(2010, 1, 1), date(2026, 11, 16)))
    for course in told.courses:
        assert 0 < len(course.trend.rows) <= 1_000


def test_the_stretch_of_time_that_runs_is_dashed_and_hours_are_local(synced_file: Path) -> None:
    scope = periods.scope("today", demo_worlds.END.date(), ZONE)
    rows = truth.finished(TABLES, since=scope.since, until=demo_worlds.END)
    told = asked(synced_file, scope, "today", now=max(row.started_at for row in rows))
    page = report.page(told)
    assert "still running" in page
    assert 'class="running"' in page
    last = max(row.started_at for row in rows).replace(minute=0)
    assert f"<title>{formats.moment(last, ZoneInfo(ZONE), 'minutes')}: " in page


def test_the_period_before_is_compared_when_it_was_recorded_from_its_beginning(
    answers: Answers, html: str
) -> None:
    before = SCOPE.previous()
    assert answers.before == before
    rows = truth.finished(TABLES, since=before.since, until=before.until)
    tokens = sum(tokens_of(rows).values())
    assert answers.headlines.before
    assert answers.headlines.before["total_tokens"] == tokens
    moved = formats.change(answers.headlines.now["total_tokens"], tokens, "count")
    assert f"{moved} <small>from " in html
    assert "Compared with 3 - 7 Nov 2026." in html
    assert all(len(moves) == 8 for moves in answers.moves.values())
    for moves in answers.moves.values():
        assert [one.size for one in moves] == sorted((one.size for one in moves), reverse=True)


def test_nothing_is_compared_with_days_before_the_first_record(synced_file: Path) -> None:
    scope = Scope.days(date(2026, 10, 29), date(2026, 11, 12), ZONE)
    told = asked(synced_file, scope)
    page = report.page(told)
    assert told.headlines.before is None
    assert not any(told.moves.values())
    assert "so nothing is compared" in page
    assert "<small>from" not in page


def test_spend_is_a_lower_bound_while_tokens_have_no_price(answers: Answers, html: str) -> None:
    assert answers.headlines.now["unpriced_tokens"] > 0
    spend = formats.number(answers.headlines.now["spend"], "money", "at_least")
    assert f">{spend}</span>" in html
    assert f"the price of {formats.exact(answers.headlines.now['unpriced_tokens'])} tokens" in html


def test_the_page_says_why_it_can_be_trusted(
    synced_file: Path, answers: Answers, html: str
) -> None:
    with Store.open(synced_file, memory_mb=256) as store, store.snapshot() as reader:
        checks = invariants.check(reader, SCOPE)
        versions = [reader.meta(name) or "" for name in ("server_version", "price_version")]
        versions.append(str(reader.version))
    assert all(one.holds for one in checks)
    assert f"all {len(checks)} hold" in html
    assert all(f"<dd>{version}</dd>" in html for version in versions)
    assert formats.moment(demo_sync.NOW, ZoneInfo(ZONE)) in html
    assert "Approximate, list price" in html
    broken = replace(answers, trust=replace(answers.trust, broken=2))
    assert f"{len(checks) - 2} of {len(checks)} hold" in report.page(broken)
    assert f"2 of {len(checks)} checks of these numbers do not hold" in report.page(broken)


def test_every_number_has_its_definition_on_the_page(html: str) -> None:
    for name in (*PAGE_CONTENTS["overview"].headline, *PAGE_CONTENTS["spend"].headline):
        assert f"<dt>{METRICS[name].label}</dt><dd>" in html


def test_a_sync_before_the_periods_end_is_told(synced_file: Path) -> None:
    later = demo_worlds.END.replace(day=30)
    told = asked(synced_file, Scope.days(date(2026, 11, 1), date(2026, 11, 25), ZONE), now=later)
    assert "had not been synced: it is missing" in report.page(told)


def test_filters_narrow_every_number_and_are_told(synced_file: Path) -> None:
    team, names = min(demo_worlds.small().teams.items())
    ids = {one.id for one in TABLES.people if one.username in names}
    rows = [row for row in started() if row.initiator_id in ids]
    told = asked(synced_file, SCOPE.only("team", team))
    assert told.headlines.now["total_tokens"] == sum(tokens_of(rows).values())
    assert told.tables[1].parts.column("team") == [team]
    assert f"<strong>Team is {team}</strong>" in report.page(told)


def test_an_empty_store_and_an_empty_period_are_pages_too(
    synced_file: Path, tmp_path: Path
) -> None:
    with stores.fresh(tmp_path):
        pass
    for told in (
        asked(tmp_path / "store.duckdb", SCOPE),
        asked(synced_file, Scope.days(date(2020, 1, 1), date(2020, 1, 2))),
    ):
        page = report.page(told)
        assert "Nothing was recorded in this period." in page
        assert Page.of(page).tables == []


def test_the_page_asks_for_nothing_and_runs_nothing(html: str) -> None:
    told = Page.of(html)
    assert not told.tags & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "a",
        "use",
    }
    assert not [name for name, _ in told.attributes if name.startswith("on")]
    assert not {name for name, _ in told.attributes} & {"src", "href", "srcset", "action"}
    assert not re.search(r"https?:|//\w|url\(|@import", html)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html


def test_recorded_text_stays_out(html: str) -> None:
    texts = {prompt.prompt for prompt in TABLES.prompts} | {call.input for call in TABLES.tools}
    assert not [text for text in texts if len(text) > 20 and text in html]


def hostile() -> Tables:
    """A few requests whose every name would like to act."""
    tables = demo_sync.latest(40)
    people = tuple(
        replace(one, username=f"{EVIL}{number}", name=EVIL)
        for number, one in enumerate(tables.people)
    )
    rows = tuple(
        replace(row, model=EVIL, client=EVIL, provider=EVIL, provider_name=EVIL)
        for row in tables.interceptions
    )
    tools = tuple(replace(call, tool=EVIL) for call in tables.tools)
    return replace(tables, people=people, interceptions=rows, tools=tools)


def test_hostile_names_do_not_act(tmp_path: Path) -> None:
    tables = hostile()
    with stores.fresh(tmp_path) as store:
        stores.put(store, tables, tables.interceptions)
        people.put_memberships(store, [Membership(one.username, EVIL) for one in tables.people])
    scope = Scope.days(date(2026, 11, 1), date(2026, 11, 30)).only("model", EVIL)
    told = asked(tmp_path / "store.duckdb", scope)
    page = report.page(told)
    parsed = Page.of(page)
    assert [name for table in parsed.tables for name in table[1][0] if "script" in name]
    assert not parsed.tags & {"script", "img"}
    assert "\u202e" not in page
    assert "{{ 7*7 }}" in page
    assert not {name for name, _ in parsed.attributes} & {"src", "onerror"}


def test_the_same_store_at_the_same_time_makes_the_same_bytes(
    synced_file: Path, html: str, tmp_path: Path
) -> None:
    copy = Path(shutil.copy(synced_file, tmp_path / "copy.duckdb"))
    assert report.page(asked(copy, SCOPE)) == html


CUSTOM = ("--from", "2026-11-08", "--to", "2026-11-12", "--zone", ZONE)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


def test_the_command_writes_the_page(
    store_options: Sequence[str], answers: Answers, out: Path
) -> None:
    said = run(*CUSTOM, *store_options, "--out", str(out))
    assert said.exit_code == 0, said.output
    assert f"Wrote {out}" in said.output
    page = out.read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert formats.exact_money(answers.headlines.now["spend"]) in page


def test_a_file_is_only_replaced_by_force(store_options: Sequence[str], out: Path) -> None:
    out.write_text("mine", "utf-8")
    said = run(*CUSTOM, *store_options, "--out", str(out))
    assert said.exit_code == 2
    assert "--force" in said.output
    assert out.read_text("utf-8") == "mine"
    forced = run(*CUSTOM, *store_options, "--out", str(out), "--force")
    assert forced.exit_code == 0, forced.output
    assert out.read_text("utf-8") != "mine"
    assert sorted(path.name for path in out.parent.glob("*report*")) == [out.name]


def test_a_dash_writes_the_page_and_nothing_else_to_standard_output(
    store_options: Sequence[str],
) -> None:
    said = run(*CUSTOM, *store_options, "--out", "-")
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("<!DOCTYPE html>")
    assert said.stdout.endswith("</html>\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--period", "fortnight"], "last-month"),
        (["--zone", "Mars/Olympus"], "Mars/Olympus"),
        (["--from", "08.11.2026"], "%Y-%m-%d"),
        (["--period", "custom"], "--from"),
        (["--to", "2026-11-12"], "--from"),
        (["--period", "7d", "--from", "2026-11-12"], "--period 7d"),
        (["--from", "2026-11-12", "--to", "2026-11-08"], "before it begins"),
        (["--from", "1789-07-14", "--to", "1789-07-14"], "1990"),
        (["--from", "9999-12-31", "--to", "9999-12-31"], "cannot be reported"),
    ],
)
def test_what_cannot_be_reported_is_explained(
    options: list[str], words: str, store_options: Sequence[str], out: Path
) -> None:
    said = run(*options, *store_options, "--out", str(out))
    assert said.exit_code == 2
    assert words in said.output
    assert "Traceback" not in said.output
    assert not out.exists()


def test_places_that_cannot_be_written_are_explained(
    store_options: Sequence[str], tmp_path: Path
) -> None:
    for place in (tmp_path, tmp_path / "none" / "report.html"):
        said = run(*CUSTOM, *store_options, "--out", str(place))
        assert said.exit_code == 2
        assert "folder" in said.output


def test_every_filter_of_the_pages_is_an_option_that_filters_by_it(
    store_options: Sequence[str], out: Path
) -> None:
    options = {"initiator": "person"}
    for by in FILTERS:
        option = f"--{options.get(by, by).replace('_', '-')}"
        said = run(*CUSTOM, *store_options, option, "nobody-at-all", "--out", str(out), "--force")
        assert said.exit_code == 0, said.output
        label = DIMENSIONS[by].label
        assert f"{label} is nobody-at-all" in out.read_text("utf-8"), option


def test_filters_of_the_command_line_may_be_repeated_and_strangers_are_told(
    store_options: Sequence[str], out: Path
) -> None:
    names = ("--provider", "anthropic", "--provider", "openai", "--person", "nobody-at-all")
    said = run(*CUSTOM, *store_options, *names, "--out", str(out))
    assert said.exit_code == 0, said.output
    assert "Nothing was ever recorded of person 'nobody-at-all'" in said.output
    page = out.read_text("utf-8")
    assert "Person is nobody-at-all; Provider is anthropic or openai" in page
    assert "Nothing matches these filters in this period." in page


def test_without_a_store_the_command_says_how_to_make_one(tmp_path: Path, out: Path) -> None:
    said = run("--out", str(out), BRIDGEBOARD_DATA=str(tmp_path), CODER_URL="http://127.0.0.1:9")
    assert said.exit_code == 2
    assert "bridgeboard sync" in said.output
    assert not out.exists()


def test_a_store_that_is_open_elsewhere_is_told(store_options: Sequence[str], out: Path) -> None:
    with Store.open(Path(store_options[1]), memory_mb=256):
        said = run(*CUSTOM, *store_options, "--out", str(out))
    assert said.exit_code == 2
    assert "already open by pid" in said.output


def test_a_file_that_is_no_store_is_told(tmp_path: Path, out: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a store " * 1000, "utf-8")
    said = run("--store", str(other), "--out", str(out))
    assert said.exit_code == 2
    assert "no store of Bridgeboard" in said.output
    assert other.read_text("utf-8").startswith("not a store")
