"""The one error of this room."""


class ExportError(ValueError):
    """What cannot be exported as it is; the message names the part, never a recorded value."""
