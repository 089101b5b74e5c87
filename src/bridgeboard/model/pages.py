"""What each page asks: its headline numbers, splits and tables. Pure: names of the vocabulary.

Pages, exports and the command line read these lists, so that a number that has one name has one
definition everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridgeboard.model.dimensions import DIMENSIONS

FILTERS: Final[Mapping[str, str]] = {
    "team": "team",
    "initiator": "person",
    "provider": "provider",
    "provider_name": "instance",
    "vendor": "vendor",
    "family": "model",
    "model": "model_id",
    "client": "client",
}
"""Dimensions that every page can be filtered by → their parameter in addresses, in the order of
the scope bar. Several values are the parameter several times."""

FIRST: Final = "overview"
SECTIONS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "Understand": (
        (FIRST, "Overview", ":material/dashboard:"),
        ("spend", "Spend", ":material/payments:"),
        ("budgets", "Budgets", ":material/savings:"),
        ("people", "People", ":material/group:"),
        ("models", "Models", ":material/neurology:"),
        ("tools", "Tools", ":material/build:"),
    ),
    "Explore": (
        ("sessions", "Sessions", ":material/forum:"),
        ("interceptions", "Interceptions", ":material/swap_calls:"),
        ("compare", "Compare", ":material/compare_arrows:"),
    ),
    "Check": (
        ("radar", "Radar", ":material/radar:"),
        ("trust", "Trust", ":material/verified:"),
        ("audit", "Audit log", ":material/history_edu:"),
        ("settings", "Settings", ":material/settings:"),
    ),
}
"""Section → its pages: name of the file, title, icon. The first page of all opens first."""


@dataclass(frozen=True)
class PageContents:
    """What one page shows.

    Attributes:
        headline: metrics of its cards.
        measures: metrics that its chart over time can show besides those of its cards; the first
            is the usual one, and may be on a card, too.
        splits: dimensions that its chart can be stacked by, the usual one first.
        columns: metrics of its table, the one it is sorted by first.
        tops: dimensions whose largest values it lists, each with the metric that they are
            ranked by where they cannot be by the one that the chart shows.
        summary: metrics that the sentence under its cards is about, each with the dimensions of
            which it names what changed most.
        moved: dimensions by which it lists what moved most, by ``moving``.
    """

    headline: tuple[str, ...]
    measures: tuple[str, ...]
    splits: tuple[str, ...]
    columns: tuple[str, ...]
    tops: tuple[tuple[str, str], ...] = ()
    summary: tuple[tuple[str, tuple[str, ...]], ...] = ()
    moved: tuple[str, ...] = ()

    @property
    def moving(self) -> str:
        """The metric by which it lists what moved most: that of its sentence, if it has one."""
        return self.summary[0][0] if self.summary else self.measures[0]

    @property
    def charted(self) -> tuple[str, ...]:
        """Metrics that its chart over time can show: those of its cards, then the others."""
        return tuple(dict.fromkeys((*self.headline, *self.measures)))


MOVING: Final = ("initiator", "team", "family", "client")
"""Dimensions by which pages and reports list what moved most."""

PAGE_CONTENTS: Final[Mapping[str, PageContents]] = {
    "overview": PageContents(
        headline=(
            "spend",
            "active_people",
            "sessions",
            "prompts",
            "total_tokens",
            "cache_hit_rate",
        ),
        measures=("spend", "total_tokens", "requests", "active_people", "sessions", "prompts"),
        splits=("family", "team", "client", "provider", "model"),
        columns=("spend", "total_tokens", "requests"),
        tops=(
            ("initiator", "spend"),
            ("team", "spend"),
            ("family", "spend"),
            ("client", "spend"),
            ("tool", "tool_calls"),
        ),
        summary=(("spend", MOVING),),
        moved=MOVING,
    ),
    "spend": PageContents(
        headline=(
            "spend",
            "cost_per_person",
            "cost_per_request",
            "cost_per_million_tokens",
            "cache_saving",
            "shadow_cost",
        ),
        measures=("spend", "cost_per_request", "cache_saving", "shadow_cost"),
        splits=(
            "family",
            "team",
            "initiator",
            "provider",
            "provider_name",
            "vendor",
            "model",
            "client",
            "credential_kind",
        ),
        columns=(
            "spend",
            "total_tokens",
            "requests",
            "cost_per_request",
            "cost_per_million_tokens",
            "cache_saving",
            "cache_hit_rate",
            "priced_rate",
        ),
        summary=(("spend", MOVING),),
        moved=MOVING,
    ),
    "people": PageContents(
        headline=(
            "active_people",
            "cost_per_person",
            "spend",
            "sessions",
            "prompts",
            "tool_calls",
        ),
        measures=("active_people", "spend", "requests", "prompts", "sessions", "total_tokens"),
        splits=("team", "client", "provider", "family", "model"),
        columns=(
            "spend",
            "total_tokens",
            "requests",
            "prompts",
            "sessions",
            "tool_calls",
            "cache_hit_rate",
            "cost_per_prompt",
        ),
        summary=(("active_people", ("team", "family", "client")),),
    ),
    "person": PageContents(
        headline=("spend", "sessions", "prompts", "requests", "total_tokens", "cache_hit_rate"),
        measures=("spend", "total_tokens", "requests", "prompts", "tool_calls"),
        splits=("family", "client", "provider", "tool", "model"),
        columns=("spend", "total_tokens", "requests", "cost_per_request", "cache_hit_rate"),
    ),
    "models": PageContents(
        headline=(
            "requests",
            "total_tokens",
            "cost_per_million_tokens",
            "cache_hit_rate",
            "duration_p50",
            "duration_p95",
        ),
        measures=("requests", "total_tokens", "spend", "cache_hit_rate", "duration_p50"),
        splits=(
            "family",
            "provider",
            "provider_name",
            "vendor",
            "model",
            "client",
            "credential_kind",
        ),
        columns=(
            "requests",
            "total_tokens",
            "spend",
            "active_people",
            "cost_per_request",
            "cost_per_million_tokens",
            "cache_hit_rate",
            "output_rate",
            "duration_p50",
            "duration_p95",
        ),
        moved=("family", "provider", "client"),
    ),
    "tools": PageContents(
        headline=(
            "tool_calls",
            "injected_calls",
            "tool_errors",
            "tool_error_rate",
            "cost_per_tool_call",
        ),
        measures=("tool_calls", "injected_calls", "tool_errors", "tool_error_rate"),
        splits=("tool", "server", "client", "team", "family", "model"),
        columns=(
            "tool_calls",
            "active_people",
            "sessions",
            "injected_calls",
            "tool_errors",
            "tool_error_rate",
        ),
        summary=(("tool_calls", ("initiator", "team", "tool")), ("tool_errors", ("tool",))),
    ),
}
"""By the page's name."""

