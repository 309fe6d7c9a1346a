"""The terms of every layer's units against the reference engine."""

from __future__ import annotations

import numpy as np
import pytest

from convscope import layers as L
from convscope.inside.arithmetic import Operand, arithmetic
from convscope.inside.readers import MOST_READERS, local_derivatives
from engines.reference.oracle import case
from layers.examples import EXAMPLES, example_id

COMPUTED = [example for example in EXAMPLES if not isinstance(example[0], L.Input | L.Opaque | L.Parameter)]
every = pytest.mark.parametrize("example", COMPUTED, ids=example_id)


def operand_of(example) -> Operand:
    one = case(*example, batch=1)
    buffers = getattr(one, "buffers", {})
    return Operand(one.layer, tuple(x[0] for x in one.inputs), one.parameters, buffers)


def some_units(shape, count=15):
    draw = np.random.default_rng(3)
    return [tuple(int(draw.integers(n)) for n in shape) for _ in range(count)]


@every
def test_terms_add_up_to_the_output(example):
    operand = operand_of(example)
    output = operand.output()
    for at in some_units(output.shape):
        found = arithmetic(operand.layer, operand, at)
        bound = 1e-12 * (np.abs(found.products).sum() + abs(found.bias)) + 1e-15
        assert abs(found.total - output[at]) <= max(bound, 1e-12 * abs(output[at])), at
        if found.form in ("sum", "winner"):
            assert abs(found.products.sum() + found.bias - output[at]) <= bound, at


@every
def test_every_layer_has_a_form(example):
    operand = operand_of(example)
    (at,) = some_units(operand.output().shape, 1)
    found = arithmetic(operand.layer, operand, at)
    assert found.form != "inputs"


@every
def test_terms_name_the_elements_they_read(example):
    if isinstance(example[0], L.MultiheadAttention | L.LSTM):
        pytest.skip("its terms are intermediate values, by position and head or cell")
    operand = operand_of(example)
    for at in some_units(operand.output().shape, 5):
        found = arithmetic(operand.layer, operand, at)
        read = [operand.inputs[s][i] for s, i in zip(found.sources, found.indices, strict=True)]
        assert np.array_equal(found.inputs, np.array(read, float))
        assert len(set(zip(found.sources, found.indices, strict=True))) == len(read) or padded_twice(example[0])


def padded_twice(layer) -> bool:
    """Return whether a window can read one element twice, through a border that repeats it."""
    return isinstance(layer, L.Conv) and layer.padding_mode != "zeros"


@every
def test_weights_of_linear_forms_are_derivatives(example):
    layer = example[0]
    if isinstance(layer, L.Conv | L.ConvTranspose | L.Linear | L.AvgPool | L.BatchNorm | L.Upsample | L.Reduce):
        operand = operand_of(example)
        for at in some_units(operand.output().shape, 5):
            found = arithmetic(layer, operand, at)
            gradient = np.zeros(operand.inputs[0].shape)
            for index, weight in zip(found.indices, found.weights, strict=True):
                gradient[index] += weight
            (expected,) = operand.derivatives(at)
            np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)


@every
def test_readers_add_up_to_the_gradient(example):
    from convscope.engines.reference.layers.rules import Context, backward, forward

    operand = operand_of(example)
    if operand.inputs[0].dtype.kind == "i":
        pytest.skip("integers have no gradient")
    context = Context(buffers=operand.buffers)
    batch = tuple(x[None] for x in operand.inputs)
    output = forward(operand.layer, batch, operand.parameters, context)
    gradient = np.random.default_rng(5).standard_normal(output.shape)
    expected = backward(operand.layer, gradient, batch, operand.parameters, context).inputs
    for slot, x in enumerate(operand.inputs):
        for at in some_units(x.shape, 3):
            found = local_derivatives(operand.layer, operand, slot, at, gradient[0])
            assert len({unit for unit, _ in found}) == len(found)
            if len(found) < MOST_READERS:
                total = sum(derivative * gradient[0][unit] for unit, derivative in found)
                assert total == pytest.approx(float(expected[slot][0][at]), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_lstm_terms_are_what_the_steps_wrote_to_the_cell(bidirectional):
    """Against PyTorch's LSTM, step by step: cell states, gates, and what earlier steps contribute."""
    torch = pytest.importorskip("torch")
    operand = operand_of((L.LSTM(9, bidirectional=bidirectional), ((5, 24),)))
    for step, cell in ((0, 2), (3, 8), (4, 0)):
        found = arithmetic(operand.layer, operand, (step, cell))
        assert list(found.indices) == [(s, cell) for s in range(step + 1)]
        reference = torch.nn.LSTM(24, 9).double()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(reference, f"{name}_l0").data = torch.tensor(operand.parameters[f"{name}_l0"])
        with torch.no_grad():
            _, (h, c) = reference(torch.tensor(operand.inputs[0][: step + 1]))
        facts = found.facts
        assert facts["cell"] == pytest.approx(float(c[0, cell]), rel=1e-12)
        assert found.total == pytest.approx(float(h[0, cell]), rel=1e-12)
        made = facts["forget_gate"] * facts["cell_before"] + facts["input_gate"] * facts["candidate"]
        assert facts["cell"] == pytest.approx(made, rel=1e-12)
        assert found.total == pytest.approx(facts["output_gate"] * np.tanh(facts["cell"]), rel=1e-12)
        assert found.inputs[-1] == pytest.approx(facts["input_gate"] * facts["candidate"], rel=1e-12)
        assert sum(found.products[:-1]) * facts["cell"] == pytest.approx(
            facts["forget_gate"] * facts["cell_before"] * found.total, rel=1e-10, abs=1e-15
        )


def test_reverse_lstm_reads_from_the_end():
    operand = operand_of((L.LSTM(9, bidirectional=True), ((5, 24),)))
    found = arithmetic(operand.layer, operand, (2, 9 + 4))
    assert list(found.indices) == [(4, 4), (3, 4), (2, 4)]
    assert found.total == pytest.approx(operand.output()[2, 13], rel=1e-12)
