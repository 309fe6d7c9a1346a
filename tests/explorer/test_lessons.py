"""Guided lessons: the file format, the computed numbers, and a walk through each lesson in the browser."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest

import convscope as cs
from convscope.errors import BadFile, BadSetting
from convscope.explorer import lessons
from convscope.explorer.app import static_files
from convscope.explorer.lessons.library import BUNDLED, LessonLibrary, step_document
from convscope.explorer.lessons.quantities import QUANTITIES, Numbers
from convscope.explorer.lessons.text import LARGEST, read_lesson
from convscope.explorer.session import Session
from convscope.model import Model
from explorer.conftest import running

STEP = "# Title\n## Step\n"


@pytest.fixture(scope="module")
def session():
    return Session()


@pytest.fixture(scope="module")
def server(session):
    session.first = session.sample_network()
    with running(session) as one:
        yield one


# The file


def test_a_lesson_is_read_in_parts():
    text = read_lesson(
        "# Title\nabout: One line.\n\n## First\nmodel: lenet\nimage: 1 2; 3 4 | 5 6; 7 8\nset: conv1.bias 0 1\n"
        "page: #s=1&l=conv1\nTwo lines\nof `code` and **weight** {size conv1}.\n\nSecond.\n\n"
        "question: Which?\nchoice: {size conv1}\nchoice: 7\nanswer: size conv1\ntolerance: 0.5\nwhy: So.\n## Last\n",
        "file.md",
    )
    first, last = text.steps
    assert (text.title, text.about, last.title, last.question) == ("Title", "One line.", "Last", None)
    assert first.image == (((1, 2), (3, 4)), ((5, 6), (7, 8)))
    assert first.parameters == (("conv1.bias", (0, 1)),)
    assert first.page == "s=1&l=conv1"
    assert [[(part.kind, part.text) for part in one] for one in first.paragraphs] == [
        [
            ("text", "Two lines of "),
            ("code", "code"),
            ("text", " and "),
            ("strong", "weight"),
            ("text", " "),
            ("value", "size conv1"),
            ("text", "."),
        ],
        [("text", "Second.")],
    ]
    assert first.question is not None
    assert (first.question.answer, first.question.tolerance, len(first.question.choices)) == ("size conv1", 0.5, 2)


def test_bundled_lessons_name_views_of_the_page():
    source = static_files()["app/views.js"].decode()
    known = set(re.search(r"Object\.entries\(\{ ([^}]+) \}", source)[1].split(", "))
    for path in Path(lessons.__file__).parent.glob("*.md"):
        for view in re.findall(r"[&\s]v=(\w+)", path.read_text(encoding="utf-8")):
            assert view in known, path.name


@pytest.mark.parametrize(
    ("content", "line", "part", "code"),
    [
        ("", 0, "The lesson has no title", "lesson-form"),
        ("# Title\n", 1, "no steps", "lesson-form"),
        ("# Title\nHello\n## Step\n", 2, "Before the first step", "lesson-form"),
        (STEP + "pgae: l=conv1\n", 3, "Did you mean page?", "lesson-form"),
        (STEP + "page: a\npage: b\n", 4, "two lines 'page:'", "lesson-form"),
        (STEP + "image: 1 2; 3\n", 3, "differ in length", "lesson-value"),
        (STEP + "image: 1 x\n", 3, "'x' is not a number", "lesson-value"),
        (STEP + "image: 1 nan\n", 3, "'nan' is not a number", "lesson-value"),
        (STEP + "set: conv1.bias\n", 3, "set: NAME VALUES", "lesson-value"),
        (STEP + "answer: 3\n", 3, "An answer needs a question", "lesson-question"),
        (STEP + "question: a?\n", 3, "has no answer", "lesson-question"),
        (STEP + "question: a?\nchoice: b\nanswer: b\n", 3, "2 to 12 choices (got 1)", "lesson-question"),
        (
            STEP + "question: a?\nchoice: b\nchoice: c\nright: d\n",
            3,
            "repeat one of the choices",
            "lesson-question",
        ),
        ("# Title\n" + "## Step\n" * 101, 1, "at most 100 steps (got 101)", "lesson-form"),
        ("x" * (LARGEST + 1), 0, "262,144 bytes", "lesson-form"),
        (b"\xff\xfe\x00", 0, "not UTF-8", "lesson-form"),
    ],
)
def test_a_mistake_is_named_with_its_line(content, line, part, code):
    with pytest.raises(BadFile) as caught:
        read_lesson(content, "mine.md")
    message = str(caught.value)
    assert part in message
    assert message.startswith("mine.md, line ")
    assert caught.value.code == code
    if part not in ("An answer needs a question",):
        assert f"line {line}:" in message or line <= 1


def test_any_bytes_are_read_or_refused():
    generator = np.random.default_rng(3)
    words = [
        "#",
        "##",
        "model:",
        "image:",
        "question:",
        "choice:",
        "right:",
        "{",
        "}",
        "`",
        "**",
        "\n",
        ";",
        "|",
        "1",
    ]
    for _ in range(300):
        text = " ".join(generator.choice(words, 40)).replace(" \n ", "\n")
        with suppress(BadFile):
            read_lesson(STEP + text, "random.md")


# Numbers


def test_expressions_are_those_of_the_library():
    network = cs.load("alexnet")
    numbers, report = Numbers(network), cs.inspect("alexnet")
    region = network.field("pool5", (3, 2))
    expected = {
        "size pool5": report["pool5"].receptive_field.size[0],
        "jump pool5": report["pool5"].receptive_field.stride[0],
        "start pool5": report["pool5"].receptive_field.start[0],
        "shape conv1": "96×55×55",
        "elements conv1": 96 * 55 * 55,
        "positions conv1": 3025,
        "channels conv1": 96,
        "height conv1": 55,
        "width conv1": 55,
        "params conv1": report["conv1"].params,
        "params total": report.totals.params,
        "weights conv1": report["conv1"].params - 96,
        "macs conv1": report["conv1"].macs,
        "multiplications conv1": report["conv1"].multiplications,
        "additions conv1": report["conv1"].additions,
        "comparisons pool1": report["pool1"].comparisons,
        "rows pool5 3,2": f"{region.clipped[0]}–{region.clipped[2] - 1}",
        "columns pool5 3,2": f"{region.clipped[1]}–{region.clipped[3] - 1}",
        "center pool5 3,2": "×".join(str(int(one)) if one == int(one) else str(one) for one in region.center),
        "padding pool5 3,2": region.padded_fraction,
        "function sigmoid 0": 0.5,
        "slope tanh 0": 1,
        "2 ^ 10": 1024,
        "11 - 1 / 2": 5,
    }
    assert {text: numbers.evaluate(text) for text in expected} == expected
    values = {"value", "sum", "terms", "gradient"}
    assert QUANTITIES.keys() - {text.split()[0] for text in expected} == values


def test_values_and_gradients_are_those_of_the_model(session):
    shown = session.sample_network()
    from convscope.explorer.lessons.library import _numbers
    from convscope.explorer.session import SAMPLE

    numbers = _numbers(session, shown, SAMPLE)
    x = session.pixels(shown, SAMPLE)
    terms = shown.model.unit_terms(x, "conv2", (3, 2, 1))
    assert numbers.evaluate("value conv2 3,2,1") == terms.value
    assert numbers.evaluate("sum conv2 3,2,1") == terms.sum
    assert numbers.evaluate("terms conv2 3,2,1") == len(terms.terms) == 150
    trace = shown.model.trace(x[None], 4)
    assert numbers.evaluate("gradient conv2 3,2,1 4") == float(trace["conv2"].gradient[0, 3, 2, 1])


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("", "Write a quantity"),
        ("size", "Write it as: size LAYER"),
        ("sizes conv1", "Did you mean size?"),
        ("size conv9", "Did you mean conv5, conv4, conv3?"),
        ("size input", "The input is no layer"),
        ("value conv1 0,0,0", "it cannot be run"),
        ("rows conv1 a", "An index is written as"),
        ("1 / 0", "not finite"),
        ("9 ^ 9999", "too large"),
        ("shape conv1 + 1", "Only numbers"),
        ("slope sigmod 0", "Did you mean sigmoid?"),
        ("__import__('os')", "There is no quantity"),
        ("weights relu1", "no weights"),
    ],
)
def test_bad_expressions_say_what_to_write(expression, hint):
    with pytest.raises(BadSetting) as caught:
        Numbers(cs.load("alexnet")).evaluate(expression)
    assert hint in str(caught.value)
    assert caught.value.code == "lesson-expression"


@pytest.mark.parametrize(
    ("step", "part"),
    [
        ("model: torch:os:getcwd\n", "line 2"),
        ("model: /etc/passwd\n", "line 2"),
        ("model: input 1x4x4 | conv 1 2\nset: conv1.wight 1\n", "no parameter 'conv1.wight'"),
        ("model: input 1x4x4 | conv 1 2\nset: conv1.weight 1\n", "has 4 values (got 1)"),
        ("model: lenet\n\nquestion: a?\nchoice: 1\nchoice: 2\nanswer: size conv1\n", "The answer is 5"),
        ("model: lenet\n\nquestion: a?\nanswer: shape conv1\n", "is a text"),
    ],
)
def test_a_step_that_cannot_be_shown_names_its_line(session, step, part):
    from convscope.explorer.lessons.library import GuidedLesson

    lesson = GuidedLesson("mine", {"en": read_lesson(STEP + step, "mine.md")})
    with pytest.raises(BadFile) as caught:
        step_document(session, lesson, 0, "en")
    assert part in str(caught.value)
    assert caught.value.code == "lesson-step"


def test_languages_of_a_lesson_have_the_same_steps(tmp_path):
    (tmp_path / "mine.md").write_text("# A\n## One\npage: l=conv1\n## Two\n", "utf-8")
    (tmp_path / "mine.zh.md").write_text("# 甲\n## 一\npage: l=conv1\n", "utf-8")
    with pytest.raises(BadFile, match=r"differ in step 2.*\[lesson-languages\]"):
        LessonLibrary().open(str(tmp_path / "mine.md"))
    (tmp_path / "mine.zh.md").write_text("# 甲\n## 一\npage: l=conv2\n## 二\n", "utf-8")
    with pytest.raises(BadFile, match="differ in step 1"):
        LessonLibrary().open(str(tmp_path / "mine.md"))


# The bundled lessons

FIGURES = {
    "activations-and-fields": [0.25, 0.25**4, 0, 3, 13, "32–226"],
    "running-process": [18, 6, 8, 9, 6272, 18],
    "calculations": ["10×50×50", 675_000, 280, 3, 5, 6272],
    "layers-from-scratch": [0, 1024, -3, 1, 3025, 0],
    "computing-a-field": [None, 4, 8, 11, 19, "0–9"],
}
"""The answers, computed by hand."""

SAID = {
    "running-process": {2: [5, 6, 7, 8], 3: [5, 5, 6]},
    "calculations": {1: [25_000, 75_000]},
    "layers-from-scratch": {4: [363]},
}
"""Numbers in the sentences, by step, as the documents have them that the lessons follow."""


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_lessons_have_these_answers(session, name, lang):
    lesson = session.lessons.lesson(name)
    assert set(lesson.texts) == {"en", "zh"}
    documents = [step_document(session, lesson, number, lang) for number in range(len(lesson.text(lang).steps))]
    assert [one["question"]["answer"] for one in documents] == FIGURES[name]
    for number, figures in SAID.get(name, {}).items():
        parts = [part for paragraph in documents[number]["paragraphs"] for part in paragraph]
        assert [part["value"] for part in parts if part["kind"] == "value"] == figures


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_walk_through_a_lesson(server, open_page, name, lang):
    page = open_page(server, f"#s=1&v=table&lesson={name}.1&lang={lang}")
    lesson = server.session.lessons.lesson(name)
    count = len(lesson.text(lang).steps)
    for number in range(count):
        page.wait_for_selector(f"#lesson[data-state=ready][data-step='{number}']")
        document = step_document(server.session, lesson, number, lang)
        wanted = {key: one[0] for key, one in parse_qs(document["page"]).items()}
        page.wait_for_function(
            """async ([network, layer]) => {
              const { state } = await import("cs/store");
              const { network: shown } = await import("cs/data");
              return shown?.id === network && state.network === network && state.layer === layer && document.body.dataset.state === "ready";
            }""",
            arg=[document["network"], wanted["l"]],
        )
        unit = page.evaluate(
            "async () => { const { state } = await import('cs/store'); return [state.channel, state.row, state.column]; }"
        )
        assert unit == [int(one) for one in wanted["u"].split(",")]
        shown = page.eval_on_selector_all(
            "#lesson .lesson-text [data-q=lesson_value]", "list => list.map(one => JSON.parse(one.dataset.v))"
        )
        parts = [part for paragraph in document["paragraphs"] for part in paragraph]
        assert shown == [part["value"] for part in parts if part["kind"] == "value"]
        answer_wrongly_then_right(page, document["question"])
        check_the_page(server.session, page, document, wanted)
        page.eval_on_selector("#lesson h2", "one => one.focus()")
        page.keyboard.press("Space")
    page.wait_for_selector("#lesson", state="hidden")
    page.wait_for_selector(".card")


def answer_wrongly_then_right(page, question) -> None:
    if question["choices"]:
        wrong = next(i for i in range(len(question["choices"])) if i != question["right"])
        page.click(f".choice[data-choice='{wrong}']")
        page.wait_for_selector("#lesson .result[data-right=false]")
        page.click(f".choice[data-choice='{question['right']}']")
    else:
        page.fill("#lesson input", str(question["answer"] + 1 + question["tolerance"]))
        page.click("[data-q=lesson_check]")
        page.wait_for_selector("#lesson .result[data-right=false]")
        page.fill("#lesson input", f"{question['answer']:,}".replace("-", "−"))
        page.keyboard.press("Enter")
    page.wait_for_selector("#lesson .result[data-right=true]")


def check_the_page(session, page, document, wanted) -> None:
    """Compare the sum or the box that the step points at with the library's."""
    if wanted.get("q") != "sum":
        return
    shown = session.networks[document["network"]]
    image = session.images[document["image"]["id"]]
    index = [int(one) for one in wanted["u"].split(",")]
    terms = shown.model.unit_terms(session.pixels(shown, image), wanted["l"], index)
    page.wait_for_function(
        "want => Number(document.querySelector('#inspector [data-q=exact_sum]')?.dataset.v) === want",
        arg=terms.sum,
    )


