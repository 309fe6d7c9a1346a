"""`convscope bench`: what is shown, who takes part, and how it ends. Nothing real is timed."""

import importlib.util
import json
import re
import sys

import numpy as np
import pytest

from convscope.bench import networks, passes, peak, peers, run
from convscope.render.bench import bench_table

IMAGES = "input 2x6x5 | conv 3 3 | relu | flatten | dense 4"
NETWORKS = (
    networks.NetworkCase("tiny, training", IMAGES, 3, True),
    networks.NetworkCase("tiny, inference", IMAGES, 1, False),
)
CONVOLUTIONS = (passes.Case(2, 1, 6, 5, 3, 1, 1), passes.Case(3, 17, 7, 19, 3, 2, 1))
PEAK = peak.Peak(1e9, 2e9)


@pytest.fixture(autouse=True)
def nothing_is_timed(monkeypatch):
    """Tiny cases; every piece of work runs once, ours takes 1 ms, the others 1.5, 2, 2.5 ms."""

    def given(works, seconds):
        for work in works:
            work()
        return [1e-3 * (1 + number / 2) for number in range(len(works))]

    monkeypatch.setattr(run, "medians", given)
    monkeypatch.setattr(peak, "measured_peak", lambda: PEAK)
    monkeypatch.setattr(networks, "CASES", NETWORKS)
    monkeypatch.setattr(passes, "CASES", CONVOLUTIONS)


def absent(monkeypatch, *modules):
    """Let modules be as if they were not installed."""
    found = importlib.util.find_spec
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name in modules else found(name))


@pytest.mark.parametrize("width", [80, 100, 140])
def test_alone(convscope, width):
    """Our figures and no ratio; what is measured is told on stderr, one line each."""
    ended = convscope("bench", "--alone", width=width)
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= width
    rows = [line for line in ended.out.splitlines() if "1.00 ms" in line]
    assert len(rows) == 2 + 3 + 2  # the first convolution reads images, whose gradient nobody wants
    assert "geometric mean" not in ended.out
    told = ended.err.splitlines()
    assert told[0] == "peak performance of this processor"
    assert told[1] == "convolution 1 of 2: 2×1×6²→5, 3×3 s1, forward"
    assert told[-1] == "network 2 of 2: tiny, inference, batch 1"
    assert "\x1b" not in ended.out + ended.err


def test_json_is_one_document_with_seconds(convscope):
    """Operations are those of the plain algorithm: two for each multiply-add, three passes in training."""
    document = json.loads(convscope("bench", "--networks", "--alone", "--json").out)
    assert (document["schema"], document["peak_flops"]) == (1, PEAK.flops)
    macs = 3 * 4 * 3 * 2 * 9 + 36 * 4
    assert [row["work"] for row in document["rows"]] == ["tiny, training, batch 3", "tiny, inference, batch 1"]
    assert [row["flops"] for row in document["rows"]] == pytest.approx([2 * 3 * 3 * macs / 1e-3, 2 * macs / 1e-3])
    assert all(row["peer"] is row["ratio"] is None for row in document["rows"])
    assert [row["share"] for row in document["rows"]] == pytest.approx(
        [row["flops"] / PEAK.flops for row in document["rows"]]
    )


def test_the_fastest_peer_is_the_one_compared_with(convscope):
    """PyTorch in each memory layout: the first takes 1.5 ms."""
    pytest.importorskip("torch")
    ended = convscope("bench", "--networks", "--json")
    row = json.loads(ended.out)["rows"][0]
    assert (row["peer_name"], row["ratio"]) == ("PyTorch contiguous_format", 1.5)
    table = convscope("bench", "--networks", width=160).out
    assert re.search(r"^tiny, training, batch 3 .* 1\.50 ", table, re.MULTILINE)
    assert "geometric mean of the ratios: 1.50." in table


@pytest.mark.parametrize(
    ("module", "name"), [("torch", "PyTorch"), ("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO f32")]
)
def test_missing_peer_is_reported_once_and_skipped(convscope, monkeypatch, module, name):
    """The others take part."""
    absent(monkeypatch, module)
    ended = convscope("bench", "--networks", "--json")
    assert ended.code == 0
    first = ended.err.splitlines()[0]
    assert first.startswith("not installed, skipped: ")
    assert name in first
    assert not any(row["peer_name"].startswith(name) for row in json.loads(ended.out)["rows"])
    assert len(json.loads(ended.out)["rows"]) == 2


