"""Who calls: token sources, token checks and their 401s (api-contract 1.2, 1.3)."""

import random
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridgeboard.demo.api import golang, wire
from bridgeboard.demo.api.params import Params
from bridgeboard.demo.records import Person, Role, Tables

COOKIE = "coder_session_token"
SIGNED_OUT = "You are signed out or your session has expired. Please sign in again to continue."
NO_TOKEN = f'Cookie "{COOKIE}" or query parameter must be provided.'

_ID_LENGTH, _SECRET_LENGTH = 10, 22
_ROLES: tuple[Role, ...] = ("owner", "auditor", "member")


@dataclass(frozen=True, slots=True)
class Key:
    """What a token stands for. ``lapsed`` is the detail told when an OAuth login has lapsed."""

    person_id: str
    expires_at: datetime | None = None
    lapsed: str = ""


class Rejected(Exception):  # noqa: N818 -- the token is rejected; nothing failed in here
    """A token that is not accepted, and what the 401 says."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message, detail)
        self.message = message
        self.detail = detail


def tokens(tables: Tables, seed: int) -> dict[Role, str]:
    """Make one well-formed token for the first living person of each role.

    The same seed makes the same tokens. Bind them to people with ``holders``.
    """
    return {role: _token(seed, role) for role in _ROLES if _first(tables, role)}


def holders(tables: Tables, made: Mapping[Role, str]) -> dict[str, str]:
    """Return token → person id for tokens that ``tokens`` made over the same tables."""
    people = ((token, _first(tables, role)) for role, token in made.items())
    return {token: person.id for token, person in people if person}


def _first(tables: Tables, role: Role) -> Person | None:
    able = (p for p in tables.people if p.role == role and not p.deleted and p.status == "active")
    return next(able, None)


def _token(seed: int, role: Role) -> str:
    # Tokens of a demo are meant to be foreseen.
    dice = random.Random(f"token {seed} {role}")  # noqa: S311 -- not a secret
    letters = string.ascii_letters + string.digits
    letters_of = "".join(dice.choices(letters, k=_ID_LENGTH + _SECRET_LENGTH))
    return f"{letters_of[:_ID_LENGTH]}-{letters_of[_ID_LENGTH:]}"


class Keyring:
    """All tokens of a bridge and the people behind them."""

    def __init__(self, keys: Mapping[str, str | Key], people: Mapping[str, Person]) -> None:
        self._people = people
        self._keys: dict[str, tuple[str, Key]] = {}
        for token, holder in keys.items():
            key_id, secret = _well_formed(token)
            self._keys[key_id] = secret, holder if isinstance(holder, Key) else Key(holder)

    def person(self, token: str, now: datetime) -> Person:
        """Return the person a token stands for, or raise ``Rejected``."""
        if not token:
            raise Rejected(SIGNED_OUT, NO_TOKEN)
        key = self._key(*_parts(token))
        person = self._people.get(key.person_id)
        if person is None or person.deleted:
            raise Rejected(SIGNED_OUT, "API key is invalid.")
        if key.lapsed:
            raise Rejected(SIGNED_OUT, key.lapsed)
        if key.expires_at is not None and key.expires_at <= now:
            ended = golang.quote(golang.time_string(key.expires_at))
            raise Rejected(SIGNED_OUT, f"API key expired at {ended}.")
        if person.status != "active":
            raise Rejected(_inactive(person.status))
        return person

    def _key(self, key_id: str, secret: str) -> Key:
        if key_id not in self._keys:
            raise Rejected(SIGNED_OUT, "API key is invalid.")
        stored, key = self._keys[key_id]
        if not secrets.compare_digest(stored.encode(), secret.encode("utf-8", "surrogateescape")):
            raise Rejected(SIGNED_OUT, "API key secret is invalid.")
        return key


def _parts(token: str) -> tuple[str, str]:
    parts = token.split("-")
    if len(parts) != 2:  # noqa: PLR2004 -- an id and a secret
        raise _malformed(f"incorrect amount of API key parts, expected 2 got {len(parts)}")
    key_id, secret = parts
    if len(key_id) != _ID_LENGTH:
        raise _malformed(f"invalid API key ID length, expected {_ID_LENGTH} got {len(key_id)}")
    if len(secret) != _SECRET_LENGTH:
        raise _malformed(
            f"invalid API key secret length, expected {_SECRET_LENGTH} got {len(secret)}"
        )
    return key_id, secret


def _well_formed(token: str) -> tuple[str, str]:
    try:
        return _parts(token)
    except Rejected as rejected:
        raise ValueError(f"a token of the demo is malformed: {rejected.detail}") from None


def _malformed(problem: str) -> Rejected:
    return Rejected(SIGNED_OUT, f"Invalid API key format: {problem}")


def _inactive(status: str) -> str:
    quoted = golang.quote(status)
    return f"User is not active (status = {quoted}). Contact an admin to reactivate your account."


def session_token(headers: Mapping[str, str], params: Params) -> str:
    """Return the caller's token from the first source that has one, or an empty text."""
    sources = (
        _cookie(headers.get("cookie", "")),
        (params.get(COOKIE) or [""])[0],
        headers.get("coder-session-token", ""),
        bearer(headers),
        (params.get("access_token") or [""])[0],
    )
    return _first_given(sources)


def provider_token(headers: Mapping[str, str]) -> str | None:
    """Return the token a model's client would send; None if there is none (api-contract 6.2)."""
    sources = (
        headers.get("x-coder-ai-governance-token", ""),
        bearer(headers),
        headers.get("x-api-key", ""),
    )
    return _first_given(sources) or None


def bearer(headers: Mapping[str, str]) -> str:
    """Return the token of an ``Authorization: Bearer`` header, or an empty text."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _first_given(sources: Iterable[str]) -> str:
    return next((token for token in sources if token), "")


def _cookie(header: str) -> str:
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    return next((value.strip('"') for name, _, value in pairs if name == COOKIE), "")


def unauthorized(rejected: Rejected, access_url: str) -> wire.Answer:
    """Answer 401 with the challenge; the standard message always reads as an expired token."""
    expired = "expired" in rejected.message + rejected.detail
    description = "The access token has expired" if expired else "The access token is invalid"
    challenge = (
        'Bearer realm="coder", error="invalid_token",'
        f' error_description="{description}",'
        f' resource_metadata="{access_url}/.well-known/oauth-protected-resource"'
    )
    answer = wire.refusal(401, rejected.message, rejected.detail)
    return answer.with_headers(("WWW-Authenticate", challenge))
