"""The smallest legal input, and the smallest at which every layer is productive."""

import pytest

import convscope as cs
from convscope import layers as L
from convscope.analysis.diagnosis.input_size import smallest_sizes
from convscope.errors import ConvscopeError
from convscope.network import Entry, Network

# Rows: conv2 needs 3, pool1 twice that, conv1 4 more: 10. Columns: 5, 10, 12.
CHAIN = "input 3x40x50 | conv 4 5x3 | maxpool 2 | conv 5 3x5 | flatten | dense 7"


def encoder_decoder():
    """Halve, double, and join with what was before: odd sizes do not meet."""
    return Network(
        [
            Entry("input", L.Input((4, 22, 26))),
            Entry("inside", L.Conv2d(4, (3, 5)), ("input",)),
            Entry("down", L.MaxPool2d(2), ("inside",)),
            Entry("up", L.Upsample(2), ("down",)),
            Entry("join", L.Concat(), ("inside", "up")),
        ]
    )


def of(network):
    return next(finding for finding in cs.diagnose(network) if finding.code == "smallest-input")


def legal(network, shape):
    try:
        network.with_input(shape)
    except ConvscopeError:
        return False
    return True


def test_smallest_sizes_name_the_weights_that_change():
    assert str(of(cs.load(CHAIN))) == (
        "note: The smallest valid input is 10×12. The weights of dense1 would have a different shape "
        "there. At 10×12, every convolution or pool still adds context within the image. "
        "[smallest-input]\n"
        "  → Use inputs of at least 10×12."
    )


@pytest.mark.parametrize("make", [lambda: cs.load(CHAIN), encoder_decoder])
def test_every_smaller_size_is_invalid(make):
    """A brute search over all sizes, both axes."""
    network = make()
    channels, height, width = network.input_shape
    rows = next(n for n in range(1, height + 1) if legal(network, (channels, n, width)))
    columns = next(n for n in range(1, width + 1) if legal(network, (channels, height, n)))
    assert smallest_sizes(network) == (rows, columns)
    assert of(network).numbers["smallest"] == [rows, columns]


def test_invalid_larger_sizes_are_named():
    """3 rows less must be even, and at least 2: 4 fits, 5 does not; columns 6 and 7."""
    assert of(encoder_decoder()).message == (
        "The smallest valid input is 4×6. Not every larger height is valid: 5 is not. Not every larger "
        "width is valid: 7 is not. At 4×6, every convolution or pool still adds context within the image."
    )
    assert not legal(encoder_decoder(), (4, 5, 6))
    assert not legal(encoder_decoder(), (4, 4, 7))


def test_dependent_sizes_are_not_reported_as_valid_together():
    """A dense layer of fixed width takes 24 numbers: rows may not change without columns."""
    network = Network(
        [
            Entry("input", L.Input((1, 4, 6))),
            Entry("flat", L.Flatten(), ("input",)),
            Entry("dense", L.Linear(5, in_features=24), ("flat",)),
        ]
    )
    assert of(
        network
    ).message == "The smallest valid input is 4×6. Not every larger height is valid: 5 is not. " + (
        "Not every larger width is valid: 7 is not."
    )


def test_the_smallest_productive_input_is_larger_where_fields_are():
    """Padded layers take a single pixel, but conv3 looks at 13×9 of them."""
    finding = of(cs.load("input 3x40x50 | conv 4 7x5 same | conv 5 7x5 same | conv 6 3 same"))
    assert finding.numbers["smallest"] == [1, 1]
    assert finding.numbers["productive"] == [13, 9]
