"""Pooling.

| file | has |
|---|---|
| `maximum.py`, `maximum_gradient.py` | max and min pooling |
| `average.py` | average pooling, by windows and over whole channels, and its gradients |
| `adaptive.py` | bins, as many as asked for |
| `windows.py`, `spans.py` | which inputs lie under which windows, written out or in loops |
"""
