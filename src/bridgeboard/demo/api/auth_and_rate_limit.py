"""Who may ask (api-contract 1.2, 1.3), and how often (1.7): tokens and the rate limiter."""

import random
import secrets
import string
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridgeboard.demo.api import golang, http_answers
from bridgeboard.demo.api.query_parameters import Params
from bridgeboard.demo.records import Person, Role, Tables

COOKIE = "coder_session_token"
SIGNED_OUT = "You are signed out or your session has expired. Please sign in again to continue."
NO_TOKEN = f'Cookie "{COOKIE}" or query parameter must be provided.'

_ID_LENGTH, _SECRET_LENGTH = 10, 22
_ROLES: tuple[Role, ...] = ("owner", "auditor", "member")


@dataclass(frozen=True, slots=True)
class Key:
    """What a token stands for. ``lapsed`` is the detail once an OAuth login has lapsed."""

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


def holders(tables: Tables, tokens: Mapping[Role, str]) -> dict[str, str]:
    """Return token → person id for tokens that ``tokens`` made over the same tables."""
    people = ((token, _first(tables, role)) for role, token in tokens.items())
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


def unauthorized(rejected: Rejected, access_url: str) -> http_answers.Answer:
    """Answer 401 with the challenge; the standard message always reads as an expired token."""
    expired = "expired" in rejected.message + rejected.detail
    description = "The access token has expired" if expired else "The access token is invalid"
    challenge = (
        'Bearer realm="coder", error="invalid_token",'
        f' error_description="{description}",'
        f' resource_metadata="{access_url}/.well-known/oauth-protected-resource"'
    )
    answer = http_answers.refusal(401, rejected.message, rejected.detail)
    return answer.with_headers(("WWW-Authenticate", challenge))


WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what the headers say."""

    passed: bool
    headers: tuple[tuple[str, str], ...]


class Limiter:
    """Counts requests by (caller, path) in the current and the previous clock minute."""

    def __init__(self, limit: int, clock: Callable[[], datetime]) -> None:
        self.limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = -1
        self._current: dict[tuple[str, str], int] = {}
        self._previous: dict[tuple[str, str], int] = {}

    def judge(self, caller: str, path: str) -> Verdict:
        """Count a request unless it is one too many; refused ones are not counted."""
        with self._lock:
            minute, rate = self._rate(caller, path)
            passed = rate < self.limit
            if passed:
                self._current[caller, path] = self._current.get((caller, path), 0) + 1
        return Verdict(passed, self._headers(rate + passed, minute))

    def refuse(self, caller: str, path: str) -> Verdict:
        """Refuse a request for a reason of its own; it is not counted."""
        with self._lock:
            minute, rate = self._rate(caller, path)
        return Verdict(passed=False, headers=self._headers(rate, minute))

    def unlimited(self) -> Verdict:
        """Let a request pass that is its own first one, as a bypass makes it."""
        minute = int(self._clock().timestamp() // WINDOW_SECONDS)
        return Verdict(passed=True, headers=self._headers(1, minute))

    def _rate(self, caller: str, path: str) -> tuple[int, int]:
        minute, elapsed = divmod(self._clock().timestamp(), WINDOW_SECONDS)
        self._turn(int(minute))
        key = caller, path
        fading = self._previous.get(key, 0) * (WINDOW_SECONDS - elapsed) / WINDOW_SECONDS
        return int(minute), int(fading + self._current.get(key, 0) + 0.5)

    def _turn(self, minute: int) -> None:
        if minute != self._minute:
            self._previous = self._current if minute == self._minute + 1 else {}
            self._current = {}
            self._minute = minute

    def _headers(self, used: int, minute: int) -> tuple[tuple[str, str], ...]:
        return (
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(max(0, self.limit - used))),
            ("X-RateLimit-Reset", str((minute + 1) * WINDOW_SECONDS)),
        )
