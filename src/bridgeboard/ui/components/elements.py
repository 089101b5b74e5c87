"""Elements of a page that scripts of the folder ``static`` draw."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from bridgeboard.server.app_folder import home


def element(name: str, html: str, *scripts: str) -> Callable[..., Any]:
    """What mounts an element: its HTML, and scripts that are joined in their order.

    It has the styles of the page. The name is one of its kind in the whole app.
    """
    return st.components.v2.component(
        f"bridgeboard_{name}",
        html=html,
        js="".join((home() / "static" / script).read_text("utf-8") for script in scripts),
        isolate_styles=False,
    )