COLUMNS: Final = tuple(
    dict.fromkeys(
        name
        for contents in PAGE_CONTENTS.values()
        for name in (*contents.columns, *contents.measures, *contents.headline)
    )
)
"""Metrics that tables of values of a dimension can show."""

TOP: Final = 8
"""How many values of a split have a colour of their own; the rest is "Other"."""

PRESENCE: Final[Mapping[str, tuple[str, str]]] = {
    "new": ("New", "People whose first request of all lies in this period."),
    "returning": (
        "Returning",
        "People active in this period who were active before it, too.",
    ),
    "dormant": (
        "Dormant",
        "People who were active at some time before this period, and not in it.",
    ),
}
"""Column of ``queries.adoption.presence`` → its label and its definition."""

_NOUNS: Final = {"initiator": ("person", "people"), "server": ("MCP server", "MCP servers")}


def rest(count: int, shown: int) -> str:
    """What all values of a dimension beyond those shown are called together."""
    return f"Other ({count - shown:,})"


def nouns(by: str) -> tuple[str, str]:
    """What one value of a dimension is called, and what several are."""
    one = DIMENSIONS[by].label.lower()
    return _NOUNS.get(by, (one, f"{one}s"))


PARTIAL: Final = "The first sync has not come to its end: older requests are missing."
"""What whoever takes numbers away must know while a store is not whole."""

SUMS: Final = (
    "Part of this usage is known only as sums of several requests: requests, prompts, sessions "
    "and people are lower bounds (≥), tokens and costs are about right (≈)."
)
"""What whoever reads numbers must know where some usage is not known request by request."""
