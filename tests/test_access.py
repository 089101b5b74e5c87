"""Who may see what: what an identity is by the rules, and what each role may open and use."""

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.access import (
    OPERATOR,
    PAGES,
    PERMISSIONS,
    Claims,
    Headers,
    Identity,
    Permission,
    RefusedError,
    Role,
    RowAccess,
    Rules,
    Viewer,
    from_claims,
    from_headers,
    may_open,
    may_use,
    row_access_of,
    viewer,
)
from bridgeboard.access.identity import LONGEST, MOST_GROUPS

ROOT = Path(__file__).parents[1]
RULES = Rules(
    roles={
        Role.ADMIN: frozenset({"Platform-Admins"}),
        Role.AUDITOR: frozenset({"audit@example.com", "user:carol"}),
        Role.ANALYST: frozenset({"platform-admins", "analysts"}),
        Role.SELF: frozenset({"everybody"}),
    },
    leads={"lead@example.com": frozenset({"payments"}), "Squad-Leads": frozenset({"search"})},
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=3,
)
told_names = ("sub", "email", "email_verified", "groups", "preferred_username")


def of(*roles: Role) -> Viewer:
    return Viewer("x", frozenset(roles), frozenset({"payments"}), "x")


def test_the_operator_may_do_everything() -> None:
    assert all(may_open(OPERATOR, page) for page in PAGES)
    assert all(may_use(OPERATOR, permission) for permission in Permission)


def test_every_page_is_in_the_table_and_the_two_to_come() -> None:
    files = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert files <= set(PAGES)
    assert set(PERMISSIONS) == set(Permission)


NUMBERS = {"overview", "spend", "budgets", "people", "models", "tools", "trust"}
OWN = {
    "overview", "spend", "budgets", "models", "tools", "sessions", "session", "interceptions",
    "person", "compare",
}  # fmt: skip
ADMINS = {"audit", "settings"}


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        (Role.SELF, OWN),
        (Role.VIEWER, NUMBERS),
        (Role.LEAD, set(PAGES) - ADMINS),
        (Role.ANALYST, set(PAGES) - ADMINS),
        (Role.AUDITOR, set(PAGES) - ADMINS),
        (Role.ADMIN, NUMBERS | ADMINS),
    ],
)
def test_a_role_opens_its_pages_and_no_other(role: Role, pages: set[str]) -> None:
    assert {page for page in PAGES if may_open(of(role), page)} == pages


def test_each_role_reaches_its_rows_and_of_several_the_widest() -> None:
    groups, teams = RowAccess.of_groups(7), RowAccess.of_teams("payments")
    assert row_access_of(of(Role.VIEWER), floor=7) == groups
    assert row_access_of(of(Role.ADMIN), floor=7) == groups
    assert row_access_of(of(Role.LEAD, Role.VIEWER), floor=7) == teams
    assert row_access_of(of(Role.ANALYST, Role.LEAD), floor=7) == RowAccess.numbers()
    assert row_access_of(of(Role.AUDITOR, Role.ANALYST), floor=7) == RowAccess.everything()


@pytest.mark.parametrize("page", ["", "Audit", "../audit", "nothing", "audit "])
def test_a_page_that_is_none_opens_to_nobody(page: str) -> None:
    assert not may_open(OPERATOR, page)


def test_text_is_revealed_to_auditors_and_ones_own_to_oneself() -> None:
    assert [role for role in Role if may_use(of(role), Permission.REVEAL)] == [Role.AUDITOR]
    assert [role for role in Role if may_use(of(role), Permission.SEARCH)] == [Role.AUDITOR]
    assert may_use(of(Role.SELF), Permission.REVEAL_OWN)
    assert not may_use(of(Role.ADMIN, Role.ANALYST, Role.LEAD), Permission.REVEAL)


def test_what_an_admin_does_nobody_else_does() -> None:
    assert [role for role in Role if may_use(of(role), Permission.SYNC)] == [Role.ADMIN]


