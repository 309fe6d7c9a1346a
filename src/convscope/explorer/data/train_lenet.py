"""Train the network that `convscope explore` shows first: `python src/convscope/explorer/data/train_lenet.py`.

LeNet-5 on the bundled handwritten digits, enlarged to 28×28 pixels, with shifts and rotations, so that it reads
digits that are drawn with a mouse, too.
"""

from __future__ import annotations

from pathlib import Path

from convscope.data import load_data
from convscope.data.transforms import resize_dataset
from convscope.model import Model
from convscope.optim.optimizers import Adam

TARGET = Path(__file__).with_name("lenet-digits.safetensors")


def main() -> None:
    """Train, and write the weights beside this file."""
    parts = [resize_dataset(load_data("digits", part), size=(28, 28)) for part in ("train", "validation", "test")]
    model = Model("lenet", seed=1)
    model.fit(
        parts[0],
        validation=parts[1],
        epochs=60,
        optimizer=Adam(lr=0.003),
        schedule="cosine",
        augment="shift=3,rotate=12",
        progress=False,
    )
    print(model.evaluate(parts[2]))
    model.save(TARGET)


if __name__ == "__main__":
    main()
