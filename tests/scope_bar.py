"""What the scope bar of a page shows, and its filters."""

from streamlit.testing.v1 import AppTest


def editing(test: AppTest, name: str) -> AppTest:
    """The page with the filter of a dimension opened."""
    test.session_state["add-filter"] = True
    test.session_state["filter-dimension"] = name
    return test.run()


def chips(test: AppTest) -> list[str]:
    """The filters in force, as the scope bar names them."""
    buttons = [each for each in test.button if each.label.startswith("Remove: ")]
    return [each.label.removeprefix("Remove: ").replace("\\", "") for each in buttons]
