"""The recurrence: the published tables, the statuses, and what is said where no single number is right."""

import tracemalloc

import numpy as np
import pytest

from convscope import inspect
from convscope import layers as L
from convscope.errors import BadUnit, UnknownLayer
from convscope.network import Entry, Network
from convscope.notation import parse


def chain(shape, **layers):
    entries = [Entry("input", L.Input(shape))]
    for name, layer in layers.items():
        entries.append(Entry(name, layer, (entries[-1].name,)))
    return Network(entries)


def fields(network):
    return {row.name: row.receptive_field for row in inspect(network)}


ALEXNET = chain(
    (3, 227, 227),
    conv1=L.Conv2d(96, 11, stride=4),
    pool1=L.MaxPool2d(3, 2),
    conv2=L.Conv2d(256, 5, padding=2),
    pool2=L.MaxPool2d(3, 2),
    conv3=L.Conv2d(384, 3, padding=1),
    conv4=L.Conv2d(384, 3, padding=1),
    conv5=L.Conv2d(256, 3, padding=1),
    pool5=L.MaxPool2d(3, 2),
    fc6=L.Conv2d(4096, 6),
    fc7=L.Conv2d(4096, 1),
)


@pytest.mark.parametrize(
    ("layer", "n", "jump", "size", "start"),
    [
        ("conv1", 55, 4, 11, 5.5),
        ("pool1", 27, 8, 19, 9.5),
        ("conv2", 27, 8, 51, 9.5),
        ("pool2", 13, 16, 67, 17.5),
        ("conv3", 13, 16, 99, 17.5),
        ("conv4", 13, 16, 131, 17.5),
        ("conv5", 13, 16, 163, 17.5),
        ("pool5", 6, 32, 195, 33.5),
        ("fc6", 1, 32, 355, 113.5),
        ("fc7", 1, 32, 355, 113.5),
    ],
)
def test_alexnet_table(layer, n, jump, size, start):
    """The published table of AlexNet at 227 pixels (spec B3)."""
    field = fields(ALEXNET)[layer]
    assert ALEXNET[layer].output_shape[1:] == (n, n)
    assert (field.status, field.stride, field.size, field.start) == (
        "exact",
        (jump,) * 2,
        (size,) * 2,
        (start,) * 2,
    )


def test_exercise_reaches_13():
    """conv 3/2, ReLU, batch norm, pool 2/2, conv 3/1 (spec B5)."""
    net = chain(
        (3, 63, 71),
        conv1=L.Conv2d(4, 3, stride=2),
        relu=L.ReLU(),
        bn=L.BatchNorm2d(),
        pool=L.MaxPool2d(2),
        conv2=L.Conv2d(5, 3),
    )
    assert [f.size for f in fields(net).values()] == [(3, 3), (3, 3), (3, 3), (5, 5), (13, 13)]


@pytest.mark.parametrize(
    ("shape", "first", "pool", "sizes"),
    [
        ((3, 32, 32), L.Conv2d(4, 3, padding=1), L.MaxPool2d(2), [3, 4, 8]),
        ((3, 224, 224), L.Conv2d(4, 7, 2, 3), L.MaxPool2d(3, 2, padding=1), [7, 11, 19]),
    ],
)
def test_both_examples_of_three_layers(shape, first, pool, sizes):
    """Spec B6; the second is where running the last-to-first recurrence forwards gives 17."""
    net = chain(shape, conv1=first, pool=pool, conv2=L.Conv2d(5, 3, padding=1))
    assert [f.size[0] for f in fields(net).values()] == sizes


def test_axes_are_independent():
    net = chain(
        (3, 40, 61),
        conv=L.Conv2d(4, (3, 5), stride=(2, 1), padding=((1, 0), (2, 4)), dilation=(1, 3)),
        pool=L.AvgPool2d((2, 3), (1, 3)),
    )
    first, second = fields(net).values()
    assert (first.size, first.stride, first.start, first.padding) == ((3, 13), (2, 1), (0.5, 4.5), (1, 2))
    assert (second.size, second.stride, second.start) == ((5, 15), (2, 3), (1.5, 5.5))


