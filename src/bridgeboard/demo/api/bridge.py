"""The demo AI Bridge: a request in, an answer out, nothing else touched (api-contract section 1).

``Bridge`` judges a request in the server's order: rate limit, licence, token, parameters, data.
What is not one of the read endpoints falls through to the model traffic's door (6.2).
"""

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from bridgeboard.demo.api import (
    auth_and_rate_limit,
    deployment,
    group_answers,
    groups,
    http_answers,
    lists,
    query_parameters,
    threads,
)
from bridgeboard.demo.api.asking import Ask
from bridgeboard.demo.api.auth_and_rate_limit import WINDOW_SECONDS, Limiter
from bridgeboard.demo.api.deployment import ERAS, Profile
from bridgeboard.demo.api.group_answers import Server
from bridgeboard.demo.api.http_answers import Answer, Faults, Refused
from bridgeboard.demo.api.index import Index, View
from bridgeboard.demo.api.query_parameters import Params
from bridgeboard.demo.api.spend import Ledger
from bridgeboard.demo.records import Person, Tables

Clock: TypeAlias = Callable[[], datetime]

_ROOT = "/api/v2/"
_BYPASS = "X-Coder-Bypass-Ratelimit"
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_NOT_OWNER = http_answers.plain(428, f'"{_BYPASS}" provided but user is not owner')
_NOT_PERMITTED = "You don't have permission to view this content."
_SITE = b"<!doctype html><html><title>Coder</title><p>A demo: only /api/v2 is here.</html>\n"
_ENDPOINTS: Mapping[str, Callable[[Ask], Answer]] = {
    "/clients": lists.clients,
    "/interceptions": lists.interceptions,
    "/models": lists.models,
    "/sessions": lists.sessions,
}


@dataclass(frozen=True, slots=True)
class Switches:
    """How this server is set up, and what is wrong with it.

    ``rate_limit`` is in requests per minute, user and path; None switches it off.
    ``retention_days`` 0 keeps all rows; otherwise a clock is needed. ``enabled`` is the operator's
    switch, ``enterprise`` whether the code is there at all. ``byok``, ``data_plane`` and
    ``spent_budget`` (US dollars) only concern the model traffic's door. ``version`` replaces the
    profile's own. ``experiments`` are the configured ones; before v2.36 one opens AI spend.
    """

    licensed: bool = True
    enabled: bool = True
    enterprise: bool = True
    rate_limit: int | None = 512
    latency_seconds: float = 0
    utc_offset_minutes: int = 0
    faults: Faults | None = None
    retention_days: int = 0
    version: str = ""
    access_url: str = "http://localhost:3000"
    byok: bool = True
    data_plane: bool = True
    spent_budget: float | None = None
    experiments: tuple[str, ...] = (groups.EXPERIMENT,)


