"""The one error of this room."""


class MetricError(ValueError):
    """A question that has no right answer; the message names its parts and what to ask instead."""
