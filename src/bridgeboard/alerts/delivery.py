"""Sends a message to the address of a recipient, by apprise, and tells what became of it.

Apprise is imported here, when something is sent or an address is checked, and nowhere else. It
neither reads files of the home folder nor keeps any, fetches no pictures, follows no redirect, and
logs nothing outside of this module: its messages may hold addresses.
"""

import logging
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from bridgeboard.alerts.recipients import Recipient
from bridgeboard.alerts.rules import LONGEST, Message
from bridgeboard.alerts.sending import AddressError, Outcome

READ_SECONDS: Final = 20.0
"""How long an answer is waited for, once a message is sent."""
WHOLE_SECONDS: Final = 60.0
_SHORTEST: Final = 120
_REFUSED: Final = re.compile(r"\berror=(\d{3})\b|\(([45]\d{2}), b?['\"]")
"""An answer of a web server, or of a mail server, that says no; no number of a system's error."""
_NOT_REACHED: Final = re.compile(
    r"refused|resolve|Name or service|getaddrinfo|NewConnection|ConnectTimeout|unreachable|SSL"
    r"|CERTIFICATE|ProxyError|Invalid ?URL",
    re.IGNORECASE,
)
_BROKEN_OFF: Final = re.compile(r"Exception|Connection error|timed? ?out", re.IGNORECASE)
_GATEWAY_TIMEOUT: Final = "504"
MISSING: Final = (
    'Alerts need a package that is not installed. Run: pip install "bridgeboard[alerts]"'
)


class AppriseSender:
    """Sends by apprise; its errors and outcomes never say an address."""

    def longest(self, recipient: Recipient) -> int:
        """Characters that a message to a recipient may have. Raises AddressError."""
        title = 80  # which some services put before the body
        service = _service(recipient)
        return max(min(LONGEST, int(service.body_maxlen) - title), _SHORTEST)

    def __call__(self, recipient: Recipient, message: Message) -> Outcome:
        """Send a message. Raises AddressError."""
        apprise = _library()
        channel = apprise.Apprise(asset=_asset())
        channel.add(_service(recipient))
        said: list[str] = []
        result = channel.notify(
            body=message.body,
            title=message.title,
            body_format="text",
            log_callback=lambda entry, _service: said.append(entry.message),
            log_level=logging.DEBUG,
        )
        if result:
            return Outcome("sent")
        return outcome(said, timed_out=result.status == apprise.AppriseResultStatus.TIMEOUT)


def outcome(said: Iterable[str], *, timed_out: bool = False) -> Outcome:
    """What became of a message that was not sent well, by what apprise said of it.

    Only what surely did not arrive has failed: a server that was not reached, or that said no. Of a
    connection that broke off, or an answer that did not come, nobody knows.
    """
    lines = [line for line in said if "ayload" not in line]  # which is the message itself
    refused = [found for line in lines if (found := _REFUSED.search(line))]
    if refused:
        status = refused[-1][1] or refused[-1][2]
        if status == _GATEWAY_TIMEOUT:
            return Outcome("unknown", "the server got no answer in time (504)")
        return Outcome("failed", f"the server refused it ({status})")
    if timed_out:
        return Outcome("unknown", "no answer came in time")
    if any(_NOT_REACHED.search(line) for line in lines):
        return Outcome("failed", "the server cannot be reached")
    if any(_BROKEN_OFF.search(line) for line in lines):
        return Outcome("unknown", "the connection broke off before an answer came")
    return Outcome("failed", "the service did not take it")


def _service(recipient: Recipient) -> Any:
    """The service of an address, for one message. Raises AddressError."""
    apprise = _library()
    service = apprise.Apprise.instantiate(recipient.url, asset=_asset())
    if service is None:
        raise AddressError(
            f"the address {recipient.masked} is none that alerts can be sent to: look at the"
            " spelling for this service in the documentation of apprise"
        )
    if len(service) != 1:
        raise AddressError(
            f"the address {recipient.masked} has {len(service)} targets: give each a [[recipient]]"
            " of its own, or one that fails would have the others told twice"
        )
    service.socket_read_timeout = max(service.socket_read_timeout or 0, READ_SECONDS)
    service.overflow_mode = apprise.OverflowMode.TRUNCATE
    service.retry = 0
    return service


@cache
def _library() -> Any:
    """Apprise, kept from writing a log. Raises AddressError where it is not installed."""
    try:
        import apprise  # noqa: PLC0415 - 0.6 s, for who sends alone
    except ModuleNotFoundError:
        raise AddressError(MISSING) from None
    log = logging.getLogger("apprise")
    log.propagate = False
    log.addHandler(logging.NullHandler())
    log.setLevel(logging.DEBUG)  # for the outcome: how a connection failed is said there only
    return apprise


@cache
def _asset() -> Any:
    return _library().AppriseAsset(
        storage_mode="memory",
        secure_logging=True,
        async_mode=False,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        allow_templates=False,
        service_timeout=WHOLE_SECONDS,
        language="en",
        timezone="UTC",
        app_id="Bridgeboard",
        app_desc="Bridgeboard alerts",
        app_url="",
        image_url_mask="",
        image_url_logo="",
    )
