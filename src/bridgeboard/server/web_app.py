"""The ASGI app around ``app.py``: middleware, health, background sync, and its server."""

import asyncio
import ctypes
import hashlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from bridgeboard.model.store_status import Status
from bridgeboard.runtime import process, state_files, store_files
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.clickhouse_reading import ClickHouseReading, refuse_an_unfit_server
from bridgeboard.runtime.replica import Replica
from bridgeboard.server.app_folder import home, pages
from bridgeboard.server.free_port import refuse_a_taken_port
from bridgeboard.server.health import backed_up, copied, mirrored, synced
from bridgeboard.server.login_start import ENTER, begin
from bridgeboard.server.middleware.file_access import FileAccess
from bridgeboard.server.middleware.headers import SecurityHeaders, TrustedHeaders, uses_tls
from bridgeboard.server.middleware.login_and_logout import (
    LoginPath,
    LogoutPath,
    place,
    place_cookie,
)
from bridgeboard.server.middleware.paths import HiddenPaths, LongUrls, WithBase, WithoutBase
from bridgeboard.server.middleware.requester import Requester
from bridgeboard.server.middleware.websockets import (
    WebsocketExpiry,
    WebsocketMessages,
    WebsocketOrigins,
)
from bridgeboard.settings import (
    Settings,
    SettingsError,
    believe_no_header_of_a_peer,
    current,
    install,
)
from bridgeboard.state.audit import Audit, AuditError, Forwarder

SETTINGS: Final = "settings"
"""What the audit log calls a start with other settings than before."""
LOGOUT: Final = "logout"
"""What it calls the end of a login by somebody's own wish."""
REFUSED_FILE: Final = "refused file"
"""What it calls that somebody asked for a file that is not for them."""
M_ARENA_MAX: Final = -8
"""The name of that parameter in glibc's malloc.h."""
ARENAS: Final = 2
TURN_SECONDS: Final = 0.0005
"""How long a thread may keep Python's lock while another one waits. A page is made of a hundred
small messages, and the thread that sends them would wait 5 ms for its turn at each of them."""

log = logging.getLogger(__name__)


def application(settings: Settings, *, when_ready: Callable[[], None] = lambda: None) -> st.App:
    """The dashboard as an ASGI app that syncs; ``when_ready`` is called once it serves."""
    install(settings)
    base = settings.base_path
    keeper: ClickHouseReading | Replica | BackgroundSync
    if settings.store:
        keeper = ClickHouseReading(settings, clock=_now)
    elif settings.reads_only:
        keeper = Replica(settings, clock=_now)
    else:
        keeper = BackgroundSync(settings, clock=_now, is_node=settings.publish_path is not None)
    process.install(keeper)
    target = state_files.audit_target(settings)
    forwarder = target and Forwarder(
        state_files.audit_log(settings), settings.audit_target, target, _now
    )

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        keeper.start()
        if forwarder:
            forwarder.start()
        when_ready()
        yield
        if forwarder:
            await asyncio.to_thread(forwarder.stop)
        await asyncio.to_thread(keeper.stop)

    return st.App(
        home() / "app.py",
        routes=[
            Route(f"{base}/healthz", _healthz),
            Route(f"{base}/overview", _home),
            *([Route(f"{base}{ENTER}", _enter)] if settings.login.configured else []),
        ],
        middleware=[
            Middleware(SecurityHeaders, tls=uses_tls(settings), proxy=settings.proxy),
            Middleware(WebsocketOrigins, settings=settings),
            Middleware(WithoutBase, base=base),
            Middleware(HiddenPaths),
            Middleware(LongUrls),
            Middleware(LoginPath, pages=pages(), base=base),
            Middleware(TrustedHeaders, proxy=settings.proxy),
            *_for_who_is_known(settings),
            Middleware(WithBase, base=base),
        ],
        lifespan=lifespan,
        secrets=_secrets(settings),
    )


