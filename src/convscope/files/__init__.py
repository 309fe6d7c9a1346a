"""Files opened and written with care."""
