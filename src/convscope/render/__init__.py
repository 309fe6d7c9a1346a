"""Text documents of results, one module each."""
