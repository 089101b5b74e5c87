"""Laws whose examples are costly: the README's test line tries a few of them, ``.ci/run`` all."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import settings

Test = TypeVar("Test", bound=Callable[..., Any])
THOROUGH = "thorough"
"""The profile in which ``.ci/run`` runs the slow tests; these laws are among them then."""

for _name in ("usual", THOROUGH):
    settings.register_profile(_name, deadline=None)  # how busy a machine is, is no law
settings.load_profile("usual")


def tried(examples: int, **options: Any) -> Callable[[Test], Test]:
    """The settings of a law: so many examples in the profile ``thorough``, a fifth in any other."""
    is_thorough = settings.get_current_profile_name() == THOROUGH
    count = examples if is_thorough else max(3, examples // 5)
    limits = settings(max_examples=count, **options)

    def decorate(test: Test) -> Test:
        return pytest.mark.slow(limits(test)) if is_thorough else limits(test)

    return decorate