def test_tensorflow_same_pads_more_at_the_end():
    net = chain((3, 8, 9), conv=L.Conv2d(4, 4, stride=2, padding="same"))
    assert fields(net)["conv"].padding == (1, 1)
    assert net.field("conv", (3, 4)).box == (5, 7, 9, 11)


def test_paths_of_different_extent_are_a_union():
    net = Network(
        [
            Entry("input", L.Input((3, 20, 23))),
            Entry("a", L.Conv2d(4, 5, padding=2), ("input",)),
            Entry("b", L.Conv2d(4, 1), ("input",)),
            Entry("join", L.Add(), ("b", "a")),
            Entry("after", L.Conv2d(4, 3, padding=1), ("join",)),
        ]
    )
    assert fields(net)["join"].status == "union"
    assert (fields(net)["after"].status, fields(net)["after"].size) == ("union", (7, 7))


def test_misaligned_paths_are_named_with_their_offset_in_pixels():
    net = Network(
        [
            Entry("input", L.Input((3, 20, 24))),
            Entry("pool", L.MaxPool2d(2), ("input",)),
            Entry("a", L.Conv2d(4, 3, padding=1), ("pool",)),
            Entry("b", L.Conv2d(4, 3, padding=((0, 2), (1, 1))), ("pool",)),
            Entry("join", L.Concat(), ("a", "b")),
            Entry("after", L.ReLU(), ("join",)),
        ]
    )
    field = fields(net)["after"]
    assert field.status == "misaligned"
    assert field.to_dict()["merges"] == [{"layer": "join", "offset": [2.0, 0.0]}]
    assert field.size == (8, 6)


def test_upsampling_varies_and_shows_the_largest_size():
    net = chain((3, 12, 15), pool=L.MaxPool2d(3), up=L.Upsample(3), conv=L.Conv2d(4, 3))
    field = fields(net)["conv"]
    assert field.status == "varying"
    assert field.size == (6, 6)
    assert [net.field("conv", (i, 0)).size[0] for i in range(4)] == [3, 6, 6, 3]


def test_a_flattened_image_keeps_its_units_fields():
    net = chain((3, 12, 15), conv=L.Conv2d(4, (3, 5)), flat=L.Flatten(), up=L.Reshape((4 * 10 * 11, 1)))
    field = fields(net)["flat"]
    assert (field.status, field.size, field.stride, field.start) == ("exact", (3, 5), None, (1.5, 2.5))
    net = chain((3, 12, 15), up=L.Upsample(2), conv=L.Conv2d(4, 2), flat=L.Flatten())
    assert fields(net)["flat"].status == "varying"


def test_upsampling_undone_is_regular_again():
    net = chain((3, 12, 15), up=L.Upsample(2), down=L.MaxPool2d(2), conv=L.Conv2d(4, 3))
    assert (fields(net)["conv"].status, fields(net)["conv"].size) == ("exact", (3, 3))


def test_a_transposed_convolution_with_stride_1_is_a_convolution():
    net = chain((3, 12, 15), up=L.ConvTranspose2d(4, (3, 5), padding=(1, 0)))
    assert (fields(net)["up"].status, fields(net)["up"].size, fields(net)["up"].padding) == (
        "exact",
        (3, 5),
        (1, 4),
    )


def test_global_field_names_its_layer():
    net = chain((3, 12, 15), conv=L.Conv2d(4, 3), pool=L.GlobalAvgPool2d(), fc=L.Linear(7))
    field = fields(net)["fc"]
    assert field.to_dict() == {
        "status": "global",
        "size": None,
        "stride": None,
        "start": None,
        "padding": None,
        "via": "pool",
    }
    assert net.field("fc", (6,)).clipped == (0, 0, 12, 15)


def test_a_dense_layer_on_one_pixel_keeps_the_field():
    net = chain((3, 12, 15), conv=L.Conv2d(4, (12, 15)), flat=L.Flatten(), fc=L.Linear(7))
    assert (fields(net)["fc"].status, fields(net)["fc"].size) == ("exact", (12, 15))


def squeeze_and_excitation():
    return Network(
        [
            Entry("input", L.Input((3, 20, 24))),
            Entry("conv", L.Conv2d(6, 3, padding=1), ("input",)),
            Entry("pool", L.GlobalAvgPool2d(), ("conv",)),
            Entry("gate", L.Conv2d(6, 1), ("pool",)),
            Entry("scaled", L.Multiply(), ("conv", "gate")),
            Entry("after", L.Conv2d(6, 3), ("scaled",)),
        ]
    )


