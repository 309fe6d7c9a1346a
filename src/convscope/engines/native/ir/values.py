"""Run-time values of kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import llvmlite.ir as ir

from .types import F32, I32, I64

if TYPE_CHECKING:
    from .code import Code
    from .pointers import Pointer

Value = TypeVar("Value", "Index", "Vector", "Pointer")


class Mask:
    """A boolean, of an index or of each lane."""

    __slots__ = ("code", "ir")

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.ir = code, value

    def __and__(self, other: Mask) -> Mask:
        return Mask(self.code, self.code.builder.and_(self.ir, other.ir))

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.code, self.code.builder.or_(self.ir, other.ir))

    def __invert__(self) -> Mask:
        return Mask(self.code, self.code.builder.not_(self.ir))

    def select(self, yes: Value, no: Value | Index | float) -> Value:
        """Return `yes` where the mask is set, else `no`."""
        other = yes._like(no)  # type: ignore[arg-type]
        return type(yes)(self.code, self.code.builder.select(self.ir, yes.ir, other.ir))


class Index:
    """A 64-bit integer. `//` and `%` require non-negative values."""

    __slots__ = ("code", "ir")

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.ir = code, value

    def _like(self, other: int | Index | float) -> Index:
        return other if isinstance(other, Index) else Index(self.code, ir.Constant(I64, int(other)))

    def _do(self, operation: str, other: int | Index, swap: bool = False) -> Index:
        a, b = self.ir, self._like(other).ir
        return Index(self.code, getattr(self.code.builder, operation)(*((b, a) if swap else (a, b))))

    def __add__(self, other: int | Index) -> Index:
        return self if isinstance(other, int) and other == 0 else self._do("add", other)

    __radd__ = __add__

    def __sub__(self, other: int | Index) -> Index:
        return self if isinstance(other, int) and other == 0 else self._do("sub", other)

    def __rsub__(self, other: int) -> Index:
        return self._do("sub", other, swap=True)

    def __mul__(self, other: int | Index) -> Index:
        return self if isinstance(other, int) and other == 1 else self._do("mul", other)

    __rmul__ = __mul__

    def __floordiv__(self, other: int | Index) -> Index:
        return self if isinstance(other, int) and other == 1 else self._do("udiv", other)

    def __mod__(self, other: int | Index) -> Index:
        return self._do("urem", other)

    def _compare(self, how: str, other: int | Index) -> Mask:
        return Mask(self.code, self.code.builder.icmp_signed(how, self.ir, self._like(other).ir))

    def __lt__(self, other: int | Index) -> Mask:
        return self._compare("<", other)

    def __le__(self, other: int | Index) -> Mask:
        return self._compare("<=", other)

    def __gt__(self, other: int | Index) -> Mask:
        return self._compare(">", other)

    def __ge__(self, other: int | Index) -> Mask:
        return self._compare(">=", other)

    def eq(self, other: int | Index) -> Mask:
        """Compare for equality (`==` stays Python's)."""
        return self._compare("==", other)

    def to_float(self) -> Vector:
        """Return the value in every lane, as floats."""
        return self.code._spread(self.code.builder.sitofp(self.ir, F32))

    def to_lanes(self) -> Vector:
        """Return the lower 32 bits in every lane, as integers."""
        return self.code._spread(self.code.builder.trunc(self.ir, I32))


def minimum(a: int | Index, b: int | Index) -> Any:
    """Return the smaller index."""
    if isinstance(a, Index):
        return Mask.select(a < b, a, b)
    return minimum(b, a) if isinstance(b, Index) else min(a, b)


def maximum(a: int | Index, b: int | Index) -> Any:
    """Return the larger index."""
    if isinstance(a, Index):
        return Mask.select(a > b, a, b)
    return maximum(b, a) if isinstance(b, Index) else max(a, b)


class Vector:
    """Lanes of floats or of 32-bit integers. Arithmetic is elementwise.

    Comparisons of floats are ordered: they are false for NaN.
    """

    __slots__ = ("code", "ir")

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.ir = code, value

    @property
    def is_float(self) -> bool:
        """Whether the lanes are floats."""
        return bool(self.ir.type.element == F32)

    def _like(self, other: Vector | float) -> Vector:
        if isinstance(other, Vector):
            return other
        return self.code.constant(other) if self.is_float else self.code.integers(int(other))

    def _do(self, operation: str, other: Vector | float, swap: bool = False) -> Vector:
        name = f"f{operation}" if self.is_float else operation
        a, b = self.ir, self._like(other).ir
        return Vector(self.code, getattr(self.code.builder, name)(*((b, a) if swap else (a, b))))

    def __add__(self, other: Vector | float) -> Vector:
        return self._do("add", other)

    __radd__ = __add__

    def __sub__(self, other: Vector | float) -> Vector:
        return self._do("sub", other)

    def __rsub__(self, other: float) -> Vector:
        return self._do("sub", other, swap=True)

    def __mul__(self, other: Vector | float) -> Vector:
        return self._do("mul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Vector | float) -> Vector:
        return self._do("div", other)

    def __rtruediv__(self, other: float) -> Vector:
        return self._do("div", other, swap=True)

    def __neg__(self) -> Vector:
        return Vector(self.code, self.code.builder.fneg(self.ir))

    def _bits(self, operation: str, other: Vector | int) -> Vector:
        return Vector(self.code, getattr(self.code.builder, operation)(self.ir, self._like(other).ir))

    def __and__(self, other: Vector | int) -> Vector:
        return self._bits("and_", other)

    def __or__(self, other: Vector | int) -> Vector:
        return self._bits("or_", other)

    def __xor__(self, other: Vector | int) -> Vector:
        return self._bits("xor", other)

    def __lshift__(self, other: Vector | int) -> Vector:
        return self._bits("shl", other)

    def __rshift__(self, other: Vector | int) -> Vector:
        """Shift right logically."""
        return self._bits("lshr", other)

    def _compare(self, how: str, other: Vector | float) -> Mask:
        build = self.code.builder
        compare = build.fcmp_ordered if self.is_float else build.icmp_signed
        return Mask(self.code, compare(how, self.ir, self._like(other).ir))

    def __lt__(self, other: Vector | float) -> Mask:
        return self._compare("<", other)

    def __le__(self, other: Vector | float) -> Mask:
        return self._compare("<=", other)

    def __gt__(self, other: Vector | float) -> Mask:
        return self._compare(">", other)

    def __ge__(self, other: Vector | float) -> Mask:
        return self._compare(">=", other)

    def eq(self, other: Vector | float) -> Mask:
        """Compare for equality; NaN equals nothing."""
        return self._compare("==", other)

    def below_unsigned(self, other: Vector | int) -> Mask:
        """Compare integers as unsigned."""
        return Mask(self.code, self.code.builder.icmp_unsigned("<", self.ir, self._like(other).ir))

    def is_nan(self) -> Mask:
        """Return a mask of the lanes that are NaN."""
        return Mask(self.code, self.code.builder.fcmp_unordered("uno", self.ir, self.ir))

    def maximum(self, other: Vector | float) -> Vector:
        """Return the elementwise maximum. NaN in `self` propagates; NaN in `other` is ignored.

        `x.maximum(0)` is a ReLU that propagates NaN.
        """
        right = self._like(other)
        return Mask(self.code, self.code.builder.fcmp_ordered("<", self.ir, right.ir)).select(right, self)

    def minimum(self, other: Vector | float) -> Vector:
        """Return the elementwise minimum. NaN in `self` propagates."""
        right = self._like(other)
        return Mask(self.code, self.code.builder.fcmp_ordered(">", self.ir, right.ir)).select(right, self)

    def _intrinsic(self, name: str) -> Vector:
        return Vector(self.code, self.code.intrinsic(f"llvm.{name}", [self.ir]))

    def abs(self) -> Vector:
        """Return absolute values."""
        return self._intrinsic("fabs")

    def sqrt(self) -> Vector:
        """Return square roots, correctly rounded."""
        return self._intrinsic("sqrt")

    def rint(self) -> Vector:
        """Round to the nearest integer (ties to even), as floats."""
        return self._intrinsic("rint") if self.code.target.width > 4 else self._round_by_adding()

    def _round_by_adding(self) -> Vector:
        """Round by adding and subtracting a value above 2²³, where floats have no fraction."""
        big = (self.as_bits() & -0x80000000 | 0x4B000000).as_floats()
        return (self.abs() < float(1 << 23)).select(self + big - big, self)

    def as_bits(self) -> Vector:
        """Reinterpret the bits as integers."""
        return Vector(self.code, self.code.builder.bitcast(self.ir, self.code.int_vector))

    def as_floats(self) -> Vector:
        """Reinterpret the bits as floats."""
        return Vector(self.code, self.code.builder.bitcast(self.ir, self.code.vector))

    def to_floats(self) -> Vector:
        """Convert signed integers to floats."""
        return Vector(self.code, self.code.builder.sitofp(self.ir, self.code.vector))

    def reduce_sum(self) -> Vector:
        """Return the sum over lanes, in every lane. Halves are added pairwise on every processor."""
        lanes, step, result = self.code.target.width, self.code.target.width // 2, self
        while step:
            result = result + result.shuffle([(lane + step) % lanes for lane in range(lanes)])
            step //= 2
        return result

    def reduce_max(self) -> Vector:
        """Return the maximum over lanes, in every lane; NaN if any lane is NaN."""
        lanes, step, result = self.code.target.width, self.code.target.width // 2, self
        while step:
            other = result.shuffle([(lane + step) % lanes for lane in range(lanes)])
            result = result.is_nan().select(result, other.is_nan().select(other, result.maximum(other)))
            step //= 2
        return result

    def multiply_high(self, other: Vector) -> Vector:
        """Return the upper 32 bits of the products of unsigned integers."""
        build, wide = self.code.builder, ir.VectorType(I64, self.code.target.width)
        product = build.mul(build.zext(self.ir, wide), build.zext(other.ir, wide))
        upper = build.lshr(product, ir.Constant(wide, [32] * self.code.target.width))
        return Vector(self.code, build.trunc(upper, self.code.int_vector))

    def shuffle(self, lanes: Sequence[int], other: Vector | None = None) -> Vector:
        """Return lanes by index. Those of `other` are numbered after those of this vector."""
        kind = ir.VectorType(I32, len(lanes))
        right = self.ir if other is None else other.ir
        chosen = ir.Constant(kind, list(lanes))
        return Vector(self.code, self.code.builder.shuffle_vector(self.ir, right, chosen))


def fma(a: Vector, b: Vector, c: Vector) -> Vector:
    """Return a·b + c, with a single rounding where the processor supports it."""
    return Vector(a.code, a.code.intrinsic("llvm.fmuladd", [a.ir, b.ir, c.ir]))
