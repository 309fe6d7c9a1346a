"""The lock of run folders."""

import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

import convscope as cs
from convscope.errors import BadFile
from convscope.training import lock
from convscope.training.lock import RunLock
from training import killed_run

SCRIPT = Path(killed_run.__file__)
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}


def refused(folder, action, holder):
    with pytest.raises(BadFile) as caught:
        action()
    assert str(caught.value) == (
        f"Run {str(folder)!r} is being trained by {holder}. Wait until it ends, or stop it with Ctrl-C, then "
        "resume. [run-locked]"
    )


@pytest.fixture
def trained(tmp_path):
    """A run that another process trains, paused so that it does not end."""
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, SCRIPT, str(folder), "run"], env=ENVIRONMENT)
    while not (folder / "run.json").exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)
    yield folder, process
    if process.poll() is None:
        process.kill()
        process.wait()


def test_running_training_cannot_be_resumed_elsewhere(trained):
    """A new run cannot start in its folder either. A killed process leaves no lock."""
    folder, process = trained
    refused(folder, lambda: killed_run.train(folder, resume=True), f"process {process.pid}")
    refused(folder, lambda: killed_run.train(folder), f"process {process.pid}")
    process.kill()
    process.wait()
    killed_run.train(folder, resume=True)
    assert not (folder / ".lock").exists()


def test_commands_report_the_lock_and_readers_ignore_it(trained, capsys):
    from convscope.cli import main

    folder, process = trained
    for arguments in (["--resume", str(folder)], [killed_run.NET, "--data", "digits", "--run", str(folder)]):
        assert main(["train", *arguments]) == 2
        assert f"is being trained by process {process.pid}." in capsys.readouterr().err
    cs.Model.load(folder).predict(killed_run.data(2, 5)[0])
    assert main(["diagnose", str(folder)]) == 0


def test_lock_is_exclusive_within_a_process(tmp_path):
    """Two threads cannot train in one folder."""
    one, other = RunLock(tmp_path), RunLock(tmp_path)
    one.acquire()
    refused(tmp_path, other.acquire, f"process {os.getpid()}")
    one.release()
    other.acquire()
    other.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_child_does_not_inherit_the_lock(tmp_path):
    """The child cannot train while its parent does, and keeps no lock afterwards."""
    held, other = RunLock(tmp_path), RunLock(tmp_path)
    held.acquire()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        held.release()  # it is not the child's to give back
        try:
            other.acquire()
        except BadFile as error:
            os.write(writing, str(error).encode())
        else:
            os.write(writing, b"got it")
        signal.pause()
    told = os.read(reading, 1000).decode()
    try:
        assert f"is being trained by process {os.getpid()}." in told
        held.release()
        other.acquire()  # while the child lives
        other.release()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)


def test_lock_on_windows_locks_a_byte(tmp_path, monkeypatch):
    """Without fcntl, msvcrt locks a byte beyond the contents."""
    import fcntl

    def locking(number, mode, count):
        assert (mode, count) == (2, 1)
        assert os.lseek(number, 0, os.SEEK_CUR) == 1 << 30
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(LK_NBLCK=2, locking=locking))
    test_lock_is_exclusive_within_a_process(tmp_path)


def test_training_works_without_lock_functions(tmp_path, monkeypatch):
    for name in ("fcntl", "msvcrt"):
        monkeypatch.setitem(sys.modules, name, None)
    one, other = RunLock(tmp_path), RunLock(tmp_path)
    one.acquire()
    other.acquire()
    one.release()
    other.release()


def test_file_system_without_locks_is_accepted(tmp_path, monkeypatch):
    import errno

    def unsupported(number):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_lock_function", lambda: unsupported)
    one = RunLock(tmp_path)
    one.acquire()
    one.release()