def test_squeeze_and_excitation_keeps_the_local_field():
    net = squeeze_and_excitation()
    field = fields(net)["after"]
    assert (field.status, field.size, field.global_via) == ("exact", (5, 5), "pool")
    region = net.field("after", (3, 4))
    assert (region.clipped, region.global_via) == ((2, 3, 7, 8), "pool")
    units = net.seen_by((5, 6), "after")
    assert (units.count, units.box, units.global_via) == (18 * 22, (0, 0, 18, 22), "pool")
    assert (units.local_count, units.local_box) == (25, (2, 3, 7, 8))
    assert units.to_dict() == {
        "layer": "after",
        "pixel": [5, 6],
        "count": 18 * 22,
        "box": [0, 0, 18, 22],
        "local_count": 25,
        "local_box": [2, 3, 7, 8],
        "global_via": "pool",
    }
    assert region.mask.all()
    assert region.local_mask.sum() == 25
    assert (region.coverage, region.to_dict()["global_via"]) == (1, "pool")


@pytest.mark.parametrize("gate", [L.GlobalAvgPool2d(), L.AvgPool2d((1, 98)), L.Conv2d(8, (1, 98))])
def test_a_gate_beside_a_map_one_high_is_global(gate):
    """The kernel of 32 rows leaves one; a gate over its 98 columns joins all there is."""
    net = Network(
        [
            Entry("input", L.Input((1, 32, 100))),
            Entry("conv1", L.Conv2d(8, (32, 3)), ("input",)),
            Entry("pool", gate, ("conv1",)),
            Entry("scaled", L.Multiply(), ("conv1", "pool")),
            Entry("conv2", L.Conv2d(8, (1, 3)), ("scaled",)),
        ]
    )
    assert (fields(net)["scaled"].size, fields(net)["scaled"].global_via) == ((32, 3), "pool")
    field = fields(net)["conv2"]
    assert (field.status, field.size, field.global_via) == ("exact", (32, 5), "pool")


def test_a_gate_before_attention_adds_nothing_to_its_global_field():
    """Every unit sees every pixel through the attention, so no other path is named."""
    net = Network(
        [
            Entry("input", L.Input((4, 5, 6)), ()),
            Entry("norm", L.GroupNorm(2), ("input",)),
            Entry("sum", L.Add(), ("input", "norm")),
            Entry("rows", L.Reshape((4, 30)), ("sum",)),
            Entry("tokens", L.Permute((1, 0)), ("rows",)),
            Entry("attention", L.MultiheadAttention(2), ("tokens",)),
            Entry("columns", L.Permute((1, 0)), ("attention",)),
            Entry("image", L.Reshape((4, 5, 6)), ("columns",)),
            Entry("conv", L.Conv2d(4, 1), ("image",)),
        ],
        "gated",
    )
    region, units = net.field("conv", (1, 2)), net.seen_by((3, 4), "conv")
    assert (region.status, region.via, region.global_via) == ("global", "attention", None)
    assert region.local_mask.all()
    assert (units.count, units.local_count, units.global_via) == (30, 30, None)


def test_all_units_see_the_one_position_of_a_gate():
    net = squeeze_and_excitation()
    units = net.seen_by((0, 0), "scaled", origin="gate")
    assert (units.count, units.mask.shape) == (20 * 24, (20, 24))


def test_units_that_see_only_padding_see_through_the_gate_alone():
    net = Network(
        [
            Entry("input", L.Input((3, 5, 6))),
            Entry("conv", L.Conv2d(4, 2, padding=4), ("input",)),
            Entry("pool", L.GlobalAvgPool2d(), ("input",)),
            Entry("gate", L.Conv2d(4, 1), ("pool",)),
            Entry("scaled", L.Multiply(), ("conv", "gate")),
        ]
    )
    region = net.field("scaled", (0, 3))
    assert (region.box, region.padded_fraction, region.coverage) == ((-4, -1, -2, 1), 1, 0)
    assert (region.local_mask.sum(), region.mask.sum()) == (0, 30)


