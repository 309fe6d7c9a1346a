"""From a kernel to machine code: targets, compilation, the object cache."""
