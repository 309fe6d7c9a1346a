"""Static analyses of networks."""
