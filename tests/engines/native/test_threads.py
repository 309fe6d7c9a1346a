"""The pool: any number of threads, sleeping, waking, forking, ending; and small numbers that count as zero."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

from convscope.engines.native.codegen.compiler import Loader
from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.codegen.target import host_cpu, named
from convscope.engines.native.ir import Code
from convscope.engines.native.runtime.pool_code import pool_code
from convscope.engines.native.runtime.threads import RECORD, ThreadPool, thread_count
from convscope.errors import BadSetting

from .assembly import ARM, X86_64


@dataclass(frozen=True)
class AddItem(Kernel):
    """Adds 1 to `count` vectors of every item."""

    count: int = 1

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x",)

    def items(self, batch: int) -> int:
        return batch

    def write(self, code: Code) -> None:
        x, lanes = code.pointer("x"), code.target.width
        with code.loop(code.first, code.last) as item, code.loop(0, self.count) as step:
            at = (item.index * self.count + step.index) * lanes
            x.store(x.load(at) + 1, at)


@dataclass(frozen=True)
class Halve(AddItem):
    """Halves every item's vector."""

    def write(self, code: Code) -> None:
        x, lanes = code.pointer("x"), code.target.width
        with code.loop(code.first, code.last) as item:
            x.store(x.load(item.index * lanes) * 0.5, item.index * lanes)


LOADER = Loader(host_cpu())


def records(kernel: Kernel, x: np.ndarray, items: int, times: int = 1) -> tuple[np.ndarray, np.ndarray]:
    table = np.array([x.ctypes.data], np.int64)
    made = np.zeros(times, RECORD)
    made["function"] = LOADER.addresses([kernel])[kernel]
    made["table"], made["items"] = table.ctypes.data, items
    return made, table


@pytest.mark.parametrize("threads", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("items", [0, 1, 2, 7, 64])
def test_every_item_is_done_once_by_any_number_of_threads(threads: int, items: int) -> None:
    """Lists of many records, more threads than processors, fewer items than threads."""
    pool = ThreadPool(LOADER, threads)
    x = np.zeros((max(items, 1), host_cpu().width), np.float32)
    made, _table = records(AddItem(), x, items, times=50)
    for _ in range(20):
        pool.run(made)
    pool.run(made, alone=True)
    pool.close()
    assert (x == (21 * 50 if items else 0)).all()


def test_threads_sleep_and_are_woken() -> None:
    """After a pause no processor time is used, and the next list runs."""
    pool = ThreadPool(LOADER, 3)
    x = np.zeros((6, host_cpu().width), np.float32)
    made, _table = records(AddItem(), x, 6)
    pool.run(made)
    time.sleep(0.2)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1
    for _ in range(5):
        time.sleep(0.02)
        pool.run(made)
    pool.close()
    assert (x == 6).all()


def test_concurrent_calls_are_serialized() -> None:
    """Lists that several Python threads ask for run one after the other."""
    pool = ThreadPool(LOADER, 2)
    x = np.zeros((4, host_cpu().width), np.float32)
    made, _table = records(AddItem(), x, 4)
    askers = [threading.Thread(target=lambda: [pool.run(made) for _ in range(200)]) for _ in range(3)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    pool.close()
    assert (x == 600).all()


def test_closed_pool_restarts() -> None:
    """Closing ends the threads; new work starts new ones."""
    others = set(threading.enumerate())
    pool = ThreadPool(LOADER, 2)
    x = np.zeros((2, host_cpu().width), np.float32)
    made, _table = records(AddItem(), x, 2)
    for _ in range(3):
        pool.run(made)
        pool.close()
        pool.close()
    assert (x == 3).all()
    assert set(threading.enumerate()) <= others


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("granted", [0, 2])
def test_pool_with_fewer_threads_than_requested_does_all_work(
    granted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may refuse to start a thread: those that there are share its work."""
    start, started = threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        if len(started) == granted:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    pool = ThreadPool(LOADER, 5)
    x = np.zeros((9, host_cpu().width), np.float32)
    made, _table = records(AddItem(), x, 9, times=4)
    for _ in range(3):
        pool.run(made)
        time.sleep(0.01)  # the threads fall asleep
    pool.close()
    assert (x == 12).all()
    assert pool.threads == granted + 1
    assert not any(thread.is_alive() for thread in started)


def test_forked_process_has_its_own_pool() -> None:
    """The child, in which only the forking thread lives on, computes with threads of its own; the parent continues."""
    from convscope.engines.native.runtime import threads

    pool = threads.pool(LOADER)
    x = np.zeros((4, host_cpu().width), np.float32)
    made, _table = records(AddItem(), x, 4)
    pool.run(made)
    child = os.fork()
    if child == 0:
        pool.run(made)
        pool.run(made)
        os._exit(0 if (x == 3).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    pool.run(made)
    assert (x == 2).all()


def test_process_exits_with_sleeping_or_spinning_threads() -> None:
    """The interpreter ends cleanly and at once while threads still look for work."""
    text = (
        "import numpy as np, convscope as cs\n"
        "m = cs.Model('input 1x6x6 | conv 4 3 | relu | flatten | dense 3', engine='native')\n"
        "m.train_step(np.ones((64, 1, 6, 6), np.float32), np.zeros(64, int))\n"
        "print('done')\n"
    )
    environment = {**os.environ, "CONVSCOPE_THREADS": "3"}
    ended = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "done", "")


def test_subnormals_count_as_zero_while_a_list_runs() -> None:
    """They slow no kernel down; outside, Python's own arithmetic keeps them."""
    pool = ThreadPool(LOADER, 2)
    x = np.full((4, host_cpu().width), np.finfo(np.float32).tiny, np.float32)
    made, _table = records(Halve(), x, 4)
    pool.run(made)
    pool.close()
    assert (x == 0).all()
    assert np.float32(np.finfo(np.float32).tiny) / np.float32(2) > 0


def test_the_number_of_threads_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONVSCOPE_THREADS wins over the number of processors; nonsense is refused."""
    monkeypatch.setenv("CONVSCOPE_THREADS", "3")
    assert thread_count() == 3
    monkeypatch.setenv("CONVSCOPE_THREADS", "many")
    with pytest.raises(BadSetting, match=r"^CONVSCOPE_THREADS must be .* \(got 'many'\)"):
        thread_count()
    monkeypatch.delenv("CONVSCOPE_THREADS")
    assert thread_count() >= 1


@pytest.mark.parametrize("kind", [X86_64, ARM])
def test_pool_code_compiles_for_other_processors(kind: str) -> None:
    """Its control words exist on x86 and on ARM."""
    import llvmlite.binding as llvm

    target = named(kind)
    text = target.machine.emit_assembly(llvm.parse_assembly(pool_code(target)))
    assert ("ldmxcsr" if kind == X86_64 else "fpcr") in text.lower()
