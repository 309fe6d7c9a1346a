"""Training steps compared with PyTorch, from the same parameters on the same batches, in float64."""

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs

# A bias before batch norm has no gradient but rounding, which Adam would blow up to steps of its own.
NET = """input 2x7x6 | conv 5 3x2 s1x2 p1x0 nobias | bn | relu | maxpool 2x1 | conv 4 2 | tanh | flatten | dense 6 | sigmoid
| dense 3"""

RULES = {
    "sgd": (cs.SGD(lr=0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (cs.SGD(lr=0.1, momentum=0.9), lambda p: torch.optim.SGD(p, 0.1, 0.9)),
    "nesterov": (
        cs.SGD(lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.02),
        lambda p: torch.optim.SGD(p, 0.1, 0.8, weight_decay=0.02, nesterov=True),
    ),
    "decay": (cs.SGD(lr=0.1, weight_decay=0.05), lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.05)),
    "adam": (
        cs.Adam(lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.03),
        lambda p: torch.optim.Adam(p, 0.02, (0.8, 0.95), 1e-6, 0.03),
    ),
    "adam-plain": (cs.Adam(), lambda p: torch.optim.Adam(p)),
    "adamw": (
        cs.AdamW(lr=0.02, betas=(0.7, 0.9), weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.02, (0.7, 0.9), weight_decay=0.1),
    ),
    "adamw-plain": (cs.AdamW(), lambda p: torch.optim.AdamW(p)),
}


def twins() -> tuple[cs.Model, nn.Sequential, dict[str, str]]:
    """Return a model, a PyTorch module with its parameters, and the mapping between their names."""
    model = cs.Model(NET.replace("\n", " "), seed=3, dtype="float64")
    module = nn.Sequential(
        nn.Conv2d(2, 5, (3, 2), (1, 2), (1, 0), bias=False),
        nn.BatchNorm2d(5),
        nn.ReLU(),
        nn.MaxPool2d((2, 1)),
        nn.Conv2d(5, 4, 2),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(16, 6),
        nn.Sigmoid(),
        nn.Linear(6, 3),
    ).double()
    layers = {"conv1": 0, "bn1": 1, "conv2": 4, "dense1": 7, "dense2": 9}
    names = {
        name: f"{layers[name.split('.')[0]]}.{name.split('.')[1]}" for name in (*model.parameters, *model.buffers)
    }
    arrays = {**model.parameters, **model.buffers}
    module.load_state_dict({names[k]: torch.tensor(v) for k, v in arrays.items()}, strict=False)
    return model, module, names


def batches(count):
    rng = np.random.default_rng(5)
    return [(rng.normal(size=(9, 2, 7, 6)), rng.integers(0, 3, 9)) for _ in range(count)]


def same(model, module, names, rtol=1e-9):
    theirs = module.state_dict()
    for name, other in names.items():
        array = model.parameters[name] if name in model.parameters else model.buffers[name]
        np.testing.assert_allclose(array, theirs[other].numpy(), rtol=rtol, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("rule", RULES)
def test_twenty_steps_match_pytorch(rule):
    """The losses, and the final parameters and running statistics."""
    optimizer, make = RULES[rule]
    model, module, names = twins()
    model.compile(optimizer)
    theirs = make(module.parameters())
    for x, labels in batches(20):
        theirs.zero_grad()
        loss = nn.functional.cross_entropy(module(torch.tensor(x)), torch.tensor(labels))
        loss.backward()
        theirs.step()
        assert model.train_step(x, labels) == pytest.approx(loss.item(), rel=1e-9)
    same(model, module, names)


def test_clipping_matches_clip_grad_norm():
    """The norm is over all parameters together; small gradients are unchanged."""
    for clip in (0.05, 1e6):
        model, module, names = twins()
        model.compile(cs.SGD(lr=0.3, momentum=0.5), clip_norm=clip)
        theirs = torch.optim.SGD(module.parameters(), 0.3, 0.5)
        for x, labels in batches(5):
            theirs.zero_grad()
            nn.functional.cross_entropy(module(torch.tensor(x)), torch.tensor(labels)).backward()
            nn.utils.clip_grad_norm_(module.parameters(), clip)
            theirs.step()
            model.train_step(x, labels)
        same(model, module, names)


def test_gradients_match_pytorch_and_change_nothing():
    model, module, names = twins()
    ((x, labels),) = batches(1)
    before = {**model.parameters, **model.buffers}
    gradients = model.gradients(x, labels)
    nn.functional.cross_entropy(module(torch.tensor(x)), torch.tensor(labels)).backward()
    theirs = dict(module.named_parameters())
    assert set(gradients) == set(model.parameters)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, theirs[names[name]].grad.numpy(), rtol=1e-9, atol=1e-14)
    for name, array in {**model.parameters, **model.buffers}.items():
        np.testing.assert_array_equal(array, before[name])


def test_prediction_matches_pytorch_in_evaluation_mode():
    """With the running statistics, and softmax on top of the logits."""
    model, module, _ = twins()
    for x, labels in batches(3):
        model.train_step(x, labels)
        nn.functional.cross_entropy(module(torch.tensor(x)), torch.tensor(labels))
    names = {k: torch.tensor(v) for k, v in {**model.parameters, **model.buffers}.items()}
    layers = {"conv1": "0", "bn1": "1", "conv2": "4", "dense1": "7", "dense2": "9"}
    state = {f"{layers[k.split('.')[0]]}.{k.split('.')[1]}": v for k, v in names.items()}
    module.load_state_dict(state, strict=False)
    module.eval()
    x = batches(1)[0][0]
    with torch.no_grad():
        logits = module(torch.tensor(x))
    np.testing.assert_allclose(model.logits(x), logits.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.predict(x), logits.softmax(1).numpy(), rtol=1e-9)


@pytest.mark.parametrize(
    ("end", "loss", "theirs"),
    [
        ("", "cross_entropy", lambda z, t: nn.functional.cross_entropy(z, t)),
        (" | softmax", "cross_entropy", lambda z, t: nn.functional.cross_entropy(z, t)),
        (" | logsoftmax", "cross_entropy", lambda z, t: nn.functional.cross_entropy(z, t)),
        ("", "mse", lambda z, t: nn.functional.mse_loss(z, nn.functional.one_hot(t, 3).double())),
        (
            " | softmax",
            "mse",
            lambda z, t: nn.functional.mse_loss(z.softmax(1), nn.functional.one_hot(t, 3).double()),
        ),
        (
            "",
            "bce",
            lambda z, t: nn.functional.binary_cross_entropy_with_logits(z, nn.functional.one_hot(t, 3).double()),
        ),
        (
            " | sigmoid",
            "bce",
            lambda z, t: nn.functional.binary_cross_entropy_with_logits(z, nn.functional.one_hot(t, 3).double()),
        ),
    ],
)
def test_last_layer_decides_which_output_a_loss_reads(end, loss, theirs):
    """With or without a final softmax, log-softmax or sigmoid, loss and gradients are the same."""
    model = cs.Model(f"input 2x3x4 | flatten | dense 3{end}", dtype="float64")
    model.compile(loss=loss)
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(5, 2, 3, 4)), np.array([0, 2, 1, 1, 0])
    weight = torch.tensor(model.parameters["dense1.weight"].copy(), requires_grad=True)
    wanted = theirs(torch.tensor(x).flatten(1) @ weight.T, torch.tensor(labels))
    wanted.backward()
    np.testing.assert_allclose(model.gradients(x, labels)["dense1.weight"], weight.grad, rtol=1e-9, atol=1e-14)
    assert model.evaluate((x.astype(np.float64), labels))["loss"] == pytest.approx(wanted.item(), rel=1e-6)
