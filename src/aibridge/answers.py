"""Parses responses into values, or into the error that describes them best.

Server text that reaches a message is made printable, cut short, and freed of the token in case
something on the way echoes requests.
"""

import json
import socket
import ssl
import sys
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import httpx
import msgspec

from aibridge import errors
from aibridge.calls import Call, reasons

T = TypeVar("T")

TOKEN_HEADER = "Coder-Session-Token"  # noqa: S105  # the name of a header
MOST_TEXT = 300
LOGIN_PAGE = (
    "The address may be that of a proxy with a login page, or not that of a Coder server:"
    " open it in a browser to see."
)


_SHAPE: Final = msgspec.json.Decoder(msgspec.Raw)
_DIGITS: Final = b"0123456789"


class GarbledAnswer(httpx.RemoteProtocolError):
    """A 200 whose body is not JSON; raised below the retries so that they see it."""


class StrayError(httpx.TransportError):
    """What a transport raised that httpx does not announce; not worth another try."""


def read(call: Call[T], response: httpx.Response) -> T:
    """The value of an answer.

    Raises:
        StatusError: for any status but 200.
        DecodeError: when the body is not what the call asks for.
    """
    if response.status_code != httpx.codes.OK:
        raise refusal(call, response)
    try:
        return call.parse(response.content)
    except ValueError as error:
        reason = reasons(error)
    raise errors.DecodeError(
        f"The answer to {_request_line(response.request)} is not what the API promises: {reason}.",
        status=response.status_code,
        method=response.request.method,
        url=str(response.request.url),
    )


def refusal(call: Call[Any], response: httpx.Response) -> errors.StatusError:
    """The error of an answer that is not 200."""
    words = _words(response)
    kind = _kind(call, response, words)
    reason = f": {_joined(words)}" if words else ""
    what = f"{response.status_code} from {_request_line(response.request)}{reason}"
    if kind is errors.RedirectError:
        what, advice = _elsewhere(response)
    else:
        advice = _advice(kind, call, words.get("message", ""))
    return kind(
        what if what.endswith((".", "!", "?")) else what + ".",
        advice=advice,
        status=response.status_code,
        message=words.get("message"),
        detail=words.get("detail"),
        validations=words.get("validations", ()),
        method=response.request.method,
        url=str(response.request.url),
    )


def _advice(kind: type[errors.StatusError], call: Call[Any], message: str) -> str:
    if kind is errors.ServerTooOldError:
        return f"This needs Coder {call.since} or later: upgrade the server."
    if kind is errors.FeatureUnavailableError and message.startswith("Template RBAC"):
        return "Groups need a licence with the feature Template RBAC: ask the operator."
    return kind.usual_advice


def failure(call: Call[Any], request: httpx.Request, error: Exception) -> errors.AIBridgeError:
    """The error of a request that ended in an exception, whoever raised it."""
    if isinstance(error, errors.AIBridgeError):
        return error
    if isinstance(error, httpx.HTTPStatusError):
        return refusal(call, error.response)
    if isinstance(error, httpx.HTTPError):
        return _unreachable(error, request)
    # Nothing else leaves the transport, so it was the policy above it.
    fault = request.extensions.get("fault", "an answer")
    return errors.ConfigurationError(
        f"The retry policy failed after {fault}: {described(error, request)}.",
        advice="Correct the policy given as retry=, or leave it out for the default one.",
        method=request.method,
        url=str(request.url),
    )


def _unreachable(error: httpx.HTTPError, request: httpx.Request) -> errors.AIBridgeError:
    kind = _unreachable_kind(error)
    reason = _safe(str(error), request) or type(error).__name__
    where = request.url.copy_with(query=None)
    if isinstance(error, GarbledAnswer):
        what, advice = (
            f"The answer to {_request_line(request)} is {reason}.",
            _garbled_advice(reason),
        )
    else:
        what, advice = f"No answer from {where}: {reason}.", kind.usual_advice
    failure = kind(what, advice=advice, method=request.method, url=str(request.url))
    # The lowest cause is the operating system's; httpx's own holds the request and its token.
    failure.__cause__ = next((e for e in _causes(error) if isinstance(e, OSError)), None)
    return failure


