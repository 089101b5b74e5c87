"""The errors of this room."""


class ExplorerError(ValueError):
    """A question that cannot be asked; the message says what to ask instead."""


class CursorError(ExplorerError):
    """A place in a list that is no place in this one."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This is no place in this list: {why}. Begin with its first page.")
