"""Headline numbers: short on the card, exact on hover."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from aibridge import TokenCounts
from bridgeboard import formats


@dataclass(frozen=True)
class Card:
    """One headline number; ``meaning`` is its definition in one sentence."""

    label: str
    value: str
    meaning: str


def row(cards: Sequence[Card]) -> None:
    """Cards of equal height, as many beside each other as fit."""
    with st.grid(min_column_width=128, gap="small", key="kpis"):
        for card in cards:
            st.metric(card.label, card.value, help=card.meaning, border=True, height="stretch")


def tokens(usage: TokenCounts) -> list[Card]:
    """The four disjoint token kinds and their sum."""
    return [
        _count("Tokens", usage.total_tokens, "Input, output, cache read and cache write together."),
        _count("Input", usage.input_tokens, "Fresh prompt tokens, without anything cached."),
        _count("Output", usage.output_tokens, "Generated tokens, reasoning included."),
        _count("Cache read", usage.cache_read_input_tokens, "Prompt tokens read from a cache."),
        _count("Cache write", usage.cache_write_input_tokens, "Prompt tokens put into a cache."),
    ]


def _count(label: str, number: int, meaning: str) -> Card:
    return Card(label, formats.compact(number), f"Exactly {formats.exact(number)}. {meaning}")