def test_bench_without_peers_equals_alone(convscope, monkeypatch):
    """Without the package onnx no runtime can be given the network."""
    absent(monkeypatch, "torch", "onnx")
    ended = convscope("bench", "--json")
    assert ended.code == 0
    assert ended.err.startswith("not installed, skipped: PyTorch, ONNX Runtime, OpenVINO f32\n")
    assert all(row["peer"] is None for row in json.loads(ended.out)["rows"])


def test_failing_peer_is_reported_and_skipped(convscope, monkeypatch):
    """Its error's first line; the row is measured beside the others."""

    def fail(*_):
        raise RuntimeError("no such thing\nand much more")

    monkeypatch.setattr(peers, "training_step", fail)
    absent(monkeypatch, "onnx")
    ended = convscope("bench", "--networks", "--json")
    if importlib.util.find_spec("torch"):
        assert "skipped PyTorch channels_last: RuntimeError: no such thing\n" in ended.err
    assert json.loads(ended.out)["rows"][0]["peer"] is None


@pytest.mark.parametrize("option", ["--alone", "--json"])
def test_control_c_prints_results_so_far(convscope, monkeypatch, option):
    """Exit code 130, the rows so far, and a line that says how many."""
    given, calls = run.medians, []

    def stopped(works, seconds):
        calls.append(works)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return given(works, seconds)

    monkeypatch.setattr(run, "medians", stopped)
    ended = convscope("bench", "--convolutions", "--alone", option)
    assert ended.code == 130
    rows = json.loads(ended.out)["rows"] if option == "--json" else re.findall(r"1\.00 ms", ended.out)
    assert len(rows) == 2
    assert ended.err.splitlines()[-1] == "stopped after 2 measurements"


def test_control_c_before_anything_was_measured(convscope, monkeypatch):
    """Nothing on stdout, exit code 130."""

    def stopped():
        raise KeyboardInterrupt

    monkeypatch.setattr(peak, "measured_peak", stopped)
    ended = convscope("bench", "--alone")
    assert (ended.code, ended.out) == (130, "")


def test_machine_without_the_engine_is_refused(convscope, monkeypatch):
    """There would be nothing to measure."""
    monkeypatch.setattr("convscope.engines.native.engine._unusable", lambda: "OSError: none")
    ended = convscope("bench", "--alone")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("[native-engine]\n")


def test_geometric_mean_is_that_of_rows_with_a_peer():
    """Ratios of 2 and 8 have the mean 4; rows without a peer are not in it."""
    rows = [
        run.Measurement("a", 1e-3, 2e-3, "one", 5e8, 0.5),
        run.Measurement("b", 1e-3, 8e-3, "two", 5e8, 0.5),
        run.Measurement("c", 1e-5, None, "", 2e9, 2.0),
    ]
    text = bench_table(rows, PEAK).text(140)
    assert "geometric mean of the ratios: 4.00." in text
    assert re.search(r"^c +10\.0 µs +2 +200 %$", text, re.MULTILINE)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("case", [CONVOLUTIONS[1], passes.Case(2, 18, 9, 21, 3, 1, 1)], ids=str)
def test_the_passes_that_are_timed_are_those_of_a_convolution(case, strict):
    """Tested against sums in float64, to 1e-5 of the largest value: both do the same work."""
    own = passes.passes_of(case, strict)
    given = {name: array.astype(np.float64) for name, array in own.given().items()}
    expected = _passes(given, case)
    for purpose in passes.PASSES:
        wrong = np.abs(own.result(purpose) - expected[purpose]).max()
        assert wrong <= 1e-5 * np.abs(expected[purpose]).max(), purpose


def _passes(given, case):
    """Return the three passes of a convolution, by its definition."""
    x, dy, weight, bias = (given[name] for name in ("x", "dy", "weight", "bias"))
    padded = np.pad(x, [(0, 0), (0, 0), *[(case.padding, case.padding)] * 2])
    side = dy.shape[2]
    y = np.zeros_like(dy) + bias[:, None, None]
    dx, dw = np.zeros_like(padded), np.zeros_like(weight)
    reach = case.stride * (side - 1) + 1
    for row in range(case.kernel):
        for column in range(case.kernel):
            seen = (..., slice(row, row + reach, case.stride), slice(column, column + reach, case.stride))
            y += np.einsum("nchw,oc->nohw", padded[seen], weight[:, :, row, column])
            dx[seen] += np.einsum("nohw,oc->nchw", dy, weight[:, :, row, column])
            dw[:, :, row, column] = np.einsum("nohw,nchw->oc", dy, padded[seen])
    inner = slice(case.padding, case.padding + case.side)
    return {"forward": y, "input gradient": dx[..., inner, inner], "weight gradient": dw}
