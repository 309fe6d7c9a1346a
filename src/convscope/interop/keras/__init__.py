"""Keras: models in.

| file | what |
|---|---|
| `reading.py` | `from_keras`: a model, or one named `keras:package.module:callable` |
| `backend.py` | find Keras, and a backend for it |
| `naming.py` | call `package.module:callable` |
| `shapes.py` | the pictures that a model takes |
| `graph.py` | the graph of a model: functional, sequential, or traced |
| `walk.py` | from node to node, nested models included |
| `flow.py`, `arrange.py` | the output of a layer, and where its axes lie |
| `call.py`, `registry.py`, `converters/` | one call of a layer or function, and what converts it |
| `builder.py`, `weights.py` | the layers of the network to be, and where their numbers are |
"""