def unfinished(response: httpx.Response) -> str | None:
    """Why a 200 cannot be JSON, or None if it is."""
    if is_html(response):
        return "an HTML page instead of JSON"
    body = response.content
    return None if _is_plain_json(body) or _is_json(body) else "not valid JSON"


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _is_plain_json(body: bytes) -> bool:
    """Whether a body is JSON without oddities; a tenth of the time that reading it takes."""
    try:
        _SHAPE.decode(body)
        return (body.isascii() or bool(body.decode())) and not _holds_long_digits(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _holds_long_digits(body: bytes) -> bool:
    # Python reads no integer of more digits. A run of so many covers one of these places.
    stride = sys.get_int_max_str_digits() or len(body)
    places = range(stride, len(body), stride)
    return any(body[at] in _DIGITS and _run_of_digits(body, at, stride) > stride for at in places)


def _run_of_digits(body: bytes, at: int, most: int) -> int:
    before, after = body[max(0, at - most) : at], body[at : at + most + 1]
    leading = len(before) - len(before.rstrip(_DIGITS))
    return leading + len(after) - len(after.lstrip(_DIGITS))


def is_html(response: httpx.Response) -> bool:
    """Whether a browser would show the body as a page."""
    kind = str(response.headers.get("content-type", ""))
    return "html" in kind or response.content[:100].lstrip()[:1] == b"<"


def plain(text: str, most: int = MOST_TEXT) -> str:
    """Foreign text on one line, printable, and not longer than ``most`` characters."""
    line = " ".join(text[: most * 4].split())
    shown = "".join(char if char.isprintable() else "?" for char in line)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def described(error: Exception, request: httpx.Request) -> str:
    """The kind and the text of an exception, in one line and without the token."""
    return _safe(f"{type(error).__name__}: {error}".removesuffix(": "), request)


def place(request: httpx.Request) -> str:
    """The path that is asked for, encoded as it is sent, without the query."""
    return request.url.raw_path.partition(b"?")[0].decode("ascii")


def _request_line(request: httpx.Request) -> str:
    return f"{request.method} {request.url.copy_with(query=None)}"


def _words(response: httpx.Response) -> dict[str, Any]:
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return _spoken(response)
    if not isinstance(body, dict):
        return {}
    texts = {name: body[name] for name in ("message", "detail") if isinstance(body.get(name), str)}
    asked = response.request
    words: dict[str, Any] = {name: _safe(text, asked) for name, text in texts.items()}
    listed = body.get("validations")
    if isinstance(listed, list):
        words["validations"] = tuple(_validation(each, asked) for each in listed[:20])
    return words


def _spoken(response: httpx.Response) -> dict[str, Any]:
    if is_html(response):
        return {"message": "an HTML page"}
    text = response.content[: MOST_TEXT * 4].decode(errors="replace")
    return {"message": _safe(text, response.request)} if text.strip() else {}


def _validation(entry: object, asked: httpx.Request) -> errors.Validation:
    known = entry if isinstance(entry, dict) else {}
    field, detail = str(known.get("field", "")), str(known.get("detail", entry))
    return errors.Validation(_safe(field, asked), _safe(detail, asked))


def _safe(text: str, asked: httpx.Request) -> str:
    token = asked.headers.get(TOKEN_HEADER)
    return plain(text.replace(token, "[token]") if token else text)


def _joined(words: dict[str, Any]) -> str:
    parts = [words.get("message", ""), words.get("detail", "")]
    parts += [f"{each.field}: {each.detail}" for each in words.get("validations", ())]
    return "; ".join(part.rstrip(".") for part in parts if part)


_BY_STATUS: dict[int, type[errors.StatusError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    429: errors.RateLimitedError,
}


def _kind(
    call: Call[Any], response: httpx.Response, words: dict[str, Any]
) -> type[errors.StatusError]:
    status, message = response.status_code, words.get("message", "")
    if 300 <= status < 400:  # noqa: PLR2004  # the redirects
        return errors.RedirectError
    if status == httpx.codes.FORBIDDEN and (switched_off := _switched_off(message)):
        return switched_off
    if call.bridged and _is_gone(call, response, message):
        return errors.EndpointGoneError
    if status == httpx.codes.NOT_FOUND and message.startswith("Route not found"):
        return errors.ServerTooOldError if call.since else errors.RouteNotFoundError
    if status == httpx.codes.BAD_REQUEST and _speaks_of_cursor(words):
        return errors.CursorError
    fallback = errors.ServerError if status >= 500 else errors.StatusError  # noqa: PLR2004  # 5xx
    return _BY_STATUS.get(status, fallback)


def _switched_off(message: str) -> type[errors.ForbiddenError] | None:
    if "is a Premium feature" in message:
        return errors.FeatureUnavailableError
    return errors.ExperimentOffError if "requires enabling the '" in message else None


def _is_gone(call: Call[Any], response: httpx.Response, message: str) -> bool:
    # Paths the server does not know fall through to its proxy for model traffic, which answers
    # in plain text (api-contract 6.2).
    status = response.status_code
    if status == httpx.codes.NOT_FOUND:
        return call.retired or message.startswith(_UNKNOWN_PATH)
    if status not in {httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN}:
        return False
    is_json = "json" in response.headers.get("content-type", "")
    foreign = call.retired and not is_json and not is_html(response)
    return foreign or message.startswith(_UNKNOWN_PATH)


_UNKNOWN_PATH = (
    "aibridged handler not mounted",
    "no authentication key provided",
    "route not supported",
)


def _speaks_of_cursor(words: dict[str, Any]) -> bool:
    if words.get("message") == "Invalid pagination cursor.":
        return True
    detail: str = words.get("detail", "")
    return detail.startswith("after_session_id: session") and detail.endswith("not found")


def _elsewhere(response: httpx.Response) -> tuple[str, str]:
    asked = response.request.url
    try:
        target = asked.join(response.headers.get("location", ""))
        origin = f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}"
    except (httpx.InvalidURL, ValueError):
        origin = "another address"
    origin = plain(origin.rpartition("@")[2] if "@" in origin else origin)
    line = _request_line(response.request)
    what = f"{response.status_code} from {line}: it redirects to {origin}."
    if (target_host := origin.partition("://")[2]) == asked.netloc.decode("ascii", "replace"):
        same_scheme = origin.startswith(asked.scheme + ":")
        return what, LOGIN_PAGE if same_scheme else f"Set the server's address to {origin}."
    return what, f"If {target_host or origin} is your Coder server, set its address to {origin}."


def _unreachable_kind(error: httpx.HTTPError) -> type[errors.AIBridgeError]:
    if isinstance(error, GarbledAnswer):
        return errors.DecodeError
    if isinstance(error, httpx.TimeoutException):
        return errors.TimedOutError
    if isinstance(error, httpx.ProxyError):
        return errors.ProxyFailedError
    for cause in _causes(error):
        for source, kind in _BY_CAUSE:
            if isinstance(cause, source):
                return kind
    if isinstance(error, StrayError | httpx.ConnectError | httpx.UnsupportedProtocol):
        return errors.ConnectionFailedError
    return errors.InterruptedAnswerError


_BY_CAUSE: tuple[tuple[type[BaseException], type[errors.AIBridgeError]], ...] = (
    (socket.gaierror, errors.NameResolutionError),
    (ssl.SSLError, errors.TLSError),
    (ConnectionRefusedError, errors.RefusedError),
    (TimeoutError, errors.TimedOutError),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__context__, each.__cause__]
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()


def is_untrusted(error: BaseException) -> bool:
    """Whether a connection failed because its certificate is not trusted."""
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error))


def _garbled_advice(reason: str) -> str:
    if "HTML" in reason:
        return LOGIN_PAGE
    return "Try again; if it keeps happening, look at the proxies before the server."
