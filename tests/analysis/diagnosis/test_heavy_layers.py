"""Layers that hold most of a network and could be lighter."""

import pytest

import convscope as cs


def of(text, code):
    return [finding for finding in cs.diagnose(cs.load(text)) if finding.code == code]


def test_dense_layer_on_a_flattened_map_suggests_global_pooling():
    """dense1 reads 4·6·5 = 120 numbers: 50·120 + 50 of 112 + 6050 + 357; 4 would do: 50·116 saved."""
    (finding,) = of(
        "input 3x12x10 | conv 4 3 p1 | maxpool 2 | flatten | dropout 0.5 | dense 50 | relu | dense 7",
        "heavy-dense",
    )
    assert str(finding) == (
        "waste: dense1 holds 6,050 of 6,519 parameters (93 %): it reads a flattened 4×6×5 map, 120 "
        "features. [heavy-dense]\n"
        "  → Global average pooling before it would leave 4 features and save 5,800 parameters (89 % of "
        "the network), at the cost of spatial information."
    )


def test_saved_parameters_match_the_network_with_pooling():
    before = cs.load("input 3x12x10 | conv 4 3 p1 | flatten | dense 50")
    after = cs.load("input 3x12x10 | conv 4 3 p1 | globalavgpool | dense 50")
    (finding,) = of("input 3x12x10 | conv 4 3 p1 | flatten | dense 50", "heavy-dense")
    params = [cs.inspect(network).totals.params for network in (before, after)]
    assert finding.numbers["saved_params"] == params[0] - params[1]


def test_a_convolution_as_large_as_its_map_is_a_dense_layer():
    (finding,) = of("input 3x12x10 | conv 4 3 p1 | conv 50 12x10 | conv 7 1", "heavy-dense")
    assert finding.message == (
        "conv2 holds 24,050 of 24,519 parameters (98 %) and 24,000 of 37,310 MACs (64 %): its kernels "
        "are as large as the 4×12×10 map they read, 480 features."
    )
    assert finding.numbers["saved_params"] == 50 * (480 - 4)


def test_a_large_kernel_could_be_a_stack_of_small_ones():
    """7×7 on 8 channels: 49·8·6 = 2352 weights; three 3×3 layers: 9·(8·6 + 6·6 + 6·6) = 1080."""
    (finding,) = of("input 8x20x18 | conv 6 7 p3 | conv 3 1", "heavy-kernel")
    assert str(finding) == (
        "waste: conv1 holds 2,358 of 2,379 parameters (99 %) and 846,720 of 853,200 MACs (99 %): its 7×7 "
        "kernels have 2,352 weights. [heavy-kernel]\n"
        "  → 3 layers of 3×3 with 6 channels and a nonlinearity between them have the same receptive "
        "field with 1,080 weights, 1,272 fewer."
    )
    one, stack = (
        cs.load(f"input 8x20x18 | {layers}")
        for layers in ("conv 6 7 p3", "conv 6 3 p1 | conv 6 3 p1 | conv 6 3 p1")
    )
    assert cs.inspect(one).rows[-1].receptive_field == cs.inspect(stack).rows[-1].receptive_field
    weights = [sum(n.facts.params - 6 for n in network.layers) for network in (one, stack)]
    assert weights == [finding.numbers["weights"], finding.numbers["stack_weights"]]


@pytest.mark.parametrize(
    "text",
    [
        "input 2x20x18 | conv 6 7 p3 | conv 3 1",  # few input channels: the stack would be larger
        "input 8x20x18 | conv 6 7 s2 p3",
        "input 8x20x18 | conv 6 3 p1",
        "input 8x20x18 | conv 6 5x7 p2x3",
        "input 8x20x18 | globalavgpool | dense 70",
        "input 8x1x1 | flatten | dense 70",
        "input 8x6x5 | conv 8 6x5 g8 | conv 9 1",  # depthwise: one channel each, as pooling would leave
    ],
)
def test_layers_without_a_lighter_form_have_no_finding(text):
    assert not of(text, "heavy-kernel")
    assert not of(text, "heavy-dense")
