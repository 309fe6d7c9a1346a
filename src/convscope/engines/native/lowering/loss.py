"""The loss between the forward and the backward pass."""

from __future__ import annotations

from ....optim.losses import CrossEntropy, Objective
from ...common.losses import score
from ...protocol import StepResult
from ..kernels.activation.softmax import SoftmaxCrossEntropy
from ..layout import Plain
from ..plan import FallbackStep, PlanValue, RuntimeArg, Value
from ..runtime.fallback import FallbackContext
from .lowering import Gradient, Lowering

MEAN = RuntimeArg("mean")
"""The factor of each image's loss: 1 / batch size."""


def lower_loss(objective: Objective, lowering: Lowering) -> None:
    """Write the loss and start its gradient."""
    scores = lowering.values[objective.scores]
    if isinstance(objective.loss, CrossEntropy) and len(scores.shape) == 1:
        _cross_entropy(objective.loss, scores, lowering)
    else:
        _on_reference(objective, scores, lowering)


def _cross_entropy(loss: CrossEntropy, scores: Value, lowering: Lowering) -> None:
    blocked = lowering.blocked(scores)
    kernel = SoftmaxCrossEntropy(scores.shape[0], lowering.lanes, loss.label_smoothing)
    gradient = lowering.buffer(f"gradient of {blocked.key}", per_image=blocked.layout.floats)
    made = {
        name: lowering.buffer(name, per_image=1)
        for name in (PlanValue.LABELS, PlanValue.LOSSES, PlanValue.CORRECT)
    }
    for name, buffer in made.items():
        lowering.values[name] = Value(name, buffer, Plain((1,)), (1,))
        lowering.keep_value(name)
    lowering.call(
        kernel,
        "loss",
        "forward and gradient",
        "in one: stable for any scores",
        logits=blocked.buffer,
        labels=made[PlanValue.LABELS],
        dlogits=gradient,
        losses=made[PlanValue.LOSSES],
        hits=made[PlanValue.CORRECT],
        scale=MEAN,
    )
    lowering.contribute(blocked, Gradient(gradient))


def _on_reference(objective: Objective, scores: Value, lowering: Lowering) -> None:
    plain = lowering.plain(scores)
    gradient = lowering.buffer(f"gradient of {plain.key}", per_image=plain.layout.floats)

    def run(hand: FallbackContext) -> None:
        array = hand.memory(plain.buffer).reshape(hand.batch, *plain.shape)
        got = score(objective.loss, array, hand.labels)
        hand.memory(gradient)[...] = got.gradient.reshape(hand.batch, -1)
        hand.result = StepResult(got.loss, got.correct, got.targets)

    reason = f"no kernel for {type(objective.loss).__name__} on {len(scores.shape)} axes"
    lowering.add(FallbackStep(run, (plain.buffer, gradient), "loss", "forward and gradient", reason))
    lowering.contribute(plain, Gradient(gradient))
