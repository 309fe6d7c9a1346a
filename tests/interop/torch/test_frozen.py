"""`requires_grad=False` of a module: kept by import, respected by training, restored by export."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs


def backbone():
    """Return a module whose first half is frozen, as for fine-tuning."""
    torch.manual_seed(1)
    module = nn.Sequential(
        nn.Conv2d(3, 6, (3, 2)), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 2), nn.Flatten(), nn.Linear(100, 4)
    )
    for parameter in module[:2].parameters():
        parameter.requires_grad_(False)
    module[3].bias.requires_grad_(False)
    return module


SHAPE = (3, 8, 6)


def test_import_keeps_requires_grad():
    network = cs.from_torch(backbone(), SHAPE)
    assert network.frozen_parameters == {"0.weight", "0.bias", "1.weight", "1.bias", "3.bias"}
    assert [node.name for node in network if node.is_frozen] == ["0", "1"]
    back = cs.to_torch(cs.from_torch(backbone(), SHAPE, parameters=True))
    assert {name for name, one in back.named_parameters() if not one.requires_grad} == network.frozen_parameters
    assert cs.from_torch(back, SHAPE) == network


@pytest.mark.parametrize("engine", ["native", "reference", "torch"])
def test_fine_tuning_matches_pytorch(engine, tmp_path):
    """The frozen batch norm is in evaluation mode; weight decay and momentum do not affect frozen parameters."""
    module = backbone()
    theirs = copy.deepcopy(module)
    cs.from_torch(module, SHAPE, parameters=True).save(tmp_path / "imported")
    model = cs.Model.load(tmp_path / "imported", engine)
    model.compile(cs.SGD(lr=0.05, momentum=0.9, weight_decay=0.02))
    learned = [one for one in theirs.parameters() if one.requires_grad]
    optimizer = torch.optim.SGD(learned, 0.05, momentum=0.9, weight_decay=0.02)
    theirs.train()
    theirs[1].eval()
    generator = np.random.default_rng(3)
    for _ in range(5):
        x, labels = generator.normal(size=(9, *SHAPE)).astype(np.float32), generator.integers(0, 4, 9)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(labels))
        loss.backward()
        optimizer.step()
        assert model.train_step(x, labels) == pytest.approx(loss.item(), rel=1e-4)
    state = theirs.state_dict()
    frozen = model.network.frozen_parameters | {"1.running_mean", "1.running_var"}
    for name, array in {**model.parameters, **model.buffers}.items():
        if name in frozen:
            np.testing.assert_array_equal(array, module.state_dict()[name].numpy())
        np.testing.assert_allclose(array, state[name].numpy(), rtol=1e-3, atol=1e-5)


class Fixed(nn.Module):
    """A blur that is a buffer, a trained gain, and a frozen table that is reshaped."""

    def __init__(self):
        super().__init__()
        self.register_buffer("blur", torch.rand(3, 1, 3, 2))
        self.gain = nn.Parameter(torch.rand(3, 1, 1))
        self.table = nn.Parameter(torch.rand(3, 8), requires_grad=False)

    def forward(self, x):
        x = nn.functional.conv2d(x * self.gain, self.blur, groups=3)
        return x + self.table[:, :6, None]


def test_arrays_computed_from_frozen_ones_are_frozen():
    network = cs.from_torch(Fixed(), SHAPE)
    fixed = {name.partition(".")[0] for name in network.frozen_parameters}
    assert {network[name].kind for name in fixed} == {"Conv2d", "Parameter"}
    learned = [node.name for node in network.layers if node.params and node.trained]
    assert [network[name].kind for name in learned] == ["Scale"]
    module = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 2)))
    assert not cs.from_torch(module, SHAPE).frozen_parameters
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    assert len(cs.from_torch(module, SHAPE).frozen_parameters) == 2


class PartlyAffine(nn.Module):
    """A batch norm with only a scale, one with only a shift, and a head."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.scaled, self.shifted = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
        self.scaled.bias = self.shifted.weight = None
        self.head = nn.Linear(144, 4)
        self.scaled.weight = nn.Parameter(torch.tensor([0.5, 1.5, 2.0]))
        self.shifted.bias = nn.Parameter(torch.tensor([0.2, -0.4, 0.1]))

    def forward(self, x):
        return self.head(torch.flatten(self.shifted(self.scaled(x)), 1))


@pytest.mark.parametrize("engine", ["native", "reference", "torch"])
@pytest.mark.parametrize("frozen", ["scaled", "shifted"])
def test_frozen_batch_norm_with_one_parameter_keeps_its_statistics(engine, frozen):
    """As PyTorch trains it with that batch norm in evaluation mode; the other's statistics move."""
    module = PartlyAffine()
    getattr(module, frozen).requires_grad_(False)
    theirs = copy.deepcopy(module)
    imported = cs.from_torch(module, SHAPE, parameters=True)
    model = cs.Model(imported.network, 0, engine, parameters={**imported.parameters, **imported.buffers})
    model.compile(cs.SGD(lr=0.05, momentum=0.9))
    optimizer = torch.optim.SGD([one for one in theirs.parameters() if one.requires_grad], 0.05, momentum=0.9)
    theirs.train()
    getattr(theirs, frozen).eval()
    before = {name: array.copy() for name, array in model.buffers.items()}
    generator = np.random.default_rng(3)
    for _ in range(4):
        x, labels = generator.normal(0.3, 2, (9, *SHAPE)).astype(np.float32), generator.integers(0, 4, 9)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(labels))
        loss.backward()
        optimizer.step()
        assert model.train_step(x, labels) == pytest.approx(loss.item(), rel=1e-4)
    state = theirs.state_dict()
    norms = [node.name for node in model.network if node.kind == "BatchNorm2d"]
    assert len(norms) == 2
    for name, norm in zip(("scaled", "shifted"), norms, strict=True):
        for kind in ("running_mean", "running_var"):
            ours = model.buffers[f"{norm}.{kind}"]
            np.testing.assert_allclose(ours, state[f"{name}.{kind}"].numpy(), rtol=1e-3, atol=1e-5)
            assert (ours == before[f"{norm}.{kind}"]).all() == (name == frozen)
