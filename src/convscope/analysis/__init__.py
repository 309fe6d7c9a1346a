"""Questions about a whole network, answered without running it."""