def test_every_permission_is_asked_for_where_it_is_used() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "src/bridgeboard/ui").rglob("*.py")]
    asked = {name for text in sources for name in re.findall(r"may\(Permission\.(\w+)\)", text)}
    revealing = {"REVEAL", "REVEAL_OWN"}  # which of them is asked for depends on the rows
    assert asked | revealing == {permission.name for permission in Permission}


@given(st.frozensets(st.sampled_from(Role)), st.frozensets(st.sampled_from(Role)))
def test_several_roles_add_up(some: frozenset[Role], more: frozenset[Role]) -> None:
    for page in PAGES:
        assert may_open(of(*some, *more), page) is (
            may_open(of(*some), page) or may_open(of(*more), page)
        )


def test_roles_come_from_groups_addresses_and_usernames_in_any_case() -> None:
    admin = viewer(Identity("1", "a@example.com", frozenset({"PLATFORM-admins"})), RULES)
    assert admin.roles == {Role.ADMIN, Role.ANALYST}
    assert admin.name == "a@example.com"
    assert viewer(Identity("2", "Audit@Example.COM"), RULES).roles == {Role.AUDITOR}
    assert viewer(Identity("3", username="Carol"), RULES).roles == {Role.AUDITOR}


def test_a_username_is_no_group_and_a_group_no_username() -> None:
    for nobody in (
        Identity("1", username="platform-admins"),
        Identity("1", groups=frozenset({"user:carol", "carol"})),
        Identity("platform-admins"),
    ):
        with pytest.raises(RefusedError, match="no role"):
            viewer(nobody, RULES)


def test_a_group_called_like_an_address_has_not_its_role_unless_a_rule_says_group() -> None:
    every = frozenset({"audit@example.com", "AUDIT@Example.com", "lead@example.com"})
    with pytest.raises(RefusedError, match="no role"):
        viewer(Identity("1", "eve@example.com", every), RULES)
    named = Rules(
        roles={Role.ADMIN: frozenset({"group:Audit@example.com", "group:plain"})},
        leads={"group:lead@example.com": frozenset({"payments"})},
    )
    one = viewer(Identity("1", "eve@example.com", every), named)
    assert (one.roles, one.teams) == ({Role.ADMIN, Role.LEAD}, {"payments"})
    assert viewer(Identity("1", groups=frozenset({"plain"})), named).roles == {Role.ADMIN}


@pytest.mark.parametrize("email", ["audit@example.com", "group:audit@example.com"])
def test_an_address_is_no_group(email: str) -> None:
    rules = Rules(roles={Role.ADMIN: frozenset({"group:audit@example.com", "group:plain"})})
    for groups in (frozenset[str](), frozenset({"group:plain", "group:audit@example.com"})):
        with pytest.raises(RefusedError, match="no role"):
            viewer(Identity("1", email, groups), rules)


def test_a_lead_has_the_teams_of_all_that_names_them() -> None:
    both = viewer(Identity("1", "LEAD@example.com", frozenset({"squad-leads"})), RULES)
    assert both.roles == {Role.LEAD}
    assert both.teams == {"payments", "search"}
    assert viewer(Identity("1", groups=frozenset({"analysts"})), RULES).teams == frozenset()


def test_a_lead_of_no_team_is_none() -> None:
    rules = Rules(roles={Role.LEAD: frozenset({"leads"}), Role.VIEWER: frozenset({"all"})})
    with pytest.raises(RefusedError, match=r"under \[leads\]"):
        viewer(Identity("1", groups=frozenset({"leads"})), rules)
    seen = viewer(Identity("1", groups=frozenset({"leads", "all"})), rules)
    assert seen.roles == {Role.VIEWER}


