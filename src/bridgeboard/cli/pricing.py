"""The price command: which price applies to a model at a provider instance, and why."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from bridgeboard import formats, pricing, settings
from bridgeboard.cli.store_commands import now
from bridgeboard.cli.terminal import err, explained, out
from bridgeboard.pricing import CLASSES, Book, Card, Price, informed, own_book
from bridgeboard.runtime import store_files
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.store import StoreBusyError

PROVIDERS: Final = ("anthropic", "openai", "copilot")
NAMES: Final = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write_5m",
    "cache_write_1h": "cache_write_1h",
}
"""The classes that are priced by the token, and what they are called here."""
COUNTED: Final = {**{label: name for name, label in NAMES.items()}, "web_searches": "web_search"}
_MICRO: Final = 6
_PICO: Final = 12


def provider(text: str) -> str:
    """A recorded provider type."""
    if text.strip().lower() not in PROVIDERS:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(PROVIDERS)}")
    return text.strip().lower()


def moment(text: str) -> datetime:
    """A day or a time; UTC unless it names a zone."""
    try:
        parsed = datetime.fromisoformat(text.strip())
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter("write 2026-11-20 or 2026-11-20T02:00Z") from None


def tokens(text: str) -> dict[str, int]:
    """``input=1000,output=50`` as counts by class."""
    counts: dict[str, int] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, count = part.partition("=")
        counted = COUNTED.get({"cache_write": "cache_write_5m"}.get(name, name))
        if counted is None or not count.isascii() or not count.isdigit():
            raise typer.BadParameter(f"{part!r}: write NAME=COUNT with {', '.join(COUNTED)}")
        counts[counted] = counts.get(counted, 0) + int(count)
    return counts


Model = Annotated[str, typer.Argument(metavar="MODEL", help="As it is recorded.")]
Provider = Annotated[
    str,
    typer.Option(
        "--provider", parser=provider, metavar="TYPE", help=f"{', '.join(PROVIDERS)}: as recorded."
    ),
]
Instance = Annotated[
    str, typer.Option("--instance", metavar="NAME", help="The provider instance's name.")
]
At = Annotated[
    datetime | None,
    typer.Option("--at", parser=moment, metavar="TIME", help="When.", show_default="now"),
]
Tokens = Annotated[
    dict[str, int] | None,
    typer.Option(
        "--tokens",
        parser=tokens,
        metavar="COUNTS",
        help="What a response used, to price it: input=1000,output=50,cache_read=9000.",
    ),
]
Tier = Annotated[str, typer.Option("--service-tier", help="The service tier that was served.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def price(
    model: Model,
    provider: Provider,
    instance: Instance = "",
    at: At = None,
    tokens: Tokens = None,
    *,
    service_tier: Tier = "",
    as_json: Json = False,
) -> None:
    """Say which price applies to a model, and why. Asks no server."""
    with explained():
        book = _book(settings.read())
    tier = service_tier.strip().lower()
    applied = book.resolve(provider, instance, model, at or now(), service_tier=tier)
    answer = described(applied, tokens)
    if as_json:
        out.print(json.dumps(answer), markup=False)
    else:
        for line in _lines(answer):
            out.print(line, markup=False)


def _book(chosen: Settings) -> Book:
    """The operator's book, and what the server said of its instances if there is a store."""
    book = own_book(chosen.prices_path)
    try:
        with store_files.opened(chosen) as opened:
            return informed(opened, book)
    except SettingsError:
        return book
    except StoreBusyError:
        err.print("The store is in use: what the server said of the instance does not count here.")
        return book


def described(price: Price, counts: Mapping[str, int] | None = None) -> dict[str, Any]:
    """A price as the command prints it; amounts are decimal texts, None where unknown."""
    used = {"input": 0, "output": 0, "cache_read": 0, "cache_write": 0} | dict(counts or {})
    used["cache_write"] += used.get("cache_write_1h", 0)
    used["web_searches"] = used.pop("web_search", 0)
    prompt = used["input"] + used["cache_read"] + used["cache_write"]
    answer: dict[str, Any] = {
        "status": str(price.status),
        "vendor": price.vendor or None,
        "model_id": price.price_id.partition("/")[2] or None,
        **_rates(price.card(prompt) if price.cards else None),
        "tiers": [{"above_tokens": card.above} | _rates(card) for card in price.cards[1:]],
        "source": price.source or None,
        "valid_from": price.valid_from.isoformat() if price.valid_from else None,
        "reason": "; ".join(dict.fromkeys(filter(None, (price.why, price.note)))),
    }
    if counts is not None:
        answer["usd"] = _decimal(pricing.exact(used, price), _PICO)
    return answer


def _rates(card: Card | None) -> dict[str, str | None]:
    rates = dict(zip(CLASSES, card.rates if card else (None,) * len(CLASSES), strict=True))
    return {
        f"{label}_usd_per_million": _decimal(rates[name], _MICRO) for name, label in NAMES.items()
    }


def _decimal(amount: int | None, digits: int) -> str | None:
    """An integer of 10^-digits USD as plain decimals."""
    if amount is None:
        return None
    whole, part = divmod(amount, 10**digits)
    rest = f"{part:0{digits}d}".rstrip("0")
    return f"{whole}.{rest}" if rest else str(whole)


def _lines(answer: Mapping[str, Any]) -> list[str]:
    tiers = answer["tiers"]
    lines = [
        f"{answer['status']}: {answer['model_id'] or 'no price'} of {answer['vendor'] or 'nobody'}",
        *(
            f"  {label}: ${answer[f'{label}_usd_per_million']} per million tokens"
            for label in NAMES.values()
            if answer[f"{label}_usd_per_million"] is not None
        ),
        *(
            f"  above {formats.exact(tier['above_tokens'])} tokens of prompt: "
            f"${tier['input_usd_per_million']} in, ${tier['output_usd_per_million']} out"
            for tier in tiers
        ),
        f"  from {answer['source']}" if answer["source"] else "",
        f"  since {answer['valid_from']}" if answer["valid_from"] else "",
        f"  these tokens: {'unknown' if answer['usd'] is None else '$' + answer['usd']}"
        if "usd" in answer
        else "",
        f"  because {answer['reason']}",
    ]
    return [formats.visible(line) for line in lines if line]
