"""Lessons as text, Markdown, LaTeX and HTML."""
