"""The values a kernel computes with while it runs."""

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
    """Yes or no, of an index or lane by lane."""

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
        """Return `yes` where the condition holds, else `no`."""
        other = yes._like(no)  # type: ignore[arg-type]
        return type(yes)(self.code, self.code.builder.select(self.ir, yes.ir, other.ir))


class Index:
    """A whole number of 64 bits. `//` and `%` are for numbers that are not negative."""

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
        """Return the number in every lane, as floats."""
        return self.code._spread(self.code.builder.sitofp(self.ir, F32))

    def to_lanes(self) -> Vector:
        """Return the number's lower 32 bits in every lane, as whole numbers."""
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
    """Lanes of floats, or of whole numbers of 32 bits; arithmetic is lane by lane.

    Comparisons of floats are ordered: no lane with NaN satisfies one, except `differs`.
    """

    __slots__ = ("code", "ir")

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.ir = code, value

    @property
    def is_float(self) -> bool:
        """Say whether the lanes are floats."""
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
        """Shift right, filling with zeros."""
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
        """Compare whole numbers as if they had no sign."""
        return Mask(self.code, self.code.builder.icmp_unsigned("<", self.ir, self._like(other).ir))

    def is_nan(self) -> Mask:
        """Say which lanes hold NaN."""
        return Mask(self.code, self.code.builder.fcmp_unordered("uno", self.ir, self.ir))

    def maximum(self, other: Vector | float) -> Vector:
        """Return the larger of each lane; NaN in `self` stays NaN, NaN in `other` loses against a number.

        `x.maximum(0)` is a ReLU that lets NaN through.
        """
        right = self._like(other)
        return Mask(self.code, self.code.builder.fcmp_ordered("<", self.ir, right.ir)).select(right, self)

    def minimum(self, other: Vector | float) -> Vector:
        """Return the smaller of each lane; NaN in `self` stays NaN."""
        right = self._like(other)
        return Mask(self.code, self.code.builder.fcmp_ordered(">", self.ir, right.ir)).select(right, self)

    def _intrinsic(self, name: str) -> Vector:
        return Vector(self.code, self.code.intrinsic(f"llvm.{name}", [self.ir]))

    def abs(self) -> Vector:
        """Return each lane without its sign."""
        return self._intrinsic("fabs")

    def sqrt(self) -> Vector:
        """Return each lane's square root, correctly rounded."""
        return self._intrinsic("sqrt")

    def rint(self) -> Vector:
        """Return each lane rounded to the nearest whole number (ties to even), as floats."""
        return self._intrinsic("rint") if self.code.target.width > 4 else self._round_by_adding()

    def _round_by_adding(self) -> Vector:
        """Round by adding and taking away a number beyond 2²³, where floats have no fraction."""
        big = (self.as_bits() & -0x80000000 | 0x4B000000).as_floats()
        return (self.abs() < float(1 << 23)).select(self + big - big, self)

    def as_bits(self) -> Vector:
        """Return the same bits read as whole numbers."""
        return Vector(self.code, self.code.builder.bitcast(self.ir, self.code.int_vector))

    def as_floats(self) -> Vector:
        """Return the same bits read as floats."""
        return Vector(self.code, self.code.builder.bitcast(self.ir, self.code.vector))

    def to_floats(self) -> Vector:
        """Return whole numbers (with sign) as floats."""
        return Vector(self.code, self.code.builder.sitofp(self.ir, self.code.vector))

    def reduce_sum(self) -> Vector:
        """Return the sum over lanes, in every lane; halves are added to halves, whatever the processor."""
        lanes, step, result = self.code.target.width, self.code.target.width // 2, self
        while step:
            result = result + result.shuffle([(lane + step) % lanes for lane in range(lanes)])
            step //= 2
        return result

    def reduce_max(self) -> Vector:
        """Return the largest lane in every lane; NaN where any lane is NaN."""
        lanes, step, result = self.code.target.width, self.code.target.width // 2, self
        while step:
            other = result.shuffle([(lane + step) % lanes for lane in range(lanes)])
            result = result.is_nan().select(result, other.is_nan().select(other, result.maximum(other)))
            step //= 2
        return result

    def multiply_high(self, other: Vector) -> Vector:
        """Return the upper 32 bits of the products of whole numbers without sign."""
        build, wide = self.code.builder, ir.VectorType(I64, self.code.target.width)
        product = build.mul(build.zext(self.ir, wide), build.zext(other.ir, wide))
        upper = build.lshr(product, ir.Constant(wide, [32] * self.code.target.width))
        return Vector(self.code, build.trunc(upper, self.code.int_vector))

    def shuffle(self, lanes: Sequence[int], other: Vector | None = None) -> Vector:
        """Return lanes by number; those of `other` are counted on after this vector's."""
        kind = ir.VectorType(I32, len(lanes))
        right = self.ir if other is None else other.ir
        chosen = ir.Constant(kind, list(lanes))
        return Vector(self.code, self.code.builder.shuffle_vector(self.ir, right, chosen))


def fma(a: Vector, b: Vector, c: Vector) -> Vector:
    """Return a·b + c, in one rounding where the processor can."""
    return Vector(a.code, a.code.intrinsic("llvm.fmuladd", [a.ir, b.ir, c.ir]))
