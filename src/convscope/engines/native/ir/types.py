"""LLVM's types that the language is made of."""

from __future__ import annotations

import llvmlite.ir as ir

I1, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
F32, PTR, VOID = ir.FloatType(), ir.PointerType(), ir.VoidType()
FLOAT_BYTES = 4
QUAD = 4
"""Lanes of any processor's smallest vectors. Wider ones are several quads; within a quad shuffles are cheap."""
