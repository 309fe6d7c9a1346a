"""How a network is to learn, as values that every engine reads: nothing here runs anything."""
