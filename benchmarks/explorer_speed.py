"""The explorer in a browser: times, frame rate, sizes and memory, each beside its target.

Needs the packages of the tests and Chromium. A whole process serves the page, as a user starts it.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import convscope as cs
from convscope.explorer.app import static_files
from timing import machine

CHROMIUM = os.environ.get("CONVSCOPE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--enable-precise-memory-info"]
CHAIN = "input 3x64x64 | " + " | ".join(["conv 8 3 p1 | relu"] * 5000)
READY = "#stage .content[data-state=ready]"

# Watches for tasks that block the page, from before its first script.
WATCH = """
window.__tasks = [];
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.__tasks.push(one.duration); })
  .observe({ type: "longtask", buffered: true });
"""

# Moves the pointer over the large map, once per frame, and counts frames and requests.
HOVER = """async (count) => {
  const map = document.querySelector(".big");
  const box = map.getBoundingClientRect();
  const requests = performance.getEntriesByType("resource").length;
  const start = performance.now();
  for (let k = 0; k < count; k += 1) {
    const clientX = box.left + box.width * ((k * 37) % 101) / 101;
    const clientY = box.top + box.height * ((k * 53) % 97) / 97;
    map.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, bubbles: true }));
    await new Promise(requestAnimationFrame);
  }
  const seconds = (performance.now() - start) / 1000;
  return { rate: count / seconds, requests: performance.getEntriesByType("resource").length - requests };
}"""

# Clicks the large map at a place, and waits until the inspector shows the unit.
CLICK = """async ([x, y]) => {
  const map = document.querySelector(".big");
  const box = map.getBoundingClientRect();
  const content = document.querySelector("#inspector .content");
  const start = performance.now();
  const at = { clientX: box.left + box.width * x, clientY: box.top + box.height * y };
  map.dispatchEvent(new MouseEvent("click", { ...at, bubbles: true }));
  await new Promise((resolve) => setTimeout(resolve));
  while (content.dataset.state !== "ready") await new Promise((resolve) => setTimeout(resolve, 1));
  return performance.now() - start;
}"""


def row(name: str, value: float, unit: str, target: str) -> None:
    """Print one measurement beside its target."""
    print(f"{name:<58} {value:>8.4g} {unit:<4} {target}", flush=True)


@contextmanager
def explorer(*arguments: str) -> Iterator[tuple[str, float]]:
    """Start the command; give its link and the seconds until it was printed."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "convscope", "explore", *arguments, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        seconds = time.perf_counter() - start
        try:
            yield link, seconds
        finally:
            process.terminate()


def open_page(browser: Any, link: str, fragment: str = "") -> tuple[Any, float]:
    """Open the page in a new profile, and return it with the seconds until all its parts are ready."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(WATCH)
    page.goto(link)
    page.wait_for_selector("body[data-state=ready]")
    start = time.perf_counter()
    if fragment:
        page.goto(re.sub(r"\?.*", "", link) + fragment)
        page.reload()
    else:
        page.reload()
    page.wait_for_selector("body[data-state=ready]")
    page.wait_for_selector(READY)
    page.wait_for_selector("#inspector .content[data-state=ready]")
    return page, time.perf_counter() - start


def longest_task(page: Any) -> float:
    return float(page.evaluate("Math.max(0, ...window.__tasks)"))


def measure_start(browser: Any) -> None:
    with explorer() as (link, seconds):
        row("command until the link is printed", seconds, "s", "0.5")
        times = [open_page(browser, link, "#s=1")[1] for _ in range(3)]
        row("navigation until everything is shown, LeNet", statistics.median(times), "s", "0.6")
        page, _ = open_page(browser, link, "#s=1&l=conv2&v=maps&q=sum")
        hover = page.evaluate(HOVER, 300)
        row("300 hovers over a map, LeNet", hover["rate"], "/s", "60")
        row("requests while hovering", hover["requests"], "", "0")
        clicks = [page.evaluate(CLICK, [(k * 0.37) % 1, (k * 0.61) % 1]) for k in range(30)]
        row("click until region and sum are shown, LeNet conv2", statistics.median(clicks), "ms", "50")
    own = sum(len(content) for name, content in static_files().items() if name.endswith((".js", ".css")))
    row("scripts and style sheets", own / 1024, "KiB", "250")


def measure_large(browser: Any) -> None:
    with explorer("resnet50") as (link, _):
        page, seconds = open_page(browser, link, "#s=1&v=table&q=region")
        row("ResNet-50: table, strip and region", seconds, "s", "1")
        row("ResNet-50: longest task of the page", longest_task(page), "ms", "100")
        start = time.perf_counter()
        open_page(browser, link, "#s=1&v=maps&q=sum&l=layer2.0.conv2")
        row("ResNet-50: maps and a sum, first pass compiled", time.perf_counter() - start, "s", "")
        page, _ = open_page(browser, link, "#s=1&v=maps&q=sum&l=layer2.0.conv2")
        hover = page.evaluate(HOVER, 300)
        row("300 hovers over a map, ResNet-50", hover["rate"], "/s", "60")
        clicks = [page.evaluate(CLICK, [(k * 0.37) % 1, (k * 0.61) % 1]) for k in range(30)]
        row("click until region and sum are shown, 576 terms", statistics.median(clicks), "ms", "50")
        page, _ = open_page(browser, link, "#s=1&v=maps&q=derive&l=layer4.2.conv3")
        clicks = [page.evaluate(CLICK, [(k * 0.37) % 1, (k * 0.61) % 1]) for k in range(10)]
        row("click until the derivation is shown", statistics.median(clicks), "ms", "150")
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.yaml"
        chain.write_text(cs.to_yaml(cs.load(CHAIN)))
        with explorer(str(chain)) as (link, _):
            page, seconds = open_page(browser, link, "#s=1&v=field&q=region")
            row("10,000 layers: strip, growth and region", seconds, "s", "3")
            row("10,000 layers: longest task of the page", longest_task(page), "ms", "100")


def measure_memory(browser: Any) -> None:
    with explorer("vgg16") as (link, _):
        page, _ = open_page(browser, link, "#s=1&v=maps&q=sum&l=conv1_1")
        for name in page.evaluate(
            "[...document.querySelectorAll('#strip .tile')].map((one) => one.dataset.layer)"
        ):
            page.evaluate("(name) => document.querySelector(`.tile[data-layer='${name}']`).click()", name)
            page.wait_for_selector(READY)
            page.wait_for_timeout(100)
        used = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
        arrays = page.context.new_cdp_session(page).send("Runtime.getHeapUsage")
        backing = arrays.get("backingStorageSize", 0) / 2**20
        row("VGG-16: memory of the tab after all layers", used + backing, "MiB", "300")


def main() -> None:
    from playwright.sync_api import sync_playwright

    print(machine())
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        measure_start(browser)
        measure_large(browser)
        measure_memory(browser)
        browser.close()


if __name__ == "__main__":
    main()
