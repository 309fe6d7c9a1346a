"""Code shared by all engines."""
