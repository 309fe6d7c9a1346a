"""Chinese: one dictionary of templates per package."""
