"""The backward pass of a whole small network, and one step of gradient descent."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.layers.graph import run
from ...errors import BadSetting
from ...loading import load
from ..arrays import factor, number, of_rank
from ..lesson import Block, Formulas, Lesson, Row, Section, Table, Value, Words, same
from ..options import INPUT, SEED, Option, integer, word
from ..options import number as decimal
from ..topic import Chapter, Topic
from .small_network import walk

TITLE = Text("The backward pass of a small network", "小网络的反向传播")
LOSS = Text("The loss", "损失")
LOSS_WORDS = Text(
    "Cross-entropy of class {target}: −ln of its probability. The backward pass goes from the last layer to "
    "the first; "
    "each layer turns the gradient of its output into that of its input and of its weights.",
    "类别 {target} 的交叉熵，即其概率的 −ln。反向传播从最后一层到第一层：每层由其输出的梯度求得输入与权重的梯度。",
)
LAYER = Text("{name} ({kind})", "{name}（{kind}）")
OF_OUTPUT, OF_INPUT = Text("gradient of the output", "输出的梯度"), Text("gradient of the image", "图像的梯度")
OF_PARAMETER = Text("gradient of {name}", "{name} 的梯度")
STEP = Text("One step of gradient descent, learning rate {lr}", "一步梯度下降，学习率 {lr}")
STEP_WORDS = Text(
    "Every weight becomes $w - lr·dw$. The loss falls if the step is small enough.",
    "每个权重变为 $w - lr·dw$。步子足够小时，损失下降。",
)
COLUMNS = {
    "when": Text("", ""),
    "loss": Text("loss", "损失"),
    "probability": Text("p of the class", "该类别的概率"),
}
BEFORE, AFTER = Text("before", "更新前"), Text("after", "更新后")


def _teach(
    x: ArrayLike | None = None, model: str = "seed-8x8", target: int = 0, lr: float = 0.1, seed: int = 0
) -> Lesson:
    network = load(model)
    image = None if x is None else of_rank("input", x, 2, "0,1/1,0")[None]
    walked = walk(network, image, seed=seed)
    classes = walked.output.size
    if not 0 <= target < classes:
        raise BadSetting(
            "The class must be a number from 0 to {last} (got {got}). [lab-class]", last=classes - 1, got=target
        )
    if network.outputs[-1].kind != "Softmax" or walked.output.ndim != 1:
        raise BadSetting(
            "The network must end in softmax over classes (got {kind}). Append | softmax. [lab-softmax]",
            kind=network.outputs[-1].kind,
        )
    passed = run(network, walked.x[None], walked.parameters)
    p = float(walked.output[target])
    seed_gradient = np.zeros((1, classes))
    seed_gradient[0, target] = -1 / p
    gradients = passed.backward(seed_gradient)
    sections = [
        Section(
            LOSS,
            (
                Words(LOSS_WORDS.fill(target=target)),
                Row((Value("probabilities", walked.output, Text("probabilities", "概率")),)),
                Formulas((f"loss = −ln(p_{target}) = −ln({factor(p)}) = {number(-np.log(p))}",)),
            ),
        )
    ]
    for node in reversed(list(network)):
        title = LAYER.fill(name=node.name, kind=node.kind)
        heading = OF_INPUT if node.kind == "Input" else OF_OUTPUT
        blocks: list[Block] = [Row((Value(f"d_{node.name}", gradients.values[node.name][0], heading),))]
        for name in node.facts.param_shapes:
            full = f"{node.parameters_of}.{name}"
            if node.owns_parameters:
                blocks.append(
                    Row((Value(f"d_{full}", gradients.parameters[full], OF_PARAMETER.fill(name=same(name))),))
                )
        sections.append(Section(title, tuple(blocks)))
    stepped = {name: w - lr * gradients.parameters.get(name, 0) for name, w in walked.parameters.items()}
    after = float(run(network, walked.x[None], stepped).output[0, target])
    rows = ((BEFORE, -np.log(p), p), (AFTER, -np.log(after), after))
    sections.append(
        Section(
            STEP.fill(lr=number(lr)),
            (Words(STEP_WORDS), Table("step", COLUMNS, tuple((w, float(a), b) for w, a, b in rows))),
        )
    )
    return Lesson("backward", TITLE, tuple(sections), network)


TOPIC = Topic(
    "backward",
    Chapter.NETWORK,
    Text("gradients of every layer of the small network, and one step", "小网络各层的梯度，以及一步更新"),
    _teach,
    (
        INPUT,
        Option(
            "model",
            "--model",
            "MODEL",
            "Own small network that ends in softmax, such as notation.",
            word,
            source="model",
        ),
        Option("target", "--target", "CLASS", "The right class.", integer(0)),
        Option("lr", "--lr", "NUMBER", "Learning rate of the step.", decimal),
        SEED,
    ),
    'backward --model "input 1x2x2 | flatten | dense 2 | softmax" --input 1,2/3,4 --lr 0.05',
)
