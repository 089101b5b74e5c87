"""The vendor that bills for each provider instance, by the server, with dates (docs/costs.md 3).

Each is stored with the time at which it was first seen, since an instance may move to another
vendor: earlier usage keeps its vendor. Of an address only the host is stored.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from aibridge import AIBridgeError, Capabilities, Client, Provider
from bridgeboard.pricing import VendorStatement, said, vendor_by_address, vendor_by_type
from bridgeboard.pricing.price_book import SAID, written
from bridgeboard.store import Store

_ADDRESSES_SINCE: Final = (2, 34)
_TYPES_SINCE: Final = (2, 36)


def learn(client: Client, can: Capabilities, store: Store, now: datetime) -> None:
    """Ask the server for its provider instances, if our token may list them, and store what is new.

    Most servers refuse that to an auditor's token, which is no error.
    """
    if not _may_know(can):
        return
    try:
        providers = client.providers()
    except AIBridgeError:
        return
    before = said(store)
    after = merged(before, providers, now)
    if after != before:
        with store.write() as batch:
            batch.set_meta(SAID, written(after))


def _may_know(can: Capabilities) -> bool:
    newest = can.release or _TYPES_SINCE
    return newest >= (_ADDRESSES_SINCE if "owner" in can.roles else _TYPES_SINCE)


def merged(
    before: tuple[VendorStatement, ...], providers: Iterable[Provider], now: datetime
) -> tuple[VendorStatement, ...]:
    """The stored vendors and what is new in ``providers``, in order of time.

    The first vendor of an instance holds for all time before, too; another one holds from ``now``.
    """
    latest = {one.provider_name: one for one in before}
    first, later = list(before), []
    for provider in providers:
        fresh = _instance_vendor(provider)
        known = fresh and latest.get(fresh.provider_name)
        if fresh is None or (known and _is_same(known, fresh)):
            continue
        if known is None:
            first.insert(0, fresh)
        else:
            later.append(replace(fresh, since=now.astimezone(UTC).replace(microsecond=0)))
    return (*first, *later)


def _instance_vendor(provider: Provider) -> VendorStatement | None:
    name = provider.name.strip().lower()
    if provider.base_url is not None:
        vendor, why, host = vendor_by_address(provider.type, provider.base_url)
        return VendorStatement(name, vendor, why, host)
    # Without an address only some types name a vendor.
    vendor, why = vendor_by_type(provider.type)
    return VendorStatement(name, vendor, why) if vendor else None


def _is_same(known: VendorStatement, fresh: VendorStatement) -> bool:
    return (known.vendor, known.host or fresh.host) == (fresh.vendor, fresh.host or known.host)
