"""Checks the arguments of a client once, and turns them into httpx settings."""

import importlib.metadata
import ssl
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeAlias, TypeVar

import httpx

from aibridge.answers import TOKEN_HEADER
from aibridge.errors import ConfigurationError

C = TypeVar("C", httpx.Client, httpx.AsyncClient)
T = TypeVar("T")
Verify: TypeAlias = bool | ssl.SSLContext
Proxy: TypeAlias = httpx.Proxy | httpx.URL | str | None

USER_AGENT = f"aibridge-python/{importlib.metadata.version('bridgeboard')}"
READ_SECONDS = 60.0
CONNECT_SECONDS = 10.0
MOST_PORT = 65535


def http_client(
    kind: Callable[..., C],
    *,
    token: str,
    timeout: httpx.Timeout | float | None,
    transport: object,
    verify: Verify,
    proxy: Proxy,
    user_agent: str,
) -> C:
    """An httpx client; what the arguments leave open, HTTPS_PROXY and SSL_CERT_FILE tell.

    It keeps no cookies, because the server prefers a session cookie to our header (api-contract
    1.2), and follows no redirect.

    Raises:
        ConfigurationError: for a token, a proxy or a certificate file that cannot be used.
    """
    headers = {
        TOKEN_HEADER: checked_token(token),
        "User-Agent": _checked_header("user_agent", user_agent),
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
    }
    settings: dict[str, Any] = {
        "headers": headers,
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        "timeout": httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        if timeout is None
        else timeout,
    }
    return _set_up(lambda: kind(transport=transport, verify=verify, proxy=proxy, **settings))


def tls_context(verify: Verify) -> ssl.SSLContext:
    """What certificates are checked with; SSL_CERT_FILE and SSL_CERT_DIR are honoured.

    Raises:
        ConfigurationError: for a certificate file that cannot be used.
    """
    return _set_up(lambda: httpx.create_ssl_context(verify))


def _set_up(make: Callable[[], T]) -> T:
    try:
        return make()
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
        fault = type(error).__name__
    # The text of the fault may quote a proxy's password, so only its kind is named.
    raise ConfigurationError(
        f"The proxy or certificate settings cannot be used ({fault}).",
        advice="Check proxy=, verify=, HTTPS_PROXY, HTTP_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
    )


def checked_token(token: str) -> str:
    """The token, if it can be sent at all. It is never echoed.

    Raises:
        ConfigurationError: for an empty token or one with characters no header can hold.
    """
    if not token:
        raise ConfigurationError(
            "The session token is empty.", advice="Make one with `coder tokens create`."
        )
    if not all("!" <= char <= "~" for char in token):
        raise ConfigurationError(
            "The session token contains blanks, line breaks or characters outside of ASCII.",
            advice="Copy it again, without quotes and line breaks.",
        )
    return token


def checked_address(text: str) -> str:
    """The address without a slash at its end, a path kept.

    Raises:
        ConfigurationError: unless it is ``http(s)://host[:port][/path]``. Not echoed where it
            may hold a password.
    """
    if not isinstance(text, str):
        raise _unusable("is not a text")
    if not text.isprintable() or any(char.isspace() for char in text):
        raise _unusable("contains blanks or control characters")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError):
        raise _unusable("is not a URL") from None
    if url.scheme not in {"http", "https"}:
        raise _unusable("does not begin with https:// or http://")
    if "@" in url.netloc.decode() or url.userinfo or "@" in text.partition("://")[2].split("/")[0]:
        raise _unusable("contains a user name or password")
    _check_host(url)
    if url.port is not None and not 0 < url.port <= MOST_PORT:
        raise _unusable(f"has a port outside of 1 to {MOST_PORT}")
    if "?" in text or "#" in text:
        raise _unusable("has a query or fragment (? or #)")
    address = str(url).rstrip("/")
    if address.endswith("/api/v2"):
        raise _unusable("ends in /api/v2, which is added by this client")
    return address


def _check_host(url: httpx.URL) -> None:
    try:
        # Reading it undoes the encoding of foreign letters, as sending will; looking it up over
        # the network encodes it again, with limits that httpx does not know.
        is_named = bool(url.host and url.raw_host.decode("ascii").encode("idna"))
    except UnicodeError:
        raise _unusable(
            "names a host that cannot exist: a part between its dots is empty, longer than 63"
            " characters, or badly encoded"
        ) from None
    if not is_named:
        raise _unusable("names no host")


def checked_prefix(prefix: str | None) -> str | None:
    """The path of AI Bridge below the address, with a slash before and none after.

    Raises:
        ConfigurationError: unless it is a plain path.
    """
    if prefix is None:
        return None
    path = "/" + prefix.strip("/")
    if path == "/" or not path.isprintable() or any(char in path for char in " ?#%@\\"):
        raise ConfigurationError(
            "The prefix is not a plain path.",
            advice="Leave it out, or give /api/v2/ai-gateway or /api/v2/aibridge.",
        )
    return path


def _checked_header(name: str, text: str) -> str:
    if not text or not text.isascii() or not text.isprintable():
        raise ConfigurationError(
            f"{name} cannot be sent as a header.", advice="Use printable ASCII characters."
        )
    return text


def _unusable(fault: str) -> ConfigurationError:
    return ConfigurationError(
        f"The server's address {fault}.",
        advice="Give the address of your Coder deployment, as in https://coder.example.com.",
    )
