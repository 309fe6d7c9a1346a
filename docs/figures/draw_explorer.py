"""Redraw the screenshots of the explorer, which need Chromium: `python docs/figures/draw_explorer.py`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import convscope as cs

HERE = Path(__file__).parent
SIZE = {"width": 1400, "height": 880}
VIEWS = {
    "explorer": "#s=1&l=conv2&u=3,4,5&v=maps&q=sum",
    "explorer-field": "#s=1&l=conv2&u=3,4,5&v=field&q=region",
    "explorer-training": "#s=1&l=conv2&u=3,4,5&v=training&q=gradient",
    "explorer-lab": "#s=1&l=conv2&v=lab&lab=convolution",
}


def main() -> None:
    """Train LeNet on digits, open it, and save what the page shows."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "lenet-digits"
        train = ["train", "lenet", "--data", "digits", "--resize", "28", "--epochs", "8", "--history", "64MB"]
        convscope = [sys.executable, "-m", "convscope"]
        subprocess.run([*convscope, *train, "--optimizer", "adam", "--lr", "0.003", "--run", run], check=True)
        with subprocess.Popen(
            [*convscope, "explore", run, "--no-browser"], stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            link = server.stdout.readline().strip()
            try:
                for name, fragment in VIEWS.items():
                    _save(link, fragment, HERE / f"{name}.png")
            finally:
                server.terminate()
    print(cs.__version__, *VIEWS)


def _save(link: str, fragment: str, path: Path) -> None:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.add_init_script("localStorage.setItem('convscope.coach', '1')")
        page.goto(link)
        page.goto(link.split("?")[0] + fragment)
        page.wait_for_selector("#stage .content[data-state=ready]")
        page.wait_for_selector("#inspector .content[data-state=ready]", state="attached")
        page.wait_for_timeout(2000)  # effective fields and thumbnails arrive one by one
        page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    main()
