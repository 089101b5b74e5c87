"""Who bills for a model, and under which spellings its price may be listed (docs/costs.md 3)."""

import re
from collections.abc import Iterator
from typing import Final

UNKNOWN_MODELS: Final = frozenset({"", "coder-aibridge-unknown"})
COPILOT: Final = "github-copilot"

_REGIONAL = re.compile(r"^(global|us|eu|apac|au|jp|ca|in|us-gov)\.[a-z0-9-]+\.")
_MAKER = re.compile(
    r"^(ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai"
    r"|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\.[a-z]"
)
_WORD = re.compile(r"[a-z0-9]+")
_RELEASE = re.compile(r"(-\d{8}|-\d{4}-\d{2}-\d{2}|@\d{8}|@\d{4}-\d{2}-\d{2}|-v\d+:\d+)$")
_ANNEX = re.compile(r"\[1m\]$")

_NAMED: Final = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "aws": "aws",
    "cerebras": "cerebras",
    "copilot": COPILOT,
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gemini": "google",
    "google": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "vertex": "google",
    "xai": "x-ai",
}
_OWN: Final = frozenset(
    {
        "compat",
        "gpu",
        "gpus",
        "gpustack",
        "internal",
        "litellm",
        "llamacpp",
        "lmstudio",
        "local",
        "localai",
        "localhost",
        "ollama",
        "onprem",
        "own",
        "private",
        "proxy",
        "selfhosted",
        "sglang",
        "tgi",
        "vllm",
    }
)


def vendor(provider: str, provider_name: str, model: str) -> str:
    """The vendor's id in the price data, or "" where a guess would invent money.

    The model's spelling speaks first for Bedrock, since AI Bridge calls it "anthropic"; an
    instance named like a server of one's own is never guessed.
    """
    asked = model.strip().lower()
    words = _words(provider_name)
    if provider == "copilot":
        return COPILOT
    if words & _OWN or {"self", "hosted"} <= words or {"on", "prem"} <= words:
        return ""
    if asked.startswith("arn:aws") or _REGIONAL.match(asked) or _MAKER.match(asked):
        return "aws"
    return _named(words) or _spelt(provider, asked)


def _words(name: str) -> set[str]:
    return set(_WORD.findall(name.lower()))


def _named(words: set[str]) -> str:
    found = {_NAMED[word] for word in words if word in _NAMED}
    # "azure-openai" and "vertex-anthropic" name a maker beside the one who bills.
    bills = found - {"anthropic", "openai"} or found
    return bills.pop() if len(bills) == 1 else ""


def _spelt(provider: str, asked: str) -> str:
    if asked.removeprefix("models/").startswith("gemini"):
        return "google"
    if "/" in asked.removeprefix("models/"):
        return "openrouter"
    return provider if provider in {"anthropic", "openai"} else ""


def spellings(model: str) -> Iterator[str]:
    """The names to look a model up by, exact first, then without its release suffixes."""
    name = _ANNEX.sub("", model.strip().lower()).removeprefix("models/")
    if name.startswith("arn:"):
        name = name.rsplit("/", maxsplit=1)[-1]
    yield name
    while (shorter := _RELEASE.sub("", name)) != name:
        yield shorter
        name = shorter


def released(rest: str) -> bool:
    """Whether what follows a listed name says only which release it is, not another model."""
    while (shorter := _RELEASE.sub("", rest)) != rest:
        rest = shorter
    return rest in {"", "-latest"}
