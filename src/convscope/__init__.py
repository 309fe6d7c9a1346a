"""See inside a convolutional network before, while and after you train it."""
