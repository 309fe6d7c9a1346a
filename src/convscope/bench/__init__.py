"""Benchmarks of the native engine against other frameworks, on the same work in one process."""
