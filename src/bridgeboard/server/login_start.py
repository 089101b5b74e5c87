"""Where a login starts, so that it leads back to the wanted page."""

from typing import Final
from urllib.parse import urlencode

import streamlit as st

from bridgeboard.settings import current

ENTER: Final = "/enter"
"""Where a login begins that leads to a page."""


def login_address(to: str) -> str | None:
    """Where a login begins that leads to a page; None where Streamlit's alone can begin one."""
    base = current().base_path
    query = urlencode({"to": without_base(to, base)})
    return f"{base}{ENTER}?{query}" if begin() else None


def begin() -> str | None:
    """Where Streamlit's login begins. The function is none of its public ones, and may go."""
    make = getattr(st.user_info, "generate_login_redirect_url", None)
    return make("default") if make else None


def without_base(path: str, base: str) -> str:
    """A path, perhaps with a query, without the base path in front of it if it has that."""
    return path.removeprefix(base) if path.startswith(f"{base}/") else path
