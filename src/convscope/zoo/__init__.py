"""Bundled networks, one YAML file each, named like the network.

`convscope.loading.load` reads them; `page.py` writes docs/reference/zoo.md from them.
"""
