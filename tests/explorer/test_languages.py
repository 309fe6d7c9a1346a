"""The page in Chinese: no English sentence is left in any view, and switching keeps the unit."""

from __future__ import annotations

import re

import pytest

import convscope as cs
from convscope.explorer.session import Session
from convscope.model import Model
from explorer.conftest import running
from explorer.test_accessibility import views

NAMES = frozenset(
    [
        "convscope",
        "English",
        "LaTeX",
        "float",
        "ReLU",
        "Grad",
        "CAM",
        "PNG",
        "JPEG",
        "Esc",
        "Tab",
        "Page",
        "Up",
        "Down",
        "Home",
        "End",
        "Enter",
        "train",
        "compare",
        "MODEL",
        "Softmax",
        "TensorFlow",
        "Shift",
        "ONNX",
        "PyTorch",
        "YAML",
        "KiB",
        "MiB",
        "GiB",
        "LeNet",
        "Sigmoid",
        "Dropout",
        "tanh",
        "RGB",
        "SAME",
        "VALID",
        "LSTM",
        "imcol",
        "col",
        "same",
        "valid",
        "API",
        "Python",
        "ceil",
        "mode",
    ]
)
"""Words that are the same in both languages: names, units, keys."""

READ = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (parent.closest("noscript, script, code, textarea, math, [data-q=model], datalist") || !parent.getClientRects().length) continue;
    found.push(node.data);
  }
  for (const one of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    found.push(...["aria-label", "title", "placeholder"].map((name) => one.getAttribute(name) ?? ""));
  }
  return found;
}"""


@pytest.fixture(scope="module")
def server():
    session = Session()
    network = cs.load("input 1x12x11 | conv 4 3 p1 | relu | maxpool 2 | conv 6 3 | sigmoid | flatten | dense 5")
    session.add_network(network, "tiny", Model(network, seed=2))
    with running(session) as one:
        yield one


def english(page, network) -> set[str]:
    """Return the English words on the page that are no names."""
    names = {name for node in network for name in (node.name, node.kind)} | {network.name}
    words = set()
    for text in page.evaluate(READ):
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, " ")
        words |= set(re.findall(r"[A-Za-z]{3,}", text)) - NAMES
    return words


@pytest.mark.parametrize("view", views())
def test_no_english_is_left_in_a_view(server, open_page, view):
    page = open_page(server, f"#s=1&l=conv2&u=3,2,1&v={view}&q=sum&lang=zh")
    page.wait_for_load_state("networkidle")
    methods = set(page.eval_on_selector_all("#stage option", "list => list.flatMap(one => one.value.split('-'))"))
    assert english(page, server.session.first.network) - methods == set()


@pytest.mark.parametrize("tab", ["region", "sum", "gradient", "derive", "cost"])
def test_no_english_is_left_in_a_tab(server, open_page, tab):
    page = open_page(server, f"#s=1&l=conv2&u=3,2,1&v=table&q={tab}&lang=zh")
    page.wait_for_load_state("networkidle")
    assert english(page, server.session.first.network) == set()


def test_errors_and_a_bad_link_are_in_chinese(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=editor&q=sum&lang=zh")
    page.fill("textarea", "input 1x12x11 | konv 4 3")
    page.wait_for_selector(".message.bad")
    assert re.search("[\u4e00-\u9fff]", page.text_content(".message.bad"))
    page.evaluate("location.hash = '#s=1&v=nothing&lang=zh'")
    page.wait_for_selector("#notices div")
    assert english_of(page.text_content("#notices")) == set()
    open_page.faults.forgive("422")


def english_of(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{3,}", text)) - NAMES


def test_chinese_formulas_have_no_missing_glyph(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=table&q=derive&lang=zh")
    page.wait_for_selector(".derivation math")
    missing = page.evaluate(
        """() => {
          const canvas = document.createElement("canvas").getContext("2d");
          const ink = (text, font) => {
            canvas.canvas.width = canvas.canvas.height = 40;
            canvas.font = font;
            canvas.fillText(text, 4, 30);
            return canvas.getImageData(0, 0, 40, 40).data.join();
          };
          const missing = new Set();
          for (const one of document.querySelectorAll(".derivation, .derivation math, .derivation math *")) {
            const font = `24px ${getComputedStyle(one).fontFamily}`;
            const box = ink("\\u{10FFFE}", font);
            for (const child of one.childNodes) if (child.nodeType === 3) for (const letter of child.data) {
              if (letter.trim() && !/\\p{Cf}/u.test(letter) && ink(letter, font) === box) missing.add(letter);
            }
          }
          return [...missing];
        }"""
    )
    assert missing == []
