"""What stands behind a Model: a network compiled into something that owns its arrays and runs steps."""
