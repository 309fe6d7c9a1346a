"""Size of the random fault tests, which `make torture` increases."""

import os

TORTURE = os.environ.get("CONVSCOPE_TORTURE") == "1"


def bounded(briefly, long):
    """Return the default size, or the one for `make torture`."""
    return long if TORTURE else briefly
