"""Systems that lack what only POSIX has, as Windows does: everything is imported and works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = """
import os, signal, sys
import multiprocessing, subprocess, tempfile
import click, llvmlite.binding, matplotlib.figure, numpy, PIL.Image, safetensors.numpy, yaml
# Those above know by themselves which system they are on.

for module in ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty"):
    sys.modules[module] = None
for name in (
    "fork", "forkpty", "register_at_fork", "sched_getaffinity", "getuid", "geteuid", "getgid", "getegid", "getgroups",
    "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "O_SYNC", "mkfifo", "fchmod", "fchown", "chown", "uname",
    "getloadavg", "statvfs", "killpg", "getpgid", "setsid", "wait", "waitstatus_to_exitcode", "sysconf", "nice",
    "sync", "pread", "posix_fadvise", "posix_fallocate", "lockf", "sendfile",
):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGPIPE", "SIGCHLD", "SIGTSTP", "SIGCONT",
             "alarm", "setitimer", "pthread_sigmask", "sigwait", "siginterrupt", "pthread_kill"):
    if hasattr(signal, name):
        delattr(signal, name)
"""

USE = """
import importlib, json
from pathlib import Path

import numpy as np
import convscope as cs
from convscope.cli import main
from convscope.engines.native.runtime.program import NativeProgram

told = {"inspect": main(["inspect", "lenet"])}
text = "input 1x8x8 | conv 4 3 | batchnorm | relu | flatten | dense 10"
model = cs.Model(text, seed=1)
told["program"] = type(model.program).__name__
x = np.ones((3, 1, 8, 8), np.float32)
model.predict(x)
options = ["--data", "digits", "--run", "run", "--epochs"]
told["train"] = main(["train", text, *options, "1"])
told["resume"] = main(["train", "--resume", "run", "--epochs", "2"])
told["evaluate"] = main(["evaluate", "run"])
model.save("net.safetensors")
model.save("folder")
for saved in ("net.safetensors", "folder"):
    again = cs.Model.load(saved).predict(x)
    told[saved] = bool(np.array_equal(again, model.predict(x)))
cs.inspect(model.network)
told["objects"] = len(list(Path("cache/objects").iterdir())) > 0
told["left"] = [str(path) for path in Path(".").rglob("*new*")]
"""

IMPORT_ALL = """
root = Path(cs.__file__).parent
for file in sorted(root.rglob("*.py")):
    parts = file.relative_to(root.parent).with_suffix("").parts
    if "__main__" in parts or "torch" in parts or "interop" in parts or "counted_by" in parts:
        continue
    try:
        importlib.import_module(".".join(part for part in parts if part != "__init__"))
    except ModuleNotFoundError as error:  # an optional library
        if error.name in (None, "fcntl", "grp", "pwd", "resource", "termios") or error.name.startswith("convscope"):
            raise
print()
print(json.dumps(told))
"""


def test_everything_works_without_what_only_posix_has(tmp_path: Path) -> None:
    """Inspect, predict, train, resume, save and load; every module can be imported."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CONVSCOPE_CACHE": str(tmp_path / "cache"),
        "CONVSCOPE_THREADS": "2",
    }
    command = [sys.executable, "-W", "error", "-c", WITHOUT + USE + IMPORT_ALL]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "program": "NativeProgram",
        "inspect": 0,
        "train": 0,
        "resume": 0,
        "evaluate": 0,
        "net.safetensors": True,
        "folder": True,
        "objects": True,
        "left": [],
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CONVSCOPE_THREADS", "1000000000000", "CONVSCOPE_THREADS must be an integer from 1 to 1024 (got '10"),
        ("CONVSCOPE_THREADS", "9" * 5000, "CONVSCOPE_THREADS must be an integer from 1 to 1024 (got '99"),
        ("CONVSCOPE_THREADS", "0", "CONVSCOPE_THREADS must be an integer from 1 to 1024 (got '0'"),
        ("CONVSCOPE_THREADS", "-3", "CONVSCOPE_THREADS must be an integer from 1 to 1024 (got '-3'"),
        ("CONVSCOPE_THREADS", "two", "CONVSCOPE_THREADS must be an integer from 1 to 1024 (got 'two'"),
        ("CONVSCOPE_CACHE_LIMIT", "lots", "CONVSCOPE_CACHE_LIMIT must be a size such as 500M or 2G (got 'lots'"),
        ("CONVSCOPE_CACHE_LIMIT", "-1", "CONVSCOPE_CACHE_LIMIT must be a size such as 500M or 2G (got '-1'"),
        (
            "CONVSCOPE_DATA",
            "no such folder",
            "mnist needs its original files (no train-images-idx3-ubyte.gz",
        ),
        ("CONVSCOPE_DATA", "x" * 5000, "mnist needs its original files (no train-images-idx3-ubyte.gz"),
        ("CONVSCOPE_CACHE", "x" * 5000, ""),
        ("CONVSCOPE_CACHE", "\udcff\n", ""),
        ("CONVSCOPE_THREADS", "  ", ""),
        ("CONVSCOPE_CACHE_LIMIT", "", ""),
    ],
)
def test_settings_in_the_environment_are_checked(name: str, value: str, message: str, tmp_path: Path) -> None:
    """One message and exit code 2, or, for a cache that cannot be, no message and no harm."""
    npz = tmp_path / "data.npz"
    make = (
        "import sys, numpy as np; np.savez(sys.argv[1], x=np.ones((30, 1, 6, 5), np.float32), y=np.arange(30) % 3)"
    )
    subprocess.run([sys.executable, "-c", make, str(npz)], check=True)
    data = "mnist" if name == "CONVSCOPE_DATA" else str(npz)
    text = (
        "input 1x28x28 | conv 3 3 | flatten | dense 10"
        if data == "mnist"
        else "input 1x6x5 | conv 3 3 | flatten | dense 3"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "XDG_CACHE_HOME": str(tmp_path / "home"),
        "http_proxy": "http://127.0.0.1:9/",
        "https_proxy": "http://127.0.0.1:9/",
        name: value,
    }
    command = [sys.executable, "-m", "convscope", "train", text, "--data", data, "--epochs", "1", "--run", "run"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path, check=False
    )
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 20_000
    if message:
        assert done.returncode == 2
        assert f"convscope: {message}" in done.stderr
    else:
        assert done.returncode == 0, done.stderr
