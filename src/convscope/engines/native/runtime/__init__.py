"""Execution of plans: memory, threads, arguments."""
