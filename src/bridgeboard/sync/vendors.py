"""Who bills for each provider instance, as the server says it, and since when (docs/costs.md 3).

It is kept with the day on which it was first heard, since an instance may move to another vendor:
what was used before keeps its vendor. Of an address only the host is kept.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from aibridge import AIBridgeError, Capabilities, Client, Provider
from bridgeboard.pricing import Told, said, told_by, told_by_type
from bridgeboard.pricing.instances import SAID, written
from bridgeboard.store import Store

_ADDRESSES_SINCE: Final = (2, 34)
_TYPES_SINCE: Final = (2, 36)


def learn(client: Client, can: Capabilities, store: Store, now: datetime) -> None:
    """Ask the server about its instances, if our token may know, and keep what is new.

    An auditor's token is told nothing by most servers, which is no error.
    """
    if not _may_know(can):
        return
    try:
        told = client.providers()
    except AIBridgeError:
        return
    before = said(store)
    after = grown(before, told, now)
    if after != before:
        with store.write() as batch:
            batch.set_meta(SAID, written(after))


def _may_know(can: Capabilities) -> bool:
    newest = can.release or _TYPES_SINCE
    return newest >= (_ADDRESSES_SINCE if "owner" in can.roles else _TYPES_SINCE)


def grown(
    before: tuple[Told, ...], providers: Iterable[Provider], now: datetime
) -> tuple[Told, ...]:
    """What was said before, and what of now is new; in order of time.

    An instance of which nothing had been said was always as it is; another vendor holds from now.
    """
    latest = {one.provider_name: one for one in before}
    first, later = list(before), []
    for provider in providers:
        fresh = _told(provider)
        known = fresh and latest.get(fresh.provider_name)
        if fresh is None or (known and _same(known, fresh)):
            continue
        if known is None:
            first.insert(0, fresh)
        else:
            later.append(replace(fresh, since=now.astimezone(UTC).replace(microsecond=0)))
    return (*first, *later)


def _told(provider: Provider) -> Told | None:
    name = provider.name.strip().lower()
    if provider.base_url is not None:
        vendor, why, host = told_by(provider.type, provider.base_url)
        return Told(name, vendor, why, host)
    # Without an address only some types have a vendor; the others say nothing.
    vendor, why = told_by_type(provider.type)
    return Told(name, vendor, why) if vendor else None


def _same(known: Told, fresh: Told) -> bool:
    return (known.vendor, known.host or fresh.host) == (fresh.vendor, fresh.host or known.host)
