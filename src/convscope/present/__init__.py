"""How results look: tables, JSON, pictures of regions, files.

| file | what |
|---|---|
| `table.py` | a report as a table: text, Markdown, CSV, HTML |
| `grid.py` | tables in general, and how they fit a width |
| `sections.py` | comparisons, verdicts, findings, the zoo, other tools' counts |
| `sketch.py` | a region drawn with characters |
| `cells.py`, `numbers.py` | widths of text, numbers as people read them |
| `paint.py`, `terminal.py` | colour, and what the terminal can show |
| `json.py`, `files.py` | JSON documents, files written at once |
| `plots/` | figures |
"""
