"""PyTorch: modules in, modules out.

| file | what |
|---|---|
| `reading.py` | `from_torch`: a module, or one named `torch:package.module:callable` |
| `recorder.py` | the mode that sees every call |
| `call.py`, `graph.py`, `names.py`, `batch.py`, `arrays.py` | its parts |
| `operators/` | from PyTorch's functions to layers |
| `naming.py` | find and call `package.module:callable` |
| `writing.py` | `to_torch`: a `graph_module.py` of `layer_modules.py` and `own_modules.py` |
"""