def test_back_walks_through_the_steps(server, open_page):
    page = open_page(server, "#s=1&v=table&lesson=calculations.1")
    page.wait_for_selector("#lesson[data-state=ready][data-step='0']")
    page.click("[data-q=lesson_next]")
    page.wait_for_selector("#lesson[data-state=ready][data-step='1']")
    page.go_back()
    page.wait_for_selector("#lesson[data-state=ready][data-step='0']")


def test_a_link_to_no_lesson_leaves_the_page_as_it_is(server, open_page):
    page = open_page(server, "#s=1&v=table&lesson=nothing.1")
    page.wait_for_selector("#notices div")
    assert "nothing" in page.text_content("#notices")
    assert page.is_hidden("#lesson")
    open_page.faults.forgive("422")


def test_a_lesson_of_ones_own_is_text_and_never_markup(open_page, tmp_path):
    bad = "<img src=x onerror=alert(1)></script>\u202e"
    path = tmp_path / "mine.md"
    path.write_text(
        f"# {bad}\nabout: {bad}\n## {bad}\n{bad} `{bad}` **{bad}** {{size conv1}}\n\nquestion: {bad}\nchoice: {bad}\n"
        f"choice: b\nright: b\nwhy: {bad}\n",
        "utf-8",
    )
    session = Session()
    network = cs.load("input 1x9x8 | conv 2 3")
    session.add_network(network, "small", Model(network))
    session.lesson = session.lessons.open(str(path))
    session.lessons.check(session, session.lesson)
    with running(session) as server:
        page = open_page(server)
        page.wait_for_selector("#lesson[data-state=ready]")
        page.click(".choice[data-choice='1']")
        page.wait_for_selector("#lesson .result[data-right=true]")
        assert page.query_selector("img") is None
        assert "onerror" in page.text_content("#lesson h2")
        assert json.loads(page.get_attribute("[data-q=lesson_value]", "data-v")) == 3
        assert "\u202e" not in page.text_content("#lesson h2")


def test_the_command_names_a_bad_lesson(capsys, tmp_path):
    from convscope.cli import main

    assert main(["explore", "lenet", "--no-browser", "--lesson", "missing.md"]) == 2
    assert "[lesson-missing]" in capsys.readouterr().err
    path = tmp_path / "mine.md"
    path.write_text(STEP + "{size conv9}\n", "utf-8")
    assert main(["explore", "lenet", "--no-browser", "--lesson", str(path)]) == 2
    message = capsys.readouterr().err
    assert "mine.md, line 2" in message
    assert "Did you mean conv2, conv1?" in message