def test_a_path_from_padding_around_a_global_pool_sees_nothing():
    """Behind global pooling and padding only the middle position has anything to see."""
    net = chain((3, 5, 6), pool=L.GlobalAvgPool2d(), pad=L.Pad(((1, 1), (2, 2))))
    assert net.seen_by((0, 0), "pad").count == 1
    assert (net.field("pad", (1, 2)).mask.sum(), net.field("pad", (0, 0)).mask.sum()) == (30, 0)


def test_rolled_units_lie_in_the_image():
    net = chain((3, 12, 15), roll=L.Roll((3, -2), (1, 2)), conv=L.Conv2d(4, 2))
    region = net.field("roll", (0, 14))
    assert (region.box, region.padded_fraction) == ((9, 1, 10, 2), 0)
    assert (fields(net)["roll"].status, fields(net)["roll"].size) == ("exact", (1, 1))
    seam = net.field("conv", (2, 0))
    assert (seam.box, seam.padded_fraction, seam.coverage) == ((0, 2, 12, 4), 0, 2 / 12)


@pytest.mark.parametrize(("border", "row"), [("circular", 10), ("reflect", 2), ("replicate", 0)])
def test_units_on_a_wrapped_or_mirrored_border_lie_in_the_image(border, row):
    region = chain((3, 12, 15), pad=L.Pad(((2, 2), (0, 0)), border)).field("pad", (0, 4))
    assert (region.box, region.padded_fraction, region.coverage) == ((row, 4, row + 1, 5), 0, 1)


def test_maps_side_by_side_keep_each_their_own_boxes():
    net = Network(
        [
            Entry("input", L.Input((3, 9, 10))),
            Entry("a", L.Conv2d(4, 3), ("input",)),
            Entry("b", L.Conv2d(4, (2, 3)), ("input",)),
            Entry("join", L.Concat(1), ("a", "b")),
        ]
    )
    assert net.field("join", (6, 0)).box == (6, 0, 9, 3)
    assert net.field("join", (8, 0)).box == (1, 0, 3, 3)


def test_a_one_way_lstm_sees_the_steps_up_to_its_own():
    net = chain((20, 8), lstm=L.LSTM(6), last=L.Slice(0, 19))
    field = fields(net)["lstm"]
    assert (field.status, field.size) == ("varying", (20,))
    assert (net.field("lstm", (7,)).box, net.field("last", (0,)).box) == ((0, 8), (0, 20))
    assert net.seen_by((3,), "lstm").box == (3, 20)
    net = chain((20, 8), lstm=L.LSTM(6, bidirectional=True))
    assert (fields(net)["lstm"].status, net.field("lstm", (7,)).clipped) == ("global", (0, 20))


def test_positions_of_a_sequence_are_its_steps_not_its_features():
    for layer in (L.LSTM(6), L.MultiheadAttention(2), L.Linear(7)):
        assert chain((20, 8), one=layer).seen_by((19,), "one").mask.shape == (20,)
    assert chain((4, 20), one=L.Conv1d(3, 5)).seen_by((19,), "one").mask.shape == (16,)


def test_queries_see_their_own_position_and_all_keys():
    net = Network(
        [
            Entry("input", L.Input((20, 8))),
            Entry("key", L.Input((5, 8))),
            Entry("attend", L.MultiheadAttention(2), ("input", "key", "key")),
        ]
    )
    assert net.field("attend", (7,)).clipped == (7, 8)
    assert net.seen_by((2,), "attend", origin="key").count == 20


def test_space_to_depth_by_slices_is_exact_and_not_misaligned():
    cuts = [(row, column) for row in (0, 1) for column in (0, 1)]
    entries = [Entry("input", L.Input((3, 12, 16)))]
    for row, column in cuts:
        entries.append(Entry(f"r{row}{column}", L.Slice(1, row, None, 2), ("input",)))
        entries.append(Entry(f"c{row}{column}", L.Slice(2, column, None, 2), (f"r{row}{column}",)))
    net = Network([*entries, Entry("join", L.Concat(), tuple(f"c{r}{c}" for r, c in cuts))])
    field = fields(net)["join"]
    assert (field.status, field.size, field.stride, field.merges) == ("exact", (2, 2), (2, 2), ())
    part = Network([*entries, Entry("join", L.Concat(), ("c00", "c11"))])
    assert fields(part)["join"].status == "misaligned"


