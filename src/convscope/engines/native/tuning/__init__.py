"""Selection of algorithms by size, and tuning results."""
