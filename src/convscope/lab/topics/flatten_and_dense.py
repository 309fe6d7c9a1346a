"""Flatten and dense: from maps to a row of values, and every value to every unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.layers import dense as _dense  # noqa: F401 - registers the answers
from ...engines.reference.layers import rearrange as _rearrange  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Context, backward, forward
from ...errors import BadShape
from ...layers.activation import ReLU
from ...layers.base import show_shape
from ...layers.dense import Linear
from ...layers.rearrange import Flatten
from ..arrays import factor, index, number, of_rank
from ..lesson import Formulas, Lesson, Row, Section, Value, Words
from ..networks import chain, derived
from ..options import INPUT_MAPS, SEED, SHAPE, Option, integer, matrix
from ..stepping import element_steps
from ..topic import Chapter, Topic

X = (((1.0, -2.0), (0.0, 3.0)), ((2.0, 1.0), (-1.0, 0.0)))
"""Two maps of 2×2."""

MOST = 12
"""Values of a row whose products are written out."""

TITLE = Text("Flatten and dense", "展平与全连接")
FLATTEN = Text("Flatten: {shape} → {count}", "展平：{shape} → {count}")
FLATTEN_WORDS = Text(
    "The maps one after the other, each row by row. Nothing is computed.",
    "一张图接一张图，每张按行排列。没有任何运算。",
)
DENSE = Text("Dense: y = W·z + b, then ReLU", "全连接：y = W·z + b，再经 ReLU")
DENSE_WORDS = Text(
    "Every unit sees every value, with a weight of its own: nothing is shared.",
    "每个单元看到每个值，且权重各自独立：没有共享。",
)
BACKWARD = Text("Backward, for a gradient of 1 per output of ReLU", "反向：ReLU 每个输出的梯度取 1")
BACKWARD_WORDS = Text(
    "dy is 1 where y > 0. dW is dy times z, every pair; dz is the transposed W times dy.",
    "y > 0 处 dy 为 1。dW 为 dy 与 z 两两相乘；dz 为 W 的转置乘以 dy。",
)
SIZES = Text("With real sizes: maps of {shape}, {units} units", "真实尺寸：特征图 {shape}，{units} 个单元")

COMMON = Text(
    "Some texts print 7168 for 14×14×32. That is 14·16·32, and belongs to maps of 14×16: a dense layer of 128 "
    "units "
    "then has 128·7168 + 128 = 917,632 parameters.",
    "有的教程把 14×14×32 展平写成 7168，而那是 14·16·32，对应 14×16 的特征图：此时 128 个单元的全连接层有 "
    "128·7168 + 128 = 917,632 个参数。",
)


def _teach(
    x: ArrayLike = X,
    kernel: ArrayLike | None = None,
    shape: tuple[int, ...] = (32, 14, 14),
    units: int = 128,
    seed: int = 0,
) -> Lesson:
    maps = of_rank("input", x, 3, "1,2/3,4//5,6/7,8")
    count = maps.size
    generator = np.random.default_rng(seed)
    weight = (
        generator.integers(-2, 3, (3, count)) / 2 if kernel is None else of_rank("weight", kernel, 2, "1,0/0,1")
    )
    if weight.shape[1] != count:
        raise BadShape(
            "Each row of the weight must have {count} values, one per value of the input (got {got}). "
            "[lab-weight]",
            count=count,
            got=show_shape(weight.shape),
        )
    bias = generator.integers(-2, 3, len(weight)) / 2
    parameters = {"weight": weight, "bias": bias}
    z = forward(Flatten(), (maps[None],), {}, Context())
    dense, relu, context = Linear(len(weight)), ReLU(), Context()
    y = forward(dense, (z,), parameters, context)
    a = forward(relu, (y,), {}, context)
    (dy,) = backward(relu, np.ones_like(a), (y,), {}, context).inputs
    assert dy is not None  # no layer takes integers
    gradients = backward(dense, dy, (z,), parameters, context)
    (dz,) = gradients.inputs
    assert dz is not None
    lines = [
        f"{index('y', i)} = "
        + " + ".join(f"{factor(w)}·{factor(v)}" for w, v in zip(row, z[0], strict=True))
        + f" + {factor(b)} = {number(total)}"
        for i, (row, b, total) in enumerate(zip(weight, bias, y[0], strict=True))
    ]
    network = chain(shape, ("flatten", Flatten()), ("dense", Linear(units)))
    values = (Value("W", weight), Value("z", z[0]), Value("b", bias), Value("y", y[0]))
    row = tuple((i,) for i in range(count))
    steps = element_steps(
        "steps",
        (values[0], "·", values[1], "+", values[2], "=", values[3]),
        [
            {"W": tuple((i, k) for k in range(count)), "z": row, "b": ((i,),), "y": ((i,),)}
            for i in range(len(bias))
        ],
        lines,
    )
    return Lesson(
        "flatten-and-dense",
        TITLE,
        (
            Section(
                FLATTEN.fill(shape=show_shape(maps.shape), count=count),
                (Words(FLATTEN_WORDS), Row((Value("x", maps), "→", Value("z", z[0])))),
            ),
            Section(
                DENSE,
                (
                    Words(DENSE_WORDS),
                    Row((Value("W", weight), Value("b", bias))),
                    *((Formulas(tuple(lines)),) if count <= MOST else ()),
                    *(steps if count <= MOST else ()),
                    Row((Value("y", y[0]), "→", Value("a", a[0], Text("a = ReLU(y)", "a = ReLU(y)")))),
                ),
            ),
            Section(
                BACKWARD,
                (
                    Words(BACKWARD_WORDS),
                    Row((Value("dy", dy[0]), Value("dz", dz[0]))),
                    Row((Value("dW", gradients.parameters["weight"]), Value("db", gradients.parameters["bias"]))),
                ),
            ),
            Section(
                SIZES.fill(shape=show_shape(shape), units=units),
                (
                    *derived(network, "flatten", "output_shape"),
                    *derived(network, "dense", "params"),
                    *((Words(COMMON),) if shape == (32, 14, 14) else ()),
                    Row(
                        (
                            Value(
                                "length", np.array([network["flatten"].output_shape[0]]), Text("length", "长度")
                            ),
                            Value("parameters", np.array([network["dense"].params]), Text("parameters", "参数量")),
                        )
                    ),
                ),
            ),
        ),
        network,
    )


TOPIC = Topic(
    "flatten-and-dense",
    Chapter.NETWORK,
    Text("maps to a row, and W·z + b with its gradients", "特征图展平成一行，W·z + b 及其梯度"),
    _teach,
    (
        INPUT_MAPS,
        Option("kernel", "--weight", "ROWS", "Own weight matrix, one row per unit.", matrix),
        SHAPE,
        Option("units", "--units", "COUNT", "Units of the dense layer with real sizes.", integer(1, 100_000)),
        SEED,
    ),
    "flatten-and-dense --input 1,2/3,4 --weight 1,0,0,-1/1,1,1,1 --shape 32x14x14",
)