def test_without_a_username_nobody_is_oneself() -> None:
    everybody = frozenset({"everybody"})
    assert viewer(Identity("1", groups=everybody, username="ann"), RULES).username == "ann"
    with pytest.raises(RefusedError, match="which username"):
        viewer(Identity("1", groups=everybody), RULES)
    with pytest.raises(RefusedError, match="which username"):
        viewer(Identity("1"), Rules(default=Role.SELF))


def test_the_default_is_for_those_who_are_nothing_else() -> None:
    rules = Rules(roles=RULES.roles, default=Role.VIEWER)
    assert viewer(Identity("1"), rules).roles == {Role.VIEWER}
    assert viewer(Identity("1", groups=frozenset({"analysts"})), rules).roles == {Role.ANALYST}


@pytest.mark.parametrize("source", ["login", "proxy"])
def test_nobody_at_all_gets_no_default(source: Any) -> None:
    with pytest.raises(RefusedError, match=rf"\[{source}\]"):
        viewer(Identity(source=source), Rules(default=Role.VIEWER))


def test_rules_cannot_be_changed_afterwards() -> None:
    with pytest.raises(TypeError):
        RULES.roles[Role.ADMIN] = frozenset({"me"})  # type: ignore[index] - that is the point
    with pytest.raises(TypeError):
        RULES.leads["me"] = frozenset({"payments"})  # type: ignore[index] - likewise


ASCII = st.text(st.characters(max_codepoint=126, min_codepoint=33), min_size=1, max_size=6)
LOOKALIKES = "\u212a\u017f\u0130\xdf\ufb01\ufb06"
"""Kelvin's K, the long s, a dotted I, the sharp s and two ligatures: all fold to ASCII letters."""


@given(st.text("kKsSiIf", max_size=3), st.sampled_from(LOOKALIKES), st.text("kKsSiIf", max_size=3))
def test_a_letter_beyond_ascii_never_passes_for_one_of_it(head: str, odd: str, tail: str) -> None:
    word = head + odd + tail
    plain = unicodedata.normalize("NFKC", word.casefold())
    rules = Rules(roles={Role.ADMIN: frozenset({plain, plain.upper()})})
    with pytest.raises(RefusedError):
        viewer(Identity("1", groups=frozenset({word})), rules)
    mine = Rules(roles={Role.ADMIN: frozenset({word})})
    assert viewer(Identity("1", groups=frozenset({word})), mine).may(Role.ADMIN)


@given(ASCII.filter(lambda word: not word.startswith(("user:", "group:")) and "@" not in word))
def test_case_makes_no_difference(word: str) -> None:
    rules = Rules(roles={Role.ADMIN: frozenset({word.upper()})})
    assert viewer(Identity("1", groups=frozenset({word.lower()})), rules).may(Role.ADMIN)


def test_claims_are_read() -> None:
    claims = {
        "sub": "00u1",
        "email": "ann@example.com",
        "email_verified": True,
        "groups": ["a", "b", "b"],
        "preferred_username": "ann-1",
    }
    groups = frozenset({"a", "b"})
    assert from_claims(claims) == Identity("00u1", "ann@example.com", groups, "ann-1", "login")
    other = Claims(username="coder", groups="roles")
    assert from_claims(claims | {"coder": "ann", "roles": "a"}, other) == Identity(
        "00u1", "ann@example.com", frozenset({"a"}), "ann", "login"
    )


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({}, True),
        ({"email_verified": True}, True),
        ({"email_verified": "true"}, True),
        ({"email_verified": False}, False),
        ({"email_verified": "false"}, False),
        ({"email_verified": None}, False),
        ({"email_verified": 1}, False),
        ({"email_verified": []}, False),
    ],
)
def test_an_address_counts_unless_the_provider_does_not_vouch_for_it(
    said: dict[str, Any], *, counts: bool
) -> None:
    found = from_claims({"email": "ann@example.com"} | said, Claims(local_part=True))
    assert (found.email, found.username) == (("ann@example.com", "ann") if counts else ("", ""))


