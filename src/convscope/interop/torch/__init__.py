"""PyTorch: modules in, modules out.

| file | what |
|---|---|
| `reading.py` | `from_torch`: a module, or one named `torch:package.module:callable` |
| `recorder.py` | the mode that sees every call |
| `call.py`, `arguments.py`, `names.py`, `batch.py`, `quick.py` | one call: what it is given, called, returns |
| `keywords.py` | the names of its arguments |
| `graph.py`, `own_arrays.py`, `arrays.py` | what is recorded: layers, and the module's own arrays |
| `operators/` | from PyTorch's functions to layers |
| `naming.py` | find and call `package.module:callable` |
| `writing.py` | `to_torch`: the modules of `convscope.engines.torch`, with a model's arrays |
"""
