"""Branches and pictures brought together."""
