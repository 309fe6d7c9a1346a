"""Generated code of the thread pool: walks a list of kernel calls on several threads.

The state is an array of words of 8 bytes. Its fields are `LINE` words apart, so that threads that write different
fields do not share a cache line. A list is published by increasing `GENERATION`; workers spin on that word, then
go to sleep. `SLEEPING` is the first of one flag per worker: a worker sets its flag before it sleeps, and whoever
clears the flag decides whether the worker must be woken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.ir as ir

from ..codegen.target import Target
from ..ir.types import I32, I64, PTR, VOID

LINE = 16
"""Words between fields that different threads write: two cache lines, as they are fetched in pairs."""
GENERATION, ARRIVED, BASE, RECORDS, COUNT, THREADS, STOP, YIELD, SLEEPING = (LINE * n for n in range(9))
SPINS = 20_000
"""Reads of the generation before a worker sleeps: some 200 µs, longer than the Python between two steps."""
PATIENCE = 4_000
"""Reads of the barrier before a thread yields its processor, as the others may not be running at all."""

X86_FLUSH = 1 << 15 | 1 << 6
"""Bits of MXCSR: subnormal results and operands count as zero."""
ARM_FLUSH = 1 << 24
"""Bit of FPCR: subnormal results and operands count as zero."""

_RECORD = ir.LiteralStructType([I64, I64, I64])
"""A kernel call: function, argument table, number of work items."""


def pool_code(target: Target) -> str:
    """Return the pool's LLVM IR for a processor: the functions `run`, `resume`, `claim` and `serve`.

    Subnormal numbers count as zero while a list runs. They are negligible in a network, but many processors take a
    hundred times as long for them.
    """
    module = ir.Module("pool")
    module.triple = target.triple
    offer = _write_offer(module)
    walk = _write_walk(module, target, offer)
    publish = _write_publish(module)
    _write_run(module, publish, walk)
    _write_resume(module, walk)
    _write_claim(module)
    _write_serve(module, target, walk)
    return str(module)


class _Function:
    """A function being written. Its first argument is the address of the pool's state."""

    def __init__(
        self,
        module: ir.Module,
        name: str,
        result: ir.Type,
        arguments: Sequence[ir.Type] = (),
        internal: bool = False,
    ) -> None:
        self.function = ir.Function(module, ir.FunctionType(result, [PTR, *arguments]), name)
        self.function.attributes.add("nounwind")
        if internal:
            self.function.linkage = "internal"
        self.state, *self.arguments = self.function.args
        self.code = ir.IRBuilder(self.function.append_basic_block("entry"))

    def block(self, name: str) -> Any:
        """Return a new block, which is written after `start`."""
        return self.function.append_basic_block(name)

    def start(self, block: Any) -> None:
        """Continue in a block."""
        self.code.position_at_end(block)

    def counter(self, start: Any, source: Any, name: str) -> Any:
        """Return a loop counter, with its value on entry from a block."""
        phi = self.code.phi(I64, name)
        phi.add_incoming(start, source)
        return phi

    def at(self, field: int) -> Any:
        """Return the address of a field."""
        return self.code.gep(self.state, [_word(field)], source_etype=I64)

    def flag_of(self, thread: Any) -> Any:
        """Return the address of a worker's flag."""
        offset = self.code.add(self.code.mul(thread, _word(LINE)), _word(SLEEPING))
        return self.code.gep(self.state, [offset], source_etype=I64)

    def load(self, field: int, kind: ir.Type = I64) -> Any:
        """Return the value of a field."""
        return self.code.load(self.at(field), typ=kind)

    def load_atomic(self, address: Any, ordering: str) -> Any:
        """Return the word at an address that other threads write."""
        return self.code.load_atomic(address, ordering, 8, typ=I64)

    def exchange(self, address: Any, value: int) -> Any:
        """Write a word, and return the one before."""
        return self.code.atomic_rmw("xchg", address, _word(value), "seq_cst")


