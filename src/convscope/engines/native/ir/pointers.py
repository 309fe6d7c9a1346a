"""Memory: addresses, loads and stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from .types import F32, FLOAT_BYTES, I32, I64, QUAD, VOID
from .values import Index, Vector

if TYPE_CHECKING:
    from .code import Code


class Pointer:
    """An address of elements of four bytes; offsets count elements."""

    __slots__ = ("code", "ir")

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.ir = code, value

    def _like(self, other: Pointer | float) -> Pointer:
        if not isinstance(other, Pointer):
            raise TypeError("a pointer can only be chosen against a pointer")
        return other

    def __add__(self, offset: int | Index) -> Pointer:
        if isinstance(offset, int) and offset == 0:
            return self
        value = offset.ir if isinstance(offset, Index) else ir.Constant(I64, offset)
        return Pointer(self.code, self.code.builder.gep(self.ir, [value], source_etype=F32))

    def load(self, offset: int | Index = 0) -> Vector:
        """Load a vector of floats."""
        at = (self + offset).ir
        return Vector(self.code, self.code.builder.load(at, typ=self.code.vector, align=FLOAT_BYTES))

    def load_quads(self, offsets: Sequence[int | Index]) -> Vector:
        """Load four floats from each of the offsets that make up a vector."""
        kind = ir.VectorType(F32, QUAD)
        parts = [
            Vector(self.code, self.code.builder.load((self + at).ir, typ=kind, align=FLOAT_BYTES))
            for at in offsets
        ]
        while len(parts) > 1:
            lanes = range(2 * parts[0].ir.type.count)
            parts = [low.shuffle(lanes, high) for low, high in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    def load_first(self, count: int | Index, offset: int | Index = 0) -> Vector:
        """Load the first `count` floats of a vector without accessing others. Other lanes are zero."""
        zero = self.code.constant(0).ir
        arguments = [(self + offset).ir, self.code.first_lanes(count).ir, zero]
        name = f"llvm.masked.load.v{self.code.target.width}f32.p0"
        return Vector(self.code, self.code.call(name, self.code.vector, arguments))

    def load_integers(self, offset: int | Index = 0) -> Vector:
        """Load a vector of 32-bit integers."""
        at = (self + offset).ir
        return Vector(self.code, self.code.builder.load(at, typ=self.code.int_vector, align=FLOAT_BYTES))

    def broadcast(self, offset: int | Index = 0) -> Vector:
        """Load one float into every lane."""
        at = (self + offset).ir
        return self.code._spread(self.code.builder.load(at, typ=F32, align=FLOAT_BYTES))

    def integer(self, offset: int | Index = 0) -> Index:
        """Load one 32-bit integer."""
        value = self.code.builder.load((self + offset).ir, typ=I32, align=FLOAT_BYTES)
        return Index(self.code, self.code.builder.sext(value, I64))

    def store(self, value: Vector, offset: int | Index = 0) -> None:
        """Store a vector."""
        self.code.builder.store(value.ir, (self + offset).ir, align=FLOAT_BYTES)

    def store_first(self, value: Vector, count: int | Index, offset: int | Index = 0) -> None:
        """Store the first `count` lanes of a vector without accessing memory after them."""
        arguments = [value.ir, (self + offset).ir, self.code.first_lanes(count).ir]
        self.code.call(f"llvm.masked.store.v{self.code.target.width}f32.p0", VOID, arguments)

    def store_lane(self, value: Vector, offset: int | Index = 0, lane: int = 0) -> None:
        """Store one lane of a vector."""
        one = self.code.builder.extract_element(value.ir, ir.Constant(I32, lane))
        self.code.builder.store(one, (self + offset).ir, align=FLOAT_BYTES)

    def prefetch(self, offset: int | Index = 0, for_writing: bool = False) -> None:
        """Prefetch a cache line."""
        arguments = [(self + offset).ir, *(ir.Constant(I32, n) for n in (int(for_writing), 3, 1))]
        self.code.call("llvm.prefetch.p0", VOID, arguments)
