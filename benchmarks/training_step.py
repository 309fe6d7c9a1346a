"""Training step of the digits network, batch 64: reference engine compared with PyTorch, loops with im2col.
im2col.

PyTorch runs eagerly with fused SGD, in the faster of its two memory layouts. Threads are the
libraries' default.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import convscope as cs
from convscope.engines.reference.layers import run
from timing import alternately, machine

BATCH = 64


def torch_step(layout: torch.memory_format, x: np.ndarray, labels: np.ndarray):
    """Return a function that makes one step of the same network in PyTorch."""
    net = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(6272, 128),
        nn.ReLU(),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    ).to(memory_format=layout)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, fused=True)
    images, classes = torch.from_numpy(x).to(memory_format=layout), torch.from_numpy(labels)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), classes).backward()
        optimizer.step()

    return step


def main() -> None:
    generator = np.random.default_rng(0)
    x = generator.random((BATCH, 1, 28, 28), dtype=np.float32)
    labels = generator.integers(0, 10, BATCH)
    model = cs.Model("digits", seed=0, engine="reference")
    model.compile(optimizer=cs.SGD(lr=0.05, momentum=0.9), loss="cross_entropy")
    print(f"digits network, batch {BATCH}, engine {model.engine}; {machine()}")
    peers = []
    for layout in (torch.contiguous_format, torch.channels_last):
        ours, theirs = alternately(lambda: model.train_step(x, labels), torch_step(layout, x, labels), runs=21)
        peers.append(ours / theirs)
        print(f"{layout}: ours {ours * 1e3:.1f} ms, PyTorch {theirs * 1e3:.1f} ms, {ours / theirs:.2f}× its time")
    print(f"compared with PyTorch's faster layout: {max(peers):.2f}× its time")

    parameters = {name: np.array(model.parameters[name]) for name in model.parameters}

    def one_image(twin: str):
        def step() -> None:
            forward = run(model.network, x[:1], parameters, training=True, twin=twin)
            forward.backward(np.ones_like(forward.output))

        return step

    matrix, loops = alternately(one_image("matrix"), one_image("loops"), runs=3)
    print(
        f"forward and backward of one image: matrices {matrix * 1e3:.2f} ms, loops {loops * 1e3:.0f} ms, "
        f"{loops / matrix:.0f}×"
    )


if __name__ == "__main__":
    main()
