"""Gives an identity its roles and teams, by the operator's rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bridgeboard.access.identity import Identity, RefusedError, is_email
from bridgeboard.access.roles import Role, Viewer

USER: Final = "user:"
"""What stands before a username in a rule. Without it a word is a group or an address: at many
providers people choose their username, and one may choose that of a group."""
GROUP: Final = "group:"
"""What may stand before a group in a rule, and must where it is called like an e-mail address:
by itself such a word is an address, and whoever makes groups could give themselves its role."""


def folded(text: str) -> str:
    """Text as it is compared: without case, and no letter beyond ASCII ever becomes one of it."""
    return "".join(map(_lower, text.strip()))


def _lower(letter: str) -> str:
    lower = letter.casefold()
    return lower if letter.isascii() or not any(map(str.isascii, lower)) else letter


@dataclass(frozen=True)
class Rules:
    """Who is what. Words are groups, e-mail addresses, or usernames behind ``user:``.

    A group may stand behind ``group:`` too, and one that is called like an address has to.

    Attributes:
        roles: role → whose it is.
        leads: who leads → the teams. Whoever stands here is a LEAD.
        default: what everybody else is; None refuses them.
    """

    roles: Mapping[Role, frozenset[str]] = field(default_factory=dict)
    leads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    default: Role | None = None

    def __post_init__(self) -> None:
        roles = {role: frozenset(map(folded, words)) for role, words in self.roles.items()}
        leads: dict[str, frozenset[str]] = {}
        for word, teams in self.leads.items():
            key = folded(word)
            leads[key] = leads.get(key, frozenset()) | frozenset(teams)
        object.__setattr__(self, "roles", MappingProxyType(roles))
        object.__setattr__(self, "leads", MappingProxyType(leads))


def viewer(identity: Identity, rules: Rules) -> Viewer:
    """What somebody is by the rules.

    A LEAD without a team and a SELF without a username would see nothing, or too much by somebody's
    mistake: nobody is either.

    Raises:
        RefusedError: when nothing is left that they are; the message is for them.
    """
    if not identity.name:
        raise RefusedError(_NOBODY[identity.source])
    words = _words(identity)
    teams = frozenset(team for word in words for team in rules.leads.get(word, ()))
    given = {role for role, holders in rules.roles.items() if holders & words}
    if teams:
        given.add(Role.LEAD)
    roles = _possible(given, identity, teams)
    if not roles and rules.default:
        given = {rules.default}
        roles = _possible(given, identity, teams)
    if not roles:
        raise RefusedError(_refusal(identity, given))
    return Viewer(identity.name, roles, teams, identity.username)


def _possible(given: Iterable[Role], identity: Identity, teams: frozenset[str]) -> frozenset[Role]:
    impossible = {Role.LEAD} if not teams else set()
    if not identity.username:
        impossible.add(Role.SELF)
    return frozenset(given) - impossible


def _words(identity: Identity) -> frozenset[str]:
    plain = {*(group for group in identity.groups if not is_email(group)), identity.email} - {""}
    named = {word for word in map(folded, plain) if not word.startswith((USER, GROUP))}
    named |= {GROUP + folded(group) for group in identity.groups}
    if identity.username:
        named.add(USER + folded(identity.username))
    return frozenset(named)


_NOBODY: Final = {
    "login": "The login did not tell who you are: it names neither an e-mail address, a username "
    "nor a subject. Ask the operator of this dashboard to look at its [login] settings.",
    "proxy": "The proxy did not tell who you are. Ask the operator of this dashboard to look at "
    "the header names in its [proxy] settings.",
}


def _refusal(identity: Identity, given: Iterable[Role]) -> str:
    if Role.SELF in given:
        return (
            f"{identity.name} may see their own usage, but nobody says which username of Coder "
            "that is. Ask the operator of this dashboard to set where the username stands."
        )
    if Role.LEAD in given:
        return (
            f"{identity.name} is a lead, but of no team. Ask the operator of this dashboard to "
            "name your teams under [leads]."
        )
    return (
        f"{identity.name} has no role in this dashboard. Ask its operator to put your e-mail "
        "address or one of your groups under [roles]."
    )
