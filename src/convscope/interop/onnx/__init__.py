"""Networks from ONNX files, and to them.

| file | does |
|---|---|
| `file.py`, `wire.py` | open a file, and read its structure without its weights |
| `tensors.py`, `values.py` | tensors that are read when asked for; values of a graph |
| `inputs.py`, `order.py`, `scope.py` | a graph's inputs, the order of its nodes, the walk over them |
| `folding.py`, `fold_rules.py`, `fold_views.py` | compute what depends on no picture |
| `tables.py` | learned tables that are picked from or multiplied |
| `forms.py` | what nodes of one form become, found out once |
| `registry.py`, `call.py`, `converters/` | one converter per operator and version |
| `opaque.py` | operators that no layer says |
| `builder.py`, `importer.py` | layers, names, shared parameters; `from_onnx` |
| `export.py`, `writers/` | `to_onnx`, one writer per layer |
"""
