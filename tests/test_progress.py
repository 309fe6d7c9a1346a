"""The status line on stderr."""

import io

from convscope.progress import StatusLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_status_line_overwrites_and_clears(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    stream = Terminal()
    line = StatusLine(stream)
    assert line.is_live
    line.show("a" * 40)
    line.show("b")
    line.clear()
    assert stream.getvalue() == f"\r{'a' * 29}\rb{' ' * 28}\r{' ' * 29}\r"


def test_status_line_in_a_file_is_not_live():
    assert not StatusLine(io.StringIO()).is_live
