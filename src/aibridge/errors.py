"""All errors of the SDK, as one tree.

::

    AIBridgeError
    ├── ConfigurationError          the client was given an unusable address, token or setting
    ├── ArgumentError               a call was given something the API cannot be asked
    │   └── SearchError             a search the query language cannot express
    ├── ClosedError                 the client was used after its close()
    ├── ConnectionFailedError       no whole answer came back
    │   ├── NameResolutionError     the host name is unknown
    │   ├── RefusedError            nothing listens there
    │   ├── TLSError                the certificate is not trusted, or no TLS is spoken
    │   ├── ProxyFailedError        the proxy between did not let the request through
    │   ├── TimedOutError           it took too long
    │   └── InterruptedAnswerError  the connection broke while the answer was on its way
    ├── StatusError                 the server answered, and the answer is not 200
    │   ├── RedirectError           3xx: the server lives elsewhere
    │   ├── BadRequestError         400, with ``validations``
    │   │   └── CursorError         400 because the row a page was to begin after is gone
    │   ├── AuthenticationError     401
    │   ├── ForbiddenError          403
    │   │   ├── FeatureUnavailableError  403 because the feature is not licensed or switched off
    │   │   └── ExperimentOffError       403 because an experiment of the server is switched off
    │   ├── NotFoundError           404
    │   │   └── RouteNotFoundError  404 because the server knows no such path at all
    │   │       └── ServerTooOldError    404 because the path came with a later version
    │   ├── EndpointGoneError       this server version does not have the endpoint
    │   ├── RateLimitedError        429
    │   └── ServerError             5xx
    ├── DecodeError                 200, but not the JSON that was asked for
    │   └── OversizedError          the answer is larger than the client's limit
    └── IncompleteError             a walk over a list could not be shown to be whole

The text of each says what happened and what to do next. None of them holds the token, the
request or its headers.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Validation:
    """One objection of the server to one parameter (api-contract 1.6)."""

    field: str
    detail: str


class AIBridgeError(Exception):
    """The root. ``str()`` is what happened and what to do next; ``advice`` is only the latter.

    ``status``, ``message``, ``detail`` and ``validations`` are the server's own words where it
    said any (api-contract 1.6); ``method`` and ``url`` name the request, where there was one.
    """

    usual_advice: ClassVar[str] = ""

    def __init__(
        self,
        what: str,
        *,
        advice: str | None = None,
        status: int | None = None,
        message: str | None = None,
        detail: str | None = None,
        validations: tuple[Validation, ...] = (),
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.advice = self.usual_advice if advice is None else advice
        self.status = status
        self.message = message
        self.detail = detail
        self.validations = validations
        self.method = method
        self.url = url

    def __str__(self) -> str:
        return f"{self.what} {self.advice}".rstrip()


class ConfigurationError(AIBridgeError, ValueError):
    """The client was given an unusable address, token or setting."""


class ArgumentError(AIBridgeError, ValueError):
    """A call was given something the API cannot be asked."""


class SearchError(ArgumentError):
    """A search that the query language cannot express (api-contract 3)."""


class ClosedError(AIBridgeError, RuntimeError):
    """The client was used after its ``close()``, or a walk went on after it."""

    usual_advice = "Make a new client, or close this one later."


class ConnectionFailedError(AIBridgeError):
    """No whole answer came back."""

    usual_advice = "Check the network between here and the server, then try again."


class NameResolutionError(ConnectionFailedError):
    """The host name is unknown."""

    usual_advice = "Check the spelling of the server's address and the DNS of this machine."


class RefusedError(ConnectionFailedError):
    """Nothing listens at the address."""

    usual_advice = "Check the port in the server's address and that the server is running."


class TLSError(ConnectionFailedError):
    """The certificate is not trusted, or no TLS is spoken."""

    usual_advice = (
        "If the server's certificate comes from a private authority, name its file in"
        " SSL_CERT_FILE; if the server speaks plain HTTP, begin its address with http://."
    )


class ProxyFailedError(ConnectionFailedError):
    """The proxy between did not let the request through."""

    usual_advice = "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."


class TimedOutError(ConnectionFailedError):
    """Connecting or answering took too long."""

    usual_advice = (
        "The server may be busy: try again, ask for a shorter period, or allow a longer timeout."
    )


class InterruptedAnswerError(ConnectionFailedError):
    """The connection broke while the answer was on its way."""

    usual_advice = "Try again; if it keeps happening, look at the proxies before the server."


class StatusError(AIBridgeError):
    """The server answered, and the answer is not 200. ``status`` says what it is."""

    usual_advice = "Check that the address is that of a Coder server."


class RedirectError(StatusError):
    """3xx: the server lives elsewhere. Redirects are never followed: they would leak the token."""


class BadRequestError(StatusError):
    """400: the server objects to the request; ``validations`` say to what."""

    usual_advice = "Correct the parameters that are named."


class CursorError(BadRequestError):
    """400: the row after which a page was to begin does not exist, or no longer."""

    usual_advice = "Begin again from the first page."


class AuthenticationError(StatusError):
    """401: the token is missing, wrong, expired, or of a suspended account."""

    usual_advice = (
        "Make a new token with `coder tokens create` as an owner or auditor and set it as"
        " CODER_SESSION_TOKEN."
    )


class ForbiddenError(StatusError):
    """403: the server, or something before it, does not allow this."""

    usual_advice = "Use the token of an owner or auditor, or ask the operator of the server."


class FeatureUnavailableError(ForbiddenError):
    """403: a feature is not licensed or is switched off (api-contract 1.4). Not a role problem.

    ``feature`` is its name in the server's words, as in "AI Gateway" or "Template RBAC".
    """

    usual_advice = (
        "AI Bridge needs a licence with the feature, and must be switched on: ask the operator"
        " of the server."
    )

    @property
    def feature(self) -> str:
        """Which feature is missing; empty where the server does not say it."""
        return (self.message or "").partition(" is a Premium feature")[0]


class ExperimentOffError(ForbiddenError):
    """403: an experiment of the server is switched off (api-contract 9.5). Not a role problem."""

    usual_advice = (
        "Ask the operator of the server to add ai-gateway-cost-control to CODER_EXPERIMENTS, or"
        " to upgrade to v2.36, which needs no experiment."
    )


class NotFoundError(StatusError):
    """404: no such thing, or none that this token may see (api-contract 1.5)."""

    usual_advice = "Check the id, and that the token is of an owner or auditor: others see nothing."


class RouteNotFoundError(NotFoundError):
    """404: the server knows no such path."""

    usual_advice = (
        "Check the address; the server must be a Coder deployment with AI Bridge (v2.32 or later,"
        " enterprise build)."
    )


class ServerTooOldError(RouteNotFoundError):
    """404: the server knows no such path, which came with a later version."""

    usual_advice = "Upgrade the server."


class EndpointGoneError(StatusError):
    """The endpoint does not exist in the version the server runs (api-contract 6.2)."""

    usual_advice = "Use sessions and their details instead; capabilities() tells what exists."


class RateLimitedError(StatusError):
    """429: too many requests in the last minute."""

    usual_advice = "Wait a minute, then ask less often."


class ServerError(StatusError):
    """5xx: the server, or a proxy before it, failed."""

    usual_advice = "Try again later; if it stays, the server's log says why."


class DecodeError(AIBridgeError):
    """200, but not the JSON that was asked for."""

    usual_advice = "The server may be newer than this client: look for an update."


class OversizedError(DecodeError):
    """The answer is larger than the client's limit."""

    usual_advice = "Ask for smaller pages, or give the client a larger max_bytes."


class IncompleteError(AIBridgeError):
    """A walk over a list could not be shown to be whole: rows may be missing."""

    usual_advice = "Walk again; narrowing the period makes the walk shorter and surer."
