"""ONNX's test cases of single operators: computed, Opaque with the right shape, or refused."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from convscope.engines.reference.layers import run
from convscope.errors import ConvscopeError
from convscope.interop.onnx import importer
from interop.onnx.models import saved

KINDS = ("float16", "float32", "float64", "int32", "int64", "uint8", "int8")

FEWEST_EQUAL = 300
"""Cases that must be computed; fewer would mean that an operator has become Opaque."""


def node_cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about infinities in the cases
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases()
    for case in found:
        inputs, outputs = case.data_sets[0]
        plain = all(isinstance(array, np.ndarray | np.generic) for array in (*inputs, *outputs))
        if len(case.model.graph.node) == 1 and inputs and plain and np.asarray(inputs[0]).dtype.name in KINDS:
            yield case, [np.asarray(array) for array in inputs], np.asarray(outputs[0])


def test_onnx_node_cases_match_or_are_opaque_or_refused(tmp_path, output_flow):
    """The first input is fed; the others are initializers."""
    counts: Counter[str] = Counter()
    for case, inputs, expected in node_cases():
        made = onnx.ModelProto()
        made.CopyFrom(case.model)
        for declared, array in list(zip(made.graph.input, inputs, strict=False))[1:]:
            made.graph.initializer.append(numpy_helper.from_array(array, declared.name))
        try:
            network, weights = importer.read_network(saved(made, tmp_path))
        except ConvscopeError:
            counts["refused"] += 1
            continue
        flow = output_flow[-1]
        assert flow.shape == expected.shape or not expected.size, case.name
        if any(layer.kind.startswith("Opaque") for layer in network.layers):
            counts["opaque"] += 1
            continue
        arrays = {name: constant.array.astype(np.float64) for name, constant in weights.items()}
        (entry,) = network.inputs
        with np.errstate(all="ignore"):
            x = inputs[0].astype(np.float64).reshape(-1, *network.input_shape)
            ours = run(network, {entry.name: x}, arrays, arrays).output
        if flow.batch:
            rest = flow.shape[: flow.batch] + flow.shape[flow.batch + 1 :]
            ours = np.moveaxis(ours.reshape(flow.shape[flow.batch], *rest), 0, flow.batch)
        np.testing.assert_allclose(
            ours.reshape(expected.shape), expected.astype(np.float64), case.rtol, case.atol, err_msg=case.name
        )
        counts["equal"] += 1
    assert counts["equal"] >= FEWEST_EQUAL


@pytest.fixture
def output_flow(monkeypatch):
    """Return a list to which every import adds its output with ONNX's shape."""
    flows = []
    convert = importer._convert

    def record(*arguments):
        outputs = convert(*arguments)
        flows.append(outputs[0])
        return outputs

    monkeypatch.setattr(importer, "_convert", record)
    return flows
