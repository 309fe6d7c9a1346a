"""The explorer: a local web page that shows a network on an image, unit by unit.

Python computes everything that is arithmetic of networks; the page looks up, colors and draws.
"""
