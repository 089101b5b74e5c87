"""Who somebody is, as the claims of a provider or the headers of a proxy say.

All of it is written by others. Nothing here raises: what has not the shape of a name, an address
or a group is as if it had not been told, and nothing is ever cut to fit, since half a name may be
somebody else's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal


class RefusedError(Exception):
    """Somebody may not come in; the message is for them, and says whom to ask for what."""


LONGEST: Final = 254
"""Characters of a name, an address or a group."""
MOST_GROUPS: Final = 1_000
MOST_HEADERS: Final = 1_000
_LONGEST_HEADER: Final = 65_536
_USERNAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_EMAIL: Final = re.compile(r"[^\s@,]+@[^\s@,]+")


@dataclass(frozen=True)
class Identity:
    """Somebody as the login or proxy names them.

    Attributes:
        subject: what the provider knows them by; never changes.
        email: theirs, or empty when it is not known to be theirs.
        groups: those that the provider or proxy put them in.
        username: theirs at the deployment, or empty.
        source: where it comes from.
    """

    subject: str = ""
    email: str = ""
    groups: frozenset[str] = field(default_factory=frozenset)
    username: str = ""
    source: Literal["login", "proxy"] = "login"

    @property
    def name(self) -> str:
        """What to call them; empty when nothing is known of them."""
        return self.email or self.username or self.subject

    @property
    def names(self) -> frozenset[str]:
        """All that they are called."""
        return frozenset({self.email, self.username, self.subject} - {""})


@dataclass(frozen=True)
class Claims:
    """Which claims of a provider to read.

    Attributes:
        username: the claim that holds the username at the deployment. It must be one that people
            cannot change themselves.
        groups: the claim that lists groups.
        local_part: whether the username is what stands before the "@" where no claim tells it.
    """

    username: str = "preferred_username"
    groups: str = "groups"
    local_part: bool = False


@dataclass(frozen=True)
class Headers:
    """Which headers of a proxy to read; upper and lower case are the same.

    Attributes:
        user: the header that holds what the proxy knows somebody by.
        email: the one that holds their address.
        groups: the one that lists their groups, between commas.
        username: the one that holds the username at the deployment.
        local_part: as in :class:`Claims`.
    """

    user: str = "X-Forwarded-User"
    email: str = "X-Forwarded-Email"
    groups: str = "X-Forwarded-Groups"
    username: str = "X-Forwarded-Preferred-Username"
    local_part: bool = False


def from_claims(claims: Mapping[str, Any], names: Claims | None = None) -> Identity:
    """Who a provider's claims tell of. Never raises.

    An address counts if the provider says that it is verified, or says nothing about it.
    """
    names = names or Claims()
    known = claims if isinstance(claims, Mapping) else {}
    email = _email(known.get("email")) if _vouched(known) else ""
    return Identity(
        subject=_word(known.get("sub")),
        email=email,
        groups=_groups(known.get(names.groups)),
        username=_username(known.get(names.username), email, local_part=names.local_part),
        source="login",
    )


def from_headers(headers: Mapping[str, str], names: Headers | None = None) -> Identity:
    """Who a trusted proxy's headers tell of; whether it is trusted is the caller's to know.

    A header that comes twice counts as missing: one of the two may be the browser's own.
    Never raises.
    """
    names = names or Headers()
    known = _once(headers)
    email = _email(known.get(names.email.lower()))
    groups = known.get(names.groups.lower(), "").split(",")
    return Identity(
        subject=_word(known.get(names.user.lower())),
        email=email,
        groups=_groups(groups),
        username=_username(known.get(names.username.lower()), email, local_part=names.local_part),
        source="proxy",
    )


def _vouched(claims: Mapping[str, Any]) -> bool:
    verified = claims.get("email_verified", True)
    return verified is True or (isinstance(verified, str) and verified.lower() == "true")


def _once(headers: Mapping[str, str]) -> dict[str, str]:
    known: dict[str, str] = {}
    twice: set[str] = set()
    pairs = headers.items() if isinstance(headers, Mapping) else ()
    for name, value in islice(pairs, MOST_HEADERS):
        if isinstance(name, str) and isinstance(value, str) and len(value) <= _LONGEST_HEADER:
            twice |= {name.lower()} & known.keys()
            known[name.lower()] = value
    # A setting that names no header reads none.
    return {name: value for name, value in known.items() if name and name not in twice}


def _groups(value: object) -> frozenset[str]:
    values: Iterable[object] = value if isinstance(value, (list, tuple, set, frozenset)) else ()
    if isinstance(value, str):
        values = (value,)
    return frozenset(_words(islice(values, MOST_GROUPS)))


def _words(values: Iterable[object]) -> Iterator[str]:
    yield from filter(None, map(_word, values))


def _word(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        return ""
    word = value.strip()
    return word if word.isprintable() else ""


def is_email(word: str) -> bool:
    """Whether a word has the shape of an e-mail address, whoever it belongs to."""
    return _EMAIL.fullmatch(word) is not None


def _email(value: object) -> str:
    word = _word(value)
    return word if is_email(word) else ""


def _username(value: object, email: str, *, local_part: bool) -> str:
    """The username claimed, else the first half of the address where that is permitted."""
    for word in (_word(value), email.partition("@")[0] if local_part else ""):
        if _USERNAME.fullmatch(word):
            return word
    return ""
