"""The error of a question to the metrics that cannot be answered."""


class MetricError(ValueError):
    """A question that has no right answer; the message names its parts and what to ask instead."""
