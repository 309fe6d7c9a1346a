"""What a verb says of bad input: one whole message on stderr, exit code 2, no run left behind."""

from pathlib import Path

DENSE = "input 1x6x5 | flatten | dense 3"


def refused(convscope, *arguments, message, runs=()):
    """Run the command line and hold its one message against the one expected; no other run is left behind."""
    ended = convscope(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"convscope: {message}\n"
    assert {path.parent.name for path in Path().glob("**/run.json")} == set(runs)


def usage(convscope, *arguments, message, verb="train"):
    ended = convscope(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"convscope: {message}\ntry: convscope {verb} --help\n"
