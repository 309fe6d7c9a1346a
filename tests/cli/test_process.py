"""The command line as its own process: exit codes, pipes, encodings, color, speed of start."""

import os
import pty
import select
import subprocess
import sys

import pytest

from convscope import __version__
from convscope.cli.group import COMMANDS

COMMAND = [sys.executable, "-m", "convscope"]


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "COLUMNS": "100", "PYTHONUTF8": "1", **settings}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, env=environment, check=False, timeout=60)


def test_version():
    """The package's own."""
    ended = run("--version")
    assert (ended.returncode, ended.stdout.decode()) == (0, f"convscope {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["inspect", "lenet"], 0),
        (["check", "lenet", "--max-params", "1M"], 0),
        (["check", "lenet", "--max-params", "1"], 1),
        (["inspect", "lennet"], 2),
        (["inspect", "lenet", "--jsn"], 2),
        ([], 2),
    ],
)
def test_exit_codes(arguments, code):
    """0 done, 1 a check failed, 2 bad input; never a traceback."""
    ended = run(*arguments)
    assert ended.returncode == code
    assert b"Traceback" not in ended.stderr
    assert bool(ended.stdout) == (code < 2)
    assert bool(ended.stderr) == (code == 2)


def test_missing_command_prints_the_help_to_stderr():
    """A script that forgot its verb fails, and sees why."""
    ended = run()
    assert ended.stderr.decode().startswith("Usage: convscope")
    assert all(verb in ended.stderr.decode() for verb in COMMANDS)


def test_reader_that_exits_early_is_no_error():
    """As `convscope inspect resnet152 | head -1` in a shell."""
    line = f"{sys.executable} -m convscope inspect resnet152 --json | head -n 1"
    ended = subprocess.run(["bash", "-c", line], capture_output=True, timeout=60, check=False)
    assert ended.stdout == b"{\n"
    assert ended.stderr == b""


def test_closed_pipe_ends_silently():
    """The exit code is that of a program ended by its pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*COMMAND, "inspect", "lenet"], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_message():
    """Writing the result may fail for another reason, too."""
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [*COMMAND, "inspect", "lenet"], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert ended.returncode == 2
    assert ended.stderr.decode() == (
        "convscope: The output could not be written (no space left on device). [output]\n"
    )


def test_a_closed_stdout_is_no_error():
    """As `convscope inspect lenet >&-` in a shell."""
    line = f"{sys.executable} -m convscope inspect lenet >&-"
    ended = subprocess.run(["bash", "-c", line], capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "gbk"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "resnet18"],
        ["field", "lenet", "pool2", "--at", "0,0"],
        ["check", "lenet", "--max-params", "1M"],
    ],
)
def test_streams_replace_unsupported_characters(arguments, encoding):
    """Signs give way to lookalikes of the same width, so that tables stay straight."""
    ended = run(*arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (ended.returncode, ended.stderr) == (0, b"")
    rich = run(*arguments).stdout.decode()
    plain = ended.stdout.decode(encoding)
    assert [len(line) for line in plain.splitlines()] == [len(line) for line in rich.splitlines()]


def test_formulas_stay_readable_in_ascii():
    """Subscripts become digits, and a product is no decimal point."""
    ended = run(
        "explain", "exercise", "conv2", "--quantity", "receptive_field", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    lines = [line.strip() for line in ended.stdout.decode("ascii").splitlines()]
    assert "r1 = r0 + (k1 - 1)*j0 = 1 + (3 - 1)*1 = 3" in lines
    assert not any("?" in line for line in lines)
    sizes = run("explain", "input 3x20x20 | conv 4 4 s3", "conv1", PYTHONIOENCODING="ascii", PYTHONUTF8="0").stdout
    assert b"floor((20 + 2*0 - 4) / 3) + 1" in sizes
    assert b"ceil((20 - 4 + 1) / 3)" in sizes
    field = run("field", "lenet", "conv1", "--at", "0,0", PYTHONIOENCODING="ascii", PYTHONUTF8="0").stdout
    assert b"....." in field
    assert b"*" not in field


@pytest.mark.parametrize(("encoding", "code"), [("ascii", 2), ("cp1252", 2), ("cp936", 0), ("utf-8", 0)])
def test_encoding_without_chinese_characters_is_refused(encoding, code):
    ended = run("explain", "exercise", "conv2", "--lang", "zh", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert ended.returncode == code
    message = (
        f"convscope: The output's encoding ({encoding}) has no Chinese characters. Set PYTHONUTF8=1, or write to a "
        "file with --save. [encoding]\n"
    )
    assert ended.stderr.decode() == (message if code else "")
    assert "?" not in ended.stdout.decode(encoding).replace("？", "")


def test_messages_survive_ascii_too():
    """The message about a shape has × and ✗ in it."""
    ended = run("inspect", "input 3x9x12 | conv 4 13", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ended.returncode == 2
    assert b"on input 3x9x12: Conv2d.kernel_size must" in ended.stderr


def test_no_color_in_a_pipe():
    """Results that are piped are plain."""
    assert b"\x1b" not in run("inspect", "lenet").stdout
    assert b"\x1b" not in run("inspect", "lennet").stderr


@pytest.mark.parametrize(
    ("settings", "color"),
    [({"TERM": "xterm-256color"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_color_on_a_terminal_unless_refused(settings, color):
    """NO_COLOR and TERM=dumb are honored; the text is the same."""
    shown = on_terminal(["inspect", "lenet"], settings)
    assert (b"\x1b[1m" in shown) == color
    assert b"61,706" in shown


def on_terminal(arguments: list[str], settings: dict[str, str]) -> bytes:
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    main, sub = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=sub, stderr=sub, env={**environment, "COLUMNS": "100", **settings}
    )
    os.close(sub)
    shown = b""
    while select.select([main], [], [], 30)[0]:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(main)
    assert process.wait(timeout=30) == 0
    return shown


def test_an_interrupt_ends_with_130():
    """Ctrl-C leaves no traceback."""
    program = "import os, signal, sys, convscope.cli.zoo as zoo, convscope.loading as models\n"
    program += "models.zoo_names = lambda: os.kill(os.getpid(), signal.SIGINT) or []\n"
    program += "from convscope.cli import main; sys.exit(main(['zoo']))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert ended.returncode == 130
    assert b"Traceback" not in ended.stderr


def test_a_missing_extra_names_the_one_command():
    """Without matplotlib a figure says how to get it."""
    program = "import sys; sys.modules['matplotlib'] = None\n"
    program += (
        "from convscope.cli import main; sys.exit(main(['plot', 'activations', '--save', '/nowhere/a.png']))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.decode().startswith("convscope: ")
    assert "`pip install matplotlib pillow`" in ended.stderr.decode()
    assert ended.stderr.decode().count("\n") == 1


HEAVY = ("matplotlib", "torch", "onnx", "PIL", "llvmlite")


@pytest.mark.parametrize(("arguments", "loaded"), [(["inspect", "lenet"], ["numpy"]), (["--help"], [])])
def test_starting_loads_nothing_heavy(arguments, loaded):
    """A report needs NumPy and neither figures nor other frameworks; help not even that."""
    program = "import sys; from convscope.cli import main; main(sys.argv[1:])\n"
    program += f"print(*[name for name in {(*HEAVY, 'numpy')} if name in sys.modules], file=sys.stderr)"
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, check=False, timeout=60
    )
    assert ended.stderr.decode().split() == loaded
