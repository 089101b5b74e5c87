"""Tokens in, money out: responses, the price book and exact costs (docs/costs.md)."""

from bridgeboard.pricing.families import family
from bridgeboard.pricing.families import version as families_version
from bridgeboard.pricing.money import MOST_TOKENS, class_rates, exact, price, vendors
from bridgeboard.pricing.operator_prices import Override, PriceFile, PriceFileError, load, parse
from bridgeboard.pricing.price_book import Book, informed, own_book, said
from bridgeboard.pricing.rates import CLASSES, Card, Price, Status
from bridgeboard.pricing.responses import UNMETERED, WORST, extras, responses, usage_money
from bridgeboard.pricing.unpriced_bounds import COUNTS, bounds, estimated, snippet, vendor_line
from bridgeboard.pricing.vendors import Seller, VendorStatement, vendor_by_address, vendor_by_type

__all__ = [
    "CLASSES",
    "COUNTS",
    "MOST_TOKENS",
    "UNMETERED",
    "WORST",
    "Book",
    "Card",
    "Override",
    "Price",
    "PriceFile",
    "PriceFileError",
    "Seller",
    "Status",
    "VendorStatement",
    "bounds",
    "class_rates",
    "estimated",
    "exact",
    "extras",
    "families_version",
    "family",
    "informed",
    "load",
    "own_book",
    "parse",
    "price",
    "responses",
    "said",
    "snippet",
    "usage_money",
    "vendor_by_address",
    "vendor_by_type",
    "vendor_line",
    "vendors",
]