def _word(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


def _write_offer(module: ir.Module) -> ir.Function:
    """Offer the processor to other threads, by the system's function."""
    f = _Function(module, "offer", VOID, internal=True)
    _call(f, f.load(YIELD), I32, [])
    f.code.ret_void()
    return f.function


def _write_walk(module: ir.Module, target: Target, offer: ir.Function) -> ir.Function:
    """Run a thread's share of each record, and wait for the other threads after each."""
    f = _Function(module, "walk", VOID, [I64], internal=True)
    code, entry, (me,) = f.code, f.code.block, f.arguments
    restore = _flush_subnormals(f, target)
    records, count, threads, base = f.load(RECORDS, PTR), f.load(COUNT), f.load(THREADS), f.load(BASE)
    arrived, successor = f.at(ARRIVED), code.add(me, _word(1))
    record, done = f.block("record"), f.block("done")
    code.cbranch(code.icmp_signed(">", count, _word(0)), record, done)

    f.start(record)
    index, reached = f.counter(_word(0), entry, "index"), f.counter(base, entry, "reached")
    _run_share(f, code.gep(records, [index], source_etype=_RECORD), threads, me, successor)
    goal = code.add(reached, threads, "goal")
    code.atomic_rmw("add", arrived, _word(1), "acq_rel")
    _wait_for(f, target, arrived, goal, offer)
    following = code.add(index, _word(1))
    index.add_incoming(following, code.block)
    reached.add_incoming(goal, code.block)
    code.cbranch(code.icmp_signed("<", following, count), record, done)

    f.start(done)
    restore()
    code.ret_void()
    return f.function


def _run_share(f: _Function, record: Any, threads: Any, me: Any, successor: Any) -> None:
    """Call a record's function for the thread's share of the items, unless that is empty."""
    code = f.code
    function = code.load(record, typ=I64)
    table = code.load(code.gep(record, [_word(1)], source_etype=I64), typ=PTR)
    items = code.load(code.gep(record, [_word(2)], source_etype=I64), typ=I64)
    first = code.udiv(code.mul(items, me), threads, "first")
    last = code.udiv(code.mul(items, successor), threads, "last")
    work, arrive = f.block("work"), f.block("arrive")
    code.cbranch(code.icmp_signed("<", first, last), work, arrive)
    f.start(work)
    _call(f, function, VOID, [table, first, last, me])
    code.branch(arrive)
    f.start(arrive)


def _wait_for(f: _Function, target: Target, arrived: Any, goal: Any, offer: ir.Function) -> None:
    """Wait until as many threads as `goal` have arrived, in all generations."""
    code, before = f.code, f.code.block
    look, wait, give, again, passed = (f.block(name) for name in ("look", "wait", "give", "again", "passed"))
    code.branch(look)

    f.start(look)
    looks = f.counter(_word(0), before, "looks")
    code.cbranch(code.icmp_signed(">=", f.load_atomic(arrived, "acquire"), goal), passed, wait)

    f.start(wait)
    _pause(f, target)
    more = code.add(looks, _word(1))
    code.cbranch(code.icmp_signed(">", looks, _word(PATIENCE)), give, again)

    f.start(give)
    code.call(offer, [f.state])
    code.branch(again)

    f.start(again)
    looks.add_incoming(more, again)
    code.branch(look)
    f.start(passed)


def _write_publish(module: ir.Module) -> ir.Function:
    """Publish the list in the state to the workers; return 1 if one of them sleeps and must be woken, else 0."""
    f = _Function(module, "publish", I64)
    code, entry = f.code, f.code.block
    code.atomic_rmw("add", f.at(GENERATION), _word(1), "seq_cst")
    threads = f.load(THREADS)
    following, check, awake, asleep = (f.block(name) for name in ("next", "check", "awake", "asleep"))
    code.branch(following)

    f.start(following)
    thread = f.counter(_word(1), entry, "thread")
    code.cbranch(code.icmp_signed(">=", thread, threads), awake, check)

    f.start(check)
    sleeps = f.load_atomic(f.flag_of(thread), "seq_cst")
    thread.add_incoming(code.add(thread, _word(1)), check)
    code.cbranch(code.icmp_unsigned("!=", sleeps, _word(0)), asleep, following)

    f.start(awake)
    code.ret(_word(0))
    f.start(asleep)
    code.ret(_word(1))
    return f.function


def _write_run(module: ir.Module, publish: ir.Function, walk: ir.Function) -> None:
    """Run a list on so many threads and return 0, or return 1 if sleepers must be woken before `resume`."""
    f = _Function(module, "run", I64, [PTR, I64, I64])
    code, (records, count, threads) = f.code, f.arguments
    code.store(f.load(ARRIVED), f.at(BASE))
    for value, field in ((records, RECORDS), (count, COUNT), (threads, THREADS)):
        code.store(value, f.at(field))
    share, wake_first, go = f.block("share"), f.block("wake_first"), f.block("go")
    code.cbranch(code.icmp_unsigned("==", threads, _word(1)), go, share)

    f.start(share)
    slept = code.call(publish, [f.state])
    code.cbranch(code.icmp_unsigned("!=", slept, _word(0)), wake_first, go)

    f.start(wake_first)
    code.ret(_word(1))
    f.start(go)
    code.call(walk, [f.state, _word(0)])
    code.ret(_word(0))


def _write_resume(module: ir.Module, walk: ir.Function) -> None:
    """Run a published list, after the sleepers were woken."""
    f = _Function(module, "resume", VOID)
    f.code.call(walk, [f.state, _word(0)])
    f.code.ret_void()


def _write_claim(module: ir.Module) -> None:
    """Clear a worker's flag; return 1 if it was set and the worker must be woken, else 0."""
    f = _Function(module, "claim", I64, [I64])
    f.code.ret(f.exchange(f.flag_of(f.arguments[0]), 0))


def _write_serve(module: ir.Module, target: Target, walk: ir.Function) -> None:
    """Run published lists as a worker; return 0 to end, 1 to sleep.

    `known` is the address of the last generation that this worker has run, kept from call to call.
    """
    f = _Function(module, "serve", I64, [I64, PTR])
    code, (me, known) = f.code, f.arguments
    generation, stop, flag = f.at(GENERATION), f.at(STOP), f.flag_of(me)
    names = ("idle", "look", "wait", "tired", "stay", "sleep", "found", "go", "end")
    idle, look, wait, tired, stay, sleep, found, go, end = (f.block(name) for name in names)
    code.branch(idle)

    f.start(idle)
    finished = code.load(known, typ=I64)
    code.branch(look)

    f.start(look)
    looks = f.counter(_word(0), idle, "looks")
    newest = f.load_atomic(generation, "acquire")
    code.cbranch(code.icmp_unsigned("==", newest, finished), wait, found)

    f.start(wait)
    _pause(f, target)
    looks.add_incoming(code.add(looks, _word(1)), wait)
    code.cbranch(code.icmp_signed(">", looks, _word(SPINS)), tired, look)

    f.start(tired)
    f.exchange(flag, 1)
    unchanged = code.icmp_unsigned("==", f.load_atomic(generation, "seq_cst"), finished)
    code.cbranch(unchanged, sleep, stay)

    # A list was published in between. If the flag is gone, the caller took it and also raises the semaphore.
    f.start(stay)
    code.cbranch(code.icmp_unsigned("==", f.exchange(flag, 0), _word(1)), idle, sleep)

    f.start(sleep)
    code.ret(_word(1))

    f.start(found)
    code.cbranch(code.icmp_unsigned("!=", f.load_atomic(stop, "acquire"), _word(0)), end, go)

    f.start(go)
    code.store(newest, known)
    code.call(walk, [f.state, me])
    code.branch(idle)

    f.start(end)
    code.ret(_word(0))


def _call(f: _Function, address: Any, result: ir.Type, arguments: Sequence[Any]) -> None:
    """Call the function at an address, which is a word."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    f.code.call(f.code.inttoptr(address, kind.as_pointer()), arguments)


def _intrinsic(f: _Function, name: str, result: ir.Type, arguments: Sequence[Any] = ()) -> Any:
    """Call an intrinsic of LLVM."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return f.code.call(f.function.module.declare_intrinsic(name, (), kind), arguments)


def _pause(f: _Function, target: Target) -> None:
    """Tell the processor that this thread spins."""
    if target.is_x86:
        _intrinsic(f, "llvm.x86.sse2.pause", VOID)
    elif target.is_arm:
        _intrinsic(f, "llvm.aarch64.hint", VOID, [ir.Constant(I32, 1)])  # YIELD
    else:
        f.code.fence("seq_cst")


def _flush_subnormals(f: _Function, target: Target) -> Callable[[], None]:
    """Make subnormal numbers count as zero, and return what writes the code to undo that."""
    code = f.code
    if target.is_x86:
        before, flushing = code.alloca(I32), code.alloca(I32)
        _intrinsic(f, "llvm.x86.sse.stmxcsr", VOID, [before])
        code.store(code.or_(code.load(before, typ=I32), ir.Constant(I32, X86_FLUSH)), flushing)
        _intrinsic(f, "llvm.x86.sse.ldmxcsr", VOID, [flushing])
        return lambda: _intrinsic(f, "llvm.x86.sse.ldmxcsr", VOID, [before])
    if target.is_arm:
        control = _intrinsic(f, "llvm.aarch64.get.fpcr", I64)
        _intrinsic(f, "llvm.aarch64.set.fpcr", VOID, [code.or_(control, _word(ARM_FLUSH))])
        return lambda: _intrinsic(f, "llvm.aarch64.set.fpcr", VOID, [control])
    return lambda: None
