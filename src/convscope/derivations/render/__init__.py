"""Explanations in four forms; none of them knows what is explained."""
