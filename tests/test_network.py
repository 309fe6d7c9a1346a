"""Networks: order, names, shared parameters, and messages that show the table up to the mistake."""

import pytest

from convscope import layers as L
from convscope.errors import BadNetwork, BadSetting, BadShape
from convscope.network import Entry, Network
from convscope.notation import parse

IMAGE = Entry("input", L.Input((3, 20, 23)))


def message_of(error, make):
    with pytest.raises(error) as caught:
        make()
    return str(caught.value)


def test_layers_may_be_listed_in_any_order():
    listed = [
        Entry("join", L.Add(), ("a", "b")),
        Entry("b", L.Conv2d(4, 1), ("input",)),
        Entry("a", L.Conv2d(4, 3, padding=1), ("input",)),
        IMAGE,
    ]
    assert [node.name for node in Network(listed)] == ["input", "b", "a", "join"]


def test_valid_order_of_layers_is_kept():
    names = ["input", "b", "a", "c", "join"]
    layers = {n: L.Conv2d(4, 1) for n in "abc"} | {"join": L.Add()}
    inputs = {"b": ("input",), "a": ("input",), "c": ("a",), "join": ("c", "b")}
    net = Network([IMAGE, *(Entry(n, layers[n], inputs[n]) for n in names[1:])])
    assert [node.name for node in net] == names


def test_networks_are_values():
    one = Network([IMAGE, Entry("conv", L.Conv2d(4, 3), ("input",))])
    two = Network([IMAGE, Entry("conv", L.Conv2d(4, (3, 3), stride=(1, 1)), ("input",))])
    assert one == two
    assert hash(one) == hash(two)
    assert one != Network([IMAGE, Entry("conv", L.Conv2d(5, 3), ("input",))])


def test_another_input_gives_another_network():
    net = Network([IMAGE, Entry("conv", L.Conv2d(4, 3), ("input",))])
    assert net.with_input((3, 40, 41))["conv"].output_shape == (4, 38, 39)
    assert net["conv"].output_shape == (4, 18, 21)


def test_consumers_and_outputs():
    net = Network(
        [
            IMAGE,
            Entry("a", L.Conv2d(4, 3), ("input",)),
            Entry("b", L.ReLU(), ("a",)),
            Entry("c", L.Tanh(), ("a",)),
        ]
    )
    assert [node.name for node in net.consumers("a")] == ["b", "c"]
    assert [node.name for node in net.outputs] == ["b", "c"]


def test_shared_parameters_are_kept_under_one_name():
    net = Network(
        [
            IMAGE,
            Entry("a", L.Conv2d(3, 3, padding=1), ("input",)),
            Entry("b", L.Conv2d(3, 3, padding=1), ("a",), shares="a"),
            Entry("c", L.Conv2d(3, 3, padding=1), ("b",), shares="b"),
        ]
    )
    assert [node.parameters_of for node in net.layers] == ["a", "a", "a"]


def test_shared_parameters_must_have_one_shape():
    message = message_of(
        BadShape,
        lambda: Network(
            [
                IMAGE,
                Entry("a", L.Conv2d(4, 3, bias=False), ("input",)),
                Entry("b", L.Conv2d(4, 3, bias=False), ("a",), shares="a"),
            ]
        ),
    )
    assert message == (
        "Layer 'b' on input 4×18×21: Conv2d must have the parameters of 'a' to share them (got weight "
        "4×4×3×3, not weight 4×3×3×3). Use the same settings and input channels. [shared-shapes]\n"
        "  input  Input   3×20×23\n"
        "  a      Conv2d  4×18×21\n"
        "  b      Conv2d  ✗"
    )


def test_error_shows_the_table_up_to_the_layer_and_a_hint():
    message = message_of(
        BadShape,
        lambda: Network(
            [
                IMAGE,
                Entry("conv1", L.Conv2d(4, 3, stride=2), ("input",)),
                Entry("flat", L.Flatten(), ("conv1",)),
                Entry("fc", L.Linear(7, in_features=490), ("flat",)),
            ]
        ),
    )
    assert message == (
        "Layer 'fc' on input 396: Linear.in_features must be 396 for this input (got in_features=490). "
        "Set in_features=396 or leave it out. [linear-features]\n"
        "  input  Input    3×20×23\n"
        "  conv1  Conv2d   4×9×11\n"
        "  flat   Flatten  396\n"
        "  fc     Linear   ✗"
    )


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            L.Conv2d(4, 3, groups=2),
            "Conv2d.groups must divide in_channels (got groups=2, in_channels=3). Use 1 or 3. [conv-groups]",
        ),
        (
            L.Conv2d(4, (24, 3)),
            "Conv2d.kernel_size must fit into the input (got height 20, kernel 24). Use a smaller kernel, or an input of height 24 or more. [kernel-too-large]",
        ),
        (
            L.MaxPool1d(2),
            "MaxPool1d needs an input of 2 axes, C×L (got 3×20×23). Use MaxPool2d for this input. [input-rank]",
        ),
        (
            L.Reshape((7, -1)),
            "Reshape.shape must have the 1,380 elements of 3×20×23, with at most one -1 (got shape=7x-1). "
            "Use -1 for one size to infer it. [reshape-size]",
        ),
    ],
)
def test_layers_that_do_not_fit_say_why(layer, message):
    got = message_of(BadShape, lambda: Network([IMAGE, Entry("it", layer, ("input",))]))
    assert got.splitlines()[0] == f"Layer 'it' on input 3×20×23: {message}"


