"""Losses, optimizers, schedules and initialization."""
