"""Errors of questions that cannot be answered: to the metrics, and about lists."""


class MetricError(ValueError):
    """A question that has no right answer; the message names its parts and what to ask instead."""


class ListError(ValueError):
    """A question about a list that cannot be answered; the message says what to ask instead."""


class CursorError(ListError):
    """A place in a list that is no place in this one."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This is no place in this list: {why}. Begin with its first page.")
