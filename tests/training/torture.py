"""How long the tests that try faults at random go on: briefly, or as `make torture` asks."""

import os

TORTURE = os.environ.get("CONVSCOPE_TORTURE") == "1"


def bounded(briefly, long):
    """Return a size for every day, or the one for `make torture`."""
    return long if TORTURE else briefly
