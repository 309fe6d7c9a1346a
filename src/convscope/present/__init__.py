"""How results look: tables, JSON, pictures of regions, files.

| file | what |
|---|---|
| `table.py` | a report as a table: text, Markdown, CSV, HTML |
| `grid.py`, `field_words.py` | tables in general and how they fit a width; receptive fields in a few signs |
| `comparison.py`, `findings.py` | two networks side by side; findings and verdicts |
| `sections.py` | the zoo and other tools' counts |
| `training.py`, `evaluation.py`, `predictions.py` | epochs, accuracy by class, what pictures show |
| `region_words.py`, `sketch.py` | a region in words and drawn with characters |
| `cells.py`, `numbers.py` | widths of text, numbers as people read them |
| `paint.py`, `terminal.py` | colour, and what the terminal can show |
| `json.py`, `files.py` | JSON documents, files written at once |
| `plots/` | figures |
"""
