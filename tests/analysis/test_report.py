"""The report: rows, sums, JSON, and the seeds' numbers."""

import pytest

from convscope import inspect
from convscope import layers as L
from convscope.errors import UnknownLayer
from convscope.network import Entry, Network


def chain(shape, **layers):
    entries = [Entry("input", L.Input(shape))]
    for name, layer in layers.items():
        entries.append(Entry(name, layer, (entries[-1].name,)))
    return Network(entries)


def test_first_row_of_alexnet_matches_the_design():
    net = chain((3, 227, 227), conv1=L.Conv2d(96, 11, stride=4))
    assert inspect(net).to_dict()["layers"][0] == {
        "name": "conv1",
        "kind": "Conv2d",
        "inputs": ["input"],
        "output_shape": [96, 55, 55],
        "params": 34944,
        "macs": 105415200,
        "multiplications": 105415200,
        "additions": 105415200,
        "comparisons": 0,
        "divisions": 0,
        "exponentials": 0,
        "activation_bytes": 1161600,
        "status": "complete",
        "receptive_field": {
            "status": "exact",
            "size": [11, 11],
            "stride": [4, 4],
            "start": [5.5, 5.5],
            "padding": [0, 0],
        },
    }


def test_operation_counts_of_the_100_by_100_example():
    """100×100×3 → 50×50×10 by 3×3 kernels: 675,000 multiplications, 675,000 additions with bias (spec D5)."""
    row = inspect(chain((3, 100, 100), conv=L.Conv2d(10, 3, stride=2, padding=1)))["conv"]
    assert row.output_shape == (10, 50, 50)
    assert (row.multiplications, row.additions) == (675_000, 675_000)


@pytest.mark.parametrize(
    ("layer", "shape", "params"),
    [
        (L.Conv2d(10, 3), (3, 9, 11), 3 * 3 * 3 * 10 + 10),
        (L.Linear(128), (7168,), 917_632),
        (L.Embedding(1000, 64), (12,), 64_000),
        (L.LSTM(64, biases="one"), (12, 32), 4 * ((32 + 64) * 64 + 64)),
        (L.LSTM(64), (12, 32), 4 * ((32 + 64) * 64 + 2 * 64)),
        (L.LSTM(64, proj_size=16, biases="one"), (12, 32), 4 * ((32 + 16) * 64 + 64) + 16 * 64),
    ],
)
def test_parameters_of_the_documents(layer, shape, params):
    """Spec D4, in Keras' convention (one bias) and PyTorch's (two)."""
    assert inspect(chain(shape, it=layer))["it"].params == params


def test_shared_parameters_are_counted_once():
    conv = L.Conv2d(3, 3, padding=1)
    net = Network(
        [
            Entry("input", L.Input((3, 9, 11))),
            Entry("a", conv, ("input",)),
            Entry("b", conv, ("a",), shares="a"),
        ]
    )
    report = inspect(net)
    assert [row.params for row in report] == [84, 0]
    assert report.totals.params == 84
    assert report["b"].to_dict()["shares"] == "a"
    assert report.totals.macs == 2 * report["a"].macs


def test_an_unknown_operator_makes_the_totals_unknown():
    report = inspect(chain((3, 9, 11), conv=L.Conv2d(4, 3), odd=L.Opaque("Sort", (4, 7, 9))))
    assert (report["conv"].status, report["odd"].status, report.totals.status) == (
        "complete",
        "unknown",
        "unknown",
    )


def test_totals_are_the_sums_of_the_rows():
    report = inspect(
        chain(
            (3, 21, 25),
            conv=L.Conv2d(4, 3),
            bn=L.BatchNorm2d(),
            relu=L.ReLU(),
            pool=L.AvgPool2d(2),
            flat=L.Flatten(),
            fc=L.Linear(5),
            soft=L.Softmax(),
        )
    )
    for name in ("params", "macs", "multiplications", "additions", "comparisons", "divisions", "exponentials"):
        assert getattr(report.totals, name) == sum(getattr(row, name) for row in report), name
    assert report.totals.activation_bytes == sum(row.activation_bytes for row in report)


def test_transposed_convolutions_count_at_their_input_size():
    """Each input pixel meets every weight of its channel once."""
    row = inspect(chain((4, 5, 7), up=L.ConvTranspose2d(6, (3, 2), stride=2, groups=2)))["up"]
    assert row.macs == 4 * 5 * 7 * 3 * 3 * 2


def test_unknown_rows_offer_the_nearest():
    with pytest.raises(UnknownLayer) as caught:
        inspect(chain((3, 9, 11), conv1=L.Conv2d(4, 3)))["conv2"]
    assert str(caught.value) == "network has no layer 'conv2'. Did you mean conv1? [layer-name]"
