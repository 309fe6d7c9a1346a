"""This machine: the native engine beside PyTorch, both in one run on the same work.

| file | holds |
|---|---|
| `timing.py` | several pieces of work in turn, and their medians |
| `peak.py` | what the processor can do at best: multiply-adds and bytes |
| `passes.py` | the passes of single convolutions |
| `networks.py` | training steps and inference of whole networks |
| `torch_peer.py` | the same work in PyTorch |
"""
