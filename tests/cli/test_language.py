"""`--lang`: the language of tables, findings and messages."""

import re
from unicodedata import east_asian_width

import click
import pytest

import convscope as cs
from cli.small_data import NETWORK
from convscope.cli.group import COMMANDS, LazyGroup
from convscope.cli.group import convscope as root

CHINESE = re.compile(r"[\u4e00-\u9fff]")
QUOTED = re.compile(r"`[^`]*`|'[^']*'|\[[a-z-]+\]")
ENGLISH = re.compile(r"(?:\b[a-z]{2,}\b[ ,;:]+){3}\b[a-z]{2,}\b")
"""Four words of English in a row, all in lower case."""


@pytest.fixture
def run(convscope, here):
    """A trained run."""
    assert convscope("train", NETWORK, "--data", "small.npz", "--epochs", 1, "--run", "mine").code == 0
    return "mine"


def sentences(text):
    """Return the parts of a text outside quotes and codes that are English sentences."""
    return ENGLISH.findall(QUOTED.sub("", text))


def commands():
    assert isinstance(root, LazyGroup)
    context = click.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (
                pytest.param(command.commands[figure], id=f"{name} {figure}") for figure in command.commands
            )
        else:
            yield pytest.param(command, id=name)


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_has_the_option(command):
    option = next(param for param in command.params if "--lang" in param.opts)
    assert (option.type.choices, option.default, option.envvar) == (("en", "zh"), "en", "CONVSCOPE_LANG")


def test_english_sentences_are_found():
    assert sentences("误差：the loss is not finite")
    assert not sentences("损失 `the loss is not finite` [not-finite]")


OUTPUTS = [
    ["inspect", "lenet"],
    ["inspect", "resnet18", "--depth", "2"],
    ["inspect", "lenet", "--markdown"],
    ["field", "alexnet", "pool5", "--at", "3,2"],
    ["field", "alexnet", "conv2", "--pixel", "100,60"],
    ["compare", "resnet18", "resnet34"],
    ["zoo"],
    ["evaluate", "mine"],
    ["predict", "mine", "ash.png"],
    ["train", NETWORK, "--data", "small.npz", "--epochs", "1", "--run", "another"],
    ["diagnose", "mine"],
    ["diagnose", "alexnet"],
    ["check", "lenet", "--max-params", "100k"],
    ["counted-by", "lenet", "thop"],
    ["inspect", "lenet", "--plan"],
]


@pytest.mark.parametrize("arguments", OUTPUTS, ids=" ".join)
def test_output_is_chinese(convscope, run, arguments):
    from PIL import Image

    Image.new("L", (5, 6), 200).save("ash.png")
    ended = convscope(*arguments, "--lang", "zh", width=80)
    assert ended.code == 0, ended.err
    if arguments[0] != "predict":  # names and numbers alone
        assert CHINESE.search(ended.out)
        assert sentences(ended.out) == []


@pytest.mark.parametrize("arguments", [*OUTPUTS[:6], ["evaluate", "mine"]], ids=" ".join)
def test_chinese_lines_fit_the_terminal(convscope, run, arguments):
    for line in convscope(*arguments, "--lang", "zh", width=80).out.splitlines():
        assert sum(2 if east_asian_width(sign) in "WF" else 1 for sign in line) <= 80 or "--markdown" in arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "lenet"],
        ["inspect", "lenet", "--plan"],
        ["field", "alexnet", "pool5", "--at", "3,2"],
        ["compare", "resnet18", "resnet34"],
        ["check", "lenet", "--max-params", "1"],
        ["counted-by", "lenet", "thop"],
        ["diagnose", "lenet"],
        ["zoo"],
    ],
    ids=" ".join,
)
def test_json_is_the_same_in_every_language(convscope, arguments):
    assert convscope(*arguments, "--json", "--lang", "zh") == convscope(*arguments, "--json")


def test_the_environment_sets_the_language(convscope, monkeypatch):
    english, chinese = convscope("zoo"), convscope("zoo", "--lang", "zh")
    monkeypatch.setenv("CONVSCOPE_LANG", "zh")
    assert convscope("zoo") == chinese
    assert convscope("zoo", "--lang", "en") == english


def test_the_language_ends_with_the_command(convscope):
    convscope("inspect", "lenet", "--lang", "zh")
    assert not CHINESE.search(str(cs.inspect("lenet")))


ERRORS = [
    (["inspekt"], "没有命令 'inspekt'。是不是想输入 inspect、diagnose？[verb]"),
    (["plot", "feild"], "没有图 'feild'。是不是想输入 field、effective-field？[verb]"),
    (["inspect"], "缺少参数 'MODEL'。"),
    (["inspect", "lenet", "--jsno"], "没有选项 '--jsno'。是不是想输入 '--json'？"),
    (["inspect", "lenet", "--depth", "x"], "'--depth' 的值无效：'x' 不是整数。"),
    (["inspect", "lenet", "--depth", "0"], "'--depth' 的值无效：0 不在范围 x>=1 内。"),
    (
        ["explain", "lenet", "--format", "pdf"],
        "'--format' 的值无效：'pdf' 不在 'text', 'markdown', 'latex', 'html', 'json' 之中。",
    ),
    (
        ["inspect", "lenet", "--json", "--csv"],
        "--json、--csv 和 --markdown 不能同时使用（实际给了 --json 和 --csv）。请只用其中一个。[one-of]",
    ),
    (
        ["inspect", "lenet", "--input", "3x"],
        "--input 必须是用 x 连接的尺寸，通道在前（实际为 '3x'）。例如：3x224x224。[shape]",
    ),
    (["check", "lenet"], "没有给出任何限制。请至少给出一项，例如 --max-macs 4G。[no-limit]"),
    (
        ["check", "lenet", "--max-macs", "much"],
        "--max-macs 必须是不小于 0 的数（实际为 'much'）。例如：25000000、4G、500M、1.5e9、16MiB。[amount]",
    ),
    (["train", "lenet"], "缺少 --data。请同时给出 MODEL 和 --data，"),
    (["predict", "lenet", "a.png"], "'lenet' 只有结构，没有权重。请把 --weights 设为权重文件或训练的文件夹，"),
    (
        ["train", "--config", "none.yaml"],
        "无法读取 YAML 文件 'none.yaml'（没有这个文件或文件夹）。请检查路径。[config-file]",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS, ids=[" ".join(given) for given, _ in ERRORS])
@pytest.mark.parametrize("given", ["--lang zh", "--lang=zh", "CONVSCOPE_LANG"])
def test_errors_are_chinese(convscope, here, monkeypatch, arguments, message, given):
    """The language is known before options are parsed."""
    if given == "CONVSCOPE_LANG":
        monkeypatch.setenv(given, "zh")
        ended = convscope(*arguments)
    else:
        ended = convscope(*arguments, *given.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"convscope: {message}")


def test_an_unknown_language_is_refused(convscope):
    ended = convscope("inspect", "lenet", "--lang", "fr")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(
        "convscope: Invalid value for '--lang' (env var: 'CONVSCOPE_LANG'): 'fr' is not one of"
    )
