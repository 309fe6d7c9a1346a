"""A run for another process: `killed_run.py FOLDER run|resume [SYSTEM_CALL]` dies at that fsync or replace."""

import os
import signal
import sys
from itertools import count

import numpy as np

import convscope as cs
from convscope.optim.schedules import OneCycle

NET = "input 1x6x5 | conv 4 3 same | bn | relu | stochasticpool 2 | flatten | dropout 0.3 | dense 3"
EPOCHS = 16


def data(size, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, size)
    x = rng.normal(size=(size, 1, 6, 5)) + labels[:, None, None, None]
    return x.astype(np.float32), labels


def train(folder, resume=False, **more):
    """Train with everything that draws at random, and everything that has state."""
    model = cs.Model(NET, seed=11)
    if resume:
        return model, model.fit(data(131, 0), validation=data(31, 1), resume=folder, progress=False)
    history = model.fit(
        data(131, 0),
        epochs=EPOCHS,
        batch_size=8,
        optimizer=cs.AdamW(lr=0.02),
        validation=data(31, 1),
        schedule=OneCycle(),
        clip_norm=0.5,
        augment="shift=1,flip",
        checkpoint_every=5,
        history="150kB",
        run=folder,
        progress=False,
        **more,
    )
    return model, history


def die_at(number):
    """Kill this process at one of its calls that make files durable."""
    calls = count(1)

    def dying(call):
        def wrapped(*arguments):
            if next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments)

        return wrapped

    os.fsync, os.replace = dying(os.fsync), dying(os.replace)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        die_at(int(sys.argv[3]))
    train(sys.argv[1], resume=sys.argv[2] == "resume")
