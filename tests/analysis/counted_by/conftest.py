"""The comparison with the tools needs the tools; without one of them those files are left out."""

from importlib.util import find_spec

PEERS = ("torch", "torchinfo", "fvcore", "thop", "ptflops")

collect_ignore = []
if any(find_spec(package) is None for package in PEERS):
    collect_ignore += ["test_counted_by_layers.py", "test_counted_by_networks.py"]
