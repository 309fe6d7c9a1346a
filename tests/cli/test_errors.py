import pytest

CHAIN = "input 3x20x30 | conv 4 3"
MODEL = (
    "There is no model 'alexnte'. Did you mean alexnet, lenet, googlenet? A model is a name in the zoo, notation "
    "(`input 3x224x224 | conv …`), a .yaml, .json or .onnx file, or a run folder. [model-name]"
)

BAD_INPUT = [
    (["inspect", "alexnte"], MODEL),
    (
        ["inspect", "alexnet", "--input", "3x"],
        "--input must be sizes joined by x, channels first (got '3x'). Example: 3x224x224. [shape]",
    ),
    (
        ["inspect", "alexnet", "--input", "3x0x5"],
        "--input must be sizes joined by x, channels first (got '3x0x5'). Example: 3x224x224. [shape]",
    ),
    (
        ["inspect", "alexnet", "--counted-by", "fvcroe"],
        "TOOL must be one of torchinfo, fvcore, thop, ptflops, torchvision, tf.profiler "
        "(got 'fvcroe'). Did you mean fvcore? [counting-tool]",
    ),
    (["field", "alexnet", "conv7", "--at", "1,1"], None),
    (
        ["field", "alexnet", "pool5", "--at", "6,2"],
        "Layer 'pool5' has no unit 6,2: its output is 256×6×6. Use 0 to 5 as coordinate 1. [unit-range]",
    ),
    (
        ["field", "alexnet", "pool5", "--at", "-1,2"],
        "Layer 'pool5' has no unit -1,2: its output is 256×6×6. Use 0 to 5 as coordinate 1. [unit-range]",
    ),
    (
        ["field", "alexnet", "pool5", "--at", "3;2"],
        "--at must be integers separated by commas (got '3;2'). Example: 3,2 for row 3, column 2. [place]",
    ),
    (
        ["field", "alexnet", "pool5", "--at", "3"],
        "A unit of layer 'pool5' has 2 coordinates ROW,COLUMN (got 3). Its output is 256×6×6. [unit-rank]",
    ),
    (
        ["field", "alexnet", "pool5", "--pixel", "227,0"],
        "Layer 'input' has no unit 227,0: its output is 3×227×227. Use 0 to 226 as coordinate 1. [unit-range]",
    ),
    (
        ["diagnose", "alexnet", "--object-size", "0"],
        "--object-size must be a number of pixels (got '0'). Example: 32, or 32x48 for rows and columns. [extent]",
    ),
    (
        ["convert", "lenet", "lenet.json"],
        "OUT must end in .txt for notation, .yaml for YAML, .html for a page, or .onnx, .safetensors or .pt with "
        "weights, or be a dash (got 'lenet.json'). [convert-ending]",
    ),
    (
        ["convert", "lenet", "/nowhere/lenet.yaml"],
        "Cannot write '/nowhere/lenet.yaml' (no such file or directory). Choose an existing folder that you "
        "may write to. [save]",
    ),
    (
        ["explain", "lenet", "conv1", "--save", "/"],
        "Cannot write '/' (it is a folder). Choose an existing folder that you may write to. [save]",
    ),
    (
        ["plot", "function", "relu", "--set", "slope"],
        "--set must be SETTING=VALUE (got 'slope'). Example: negative_slope=0.2. [set]",
    ),
    (
        ["plot", "function", "relu", "--set", "lang=zh"],
        "--set must be SETTING=VALUE (got 'lang=zh'). Example: negative_slope=0.2. [set]",
    ),
    (
        ["plot", "activations", "--save", "a.pdf"],
        "A figure's file must end in .png or .svg (got 'a.pdf'). [figure-ending]",
    ),
]
UNKNOWN_LAYER = "alexnet has no layer 'conv7'. Did you mean conv5, conv4, conv3? [layer-name]"

