"""What the demo company buys: configured providers and the models it asks them for."""

from dataclasses import dataclass
from typing import Literal

from bridgeboard.demo.records import Provider

Route = Literal["messages", "chat", "responses"]
Wire = Literal["anthropic", "openai", "copilot"]

PROVIDERS = (
    Provider("anthropic", "anthropic", "Anthropic", base_url="https://api.anthropic.com"),
    Provider("anthropic-trial", "anthropic", "Anthropic (trial account)", deleted=True),
    Provider(
        "azure-openai", "azure", "Azure OpenAI", base_url="https://acme.openai.azure.com/openai/v1"
    ),
    Provider(
        "bedrock-eu",
        "bedrock",
        "Amazon Bedrock (Frankfurt)",
        base_url="https://bedrock-runtime.eu-central-1.amazonaws.com",
    ),
    Provider(
        "copilot-business",
        "copilot",
        "GitHub Copilot Business",
        base_url="https://api.business.githubcopilot.com",
    ),
    Provider(
        "google",
        "google",
        "Google Gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    ),
    Provider("openai", "openai", "OpenAI", base_url="https://api.openai.com/v1"),
    Provider("openrouter", "openrouter", "OpenRouter", base_url="https://openrouter.ai/api/v1"),
    Provider(
        "vllm-internal",
        "openai-compat",
        "Own GPUs",
        base_url="http://bridge:not-a-real-key@vllm.acme.example:8000/v1",
    ),
)
"""Configured instances; ``anthropic-trial`` was removed after its trial."""

POOL = {
    "anthropic": ("sk-a...Qv8w", "sk-a...1dNk"),
    "anthropic-trial": ("sk-a...0Tri",),
    "azure-openai": ("3f...9c",),
    "bedrock-eu": ("AKIA...7QXM", "AKIA...R2LD"),
    "copilot-business": ("",),
    "google": ("AIza...k3Zs",),
    "openai": ("sk-p...uT4A", "sk-p...Xe0b"),
    "openrouter": ("sk-o...5f1e",),
    "vllm-internal": ("unmasked-hint",),
}
"""The company's keys as the bridge remembers them; one was stored unmasked (api-contract 4.4)."""


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


def _claude(model: str, provider_name: str = "anthropic", window: int = 200_000) -> Offer:
    return Offer(model, provider_name, "anthropic", "messages", window)


def _copilot(model: str, route: Route = "chat") -> Offer:
    return Offer(model, "copilot-business", "copilot", route, 128_000)


def _responses(model: str, provider_name: str = "openai", window: int = 400_000) -> Offer:
    return Offer(model, provider_name, "openai", "responses", window)


def _chat(model: str, provider_name: str, window: int = 200_000) -> Offer:
    return Offer(model, provider_name, "openai", "chat", window)


OFFERS = {
    "haiku": _claude("claude-haiku-4-5-20251001"),
    "sonnet-4-5": _claude("claude-sonnet-4-5-20250929", window=1_000_000),
    "sonnet-4-6": _claude("claude-sonnet-4-6"),
    "sonnet-5": _claude("claude-sonnet-5"),
    "opus": _claude("claude-opus-4-7"),
    "opus-4-5": _claude("claude-opus-4-5-20251101"),
    "opus-4-1": _claude("claude-opus-4-1-20250805"),
    "trial": _claude("claude-sonnet-4-5-20250929", "anthropic-trial"),
    "eu-haiku": _claude("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "bedrock-eu"),
    "eu-sonnet": _claude("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock-eu"),
    "eu-opus": _claude("global.anthropic.claude-opus-4-5-20251101-v1:0", "bedrock-eu"),
    "gpt-5": _responses("gpt-5"),
    "gpt-5-codex": _responses("gpt-5-codex"),
    "gpt-5.4": _responses("gpt-5.4", window=1_000_000),
    "sol": _responses("gpt-5.6-sol", window=1_000_000),
    "o4-mini": _responses("o4-mini", window=200_000),
    "azure-gpt-5": _responses("gpt-5", "azure-openai"),
    "azure-4.1": _chat("gpt-4.1", "azure-openai", 1_000_000),
    "gpt-4.1": _chat("gpt-4.1", "openai", 1_000_000),
    "gpt-5-mini": _chat("gpt-5-mini", "openai", 400_000),
    "gemini-pro": _chat("gemini-2.5-pro", "google", 1_000_000),
    "gemini-flash": _chat("gemini-2.5-flash", "google", 1_000_000),
    "router-sonnet": _chat("anthropic/claude-sonnet-4.6", "openrouter"),
    "router-deepseek": _chat("deepseek/deepseek-v3.2", "openrouter", 128_000),
    "qwen": _chat("qwen3-coder-480b-internal", "vllm-internal", 256_000),
    "copilot-sonnet": _copilot("claude-sonnet-4.6"),
    "copilot-4.1": _copilot("gpt-4.1"),
    "copilot-mini": _copilot("gpt-5-mini", "responses"),
}
"""All models in use, by the short name the rest of the demo has for them."""

EUROPEAN = {
    "haiku": "eu-haiku",
    "sonnet": "eu-sonnet",
    "opus": "eu-opus",
}
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
