"""Output formats of explanations."""
