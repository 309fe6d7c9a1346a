"""Formatting of text for terminals: numbers, tables, color."""
