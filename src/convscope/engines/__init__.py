"""What stands behind a Model: a network compiled into something that owns its arrays and runs steps.

| file | holds |
|---|---|
| `engine.py` | the seam: `Engine`, `Program`, and what they are asked and answer with |
| `registry.py` | engines by name |
| `arrays.py` | a program's parameters or statistics as a mapping |
| `reference/` | the engine in NumPy |
| `native/` | the engine that compiles vector code |
| `torch/` | the engine of PyTorch, and a network as a PyTorch module |
"""
