"""The file of recipients: what it says, what is refused, and that addresses stay secret."""

from datetime import timedelta
from pathlib import Path

import pytest

from bridgeboard.access import Role, RowAccess
from bridgeboard.alerts.recipients import RecipientsFileError, load, parse
from bridgeboard.alerts.rules import KINDS

SECRET = "slack://TokenA/TokenB/s3cretTokenC/#costs"
EXAMPLE = Path(__file__).parents[1] / "examples" / "alerts.toml"
ADA = f'[[recipient]]\nname = "Ada"\nurl = "{SECRET}"\n'


def none(_: str) -> str:
    return ""


def test_the_example_is_read(tmp_path: Path) -> None:
    (tmp_path / "pager.url").write_text("pagerduty://KEY@API\n", "utf-8")
    text = EXAMPLE.read_text("utf-8").replace("/run/secrets", str(tmp_path))
    told = parse(text, name="a.toml", variable={"COSTS_SLACK": SECRET}.get)  # type: ignore[arg-type] # of known names
    assert told.late_after == timedelta(hours=2)
    slack, team, pager = told.all
    assert (slack.url, slack.role, slack.masked) == (SECRET, Role.VIEWER, "slack://…")
    assert slack.kinds == {"budgets", "sync", "unpriced"}
    assert (team.role, team.teams, team.quiet and team.quiet.zone) == (
        Role.LEAD,
        ("payments",),
        "Europe/Berlin",
    )
    assert pager.url == "pagerduty://KEY@API"
    assert pager.kinds == {"sync"}


def test_roles_reach_what_they_reach_on_pages_and_never_text() -> None:
    def reached(more: str) -> RowAccess:
        return parse(ADA + more, name="a.toml", variable=none).all[0].row_access(5)

    assert reached("") == RowAccess.of_groups(5)
    assert reached('role = "admin"') == RowAccess.of_groups(5)
    assert reached('role = "lead"\nteams = ["b", "a"]') == RowAccess.of_teams("a", "b")
    for role in ("analyst", "auditor"):
        assert reached(f'role = "{role}"') == RowAccess.numbers()


def test_who_may_open_radar_is_told_of_findings_by_default() -> None:
    (one,) = parse(f'{ADA}role = "analyst"', name="a.toml", variable=none).all
    assert one.kinds == set(KINDS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[recipient]]\n", "line 1: 'name' must be a non-empty text"),
        ('[[recipient]]\nname = "A"\n', "line 1: give one of url, url_file, url_env"),
        (f'{ADA}url_env = "X"', "line 1: give one of"),
        (f"\n{ADA}\n{ADA}", "line 6: 'Ada' is the recipient of line 2 already"),
        (f'{ADA}role = "self"', "line 4: 'role' must be one of viewer, lead"),
        (f'{ADA}role = "lead"', "line 1: a lead needs 'teams'"),
        (f'{ADA}teams = ["a"]', "line 1: a lead needs 'teams', and nobody else"),
        (f'{ADA}kinds = ["findings"]', "line 1: role viewer may not open Radar"),
        (f'{ADA}kinds = ["prompts"]', "line 4: 'kinds' must be of budgets"),
        (f'{ADA}kinds = "sync"', "line 4: 'kinds' must be a list"),
        (f'{ADA}quiet = "22-7"', "line 4: 'quiet' must be two times"),
        (f'{ADA}quiet = "07:00-07:00"', "line 4: 'quiet' must be two times"),
        (f'{ADA}zone = "Mars/Olympus"', "line 4: 'zone' must be an IANA name"),
        (f'{ADA}colour = "red"', "line 4: 'colour' is unknown"),
        (ADA.replace(SECRET, "s3cretTokenC"), "line 3: 'url' is no address"),
        (ADA.replace(SECRET, r"slack://s3cret\nx"), "line 3: 'url' is no address"),
        ('[[recipient]]\nname = "A"\nurl_env = "X"', "line 3: 'url_env' names X, which is not set"),
        ('[[recipient]]\nname = "A"\nurl_file = "away"', "line 3: 'url_file' names .*away, which"),
        (f"late_sync_hours = 0\n{ADA}", "'late_sync_hours' must be more than 0"),
        (f"late_sync_hours = nan\n{ADA}", "'late_sync_hours' must be a number from 0 to 8,760"),
        (f"hours = 1\n{ADA}", r"'hours' is unknown; use late_sync_hours or \[\[recipient\]\]"),
        (
            f'recipient = [{{ name = "A", url = "{SECRET}" }}]',
            r"line 1: write each recipient as a \[\[recipient\]\] table",
        ),
        (f'[[recipient]]\nname = "A"\nurl = {SECRET}', "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_without_the_address(
    text: str, message: str
) -> None:
    with pytest.raises(RecipientsFileError, match=f"a.toml.*{message}") as raised:
        parse(text, name="a.toml", variable=none)
    assert "s3cret" not in str(raised.value)


def test_a_file_with_addresses_is_for_this_account_alone(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text(ADA, "utf-8")
    path.chmod(0o644)
    with pytest.raises(RecipientsFileError, match="chmod 600"):
        load(path, none)
    path.chmod(0o600)
    (one,) = load(path, none).all
    assert "s3cret" not in repr(one)
    path.write_text('[[recipient]]\nname = "A"\nurl_env = "X"\n', "utf-8")
    path.chmod(0o644)
    assert load(path, lambda _: SECRET).all[0].url == SECRET


def test_a_file_that_is_away_is_said() -> None:
    with pytest.raises(RecipientsFileError, match="cannot be read"):
        load(Path("away.toml"), none)
