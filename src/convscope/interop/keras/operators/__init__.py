"""From Keras' layers and functions to layers here, one file per family."""