def test_group_norm_gains_a_global_path_and_channel_norm_does_not():
    shape = (6, 9, 11)
    net = chain(shape, conv=L.Conv2d(6, 3), norm=L.GroupNorm(2))
    assert (fields(net)["norm"].size, fields(net)["norm"].global_via) == ((3, 3), "norm")
    net = chain(shape, conv=L.Conv2d(6, 3), norm=L.LayerNorm(axes=(0,)))
    assert (fields(net)["norm"].size, fields(net)["norm"].global_via) == ((3, 3), None)


def test_fields_after_an_unknown_operator_are_unknown():
    net = chain((3, 12, 15), conv=L.Conv2d(4, 3), odd=L.Opaque("Sort", (4, 10, 13)), after=L.ReLU())
    assert fields(net)["after"].to_dict()["status"] == "unknown"
    with pytest.raises(BadUnit) as caught:
        net.field("after", (1, 2))
    assert str(caught.value) == (
        "The receptive field of 'after' is unknown: positions cannot be traced through 'odd'. "
        "Choose a layer before it. [unit-unknown]"
    )


def test_regrouped_axes_are_unknown_but_split_ones_are_not():
    regrouped = chain((4, 12, 15), fold=L.Reshape((4, 10, 18)), after=L.ReLU())
    assert fields(regrouped)["after"].status == "unknown"
    split = chain((4, 12, 15), fold=L.Reshape((4, 6, 2, 15)), after=L.ReLU())
    assert (fields(split)["after"].status, fields(split)["after"].size) == ("exact", (1, 1))
    assert split.field("after", (4, 1, 7)).clipped == (9, 7, 10, 8)
    shuffled = chain((4, 12, 15), a=L.Reshape((2, 2, 12, 15)), b=L.Permute((1, 0, 2, 3)), c=L.Reshape((4, 12, 15)))
    assert (fields(shuffled)["c"].status, fields(shuffled)["c"].size) == ("exact", (1, 1))


@pytest.mark.parametrize("channels", [1, 4])
def test_space_to_depth_by_reshapes_is_a_window(channels):
    net = chain(
        (channels, 12, 15),
        split=L.Reshape((channels, 6, 2, 5, 3)),
        turn=L.Permute((0, 2, 4, 1, 3)),
        join=L.Reshape((channels * 6, 6, 5)),
        conv=L.Conv2d(4, 3, padding=1),
    )
    assert (fields(net)["join"].size, fields(net)["join"].stride) == ((2, 3), (2, 3))
    assert (fields(net)["conv"].status, fields(net)["conv"].size) == ("exact", (6, 9))
    assert net.field("conv", (2, 3)).box == (2, 6, 8, 15)


def test_channels_last_keeps_fields():
    net = chain((3, 12, 15), conv=L.Conv2d(4, 3), last=L.Permute((1, 2, 0)), mix=L.Linear(7))
    assert (fields(net)["mix"].status, fields(net)["mix"].size) == ("exact", (3, 3))
    assert net.field("mix", (2, 5)).clipped == (2, 5, 5, 8)


def test_attention_over_patches_is_global():
    net = chain(
        (3, 12, 15),
        patch=L.Conv2d(8, 3, stride=3),
        fold=L.Reshape((8, -1)),
        turn=L.Permute((1, 0)),
        attend=L.MultiheadAttention(2),
    )
    assert net.field("turn", (7,)).clipped == (3, 6, 6, 9)
    assert (fields(net)["attend"].status, fields(net)["attend"].via) == ("global", "attend")


def test_extent_is_not_coverage():
    """Three 3×3 convolutions with dilation 2 span 13 pixels and touch 7 of them (erratum 10)."""
    conv = L.Conv2d(4, 3, dilation=2)
    region = chain((3, 21, 23), a=conv, b=conv, c=conv).field("c", (0, 0))
    assert region.size == (13, 13)
    assert region.mask.sum() == 7 * 7
    assert region.coverage == pytest.approx(49 / 169, abs=1e-15)


