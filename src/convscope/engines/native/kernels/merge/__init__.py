"""Branches and images brought together."""
