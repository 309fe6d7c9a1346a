"""Frozen parameters: on every engine they stay, bit for bit, and the others move as PyTorch moves them."""

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs
from convscope.errors import BadSetting
from convscope.training.model_io import read_model_file

NET = (
    "input 3x8x7 | conv 6 3x2 p1x0 frozen | bn frozen | relu | conv 5 2 frozen=bias | bn | relu"
    " | conv 4 1 frozen=weight | prelu frozen | flatten | dense 9 frozen | relu | dense 4"
)
"""The first layers frozen as a whole, then in part, then one between trained ones."""

FROZEN = {"conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "conv2.bias", "conv3.weight", "prelu1.weight"}
FROZEN |= {"dense1.weight", "dense1.bias"}

OPTIMIZERS = {
    "sgd": (
        cs.SGD(lr=0.05, momentum=0.9, weight_decay=0.03),
        lambda found: torch.optim.SGD(found, 0.05, momentum=0.9, weight_decay=0.03),
    ),
    "adam": (cs.Adam(lr=0.01, weight_decay=0.03), lambda found: torch.optim.Adam(found, 0.01, weight_decay=0.03)),
    "adamw": (cs.AdamW(lr=0.01, weight_decay=0.2), lambda found: torch.optim.AdamW(found, 0.01, weight_decay=0.2)),
}


def moved(model):
    """Return the model with running statistics and factors unlike those of a fresh one."""
    generator = np.random.default_rng(5)
    for arrays in (model.parameters, model.buffers):
        for name in arrays:
            arrays[name] = arrays[name] + 0.2 * generator.random(arrays.shape(name))
    return model


def batches(count, dtype=np.float64):
    generator = np.random.default_rng(8)
    return [
        (generator.normal(size=(11, 3, 8, 7)).astype(dtype), generator.integers(0, 4, 11)) for _ in range(count)
    ]


def twin(model):
    """Return the same network written in PyTorch, with the model's arrays and its frozen parameters."""
    names = ["conv1", "bn1", "", "conv2", "bn2", "", "conv3", "prelu1", "", "dense1", "", "dense2"]
    module = nn.Sequential(
        nn.Conv2d(3, 6, (3, 2), padding=(1, 0)), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Conv2d(6, 5, 2), nn.BatchNorm2d(5), nn.ReLU(),
        nn.Conv2d(5, 4, 1), nn.PReLU(), nn.Flatten(), nn.Linear(4 * 7 * 5, 9), nn.ReLU(), nn.Linear(9, 4),
    ).double()  # fmt: skip
    arrays = {**model.parameters, **model.buffers}
    tensors = {}
    for name, layer in zip(names, module, strict=True):
        for own, tensor in [*layer.named_parameters(), *layer.named_buffers()]:
            if not own.startswith("num"):
                tensor.data = torch.tensor(arrays[f"{name}.{own}"])
                tensors[f"{name}.{own}"] = tensor
    for name in FROZEN:
        tensors[name].requires_grad_(False)
    return module, tensors


@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_matches_pytorch_with_frozen_parameters(optimizer, clip):
    """The first batch norm stays in evaluation mode, as fine-tuning does; clipping is over what is trained."""
    ours, make = OPTIMIZERS[optimizer]
    model = moved(cs.Model(NET, seed=2, engine="reference", dtype="float64"))
    assert model.network.frozen_parameters == FROZEN
    model.compile(ours, clip_norm=clip)
    module, tensors = twin(model)
    learned = [tensor for name, tensor in tensors.items() if tensor.requires_grad]
    theirs = make(learned)
    for x, labels in batches(6):
        module.train()
        module[1].eval()
        loss = nn.functional.cross_entropy(module(torch.tensor(x)), torch.tensor(labels))
        theirs.zero_grad()
        loss.backward()
        found = model.gradients(x, labels)
        assert set(found) == set(model.parameters) - FROZEN
        for name, gradient in found.items():
            np.testing.assert_allclose(gradient, tensors[name].grad.numpy(), rtol=1e-9, atol=1e-12)
        if clip is not None:
            nn.utils.clip_grad_norm_(learned, clip)
        theirs.step()
        assert model.train_step(x, labels) == pytest.approx(loss.item(), rel=1e-11)
    for name, array in {**model.parameters, **model.buffers}.items():
        np.testing.assert_allclose(array, tensors[name].detach().numpy(), rtol=1e-8, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("engine", ["native", "reference", "torch"])
def test_frozen_parameters_are_bit_identical_after_steps(engine, optimizer):
    """Weight decay, momentum and observed steps do not touch them, nor the statistics of a frozen batch norm."""
    model = moved(cs.Model(NET, seed=2, engine=engine))
    exact = moved(cs.Model(NET, seed=2, engine="reference", dtype="float64"))
    for one in (model, exact):
        one.compile(OPTIMIZERS[optimizer][0], clip_norm=0.8)
    before = {**model.parameters, **model.buffers}
    for at, (x, labels) in enumerate(batches(4, np.float32)):
        gradients, wanted = model.gradients(x, labels), exact.gradients(x.astype(np.float64), labels)
        assert set(gradients) == set(wanted)
        if at == 0:
            for name, gradient in gradients.items():
                scale = np.abs(wanted[name]).max()
                assert np.abs(gradient - wanted[name]).max() <= 1e-4 * scale, name
        result = model.step(x, labels, 0.02, observe=at % 2 == 1)
        assert result.loss == pytest.approx(exact.step(x.astype(np.float64), labels, 0.02).loss, rel=1e-3)
    statistics = model.program.statistics()
    assert statistics["conv1"].gradient_norm is None if "conv1" in statistics else True
    assert statistics["dense2"].gradient_norm > 0
    still = FROZEN | {"bn1.running_mean", "bn1.running_var"}
    for name, array in {**model.parameters, **model.buffers}.items():
        assert (array.tobytes() == before[name].tobytes()) is (name in still), name
    slots = {name.rpartition(".")[2] for name in model.program.names()} & {
        "momentum",
        "first_moment",
        "second_moment",
    }
    for slot in slots:
        kept = {name.removesuffix(f".{slot}") for name in model.program.names() if name.endswith(slot)}
        assert kept == set(model.parameters) - FROZEN


OTHER_LAYERS = [
    "convtranspose 4 3 s2 {} | relu | bn",
    "dwconv 3 {} | bn {} | relu",
    "conv 4 3 g2 {} | bn",
    "groupnorm 2 {} | conv 4 3",
    "layernorm {} | conv 4 3",
    "bn affine=false {} | conv 4 3",
    "bn {} | sigmoid | conv 4 3 {}",
    "a: conv 6 3 p1 {} | relu | b: conv 6 3 p1 share=a | r: add a b | bn {} | relu",
    "n: bn {} | r: add n c | relu | conv 4 3",
    "flatten | dense 7 frozen=bias | layernorm {}",
]


@pytest.mark.parametrize("layers", OTHER_LAYERS)
@pytest.mark.parametrize("engine", ["native", "torch"])
def test_frozen_layers_of_every_kind_match_the_reference(engine, layers):
    """Between trained layers, so that gradients pass through them; frozen first, so that none need to."""
    for first in ("", "frozen"):
        text = f"input 4x9x8 | c: conv 6 3x2 {first} | {layers.format('frozen', 'frozen')} | flatten | dense 3"
        network = cs.load(text)
        model = moved(cs.Model(network, seed=3, engine=engine))
        exact = moved(cs.Model(network, seed=3, engine="reference", dtype="float64"))
        for one in (model, exact):
            one.compile(cs.SGD(lr=0.05, momentum=0.9, weight_decay=0.01))
        before = {**model.parameters, **model.buffers}
        generator = np.random.default_rng(9)
        for _ in range(3):
            x, labels = generator.normal(size=(7, 4, 9, 8)), generator.integers(0, 3, 7)
            loss = model.train_step(x.astype(np.float32), labels)
            assert loss == pytest.approx(exact.train_step(x, labels), rel=1e-4)
        still = network.frozen_parameters
        for name, array in model.parameters.items():
            scale = np.abs(exact.parameters[name]).max()
            assert np.abs(array - exact.parameters[name]).max() <= 1e-4 * scale, name
            assert (array.tobytes() == before[name].tobytes()) is (name in still), name
        for name, array in model.buffers.items():
            kept = network[name.partition(".")[0]].is_frozen
            assert (array.tobytes() == before[name].tobytes()) is kept, name


def test_frozen_layers_need_no_gradient_kernels():
    """Nothing behind the last trained layer is written: no weight gradients, no input gradients."""
    network = cs.load(
        "input 3x9x8 | conv 5 3 frozen | bn frozen | relu | conv 4 3 frozen | relu | flatten | dense 3"
    )
    plan = cs.Model(network).program.plan("training")
    assert {step.layer for step in plan.sections["backward"]} == {"dense1"}


@pytest.mark.parametrize("engine", ["native", "reference", "torch"])
def test_resumed_run_with_frozen_layers_ends_bit_identical(tmp_path, engine):
    x, labels = batches(1, np.float32)[0]
    for epochs, run in ((4, "whole"), (2, "part")):
        cs.Model(NET, seed=2, engine=engine).fit(
            (x, labels), epochs, 4, cs.Adam(lr=0.01), run=tmp_path / run, progress=False
        )
    cs.Model(NET, seed=2, engine=engine).fit((x, labels), 4, resume=tmp_path / "part", progress=False)
    for name in ("last.safetensors", "best.safetensors"):
        one, two = (read_model_file(tmp_path / run / name) for run in ("whole", "part"))
        assert one.metadata == two.metadata
        assert {key: array.tobytes() for key, array in one.arrays.items()} == {
            key: array.tobytes() for key, array in two.arrays.items()
        }
    read = cs.Model.load(tmp_path / "whole")
    assert read.network.frozen_parameters == FROZEN
    assert cs.load(str(tmp_path / "whole")).frozen_parameters == FROZEN


def test_network_without_trainable_parameters_is_rejected():
    network = cs.load("input 3x8x7 | conv 4 3 | flatten | dense 4").with_frozen("conv1", "dense1")
    x, labels = batches(1, np.float32)[0]
    message = (
        "network has no parameters to train (frozen layers: 2). Use network.with_frozen() for the same "
        "network without frozen layers. [all-frozen]"
    )
    for action in (lambda model: model.train_step(x, labels), lambda model: model.fit((x, labels), 1)):
        with pytest.raises(BadSetting) as caught:
            action(cs.Model(network))
        assert str(caught.value) == message