def test_error_names_both_mismatched_shapes():
    got = message_of(
        BadShape,
        lambda: Network(
            [
                IMAGE,
                Entry("a", L.Conv2d(4, 3), ("input",)),
                Entry("b", L.Conv2d(4, 5), ("input",)),
                Entry("join", L.Add(), ("a", "b")),
            ]
        ),
    )
    assert got.splitlines()[0] == (
        "Layer 'join' on input 4×18×21 and 4×16×19: Inputs of Add must have the same shape, or size 1 "
        "where they differ (got 4×18×21 and 4×16×19, which differ in height). Match strides and padding "
        "of the branches, or crop the larger. [merge-shapes]"
    )


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [IMAGE, IMAGE],
            "Layer names must be unique (got two layers named 'input'). Rename one. [duplicate-name]",
        ),
        (
            [Entry("a", L.ReLU(), ("a",))],
            "A network must have an input (got none). Begin with one, as in `input 3x224x224`. [no-input]",
        ),
        (
            [IMAGE, Entry("a", L.ReLU(), ("imput",))],
            (
                "Inputs of layer 'a' must be layers of the network (got 'imput'). Did you mean input? "
                "[unknown-input]"
            ),
        ),
        (
            [IMAGE, Entry("a", L.ReLU())],
            "Layer 'a' must take its input from a layer (got none). Name one. [no-inputs]",
        ),
        (
            [
                IMAGE,
                Entry("a", L.Add(), ("input", "c")),
                Entry("b", L.ReLU(), ("a",)),
                Entry("c", L.ReLU(), ("b",)),
            ],
            "A network must not have cycles (got b → c → a → b). Change one of these inputs. [cycle]",
        ),
        (
            [IMAGE, Entry("a", L.ReLU(), ("a",))],
            "A network must not have cycles (got a → a). Change one of these inputs. [cycle]",
        ),
    ],
)
def test_invalid_lists_of_layers_are_refused(entries, message):
    assert message_of(BadNetwork, lambda: Network(entries)) == message


def test_layers_with_too_few_inputs_are_refused():
    got = message_of(BadShape, lambda: Network([IMAGE, Entry("a", L.Add(), ("input",))]))
    assert got.splitlines()[0] == (
        "Layer 'a' on input 3×20×23: Add needs at least 2 inputs (got 1). Name the layers that it takes "
        "as inputs. [arity]"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.Conv2d(4, 3, stride=0), "Conv2d.stride must be at least 1 (got stride=0). [setting]"),
        (lambda: L.Conv2d(-4, 3), "Conv2d.out_channels must be at least 1 (got out_channels=-4). [setting]"),
        (lambda: L.Conv2d(4, 2.5), "Conv2d.kernel_size must be an integer (got kernel_size=2.5). [setting]"),
        (
            lambda: L.Conv2d(4, (3, 3, 3)),
            (
                "Conv2d.kernel_size must have one integer, or 2, one per spatial axis (got kernel_size=(3, 3, "
                "3)). [setting]"
            ),
        ),
        (
            lambda: L.Conv2d(10**12, 3),
            f"Conv2d.out_channels must be at most {2**31 - 1} (got out_channels={10**12}). [setting]",
        ),
        (
            lambda: L.Conv2d(4, 3, padding_mode="mirror"),
            "Conv2d.padding_mode must be one of zeros, reflect, replicate, circular (got padding_mode='mirror'). "
            "[setting]",
        ),
        (lambda: L.Dropout(1.5), "Dropout.p must be a finite number from 0 to 1 (got p=1.5). [setting]"),
        (
            lambda: L.MaxPool2d(3, padding=2),
            (
                "MaxPool2d.padding must be at most half the kernel, so that every window reaches the input (got "
                "padding=2, kernel_size=3). Use at most 1, or a Pad layer before. [pool-padding]"
            ),
        ),
    ],
)
def test_invalid_settings_are_refused(make, message):
    assert message_of(BadSetting, make) == message


def test_long_chains_need_no_recursion():
    entries = [IMAGE]
    for number in range(10_000):
        entries.append(Entry(f"relu{number}", L.ReLU(), (entries[-1].name,)))
    assert len(Network(reversed(entries))) == 10_001


def test_mode_names_of_other_libraries_are_accepted():
    assert L.Upsample(2, mode="bilinear") == L.Upsample(2, mode="linear")
    assert L.Pad(1, mode="edge") == L.Pad(1, mode="replicate")


def test_parameter_count_counts_shared_parameters_once():
    """conv1 has 4·4·9 + 4 parameters, which conv2 shares; dense1 has 4·5 + 5."""
    text = "input 4x9x7 | conv1: conv 4 3 p1 | conv2: conv 4 3 p1 share=conv1 | globalavgpool | dense 5"
    assert parse(text).parameter_count == 4 * 4 * 9 + 4 + 4 * 5 + 5
