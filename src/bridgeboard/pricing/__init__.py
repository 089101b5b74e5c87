"""Tokens in, money out: responses, the price book and exact costs (docs/costs.md)."""

from bridgeboard.pricing.book import Book
from bridgeboard.pricing.money import exact, price, server_micros, total
from bridgeboard.pricing.overrides import Override, PriceFile, PriceFileError, load, parse
from bridgeboard.pricing.rates import CLASSES, PICO, Card, Price, Status
from bridgeboard.pricing.responses import extras, responses

__all__ = [
    "CLASSES",
    "PICO",
    "Book",
    "Card",
    "Override",
    "Price",
    "PriceFile",
    "PriceFileError",
    "Status",
    "exact",
    "extras",
    "load",
    "parse",
    "price",
    "responses",
    "server_micros",
    "total",
]
