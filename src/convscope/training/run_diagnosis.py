"""Diagnoses of a training run, from its log."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..analysis.diagnosis import Finding
from ..analysis.diagnosis.finding import SEVERITIES
from ..text.language import Message
from ..text.lists import listed
from .history import Epoch, Event, history_of, loss_text
from .run_folder import RunFolder

DEAD_SHARE = 0.1
"""Minimum fraction of dead units in a layer for a finding."""

SATURATED_SHARE = 0.5
SMALL_GRADIENT_RATIO = 1e-3
LARGE_UPDATE, SMALL_UPDATE = 0.1, 1e-6
OVERFITTING_GAP = 0.05
"""Thresholds of findings. The gap is that between training and validation accuracy."""

EXPLODED = 1000.0
"""Ratio of the last loss to the first one that counts as divergence, even if the run was not stopped for it."""


class _Record(NamedTuple):
    """A parsed log: epochs, layer statistics of the last epoch, and why the run stopped.

    `first_loss` is that of the first step, `constant` the class that the model predicts for every image.
    """

    epochs: tuple[Epoch, ...]
    layers: Mapping[str, Mapping[str, Any]]
    stop: Event | None
    first_loss: float | None = None
    constant: str | None = None


def diagnose_run(folder: str | Path) -> list[Finding]:
    """Return the findings about a run, the most severe first.

    Units:    a unit is a channel or a feature; norms are means over the observed steps of the last epoch
    Raises:   as `RunFolder.events`
    """
    events = RunFolder(Path(folder)).events()
    epochs = [event for event in events if event.get("event") == "epoch"]
    stop = next((event for event in reversed(events) if event.get("event") == "stop"), None)
    steps = (event for event in events if event.get("event") == "step")
    first = next((event.get("loss") for event in steps if event.get("step") == 0), None)
    last: Event = epochs[-1] if epochs else {"layers": {}}
    record = _Record(history_of(events).epochs, _known(last.get("layers", {})), stop, first, last.get("constant"))
    failed = [*_not_finite(record), *_diverged(record)] or [*_constant(record)]
    # The speed of learning is irrelevant if training failed.
    families = (_dead_units, _saturation, _vanishing, _updates, *(() if failed else (_learning, _overfitting)))
    found = failed + [finding for family in families for finding in family(record)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _known(layers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Drop values that are null in the log, since they were not finite."""
    return {layer: {name: v for name, v in seen.items() if v is not None} for layer, seen in layers.items()}


def _not_finite(record: _Record) -> Iterator[Finding]:
    if record.stop is not None and record.stop["reason"] == "not finite":
        step, layer = record.stop["step"], record.stop.get("layer", "")
        yield Finding(
            "not-finite",
            "risk",
            (layer,),
            Message(
                "training stopped at step {step}: NaN or infinity occurred first in {layer}",
                step=step,
                layer=layer,
            ),
            Message("lower the learning rate, or clip the gradient norm to 1"),
            {"step": step},
        )


_STABILIZE = Message("lower the learning rate by a factor of 10, clip the gradient norm to 1, or use a warm-up")


def _diverged(record: _Record) -> Iterator[Finding]:
    stop, last = record.stop, record.epochs[-1] if record.epochs else None
    if stop is not None and stop["reason"] == "diverged":
        since, loss, level = stop["since"], stop["loss"], stop["level"]
        yield Finding(
            "diverged",
            "risk",
            (),
            Message(
                "training diverged: from step {since} on the loss stayed far above its initial level ({level}); "
                "it ended at {loss}",
                since=since,
                level=loss_text(level),
                loss=loss_text(loss),
            ),
            Message("{advice}; best.safetensors, if present, is from an earlier epoch", advice=_STABILIZE),
            {"since": since, "step": stop["step"], "loss": loss, "level": level},
        )
    elif last is not None and record.first_loss and last.loss > EXPLODED * record.first_loss:
        yield Finding(
            "diverged",
            "risk",
            (),
            Message(
                "training diverged: the loss was {first} in the first step and {loss} in epoch {epoch}, up to "
                "step {step}",
                first=loss_text(record.first_loss),
                loss=loss_text(last.loss),
                epoch=last.epoch,
                step=last.step,
            ),
            _STABILIZE,
            {"step": last.step, "loss": last.loss, "level": record.first_loss},
        )


def _constant(record: _Record) -> Iterator[Finding]:
    if record.constant is not None:
        yield Finding(
            "constant-predictor",
            "risk",
            (),
            Message(
                "after epoch {epoch} the model predicts class {name!r} for every image",
                epoch=record.epochs[-1].epoch,
                name=record.constant,
            ),
            Message(
                "lower the learning rate; check that labels match their images and that all pixels have one scale"
            ),
            {"class": record.constant, "epoch": record.epochs[-1].epoch},
        )


