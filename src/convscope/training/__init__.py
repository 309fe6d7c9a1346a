"""Training, evaluation and saving of models."""
