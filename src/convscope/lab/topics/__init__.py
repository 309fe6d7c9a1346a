"""Lessons, one module each: its data, its words, and its TOPIC, by which it is registered."""