def _dead_units(record: _Record) -> Iterator[Finding]:
    for layer, seen in record.layers.items():
        dead, units = seen.get("dead", 0), seen.get("units", 0)
        if units and dead >= max(1, DEAD_SHARE * units):
            yield Finding(
                "dead-units",
                "risk" if 2 * dead >= units else "waste",
                (layer,),
                Message(
                    "{dead} of {units} units of {layer} ({percent:.0f} %) output 0 for every image: dead, no "
                    "gradient reaches them",
                    dead=dead,
                    units=units,
                    layer=layer,
                    percent=100 * dead / units,
                ),
                Message("lower the learning rate, use LeakyReLU, or add batch normalization before it"),
                {"dead": dead, "units": units},
            )


def _saturation(record: _Record) -> Iterator[Finding]:
    for layer, seen in record.layers.items():
        share = seen.get("saturated", 0.0)
        if share >= SATURATED_SHARE:
            yield Finding(
                "saturated",
                "risk",
                (layer,),
                Message(
                    "{percent:.0f} % of the outputs of {layer} are saturated, where the slope is near 0: "
                    "gradients vanish",
                    percent=100 * share,
                    layer=layer,
                ),
                Message("use ReLU, smaller initial weights, or batch normalization before it"),
                {"saturated": share},
            )


def _vanishing(record: _Record) -> Iterator[Finding]:
    norms = {layer: seen["gradient_norm"] for layer, seen in record.layers.items() if "gradient_norm" in seen}
    if len(norms) < 2:
        return
    largest = max(norms, key=lambda layer: norms[layer])
    small = tuple(layer for layer, norm in norms.items() if norm < SMALL_GRADIENT_RATIO * norms[largest])
    if small:
        yield Finding(
            "vanishing-gradients",
            "risk",
            small,
            Message(
                "gradients of {layers} are less than a thousandth of those of {largest}",
                layers=listed(small),
                largest=largest,
            ),
            Message("use ReLU instead of sigmoid or tanh, batch normalization, or shortcut connections"),
            {"largest": norms[largest], **{layer: norms[layer] for layer in small}},
        )


def _updates(record: _Record) -> Iterator[Finding]:
    ratios = {layer: seen["update_ratio"] for layer, seen in record.layers.items() if "update_ratio" in seen}
    large = {layer: ratio for layer, ratio in ratios.items() if ratio > LARGE_UPDATE}
    if large:
        yield Finding(
            "large-updates",
            "risk",
            tuple(large),
            Message(
                "one step changes {layers} by up to {percent:.0f} % of its norm",
                layers=listed(large),
                percent=100 * max(large.values()),
            ),
            Message("lower the learning rate, or clip the gradient norm to 1"),
            large,
        )
    small = {layer: ratio for layer, ratio in ratios.items() if ratio < SMALL_UPDATE}
    if small and record.stop is None:
        yield Finding(
            "small-updates",
            "note",
            tuple(small),
            Message("one step changes {layers} by less than a millionth of its norm", layers=listed(small)),
            Message("raise the learning rate, unless training has converged"),
            small,
        )


def _learning(record: _Record) -> Iterator[Finding]:
    if len(record.epochs) < 2:
        return
    first, last = record.epochs[0], record.epochs[-1]
    if not last.loss < first.loss:
        yield Finding(
            "no-progress",
            "risk",
            (),
            Message(
                "the loss of epoch {epoch} ({last:.4g}) is not below that of the first epoch ({first:.4g})",
                epoch=last.epoch,
                last=last.loss,
                first=first.loss,
            ),
            Message("try a learning rate ten times smaller, then ten times larger"),
            {"first": first.loss, "last": last.loss},
        )
    checked = [epoch for epoch in record.epochs if epoch.validation_loss is not None]
    if checked and checked[-1] is min(checked, key=_validation_loss):
        yield Finding(
            "still-improving",
            "note",
            (),
            Message(
                "the validation loss was lowest in the last epoch ({loss:.4g})", loss=checked[-1].validation_loss
            ),
            Message("train for more epochs"),
            {"epochs": len(record.epochs)},
        )


def _overfitting(record: _Record) -> Iterator[Finding]:
    last = record.epochs[-1] if record.epochs else None
    if last is None or last.validation_accuracy is None:
        return
    gap = last.accuracy - last.validation_accuracy
    if gap > OVERFITTING_GAP:
        yield Finding(
            "overfitting",
            "risk",
            (),
            Message(
                "accuracy is {training:.1f} % on the training images, but {validation:.1f} % on the validation "
                "images",
                training=100 * last.accuracy,
                validation=100 * last.validation_accuracy,
            ),
            Message("use more data or augmentation, dropout, weight decay, or fewer parameters"),
            {"gap": gap},
        )


def _validation_loss(epoch: Epoch) -> float:
    return math.inf if epoch.validation_loss is None else epoch.validation_loss
