import csv
import io
import json
import re

import pytest

import convscope as cs
from convscope.analysis.grouping import rows_at_depth
from convscope.loading import zoo_names

COUNTS = ("params", "macs", "multiplications", "additions", "comparisons", "divisions", "exponentials")
ROW_KEYS = {"name", "kind", "inputs", "output_shape", *COUNTS, "activation_bytes", "status", "receptive_field"}
FIELD_KEYS = {"status", "size", "stride", "start", "padding"}
TOTAL_KEYS = {
    *COUNTS,
    "activation_bytes",
    "peak_activation_bytes",
    "peak_training_bytes",
    "parameter_bytes",
    "status",
}
FIELD_STATUSES = {"exact", "union", "misaligned", "varying", "global", "unknown", "none"}


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_of_alexnet(convscope, golden, width):
    """The table at a narrow and a wide terminal."""
    ended = convscope("inspect", "alexnet", width=width)
    assert (ended.code, ended.err) == (0, "")
    golden(f"inspect-alexnet-{width}.txt", ended.out)


@pytest.mark.parametrize(
    ("model", "option", "file"),
    [
        ("resnet18", "--markdown", "inspect-resnet18.md"),
        ("lenet", "--csv", "inspect-lenet.csv"),
        ("alexnet", "--json", "inspect-alexnet.json"),
    ],
)
def test_other_formats(convscope, golden, model, option, file):
    """Markdown, CSV and JSON."""
    ended = convscope("inspect", model, option)
    assert (ended.code, ended.err) == (0, "")
    golden(file, ended.out)


def test_input_option_takes_one_shape_or_names(convscope):
    plain = convscope("inspect", "lenet", "--input", "1x40x44", "--json")
    named = convscope("inspect", "lenet", "--input", "input=1x40x44", "--json")
    assert plain == named
    assert json.loads(plain.out)["input_shape"] == [1, 40, 44]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--input", "3x64x60", "--input", "3x4x5"],
            "--input must name a different input each time (got '3x64x60'). Give --input NAME=CxHxW once per "
            "input. [shape]",
        ),
        (
            ["--input", "a=3x64x60", "--input", "a=3x4x5"],
            "--input must name a different input each time (got 'a=3x4x5'). Give --input NAME=CxHxW once per "
            "input. [shape]",
        ),
        (
            ["--input", "image=3x64x60"],
            "input_shape must name inputs of the model (got 'image'). Known: input. [input-name]",
        ),
        (
            ["--input", "64x60x3"],
            "Shapes must have channels first (got 64x60x3 for 'input', which has 3 channels). Write 3x64x60. "
            "[channels-last]",
        ),
    ],
)
def test_bad_input_shapes_are_refused(convscope, options, message):
    ended = convscope("inspect", "resnet18", *options)
    assert (ended.code, ended.out, ended.err) == (2, "", f"convscope: {message}\n")


@pytest.mark.parametrize("width", [56, 60, 80, 100, 140, 200])
@pytest.mark.parametrize("model", ["alexnet", "resnet50", "mobilenet_v3_small", "unet"])
def test_no_line_is_wider_than_the_terminal(convscope, model, width):
    """Columns, digits and names give way until the table fits."""
    lines = convscope("inspect", model, width=width).out.splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("model", ["alexnet", "resnet50", "googlenet"])
def test_the_printed_columns_add_up_to_the_printed_totals(convscope, model):
    """What a reader would get by adding the column is what stands below it."""
    lines = convscope("inspect", model, width=240).out.splitlines()
    rules = [number for number, line in enumerate(lines) if set(line) == {"─"}]
    assert len(rules) == 2
    heading, total = lines[rules[0] - 1], lines[rules[1] + 1]
    for name in ("params", "MACs", "additions", "comparisons"):
        end = re.search(rf"\b{name}\b", heading).end()
        column = [_number_ending_at(line, end) for line in lines[rules[0] + 1 : rules[1]]]
        assert len(column) > 20
        assert sum(column) == _number_ending_at(total, end) > 0


def _number_ending_at(line: str, end: int) -> int:
    return int(line[:end].split()[-1].replace(",", ""))


@pytest.mark.parametrize("model", zoo_names())
def test_the_json_document_has_the_promised_keys(convscope, model):
    """Every network of the zoo gives one JSON document with exactly the documented keys and types."""
    document = json.loads(convscope("inspect", model, "--json").out)
    assert set(document) == {"schema", "model", "input_shape", "layers", "totals"}
    assert document["schema"] == 1
    assert document["model"] == model
    assert all(type(size) is int for size in document["input_shape"])
    assert set(document["totals"]) == TOTAL_KEYS
    for row in document["layers"]:
        assert set(row) - {"shares", "origin"} == ROW_KEYS
        assert all(type(row[name]) is int for name in (*COUNTS, "activation_bytes"))
        assert row["status"] in {"complete", "lower_bound", "unknown"}
        field = row["receptive_field"]
        assert set(field) - {"via", "global_via", "merges"} == FIELD_KEYS
        assert field["status"] in FIELD_STATUSES
        assert (field["size"] is None) == (field["status"] in {"global", "unknown", "none"})
        assert ("via" in field) == (field["status"] in {"global", "unknown"})
    for name in COUNTS:
        assert document["totals"][name] == sum(row[name] for row in document["layers"])


