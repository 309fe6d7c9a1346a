"""Formatting for terminals and notebooks: numbers, lists, tables, color."""