def serve(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve the dashboard until interrupted.

    Raises :class:`~bridgeboard.settings.SettingsError` for an address that others could reach
    without anybody being asked who they are, for one that cannot be listened on, and for a data
    folder that other accounts may enter.
    """
    refuse_an_open_door(settings)
    refuse_a_taken_port(settings.host, settings.port)
    store_files.private_folder(settings)
    refuse_an_unfit_server(settings)
    note_settings(settings)
    sys.setswitchinterval(TURN_SECONDS)
    _keep_few_arenas()
    believe_no_header_of_a_peer()
    os.chdir(home())  # Streamlit reads its theme from the working directory
    application(settings, when_ready=lambda: announce(reached_at(settings))).run(
        config={
            "server.address": settings.host,
            "server.port": settings.port,
            "server.allowedHosts": settings.host_names,
            "server.baseUrlPath": settings.base_path,
        }
    )


def reached_at(settings: Settings) -> str:
    """The address to give to a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - not bound here
    named = f"[{host}]" if ":" in host else host
    path = f"{settings.base_path}/" if settings.base_path else ""
    return f"http://{named}:{settings.port}{path}"


def refuse_an_open_door(settings: Settings) -> None:
    """Raise unless ``host`` is this machine only, or everybody is asked who they are.

    A demo company's data is invented: there the operator may say otherwise.
    """
    if settings.loopback or settings.guarded or (settings.demo and settings.allow_remote):
        return
    remedy = "or accept it with --allow-remote" if settings.demo else "or keep --host 127.0.0.1"
    raise SettingsError(
        f"{settings.host} can be reached from other machines, and nobody is asked who they are: "
        "everybody who reaches it would see all sessions. Configure [login] or [proxy] in the "
        f"settings file (docs/deployment.md says how), {remedy}."
    )


def _keep_few_arenas() -> None:
    """Let glibc keep what threads free in two places, not in eight for each core.

    With 50 readers it held 478 MB of freed memory after five minutes, and 115 MB so.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def note_settings(settings: Settings) -> None:
    """Put into the audit log that settings are others than when it was written last.

    Only a digest of them is kept, as they may hold names and addresses.

    Raises :class:`~bridgeboard.settings.SettingsError` when that cannot be noted, as by one of
    several dashboards that has another key of the log than the others.
    """
    if settings.demo:
        return
    text = settings.model_dump_json(exclude={"token"})
    about = f"settings {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    noted = state_files.audit_log(settings)
    try:
        last = next((one for one in noted.entries(1_000) if one.what == SETTINGS), None)
        if last is None or last.about != about:
            noted.write("operator", SETTINGS, about=about, at=_now())
        noted.check_key()
    except AuditError as error:
        raise SettingsError(str(error)) from None


def _for_who_is_known(settings: Settings) -> list[Middleware]:
    """What stands between a request and the app and has to know who asks, if anybody is asked."""
    if not settings.guarded:
        return [Middleware(WebsocketMessages, requester=None)]
    requester = Requester(settings, state_files.ended_logins(settings), _now)
    note = partial(_note, state_files.audit_log(settings))
    refused = partial(note, REFUSED_FILE, "somebody unnamed")
    every = [
        Middleware(FileAccess, requester=requester),
        Middleware(WebsocketMessages, requester=requester, note=refused),
    ]
    if settings.proxy.configured:
        return [Middleware(WebsocketExpiry, requester=requester), *every]
    return [
        *every,
        Middleware(LogoutPath, requester=requester, note=partial(note, LOGOUT)),
    ]


def _note(noted: Audit, what: str, who: str) -> None:
    """Note what happens in any case; if the log cannot be written, that is only logged."""
    try:
        noted.write(who, what, at=_now())
    except AuditError as error:
        log.warning("%s could not be noted: %s", what, error)


def _secrets(settings: Settings) -> dict[str, Any] | None:
    """What Streamlit's login has to know; None without one."""
    login = settings.login
    if not login.configured:
        return None
    return {
        "auth": {
            "redirect_uri": login.redirect_url,
            "cookie_secret": login.cookie_secret.get_secret_value(),
            "client_id": login.client_id,
            "client_secret": login.client_secret.get_secret_value(),
            "server_metadata_url": login.metadata_url,
            "client_kwargs": {"scope": login.scope},
        }
    }


async def _home(request: Request) -> RedirectResponse:
    """The overview is the start page, which Streamlit does not know by its own name."""
    query = request.url.query
    return RedirectResponse(f"./?{query}" if query else "./")


async def _enter(request: Request) -> RedirectResponse:
    """Begin a login, and keep where it is to lead.

    The provider sends browsers back to one address alone, and cookies are kept by address: who
    came by another name goes on under that one.
    """
    to = place(request.query_params.get("to", ""), pages())
    ours, base = urlsplit(current().login.redirect_url), current().base_path
    parameters = {"to": to}
    if request.headers.get("host") != ours.netloc and "moved" not in request.query_params:
        moved = urlencode(parameters | {"moved": "1"})  # once: a proxy may hide the browser's name
        return RedirectResponse(f"{ours.scheme}://{ours.netloc}{base}{ENTER}?{moved}", 303)
    start = begin()
    if start is None:
        return RedirectResponse(f"{base}{to}", 303)
    headers = {"set-cookie": place_cookie(to, base), "cache-control": "no-store"}
    return RedirectResponse(f"{start}&{urlencode(parameters)}", 303, headers=headers)


async def _healthz(_request: Request) -> JSONResponse:
    body = await asyncio.to_thread(_health)  # it may ask a database
    keeper = process.current()
    if current().reads_only and (keeper is None or keeper.store is None):
        # A load balancer sends nobody there.
        lacking = "no answer of ClickHouse" if current().store else "no copy of the store"
        return JSONResponse(body | {"status": lacking}, 503)
    return JSONResponse(body)


def _health() -> dict[str, object]:
    """How it is, with the sync of this process, or of the one that syncs for it."""
    keeper = process.current()
    body: dict[str, object] = {"status": "ok"}
    if not current().guarded:  # strangers would know which weaknesses to look for
        body["version"] = version("bridgeboard")
    body["sync"] = synced(keeper.status if keeper else Status())
    if keeper and (current().backup_time or keeper.is_remote):
        body["backup"] = backed_up(keeper.backup_status)
    if keeper and keeper.mirror_status:
        body["mirror"] = mirrored(keeper.mirror_status)
    if keeper and (current().reads_only or current().publish_path):
        name = "published"
        if current().reads_only:
            name = "clickhouse" if current().store else "replica"
        body[name] = copied(keeper.copy_status, _now())
    return body


def _now() -> datetime:
    return datetime.now(UTC)
