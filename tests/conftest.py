"""Settings of all tests."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # correctness does not depend on a busy processor
settings.load_profile("untimed")
