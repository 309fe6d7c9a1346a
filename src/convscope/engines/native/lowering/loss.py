"""The loss, between the forward and the backward pass."""

from __future__ import annotations

from ....optim.losses import CrossEntropy, Objective
from ....text.language import Message
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
    """Add the loss and the gradient of the scores."""
    scores = lowering.values[objective.scores]
    if isinstance(objective.loss, CrossEntropy) and len(scores.shape) == 1:
        _cross_entropy(objective.loss, scores, lowering)
    else:
        _on_reference(objective, scores, lowering)


def lower_target(layer: str, lowering: Lowering) -> None:
    """Add the gradient of a layer's output, which a function in Python computes from it."""
    plain = lowering.layouts.plain(lowering.values[layer])
    gradient = lowering.tape.gradient_buffer(plain)

    def run(context: FallbackContext) -> None:
        values = context.memory(plain.buffer).reshape(context.batch, *plain.shape)
        context.memory(gradient)[...] = context.target_gradient(values.copy()).reshape(context.batch, -1)

    reason = Message("the gradient of the target")
    lowering.builder.add(FallbackStep(run, (plain.buffer, gradient), layer, "gradient", reason))
    lowering.tape.contribute(plain, Gradient(gradient))


def _cross_entropy(loss: CrossEntropy, scores: Value, lowering: Lowering) -> None:
    blocked = lowering.layouts.blocked(scores)
    kernel = SoftmaxCrossEntropy(scores.shape[0], lowering.lanes, loss.label_smoothing)
    gradient = lowering.tape.gradient_buffer(blocked)
    buffers = {
        name: lowering.builder.buffer(name, per_image=1)
        for name in (PlanValue.LABELS, PlanValue.LOSSES, PlanValue.CORRECT)
    }
    for name, buffer in buffers.items():
        lowering.builder.keep(name, Value(name, buffer, Plain((1,)), (1,)))
    lowering.builder.call(
        kernel,
        "loss",
        "forward and gradient",
        Message("fused, stable for any scores"),
        logits=blocked.buffer,
        labels=buffers[PlanValue.LABELS],
        dlogits=gradient,
        losses=buffers[PlanValue.LOSSES],
        hits=buffers[PlanValue.CORRECT],
        scale=MEAN,
    )
    lowering.tape.contribute(blocked, Gradient(gradient))


def _on_reference(objective: Objective, scores: Value, lowering: Lowering) -> None:
    plain = lowering.layouts.plain(scores)
    gradient = lowering.tape.gradient_buffer(plain)

    def run(context: FallbackContext) -> None:
        array = context.memory(plain.buffer).reshape(context.batch, *plain.shape)
        result = score(objective.loss, array, context.labels)
        context.memory(gradient)[...] = result.gradient.reshape(context.batch, -1)
        context.result = StepResult(result.loss, result.correct, result.targets)

    reason = Message(
        "no kernel for {loss} on {axes} axes", loss=type(objective.loss).__name__, axes=len(scores.shape)
    )
    lowering.builder.add(FallbackStep(run, (plain.buffer, gradient), "loss", "forward and gradient", reason))
    lowering.tape.contribute(plain, Gradient(gradient))