class Bridge:
    """An AI Bridge over raw tables.

    ``tokens`` maps each accepted token to a person's id, or to a ``Key`` that may expire. With a
    ``clock`` only the rows up to its time exist; without one all do, and the rate limiter and
    expiring tokens go by ``wall``: unless given, a clock that starts with the end of the data.
    Safe to share by threads.
    """

    def __init__(
        self,
        tables: Tables,
        *,
        profile: Profile = "v2.34",
        tokens: Mapping[str, str | auth_and_rate_limit.Key],
        switches: Switches = Switches(),
        clock: Clock | None = None,
        wall: Clock | None = None,
    ) -> None:
        if switches.retention_days and clock is None:
            raise ValueError("retention counts from now: give the bridge a clock")
        self.tables = tables
        self.profile = profile
        self.tokens = dict(tokens)
        self.switches = switches
        self.clock = clock
        self._era = ERAS[profile]
        self._index = Index(tables)
        self._ledger = Ledger(tables)
        self._wall = clock or wall or _running_from(self._index.last_moment)
        self._keyring = auth_and_rate_limit.Keyring(tokens, self._index.people)
        self._limiter = Limiter(switches.rate_limit or 0, self._wall)
        self._stamp = http_answers.stamper(switches.utc_offset_minutes)
        self._lock = threading.Lock()
        self._seen: tuple[tuple[int, int, int], View] | None = None
        self._numbers = itertools.count()

    @property
    def version(self) -> str:
        """The version string the server tells of itself."""
        return self.switches.version or self._era.version

    def answer(
        self,
        method: str,
        raw_path: bytes | str,
        query: bytes | str = b"",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    ) -> Answer:
        """Answer one request. Path and query are as they stand in the request line."""
        request = _Request(method, _bytes(raw_path), _bytes(query), _lower(headers))
        try:
            answer = self._judge(request)
        except Refused as refused:
            answer = refused.answer
        return self._finish(request, answer)

    def _finish(self, request: "_Request", answer: Answer) -> Answer:
        if self.switches.faults:
            answer = self.switches.faults.strike(answer, next(self._numbers))
        answer = answer.with_headers(("X-Coder-Build-Version", self.version))
        body = b"" if request.method == "HEAD" else answer.body
        return replace(answer, body=body, delay_seconds=self.switches.latency_seconds)

    def _judge(self, request: "_Request") -> Answer:
        if request.path is None:
            return http_answers.plain(400, "400 Bad Request")
        if not request.path.startswith(_ROOT):
            return Answer(200, (("Content-Type", http_answers.HTML_TYPE),), _SITE)
        if self.switches.rate_limit is None:
            return self._route(request)
        return self._limited(request)

    def _limited(self, request: "_Request") -> Answer:
        person = self._identity(request)
        caller, path = person.id if person else "", request.path or ""
        wants_bypass = request.headers.get(_BYPASS.lower()) in _TRUE
        if not wants_bypass:
            verdict = self._limiter.judge(caller, path)
        elif person is not None and person.role == "owner":
            verdict = self._limiter.unlimited()
        else:
            verdict = self._limiter.refuse(caller, path)
        if verdict.passed:
            return self._admitted(request).with_headers(*verdict.headers)
        refusal = _NOT_OWNER if wants_bypass else self._too_many()
        return refusal.with_headers(*verdict.headers)

    def _admitted(self, request: "_Request") -> Answer:
        try:
            return self._route(request)
        except Refused as refused:
            return refused.answer

    def _too_many(self) -> Answer:
        limit = self.switches.rate_limit
        text = f"You've been rate limited for sending more than {limit} requests in 1m0s."
        return http_answers.refusal(429, text).with_headers(("Retry-After", str(WINDOW_SECONDS)))

    def _identity(self, request: "_Request") -> Person | None:
        try:
            return self._keyring.person(request.token, self._wall())
        except auth_and_rate_limit.Rejected:
            return None

    def _route(self, request: "_Request") -> Answer:
        path = request.path or ""
        for prefix in self._era.prefixes if self.switches.enterprise else ():
            if path == prefix or path.startswith(prefix + "/"):
                return self._bridged(request, path.removeprefix(prefix))
        below = path.removeprefix(_ROOT)
        if endpoint := self._around().get(below):
            return endpoint(request) if request.method == "GET" else Answer(405, (), b"")
        if not self.switches.enterprise and below not in groups.WITHOUT_ENTERPRISE:
            return http_answers.refusal(404, group_answers.NO_ROUTE)
        answer = groups.answer(
            below,
            request.method,
            self._groups_server(),
            request.params,
            lambda: self._caller(request),
        )
        return answer or http_answers.refusal(404, group_answers.NO_ROUTE)

    def _groups_server(self) -> Server:
        switches = self.switches
        return Server(
            profile=self.profile,
            ledger=self._ledger,
            era=self._era,
            stamp=self._stamp,
            now=self._wall(),
            has_future=self.clock is None,
            licensed=switches.licensed,
            gateway=switches.licensed and switches.enabled,
            experiments=switches.experiments,
            person_named=self._index.person_named,
        )

    def _around(self) -> Mapping[str, Callable[["_Request"], Answer]]:
        endpoints = {
            "ai/providers": self._providers,
            "buildinfo": self._buildinfo,
            "users/me": self._me,
        }
        return endpoints | (
            {"entitlements": self._entitlements} if self.switches.enterprise else {}
        )

    def _buildinfo(self, _: "_Request") -> Answer:
        url, deployment_id = self.switches.access_url, self.tables.deployment_id
        return http_answers.ok(deployment.buildinfo(self.version, url, deployment_id))

    def _entitlements(self, _: "_Request") -> Answer:
        switches = self.switches
        return http_answers.ok(
            deployment.entitlements(licensed=switches.licensed, enabled=switches.enabled)
        )

    def _me(self, request: "_Request") -> Answer:
        person = self._caller(request)
        return http_answers.ok(deployment.me(person, self._ledger.organizations_of(person.id)))

    def _providers(self, request: "_Request") -> Answer:
        if self._caller(request).role != "owner":
            return http_answers.refusal(403, "Forbidden.", _NOT_PERMITTED)
        return http_answers.ok(
            deployment.providers(self.tables.providers, icons=self._era.knows_budgets)
        )

    def _all_providers(self, request: "_Request") -> Answer:
        if self._caller(request).role not in {"owner", "auditor"}:
            return http_answers.refusal(404, group_answers.NOT_VISIBLE)
        return http_answers.ok(deployment.all_providers(self.tables.providers))

    def _bridged(self, request: "_Request", path: str) -> Answer:
        if not (self.switches.licensed and self.switches.enabled):
            return http_answers.refusal(403, "AI Gateway is a Premium feature. Contact sales!")
        if request.method == "GET":
            if path == "/providers" and self._era.lists_providers:
                return self._all_providers(request)
            if endpoint := self._endpoint(path):
                return endpoint(self._ask(request))
            if session := re.fullmatch(r"/sessions/([^/]+)", path, re.DOTALL):
                return threads.detail(self._ask(request), session[1])
        return self._model_traffic(request, path)

    def _endpoint(self, path: str) -> Callable[[Ask], Answer] | None:
        if path == "/interceptions" and not self._era.has_interceptions:
            return None
        return _ENDPOINTS.get(path)

    def _ask(self, request: "_Request") -> Ask:
        caller = self._caller(request)
        return Ask(caller, request.params, self._view(), self._era, self._stamp)

    def _caller(self, request: "_Request") -> Person:
        try:
            return self._keyring.person(request.token, self._wall())
        except auth_and_rate_limit.Rejected as rejected:
            raise Refused(
                auth_and_rate_limit.unauthorized(rejected, self.switches.access_url)
            ) from None

    def _view(self) -> View:
        now = self.clock() if self.clock else None
        days = self.switches.retention_days
        purged_before = now - timedelta(days=days) if now and days else None
        epoch = self._index.epoch(now, purged_before)
        with self._lock:
            if self._seen is None or self._seen[0] != epoch:
                self._seen = epoch, self._index.view(now, purged_before)
            return self._seen[1]

    def _model_traffic(self, request: "_Request", path: str) -> Answer:
        """Answer what no read endpoint answers (api-contract 6.2)."""
        if not self.switches.data_plane:
            return http_answers.refusal(404, "aibridged handler not mounted")
        if request.headers.get("x-coder-ai-governance-token") and not self.switches.byok:
            return http_answers.refusal(403, "Bring Your Own Key (BYOK) mode is not enabled.")
        token = auth_and_rate_limit.provider_token(request.headers)
        if token is None:
            return http_answers.plain(400, "no authentication key provided")
        try:
            self._keyring.person(token, self._wall())
        except auth_and_rate_limit.Rejected:
            return http_answers.plain(403, "unauthorized")
        return self._unsupported(request.method, path)

    def _unsupported(self, method: str, path: str) -> Answer:
        spent = self.switches.spent_budget
        if spent is not None and self._era.knows_budgets:
            who = "Please contact an administrator for more details."
            return http_answers.plain(403, f"AI budget of US${spent:.2f} exceeded. {who}")
        return http_answers.plain(404, f"route not supported: {method} {path or '/'}")


def _running_from(start: datetime) -> Clock:
    begun = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - begun)


class _Request:
    """A request, read: path decoded and its slashes collapsed, query and headers at hand."""

    def __init__(
        self, method: str, raw_path: bytes, query: bytes, headers: Mapping[str, str]
    ) -> None:
        self.method = method
        self.headers = headers
        self.params: Params = query_parameters.parse_query(query)
        decoded = query_parameters.percent_decode(raw_path)
        self.path = None if decoded is None else re.sub("/+", "/", decoded)

    @property
    def token(self) -> str:
        return auth_and_rate_limit.session_token(self.headers, self.params)


def _bytes(text: bytes | str) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def _lower(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name headers in lower case; of repeated ones the first counts, cookies are joined."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lower: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        if key == "cookie" and key in lower:
            lower[key] += f"; {value}"
        lower.setdefault(key, value)
    return lower
