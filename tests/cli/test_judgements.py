"""compare, check, diagnose."""

import json

import pytest

SMALL = "input 3x64x48 | conv1: conv 16 3 | relu | pool1: maxpool 2 | conv2: conv 32 3x5"
LARGE = "input 3x64x48 | conv1: conv 24 5 s2x1 | relu | pool1: maxpool 2 | conv2: conv 32 3x5 | bn"


def test_compare_shows_what_changed_and_the_sums(convscope, golden):
    """Changed and added layers with their numbers, then totals with difference and ratio."""
    ended = convscope("compare", SMALL, LARGE)
    assert (ended.code, ended.err) == (0, "")
    golden("compare.txt", ended.out)


def test_compare_as_json(convscope):
    """One document; the difference of two totals is the second less the first."""
    document = json.loads(convscope("compare", "resnet18", "resnet34", "--json").out)
    assert set(document) == {"schema", "a", "b", "same", "layers", "totals", "status"}
    assert document["totals"]["params"]["difference"] == 21_797_672 - 11_689_512
    assert document["same"] is False


def test_compare_of_equal_networks(convscope):
    """Nothing is listed."""
    out = convscope("compare", "lenet", "lenet").out
    assert out.startswith("lenet (A) → lenet (B): layers: 12 same, 0 changed, 0 added, 0 removed\n\ntotal ")


def test_check_within_limits_exits_with_0(convscope, golden):
    """Each limit is printed with what is left."""
    ended = convscope(
        "check", "resnet50", "--max-macs", "4.1G", "--max-params", "25_557_032", "--min-field", "224x427"
    )
    assert (ended.code, ended.err) == (0, "")
    golden("check-kept.txt", ended.out)


def test_check_with_exceeded_limits_exits_with_1(convscope, golden):
    """Each limit is printed with its number and by how much it is broken."""
    ended = convscope("check", "resnet50", "--max-macs", "4e9", "--max-memory", "16MiB", "--min-field", "500x300")
    assert (ended.code, ended.err) == (1, "")
    golden("check-broken.txt", ended.out)


def test_check_as_json(convscope):
    """The document says by how much; the exit code is the same."""
    ended = convscope("check", "lenet", "--max-params", "61705", "--max-macs", "1M", "--json")
    document = json.loads(ended.out)
    assert ended.code == 1
    assert document["ok"] is False
    params, macs = document["limits"]
    assert (params["limit"], params["allowed"], params["actual"], params["spare"]) == (
        "max_params",
        61705,
        61706,
        -1,
    )
    assert (macs["limit"], macs["spare"], macs["ok"]) == ("max_macs", 1_000_000 - 416_520, True)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("61706", 61706),
        ("61_706", 61706),
        ("61,706", 61706),
        ("4G", 4 * 10**9),
        ("4g", 4 * 10**9),
        ("500M", 500 * 10**6),
        ("1.5e9", 1_500_000_000),
        ("2.5k", 2500),
        (".5k", 500),
        ("16MiB", 16 * 2**20),
        ("16 MB", 16 * 10**6),
        ("1.5KiB", 1536),
        ("12B", 12),
        ("0.1", 0),
        ("0.3G", 300_000_000),
    ],
)
def test_amounts(convscope, text, number):
    """SI and binary prefixes, exponents and separators, exact to the last digit."""
    document = json.loads(convscope("check", "lenet", "--max-parameter-bytes", text, "--json").out)
    assert document["limits"][0]["allowed"] == number


@pytest.mark.parametrize("text", ["-1", "4X", "1e-3", "", "nan", "inf", "1.2.3", "0x10", "٣"])
def test_invalid_amounts_are_refused(convscope, text):
    """The message shows how one is written."""
    ended = convscope("check", "lenet", "--max-params", text)
    assert ended == (
        2,
        "",
        f"convscope: --max-params must be a number of at least 0 (got {text!r}). "
        "Examples: 25000000, 4G, 500M, 1.5e9, 16MiB. [amount]\n",
    )


def test_check_without_limits_is_refused(convscope):
    """Otherwise a slip in a script would always pass."""
    ended = convscope("check", "lenet")
    assert ended == (
        2,
        "",
        "convscope: No limit is given. Add one, such as --max-macs 4G. [no-limit]\ntry: convscope check --help\n",
    )


def test_unknown_quantity_exceeds_its_limit(convscope):
    """An unknown operator may cost anything."""
    ended = convscope("check", "input 3x20x30 | opaque mystery 4x5x6", "--max-macs", "1G")
    assert ended.code == 1
    assert ended.out.splitlines()[0] == "network: input 3×20×30, 1 of 1 limits exceeded"


def test_diagnose_lists_findings_with_suggestions(convscope, golden):
    """Each finding has its kind, its numbers, its code and what to do."""
    ended = convscope("diagnose", "vgg16", "--object-size", "300x500", "--other-input", "3x256x320")
    assert (ended.code, ended.err) == (0, "")
    golden("diagnose-vgg16.txt", ended.out)


def test_diagnose_as_json(convscope):
    """One document that holds the findings."""
    document = json.loads(convscope("diagnose", "vgg16", "--object-size", "500", "--json").out)
    assert set(document) == {"schema", "model", "input_shape", "findings"}
    assert document["model"] == "vgg16"
    assert all(
        set(finding) == {"code", "severity", "layers", "message", "suggestion", "numbers"}
        for finding in document["findings"]
    )
    assert document["findings"][0]["code"] == "small-field"


@pytest.mark.parametrize(
    ("a", "b", "sizes"),
    [
        ("torch:built_nets:build", "torch:built_nets:build(depth=7)", "Conv2d  out_channels 5 → 7"),
        ("torch:built_nets:build", "input 3x9x8 | conv 5 3", "1 added"),
    ],
)
def test_compare_passes_arguments_to_the_models_that_take_them(convscope, tmp_path, monkeypatch, a, b, sizes):
    pytest.importorskip("torch")
    (tmp_path / "built_nets.py").write_text(
        "from torch import nn\n\n\ndef build(depth=2):\n    return nn.Sequential(nn.Conv2d(3, depth, 3))\n"
    )
    monkeypatch.chdir(tmp_path)
    ended = convscope("compare", a, b, "--input", "3x9x8", "--arg", "depth=5")
    assert ended.code == 0, ended.err
    assert sizes in ended.out


def test_compare_refuses_arguments_that_no_model_takes(convscope):
    ended = convscope("compare", "alexnet", "lenet", "--arg", "depth=5")
    assert ended.code == 2
    assert ended.err.startswith("convscope: --arg needs a MODEL that is a Python callable (got ")
