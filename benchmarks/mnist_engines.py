"""Accuracy and time on MNIST for each engine, with the same network, settings and seeds.

The network and the settings are those of `mnist_accuracy.py`. Its only convolution reads one channel, where
Winograd's algorithm does not pay, so fast and strict are the same there; `--model two-convolutions` has one that
reads 32. The original files are read from --data-dir or CONVSCOPE_DATA, or downloaded once. Epochs
are timed after a step that compiles; times include shifting the images.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

import convscope as cs
from convscope.bench.networks import DIGITS
from convscope.data import Dataset, Subset, load_data
from convscope.data.transforms import parse_augmentation
from timing import machine

BATCH = 64


class Way(NamedTuple):
    """An engine, its precision, and the number of seeds."""

    engine: str
    precision: str
    seeds: int

    def __str__(self) -> str:
        return self.engine if self.engine == "reference" else f"{self.engine} {self.precision}"


class Trained(NamedTuple):
    """One run. Units: accuracy from 0 to 1, seconds for one epoch."""

    accuracy: float
    loss: float
    epoch_seconds: float


def trained(model_name: str, way: Way, seed: int, train: Dataset, test: Dataset, epochs: int) -> Trained:
    """Train by the recipe, and evaluate."""
    model = cs.Model(model_name, seed=seed, engine=way.engine, precision=way.precision)
    optimizer = cs.AdamW(lr=2e-3, weight_decay=1e-2)
    _warm_up(way, optimizer, train, model)
    start = time.perf_counter()
    model.fit(
        train,
        epochs=epochs,
        batch_size=BATCH,
        optimizer=optimizer,
        schedule="one-cycle",
        augment=parse_augmentation("shift=1"),
        progress=False,
    )
    seconds = time.perf_counter() - start
    result = model.evaluate(test)
    return Trained(result["accuracy"], result["loss"], seconds / epochs)


def _warm_up(way: Way, optimizer: cs.AdamW, train: Dataset, model: cs.Model) -> None:
    """Make a step with a model of its own: what it generates is there for the one that is timed."""
    twin = cs.Model(model.network, engine=way.engine, precision=way.precision)
    twin.compile(optimizer)
    twin.train_step(*train.batch(np.arange(min(BATCH, len(train)))))


def runs(
    model: str, ways: list[Way], train: Dataset, test: Dataset, epochs: int
) -> Iterator[tuple[Way, list[Trained]]]:
    """Train every way with all its seeds, telling each result."""
    for way in ways:
        done: list[Trained] = []
        for seed in range(way.seeds):
            done.append(trained(model, way, seed, train, test, epochs))
            last = done[-1]
            print(
                f"{way!s:<14}  seed {seed}  accuracy {last.accuracy:.2%}  loss {last.loss:.4f}  "
                f"{last.epoch_seconds:.1f} s an epoch",
                flush=True,
            )
        yield way, done


def summary(way: Way, done: list[Trained], reference_seconds: float | None) -> str:
    """Return a line with the mean, its spread over seeds, and the time beside the reference's."""
    accuracies = [run.accuracy for run in done]
    spread = f" ± {statistics.stdev(accuracies):.2%}" if len(done) > 1 else ""
    seconds = statistics.median(run.epoch_seconds for run in done)
    many = f"{len(done)} seed{'s' if len(done) > 1 else ''}"
    text = f"{way!s:<14}  {statistics.mean(accuracies):.2%}{spread} over {many}, {seconds:.1f} s an epoch"
    return (
        text if reference_seconds is None else f"{text}, {reference_seconds / seconds:.1f}× the reference's speed"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", help="the folder of the four files of MNIST")
    parser.add_argument("--model", default="digits", help="digits, two-convolutions, or any other MODEL")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the native engine (default: 3)")
    parser.add_argument("--reference-seeds", type=int, default=1, help="of the reference engine (default: 1)")
    parser.add_argument("--subset", type=int, help="number of training images (default: all)")
    chosen = parser.parse_args()
    train, test = (load_data("mnist", split, data_dir=chosen.data_dir) for split in ("train", "test"))
    if chosen.subset is not None:
        train = Subset(train, np.arange(min(chosen.subset, len(train))))
    ways = [Way("native", "fast", chosen.seeds), Way("native", "strict", chosen.seeds)]
    ways += [Way("reference", "fast", chosen.reference_seeds)] if chosen.reference_seeds else []
    model = DIGITS if chosen.model == "two-convolutions" else chosen.model
    print(
        f"{chosen.model} on MNIST, {len(train):,} images, {chosen.epochs} epochs, batches of {BATCH}; {machine()}"
    )
    results = dict(runs(model, ways, train, test, chosen.epochs))
    slow = [run.epoch_seconds for way, done in results.items() if way.engine == "reference" for run in done]
    print()
    for way, done in results.items():
        print(summary(way, done, statistics.median(slow) if slow else None))


if __name__ == "__main__":
    main()
