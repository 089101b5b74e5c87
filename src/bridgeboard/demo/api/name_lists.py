"""``GET /models`` and ``GET /clients``: distinct names, searched by prefix (api-contract 2.6, 2.7).

Models come in code-point order. Clients come in the order of their first appearance, since the
server promises none.
"""

import re

from bridgeboard.demo.api import asking, http_answers
from bridgeboard.demo.api.asking import Ask
from bridgeboard.demo.api.grammar import Endpoint, Filters
from bridgeboard.demo.api.index import Rows


def models(ask: Ask) -> http_answers.Answer:
    """Answer the distinct models of finished interceptions, or ``null``."""
    page, filters = _question(ask, "models")
    names = sorted({row.model for row in _rows(ask)})
    return http_answers.ok(page.cut(_matching(names, filters.model)) or None)


def clients(ask: Ask) -> http_answers.Answer:
    """Answer the distinct clients, or ``null``; a missing and a stored ``Unknown`` are two."""
    page, filters = _question(ask, "clients")
    stored = dict.fromkeys(row.client for row in _rows(ask))
    names = ["Unknown" if client is None else client for client in stored]
    return http_answers.ok(page.cut(_matching(names, filters.client)) or None)


def _question(ask: Ask, endpoint: Endpoint) -> tuple[asking.Page, Filters]:
    page = asking.page(ask)
    asking.check_limit(page.limit)
    product = ask.era.product
    complaint = f"Invalid {product} {endpoint} search query."
    failure = f"Internal error getting {product} {endpoint}."
    return page, asking.search(ask, endpoint, complaint, failure)


def _rows(ask: Ask) -> Rows:
    return asking.hits(ask, Filters())


def _matching(names: list[str], prefix: str | None) -> list[str]:
    if prefix is None:
        return names
    pattern = like(prefix + "%")
    return [name for name in names if pattern.fullmatch(name)]


def like(pattern: str) -> re.Pattern[str]:
    """Translate an SQL LIKE pattern: ``%`` any text, ``_`` one character, backslash escapes.

    Every text between two ``%`` matches at its first chance for good (an atomic group), so no
    pattern, however hostile, takes more than linear steps per name.
    """
    pieces = [""]
    for escaped, plain in re.findall(r"\\(.?)|([^\\])", pattern, re.DOTALL):
        if plain == "%":
            pieces.append("")
        elif plain == "_":
            pieces[-1] += "."
        else:
            pieces[-1] += re.escape(escaped or plain)
    first, *others = pieces
    if not others:
        return re.compile(first, re.DOTALL)
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1])
    return re.compile(f"{first}{between}.*{others[-1]}", re.DOTALL)
