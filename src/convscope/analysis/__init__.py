"""Questions about a whole network, answered without running it.

| file | question |
|---|---|
| `report.py` | everything in one table: `inspect` |
| `paths.py` | how positions are followed through a graph, whatever is known of each axis |
| `receptive_field.py` | the textbook's recurrence: size, stride, start, and where paths disagree |
| `intervals.py` | the exact first and last input pixel of every unit |
| `region.py` | one unit's region; the pixels in it; the units that see one pixel |
| `memory.py` | what must be in memory at once, for inference and for training |
| `counted_by/` | what another tool would print, and why |
| `diagnosis/` | what is wrong with the structure or wasteful, and what to change: `diagnose` |
| `compare.py`, `matching.py` | two networks side by side, and which layer is which: `compare` |
| `budget.py` | limits held against the numbers, for continuous integration: `check` |
"""
