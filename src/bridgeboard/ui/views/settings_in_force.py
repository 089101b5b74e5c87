"""The page Settings: every setting with its origin, and what each role may see."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import streamlit as st

from bridgeboard import access, formats, settings
from bridgeboard.access import Permission, Role
from bridgeboard.analysis import coder_groups, team_file
from bridgeboard.model import pages
from bridgeboard.model.store import NoStoreError, Rows
from bridgeboard.settings import Origin, Settings, SettingsError
from bridgeboard.ui import current_user, runner
from bridgeboard.ui.components import notices, tables
from bridgeboard.ui.components.tables import Column

CHANGED: Final = "changed since the start"
DOES: Final = {
    Permission.REVEAL: "Reveal recorded text, with a reason",
    Permission.REVEAL_OWN: "Reveal their own text",
    Permission.SEARCH: "Search in prompts, where search_text permits it",
    Permission.EXPORT: "Download tables",
    Permission.NOTES: "Put notes on findings",
    Permission.VIEWS: "Keep views",
    Permission.SYNC: "Begin a sync, or send a test of alerts",
}
"""What is done on pages, in words."""
_MARKS: Final = re.compile(r"`([^`]*)`|\*(\w+)\*")


def values() -> None:
    """Every setting: its value, who set it, and what it means. Of a secret only that it is set."""
    st.header("All settings", anchor=False)
    with notices.tile("the settings"):
        origins = settings.origins(settings.current(), _now())
        changed = [one.name for one in origins if one.changed]
        if changed:
            notices.remark(
                f"{formats.plural(len(changed), 'setting')} changed since the start. What is shown "
                f"is in force until Bridgeboard is started again: {', '.join(changed)}."
            )
        _whereabouts()
        rows = [_cells(one) for one in origins]
        columns = [Column(label) for label in ("Setting", "Value", "Set by", "Meaning")]
        with st.container(key="box-settings"):
            tables.show(
                rows,
                columns,
                key="settings",
                label="Settings",
                is_sortable=False,
                search="Search settings",
            )


def _now() -> Settings | None:
    """What a restart would read; None, and the reason on the page, where it would fail."""
    try:
        return settings.read()
    except SettingsError as error:
        notices.problem(
            "**The settings cannot be read any more: Bridgeboard would not start again.**",
            settings.unsecret(str(error), settings.current()),
        )
        return None


def _whereabouts() -> None:
    """Where settings are changed."""
    st.caption(
        "Settings are changed in a file, which can be reviewed and backed up, and apply from the "
        "next start. An environment variable overrides the file, and the command line overrides "
        "both. The file is:"
    )
    try:
        path = settings.settings_file()
    except SettingsError:  # which the notice above tells
        return
    st.text(formats.visible(str(path) if path.is_file() else f"{path} (there is none yet)"))


def _cells(one: Origin) -> tuple[str, ...]:
    set_by = f"{one.set_by}; {CHANGED}" if one.changed else one.set_by
    meaning = _MARKS.sub(lambda mark: mark[1] or mark[2] or "", one.meaning)
    return one.name, one.value, set_by, meaning


def access_rules() -> None:
    """How people come in, who is what by the rules, and what each role may open and do."""
    st.header("Who may see what", anchor=False)
    with notices.tile("who may see what"):
        now = settings.current()
        tables.facts(
            {
                "Login": _way_in(now),
                "People without a role": _others(now),
                "People are shown by": "their names" if now.names == "real" else "pseudonyms",
                "Smallest group shown to readers of groups": formats.plural(
                    now.floor, "person", "people"
                ),
            },
            key="access",
            label="Who may see what",
        )
        _roles(now)
        _matrix()


def teams() -> None:
    """Where teams come from, whom entries of a teams file mean, and who is in no team."""
    st.header("Teams", anchor=False)
    with notices.tile("the teams"):
        try:
            sentences = runner.current().of_everybody().read(_team_sentences)
        except NoStoreError:
            sentences = ["None yet: there is no store"]
        for sentence in sentences:
            st.text(f"{sentence}.")


def _team_sentences(reader: Rows) -> list[str]:
    match = team_file.matching(reader, datetime.now(UTC))
    has_file = bool(settings.current().teams_file)
    if not has_file:
        # Members of groups who have not used the AI Bridge are nobody's mistake.
        match = replace(match, unmatched=())
    row_access = current_user.reader().row_access
    sees_names = row_access.is_of_everybody and not row_access.pseudonyms
    sentences = (team_file.sentences if sees_names else team_file.counts)(match)
    everything = [
        *coder_groups.team_sentences(reader),
        *sentences,
        *coder_groups.reading_sentences(reader),
    ]
    if has_file and not everything:
        return ["Every entry of the teams file means somebody"]
    return everything


def _way_in(now: Settings) -> str:
    if now.login.configured:
        return f"a login by {urlsplit(now.login.metadata_url).hostname}"
    if now.proxy.configured:
        return f"a proxy, trusted at {settings.shown(now.proxy.addresses)}"
    return "none: whoever reaches the port is an operator and sees everything"


def _others(now: Settings) -> str:
    if not now.guarded:
        return "nobody is asked for one"
    return f"have the role {now.default_role}" if now.default_role else "are refused"


def _roles(now: Settings) -> None:
    rows = []
    for role in Role:
        people = [*now.roles.get(role, ())]
        if role is Role.LEAD:
            known = {who.lower() for who in people}
            people += [who for who in now.leads if who.lower() not in known]
        rows.append((role, ", ".join(people) or formats.DASH))
    columns = (Column("Role"), Column("Groups, e-mail addresses, usernames"))
    title = "Who has which role"
    tables.show(rows, columns, key="roles", label=title, title=title, is_sortable=False)
    if now.leads:
        leads = [(who, ", ".join(teams)) for who, teams in now.leads.items()]
        columns = (Column("Lead"), Column("Teams"))
        title = "Who leads which teams"
        tables.show(leads, columns, key="leads", label=title, title=title, is_sortable=False)


def _matrix() -> None:
    """What each role may see and do."""
    titles = {name: title for shown in pages.SECTIONS.values() for name, title, _ in shown}
    may = {
        f"Open {titles.get(page, page.capitalize())}": roles for page, roles in access.PAGES.items()
    } | {DOES[permission]: roles for permission, roles in access.PERMISSIONS.items()}
    rows = [
        (what, *("yes" if role in roles else formats.DASH for role in Role))
        for what, roles in may.items()
    ]
    tables.show(
        rows,
        [Column("Permission"), *(Column(role, longest=3) for role in Role)],
        key="may",
        label="What each role may",
        title="What each role may",
        note="Several roles of one person add up. Whose numbers they see also depends on the role.",
        is_sortable=False,
    )
