"""What the demo company buys: configured providers and the models it asks them for."""

from dataclasses import dataclass
from typing import Literal

from bridgeboard.demo.company.tables import table
from bridgeboard.demo.records import Provider

Route = Literal["messages", "chat", "responses"]
Wire = Literal["anthropic", "openai", "copilot"]

_TABLE = table("vendors")
POOL: dict[str, tuple[str, ...]] = {
    fields["name"]: fields.pop("key_hints") for fields in _TABLE["providers"]
}
"""The company's keys as the bridge remembers them."""

PROVIDERS = tuple(Provider(**fields) for fields in _TABLE["providers"])
"""Configured instances."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as one provider instance serves it; ``window`` is its context in tokens."""

    model: str
    provider_name: str
    wire: Wire
    route: Route
    window: int

    @property
    def caching(self) -> bool:
        """Whether the provider reports cached prompt tokens at all."""
        return self.provider_name != "vllm-internal"


OFFERS = {name: Offer(*fields) for name, fields in _TABLE["offers"].items()}
"""All models in use, by the short name the rest of the demo has for them."""

EUROPEAN: dict[str, str] = _TABLE["european"]
"""What a team whose data must stay in Europe gets instead."""


def offer(name: str, *, migrated: bool, european: bool = False) -> Offer:
    """The offer behind a short name; plain "sonnet" is the company's default of the day.

    The company moved its default from Sonnet 4.6 to the cheaper Sonnet 5 in mid-quarter;
    ``migrated`` says on which side of that day one asks.
    """
    if european and name in EUROPEAN:
        return OFFERS[EUROPEAN[name]]
    if name == "sonnet":
        return OFFERS["sonnet-5" if migrated else "sonnet-4-6"]
    return OFFERS[name]