def test_the_json_document_is_plain_ascii(convscope):
    """Whatever the names, so that any pipe can carry it."""
    ended = convscope("inspect", "input 1x9x7 | 卷积: conv 3 2", "--json")
    assert ended.out.isascii()
    assert json.loads(ended.out)["layers"][0]["name"] == "卷积"


def test_csv_has_a_line_for_each_layer_and_no_totals(convscope):
    """Columns can be summed as they stand, and sizes are joined by x."""
    rows = list(csv.DictReader(io.StringIO(convscope("inspect", "alexnet", "--csv").out)))
    assert sum(int(row["params"]) for row in rows) == 60_965_224
    conv1 = rows[0]
    assert (conv1["output_shape"], conv1["field_size"], conv1["field_start"]) == ("96x55x55", "11x11", "5.5x5.5")


def test_input_replaces_the_images_shape(convscope):
    """Rows and columns keep their order."""
    ended = convscope("inspect", "input 3x64x64 | conv 8 3x5 s2x1", "--input", "3x30x41")
    assert ended.out.startswith("network: input 3×30×41, 1 layer\n")
    assert " 8×14×37 " in ended.out


def test_unknown_values_are_question_marks(convscope):
    """An unknown operator shows question marks, totals a lower bound, and a footnote says why."""
    out = convscope("inspect", "input 3x20x30 | conv 4 3 s2x1 | opaque mystery 4x5x6 | conv 8 3").out
    row = next(line for line in out.splitlines() if line.startswith("opaque1"))
    assert row.split()[2:] == ["4×5×6", "?", "?", "?", "480", "B", "?"]
    total = next(line for line in out.splitlines() if line.startswith("total"))
    assert total.split()[1:4] == ["≥408", "≥30,672", "≥30,672"]
    assert "≥ lower bound; ? unknown: the totals exclude unsupported operators (opaque1)." in out
    assert "? unknown: positions cannot be traced through opaque1." in out


def test_shared_parameters_are_named_as_such(convscope):
    """They are counted once, and the second user says so."""
    out = convscope("inspect", "input 3x20x30 | a: conv 3 3 p1 | b: conv 3 3 p1 share=a").out
    row = next(line for line in out.splitlines() if line.startswith("b "))
    assert row.split()[3] == "shared"
    assert "shared: the parameters of another layer, counted there." in out


def test_signs_of_fields_are_explained_only_where_they_occur(convscope):
    """AlexNet needs none; a residual network has unions; squeeze-and-excitation a side path."""
    assert "∪" not in convscope("inspect", "alexnet").out
    resnet = convscope("inspect", "resnet18").out
    assert "∪ union: paths with different receptive fields meet; the size covers all of them." in resnet
    mobile = convscope("inspect", "mobilenet_v3_small").out
    assert "+ a side path also sees every pixel, through block1.se.globalavgpool1" in mobile


def test_counted_by_shows_another_tools_numbers(convscope, golden):
    """The verb and the option print the same."""
    verb = convscope("counted-by", "input 3x20x31 | conv 4 3 | bn | relu | flatten | dense 5", "torchinfo")
    option = convscope(
        "inspect", "input 3x20x31 | conv 4 3 | bn | relu | flatten | dense 5", "--counted-by", "torchinfo"
    )
    assert verb == option
    golden("counted-by-torchinfo.txt", verb.out)
    document = json.loads(convscope("counted-by", "lenet", "thop", "--json").out)
    assert document["tool"] == "thop"


def test_the_zoo_lists_every_network(convscope):
    """Name, input, layers, parameters, MACs; as JSON too."""
    table = convscope("zoo").out.split("\n\n")[0]
    listed = [line.split()[0] for line in table.splitlines()[2:]]
    assert listed == zoo_names()
    entries = {entry["name"]: entry for entry in json.loads(convscope("zoo", "--json").out)}
    assert entries["vgg16"]["params"] == 138_357_544
    assert entries["lenet"]["input_shape"] == [1, 28, 28]


def test_depth_groups_layers_by_module(convscope):
    ended = convscope("inspect", "resnet18", "--depth", "1", width=140)
    assert ended.code == 0
    rows = {line.split()[0]: line.split() for line in ended.out.splitlines() if line.strip()}
    assert rows["layer2"][1:4] == ["16", "layers", "layer1"]
    assert rows["layer2"][4] == "128×28×28"
    assert rows["layer2"][5] == "525,568"
    assert rows["conv1"][1] == "Conv2d"
    total = convscope("inspect", "resnet18", width=140).out
    assert next(line for line in total.splitlines() if line.startswith("total")).split()[1] == rows["total"][1]


def test_depth_of_groups_adds_up(convscope):
    report = cs.inspect("resnet18")
    for depth in (1, 2, 3, 9):
        rows = rows_at_depth(report, depth)
        assert sum(row.params for row in rows) == report.totals.params
        assert sum(row.operations.macs for row in rows) == report.totals.macs
        assert sum(row.activation_bytes for row in rows) == report.totals.activation_bytes
    assert rows == report.rows
    inputs = {row.name: row.inputs for row in rows_at_depth(report, 2)}
    assert inputs["layer2.0"] == ("layer1.1",)


def test_depth_and_json_exclude_each_other(convscope):
    ended = convscope("inspect", "resnet18", "--depth", "2", "--json")
    assert ended.code == 2
    assert ended.err.startswith("convscope: --depth and --json exclude each other (got --depth and --json). ")
