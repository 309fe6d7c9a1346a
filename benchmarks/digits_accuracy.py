"""Test accuracy of LeNet-5 on the bundled handwritten digits.

The 8×8 images are resized to LeNet's 28×28. The test part is used once, at the end.
"""

from __future__ import annotations

import argparse
import time

import convscope as cs
from convscope.data import load_data
from convscope.data.transforms import resize_dataset
from timing import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    train, test = (resize_dataset(load_data("digits", split), size=(28, 28)) for split in ("train", "test"))
    model = cs.Model("lenet", seed=chosen.seed)
    start = time.perf_counter()
    model.fit(
        train,
        epochs=chosen.epochs,
        batch_size=32,
        optimizer=cs.Adam(lr=2e-3),
        schedule="one-cycle",
        progress=False,
    )
    seconds = time.perf_counter() - start
    print(f"LeNet-5 on digits, engine {model.engine}, seed {chosen.seed}; {machine()}")
    print(f"{chosen.epochs} epochs on {len(train)} images in {seconds:.0f} s")
    print(f"test accuracy {model.evaluate(test)['accuracy']:.2%} of {len(test)} images")


if __name__ == "__main__":
    main()
