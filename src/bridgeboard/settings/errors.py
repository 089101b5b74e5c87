"""What can be wrong with a setting."""


class SettingsError(ValueError):
    """A setting is wrong; the message names it and says what to do. It never holds a secret."""