@pytest.mark.parametrize(
    ("claims", "permitted", "username"),
    [
        ({"email": "ann@example.com"}, False, ""),
        ({"email": "ann@example.com"}, True, "ann"),
        ({"email": "ann@example.com", "preferred_username": "ann-2"}, True, "ann-2"),
        ({"email": "ann@example.com", "preferred_username": "ann@example.com"}, False, ""),
        ({"email": "ann+x@example.com"}, True, ""),
        ({"preferred_username": "\u212aate"}, True, ""),  # a Kelvin sign
        ({"preferred_username": "-"}, True, ""),
        ({"preferred_username": ["ann"]}, True, ""),
        ({"preferred_username": " ann "}, True, "ann"),
    ],
)
def test_a_username_is_told_or_is_half_an_address_where_permitted(
    claims: dict[str, Any], *, permitted: bool, username: str
) -> None:
    assert from_claims(claims, Claims(local_part=permitted)).username == username


@pytest.mark.parametrize("email", ["ann", "@", "a@b@c", "a b@c", "a,b@c", "x" * 300 + "@c", 7])
def test_what_is_no_address_is_none(email: object) -> None:
    assert not from_claims({"email": email}).email


def test_nothing_is_cut_and_groups_have_an_end() -> None:
    long = "x" * (LONGEST + 1)
    many = [f"g{number}" for number in range(MOST_GROUPS + 5)]
    assert from_claims({"sub": long, "groups": [long, long[1:]]}).groups == {long[1:]}
    assert len(from_claims({"groups": many}).groups) == MOST_GROUPS


def test_words_that_act_on_a_screen_are_not_read() -> None:
    found = from_claims({"sub": "a\x1b[2J", "groups": ["ok", "a\nb", "\u202egroup", "\ud800"]})
    assert found == Identity(groups=frozenset({"ok"}))


@given(st.dictionaries(st.sampled_from(told_names), json_values))
def test_no_claims_raise(claims: dict[str, Any]) -> None:
    for permitted in (True, False):
        found = from_claims(claims, Claims(local_part=permitted))
        words = (found.subject, found.email, found.username, *found.groups)
        assert all(word.isprintable() and len(word) <= LONGEST for word in words)
        assert not found.name or viewer(found, Rules(default=Role.VIEWER)).name


@pytest.mark.parametrize("claims", [None, [], "sub", 7])
def test_what_is_no_claims_tells_of_nobody(claims: Any) -> None:
    assert from_claims(claims) == Identity()
    assert from_headers(claims) == Identity(source="proxy")


def test_headers_are_read_in_any_case() -> None:
    told = {
        "x-forwarded-user": "00u1",
        "X-FORWARDED-EMAIL": "ann@example.com",
        "X-Forwarded-Groups": "a, b ,,c",
        "X-Forwarded-Preferred-Username": "ann",
    }
    groups = frozenset({"a", "b", "c"})
    assert from_headers(told) == Identity("00u1", "ann@example.com", groups, "ann", "proxy")
    named = Headers(user="Remote-User", email="", groups="", username="Remote-User")
    assert from_headers({"remote-user": "ann", "": "x@y"}, named) == Identity(
        "ann", "", frozenset(), "ann", "proxy"
    )


def test_a_header_that_comes_twice_counts_for_nothing() -> None:
    told = {"X-Forwarded-Email": "ann@example.com", "x-forwarded-email": "boss@example.com"}
    found = from_headers(told | {"X-Forwarded-User": "00u1"})
    assert found == Identity("00u1", source="proxy")


@given(st.dictionaries(st.sampled_from(list(vars(Headers()).values())[:4]) | st.text(), st.text()))
def test_no_headers_raise(headers: dict[str, str]) -> None:
    found = from_headers(headers, Headers(local_part=True))
    assert all(word.isprintable() for word in (found.subject, found.email, *found.groups))
