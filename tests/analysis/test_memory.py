"""Peaks by liveness, against a simulation that keeps a set of living tensors."""

from hypothesis import given, settings

from convscope import layers as L
from convscope.analysis.memory import peaks
from convscope.network import Entry, Network
from random_networks import networks


def simulated_inference(network):
    """Keep a set of tensors; drop one when no later layer reads it. Views live in their input's tensor."""
    tensor_of, sizes, alive, peak = {}, {}, set(), 0
    outputs = {node.name for node in network.outputs}
    for position, node in enumerate(network.nodes):
        tensor_of[node.name] = tensor_of[node.inputs[0]] if node.layer.view else node.name
        count = 1
        for size in node.output_shape:
            count *= size
        sizes.setdefault(tensor_of[node.name], 4 * count)
        alive.add(tensor_of[node.name])
        peak = max(peak, sum(sizes[name] for name in alive))
        needed = {
            tensor_of[name]
            for later in network.nodes[position + 1 :]
            for name in later.inputs
            if name in tensor_of
        }
        alive &= needed | {tensor_of[name] for name in outputs if name in tensor_of}
    return peak


@settings(max_examples=150)
@given(networks())
def test_inference_peak_equals_a_simulation(network):
    assert peaks(network).inference_bytes == simulated_inference(network)


def test_inference_frees_what_is_not_read_again():
    net = Network(
        [
            Entry("input", L.Input((3, 10, 11))),
            Entry("a", L.Conv2d(5, 1), ("input",)),
            Entry("b", L.Conv2d(7, 1), ("a",)),
            Entry("c", L.Conv2d(2, 1), ("b",)),
        ]
    )
    assert peaks(net).inference_bytes == 4 * 110 * (5 + 7)
    assert peaks(net).inference_at == "b"


def test_a_skip_connection_keeps_its_tensor():
    net = Network(
        [
            Entry("input", L.Input((3, 10, 11))),
            Entry("a", L.Conv2d(5, 1), ("input",)),
            Entry("b", L.Conv2d(7, 1), ("a",)),
            Entry("c", L.Conv2d(5, 1), ("b",)),
            Entry("join", L.Add(), ("a", "c")),
        ]
    )
    assert peaks(net).inference_bytes == 4 * 110 * (5 + 7 + 5)


def test_views_cost_nothing():
    net = Network(
        [
            Entry("input", L.Input((3, 10, 11))),
            Entry("flat", L.Flatten(), ("input",)),
            Entry("same", L.Identity(), ("flat",)),
            Entry("out", L.Linear(5), ("same",)),
        ]
    )
    assert peaks(net).inference_bytes == 4 * (330 + 5)


def test_training_keeps_inputs_for_backward_and_holds_gradients():
    """By hand: conv keeps its input, ReLU its output, dense its input; each gradient lives from reader to writer."""
    net = Network(
        [
            Entry("input", L.Input((3, 10, 11))),
            Entry("conv", L.Conv2d(5, 1), ("input",)),
            Entry("relu", L.ReLU(), ("conv",)),
            Entry("flat", L.Flatten(), ("relu",)),
            Entry("fc", L.Linear(6), ("flat",)),
        ]
    )
    image, map_, out = 4 * 330, 4 * 550, 4 * 6
    # forward ends with input, relu and output kept (conv's output is dropped after relu)
    # backward of fc: + gradients of the output and of relu; then output freed; relu's step: + gradient of conv
    forward = image + map_ + map_
    at_fc = image + map_ + out + out + map_
    at_relu = image + map_ + map_ + map_
    assert peaks(net).training_bytes == max(forward, at_fc, at_relu)
    assert peaks(net).training_at == "relu"


def test_training_needs_at_least_what_inference_needs():
    net = Network([Entry("input", L.Input((3, 10, 11))), Entry("a", L.MaxPool2d(2), ("input",))])
    assert peaks(net).training_bytes >= peaks(net).inference_bytes
