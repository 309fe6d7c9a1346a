"""A function being written."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir

from ..codegen.target import Target
from .pointers import Pointer
from .types import F32, I1, I32, I64, PTR, VOID
from .values import Index, Mask, Vector


class Loop:
    """A loop being written: its index, and the carried values in an iteration and after the last one."""

    def __init__(self, index: Any, values: list[Any]) -> None:
        self.index: Any = index
        self.values = values
        self.results: list[Any] = values
        self._next: list[Any] | None = None

    def next(self, values: Sequence[Any]) -> None:
        """Set the carried values for the next iteration."""
        if len(values) != len(self.values):
            raise ValueError(f"a loop that carries {len(self.values)} values got {len(values)}")
        self._next = list(values)

    @property
    def carried_on(self) -> list[Any]:
        """The carried values at the end of an iteration."""
        if self._next is None and self.values:
            raise ValueError("a loop that carries values needs a call of next()")
        return self._next or []


class Code:
    """A function being written: void (pointers, integers, floats, first, last, thread).

    Pointers do not alias, except those that are `shared`. `first` and `last` bound the work items of this call;
    `thread` selects the scratch memory.
    """

    def __init__(
        self,
        target: Target,
        name: str,
        pointers: Sequence[str],
        numbers: Sequence[str],
        reals: Sequence[str],
        shared: Container[str] = (),
    ) -> None:
        self.target = target
        self.module = ir.Module(name=name)
        self.module.triple = target.triple
        self.vector = ir.VectorType(F32, target.width)
        self.int_vector = ir.VectorType(I32, target.width)
        self._declared: dict[str, Any] = {}
        kinds = [PTR] * len(pointers) + [I64] * len(numbers) + [F32] * len(reals) + [I64] * 3
        body = ir.Function(self.module, ir.FunctionType(VOID, kinds), name=f"{name}_body")
        body.linkage = "internal"
        self._describe(body)
        for array, argument in zip(pointers, body.args, strict=False):
            if array not in shared:
                argument.add_attribute("noalias")
        self._arguments = dict(
            zip((*pointers, *numbers, *reals, "first", "last", "thread"), body.args, strict=True)
        )
        self._kinds = dict(zip(self._arguments, kinds, strict=True))
        self._write_entry(name, body, kinds)
        self.body = body
        self.builder = ir.IRBuilder(body.append_basic_block("entry"))

    def _write_entry(self, name: str, body: Any, kinds: list[Any]) -> None:
        """Write the exported function, which reads the arguments from a table of eight-byte slots."""
        entry = ir.Function(self.module, ir.FunctionType(VOID, [PTR, I64, I64, I64]), name=name)
        self._describe(entry)
        table, *rest = entry.args
        build = ir.IRBuilder(entry.append_basic_block("entry"))
        slots = []
        for slot, kind in enumerate(kinds[:-3]):
            at = build.gep(table, [ir.Constant(I64, slot)], source_etype=I64)
            slots.append(build.load(at, typ=kind, align=8))
        build.call(body, [*slots, *rest])
        build.ret_void()

    def _describe(self, function: Any) -> None:
        """Set a function's attributes: it does not raise, and which processor it is scheduled for."""
        function.attributes.add("nounwind")
        # The `add` method of llvmlite only accepts attributes without a value.
        set.add(function.attributes, f'"tune-cpu"="{self.target.tuning}"')

    def finish(self) -> str:
        """End the function and return the module as LLVM IR."""
        self.builder.ret_void()
        return str(self.module)

    # arguments

    def pointer(self, name: str) -> Pointer:
        """Return a pointer argument."""
        return Pointer(self, self._argument(name, PTR))

    def number(self, name: str) -> Index:
        """Return an integer argument."""
        return Index(self, self._argument(name, I64))

    def real(self, name: str) -> Vector:
        """Return a float argument in every lane."""
        return self._spread(self._argument(name, F32))

    def _argument(self, name: str, kind: Any) -> Any:
        if self._kinds.get(name) != kind:
            raise KeyError(
                f"the kernel has no argument {name!r} of this kind; it has {', '.join(self._arguments)}"
            )
        return self._arguments[name]

    @property
    def first(self) -> Index:
        """Return the first work item of this call."""
        return self.number("first")

    @property
    def last(self) -> Index:
        """Return the work item after the last of this call."""
        return self.number("last")

    @property
    def thread(self) -> Index:
        """Return the number of the calling thread."""
        return self.number("thread")

    # values

    def constant(self, value: float) -> Vector:
        """Return a float in every lane."""
        return Vector(self, ir.Constant(self.vector, [float(value)] * self.target.width))

    def constants(self, values: Sequence[float]) -> Vector:
        """Return a vector of these floats."""
        return Vector(self, ir.Constant(self.vector, [float(value) for value in values]))

    def integers(self, value: int | Sequence[int]) -> Vector:
        """Return 32-bit integers: one in every lane, or one for each."""
        lanes = [value] * self.target.width if isinstance(value, int) else list(value)
        return Vector(self, ir.Constant(self.int_vector, lanes))

    def lane_numbers(self) -> Vector:
        """Return 0, 1, 2, … as integers."""
        return self.integers(range(self.target.width))

    def first_lanes(self, count: int | Index) -> Mask:
        """Return a mask of the first `count` lanes."""
        if isinstance(count, Index):
            return self.lane_numbers() < count.to_lanes()
        lanes = [lane < count for lane in range(self.target.width)]
        return Mask(self, ir.Constant(ir.VectorType(I1, self.target.width), lanes))

    def zeros(self, count: int) -> list[Vector]:
        """Return vectors of zeros."""
        return [self.constant(0)] * count

    def launder(self, pointer: Pointer) -> Pointer:
        """Return the same address in a form that is opaque to LLVM.

        Within a basic block LLVM keeps values loaded from equal addresses in registers, even if it must spill
        others. Addresses that it cannot compare are loaded again, which is cheaper.
        """
        zero = self.builder.load_atomic(self._zero(), ordering="monotonic", align=8, typ=I64)
        return pointer + Index(self, zero)

    def _zero(self) -> Any:
        if "zero" not in self._declared:
            with self.builder.goto_entry_block():
                slot = self.builder.alloca(I64)
                self.builder.store_atomic(ir.Constant(I64, 0), slot, ordering="monotonic", align=8)
            self._declared["zero"] = slot
        return self._declared["zero"]

    def _spread(self, scalar: Any) -> Vector:
        kind = ir.VectorType(scalar.type, self.target.width)
        undefined = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
        lanes = ir.Constant(ir.VectorType(I32, self.target.width), [0] * self.target.width)
        return Vector(self, self.builder.shuffle_vector(first, undefined, lanes))

    def intrinsic(self, name: str, arguments: Sequence[Any]) -> Any:
        """Call an LLVM function whose result has the type of its first argument."""
        kind = arguments[0].type
        letter = "f" if kind.element == F32 else "i"
        return self.call(f"{name}.v{kind.count}{letter}32", kind, arguments)

    def call(self, name: str, returns: Any, arguments: Sequence[Any]) -> Any:
        """Call an LLVM function by its full name."""
        if name not in self._declared:
            kind = ir.FunctionType(returns, [argument.type for argument in arguments])
            self._declared[name] = ir.Function(self.module, kind, name=name)
        return self.builder.call(self._declared[name], list(arguments))

    # control flow

    @contextmanager
    def loop(
        self, first: int | Index, last: int | Index, step: int = 1, carry: Sequence[Any] = ()
    ) -> Iterator[Loop]:
        """Write a loop. A loop known to have a single iteration is written without one.

        Errors:   ValueError for a loop known to have no iteration
        """
        if isinstance(first, int) and isinstance(last, int):
            if last <= first:
                raise ValueError(f"a loop from {first} to {last} has no iteration")
            if last - first <= step:
                single = Loop(first, list(carry))
                yield single
                single.results = single.carried_on
                return
        yield from self._looped(first, last, step, list(carry))

    def _looped(self, first: int | Index, last: int | Index, step: int, carry: list[Any]) -> Iterator[Loop]:
        build, before = self.builder, self.builder.block
        start, end = self._index(first), self._index(last)
        head, after = self.body.append_basic_block("loop"), self.body.append_basic_block("after")
        always = isinstance(first, int) and isinstance(last, int)
        if always:
            build.branch(head)
        else:
            build.cbranch(build.icmp_signed("<", start, end), head, after)
        build.position_at_end(head)
        index = build.phi(I64)
        index.add_incoming(start, before)
        phis = [build.phi(value.ir.type) for value in carry]
        for phi, value in zip(phis, carry, strict=True):
            phi.add_incoming(value.ir, before)
        written = Loop(Index(self, index), self._wrapped(phis, carry))
        yield written
        ends = [value.ir for value in written.carried_on]
        following, tail = build.add(index, ir.Constant(I64, step)), build.block
        for phi, value in zip([index, *phis], [following, *ends], strict=True):
            phi.add_incoming(value, tail)
        build.cbranch(build.icmp_signed("<", following, end), head, after)
        build.position_at_end(after)
        results = [build.phi(value.ir.type) for value in carry]
        for phi, value, start_value in zip(results, ends, carry, strict=True):
            phi.add_incoming(value, tail)
            if not always:
                phi.add_incoming(start_value.ir, before)
        written.results = self._wrapped(results, carry)

    @contextmanager
    def when(self, condition: Mask | bool) -> Iterator[None]:
        """Write instructions that run only if the condition holds. It may be the constant True."""
        if condition is True:
            yield
            return
        assert isinstance(condition, Mask)
        with self.builder.if_then(condition.ir):
            yield

    def _index(self, value: int | Index) -> Any:
        return value.ir if isinstance(value, Index) else ir.Constant(I64, value)

    def _wrapped(self, values: list[Any], like: list[Any]) -> list[Any]:
        return [type(old)(self, value) for value, old in zip(values, like, strict=True)]