WRONG_USE = [
    (
        ["inspekt", "alexnet"],
        "There is no command 'inspekt'. Did you mean inspect, diagnose? [verb]",
        "convscope",
    ),
    (
        ["plot", "feild"],
        "There is no figure 'feild'. Did you mean field, effective-field? [verb]",
        "convscope plot",
    ),
    (
        ["inspect", "lenet", "--json", "--csv"],
        "--json, --csv and --markdown exclude each other (got --json and --csv). Use only one of them. [one-of]",
        "convscope inspect",
    ),
    (
        ["inspect", "lenet", "--markdown", "--counted-by", "thop"],
        "--counted-by, --csv and --markdown exclude each other (got --counted-by and --markdown). "
        "Use only one of them. [one-of]",
        "convscope inspect",
    ),
    (
        ["field", "alexnet", "pool5"],
        "Neither a unit nor a pixel is given. Add --at ROW,COL for a unit, such as --at 3,2, or --pixel ROW,COL. "
        "[field-at]",
        "convscope field",
    ),
    (
        ["field", "alexnet", "pool5", "--at", "1,2", "--pixel", "1,2"],
        "--at and --pixel exclude each other (got --at and --pixel). Use only one of them. [one-of]",
        "convscope field",
    ),
    (
        ["field", "alexnet", "pool5", "--at", "1,2", "--image", "a.png"],
        "--image needs --save. Add the file to write, such as --save seen.png. [field-image]",
        "convscope field",
    ),
    (
        ["explain", "alexnet", "--at", "1,2"],
        "--at needs a LAYER. Name the layer after the model. [explain-at]",
        "convscope explain",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT)
def test_bad_input_ends_in_one_message(convscope, arguments, message):
    """The message stands on stderr, nothing on stdout, and the exit code is 2."""
    ended = convscope(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"convscope: {message or UNKNOWN_LAYER}\n"


@pytest.mark.parametrize(("arguments", "message", "verb"), WRONG_USE)
def test_usage_errors_name_the_help(convscope, arguments, message, verb):
    """Options that do not go together, verbs that are not there."""
    ended = convscope(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"convscope: {message}\ntry: {verb} --help\n"


def test_an_unknown_option_gets_the_nearest(convscope):
    """What is offered is an option of the verb."""
    ended = convscope("inspect", "alexnet", "--markdwon")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("convscope: No such option '--markdwon'.")
    assert "'--markdown'" in ended.err


def test_a_missing_argument_is_named(convscope):
    """A verb without its model."""
    ended = convscope("inspect")
    assert ended == (2, "", "convscope: Missing argument 'MODEL'.\ntry: convscope inspect --help\n")


def test_malformed_notation_is_shown_with_a_caret(convscope, golden):
    """Line, column, the line itself and a mark under the place."""
    ended = convscope("inspect", "input 3x32x32 | conv 16 3 | rleu | flatten")
    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.splitlines()
    (caret,) = [number for number, line in enumerate(lines) if set(line.strip()) == {"^"}]
    assert lines[caret - 1][lines[caret].index("^") :].startswith("rleu")
    golden("error-notation.txt", ended.err)


def test_misfitting_layer_is_shown_with_the_table_up_to_it(convscope, golden):
    """The failing layer, its input, and a hint."""
    ended = convscope("inspect", "input 3x9x12 | conv 16 3 s2 | relu | maxpool 5")
    assert (ended.code, ended.out) == (2, "")
    golden("error-shape.txt", ended.err)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.yaml", None),
        ("binary.yaml", b"\x89PNG\r\n\x1a\n\x00\x01\xff\xfe"),
        ("empty.yaml", b""),
        ("object.yaml", b"!!python/object/apply:os.system ['true']"),
        ("text.json", b"not json"),
    ],
)
def test_files_that_are_no_networks_are_refused(convscope, tmp_path, name, content):
    """Missing, binary, empty or malicious: one message that names the file, no traceback."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    ended = convscope("inspect", path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("convscope: ")
    assert name in ended.err
    assert "Traceback" not in ended.err
