"""Branches and pictures brought together.

| file | has |
|---|---|
| `merges.py` | sums and products of branches, and of a picture with a factor for each channel |
| `concatenation.py` | channels put together, taken apart, dealt out |
| `resampling.py` | pictures repeated, framed, cropped |
| `packing.py` | pictures into blocks of channels and back |
"""