def test_rows_lost_to_a_stride_are_not_seen_through_later_padding():
    """Eight pixels, kernel 3, stride 2: the last pixel is lost, and padding after it does not bring it back."""
    net = chain((1, 8, 9), a=L.Conv2d(1, 3, stride=2), b=L.Conv2d(1, 3, padding=1))
    region = net.field("b", (2, 3))
    assert region.box == (2, 4, 9, 11)
    assert region.clipped == (2, 4, 7, 9)
    assert region.padded_fraction == pytest.approx(1 - 6 * 5 / 49, abs=1e-15)


def test_padded_fraction_counts_the_whole_box():
    """Rows between the taps of a dilated kernel are image, not padding."""
    region = chain((1, 40, 50), a=L.Conv2d(1, 3, dilation=8, padding=1)).field("a", (0, 5))
    assert region.box == (-1, 4, 16, 21)
    assert region.clipped == (7, 4, 16, 21)
    assert region.padded_fraction == pytest.approx(1 / 17, abs=1e-15)


def test_field_between_two_layers():
    net = chain((3, 40, 44), a=L.Conv2d(4, 5), b=L.MaxPool2d(2), c=L.Conv2d(4, 3))
    assert net.field("c", (2, 3), origin="a").box == (4, 6, 10, 12)
    assert net.field("c", (2, 3)).box == (4, 6, 14, 16)
    assert np.argwhere(net.seen_by((5, 6), "c", origin="a").mask).tolist() == [
        [row, column] for row in range(3) for column in range(1, 4)
    ]


@pytest.mark.parametrize(
    ("layer", "at", "message"),
    [
        (
            "pool5",
            (6, 2),
            "Layer 'pool5' has no unit 6,2: its output is 256×6×6. Use 0 to 5 as coordinate 1. [unit-range]",
        ),
        (
            "pool5",
            (-1, 2),
            "Layer 'pool5' has no unit -1,2: its output is 256×6×6. Use 0 to 5 as coordinate 1. [unit-range]",
        ),
        (
            "pool5",
            (3,),
            "A unit of layer 'pool5' has 2 coordinates ROW,COLUMN (got 3). Its output is 256×6×6. [unit-rank]",
        ),
    ],
)
def test_units_outside_their_layer_are_refused(layer, at, message):
    with pytest.raises(BadUnit) as caught:
        ALEXNET.field(layer, at)
    assert str(caught.value) == message


def test_unknown_layers_are_refused_with_the_nearest_names():
    with pytest.raises(UnknownLayer) as caught:
        ALEXNET.field("pool6", (0, 0))
    assert str(caught.value).startswith("network has no layer 'pool6'. Did you mean pool5")


def test_a_full_index_names_the_channel_too():
    assert ALEXNET.field("pool5", (17, 3, 2)) == ALEXNET.field("pool5", (17, 3, 2))
    assert ALEXNET.field("pool5", (17, 3, 2)).box == ALEXNET.field("pool5", (3, 2)).box == (32, 0, 227, 195)


@pytest.mark.parametrize("rank", [1, 3])
def test_signals_and_volumes(rank):
    kind = {1: L.Conv1d, 3: L.Conv3d}[rank]
    net = chain((3, *(20, 23, 29)[:rank]), a=kind(4, 3, 2, 1), b=kind(4, 5))
    region = net.field("b", (1,) * rank)
    assert region.box == (1,) * rank + (12,) * rank
    assert region.mask.shape == net.input_shape[1:]


def test_long_sequences_allocate_no_position_matrix():
    """Attention over 12,000 positions: a matrix of them would take gigabytes."""
    net = parse(
        "input 4x100x120 | reshape 4x12000 | permute 1x0 | attention 1 | permute 1x0 | r: reshape 4x100x120"
    )
    tracemalloc.start()
    region = net.field("r", at=(3, 4))
    assert (region.clipped, region.coverage) == ((0, 0, 100, 120), 1.0)
    assert net.seen_by((7, 9), "r").count == 12000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_long_one_way_sequences_allocate_no_position_matrix():
    net = parse("input 9000x4 | a: lstm 3")
    tracemalloc.start()
    region = net.field("a", at=(5000,))
    assert region.clipped == (0, 5001)
    assert region.mask.sum() == 5001
    units = net.seen_by((5000,), "a")
    assert units.count == 4000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20
