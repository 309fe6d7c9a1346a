"""Training on the page: learn, go back, fork, watch, and lose the server; numbers are those of the run folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import convscope as cs
from convscope.exchange import load_model
from convscope.explorer.session import SAMPLE, SAMPLE_MODEL, Session
from convscope.training.run_folder import SavedRun
from explorer.conftest import running
from explorer.test_runs import NETWORK, explorer, get, train, wait_until

SLOW = 120_000


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A finished run of a small network with a ring, as `convscope train` writes it."""
    folder = tmp_path_factory.mktemp("learned") / "small"
    more = ["--epochs", "3", "--batch-size", "200", "--lr", "2", "--history", "8MB", "--log-every", "1"]
    assert train(folder, *more).wait(120) == 0
    return folder


@pytest.fixture
def watching(learned, tmp_path):
    """A server that shows the run."""
    session = Session(runs=tmp_path / "runs")
    run = session.runs.add(learned)
    session.add_run(run, SavedRun(learned).model())
    with running(session) as server:
        yield server
    session.jobs.wait(60)


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def points(page) -> list:
    """Return the points of the curves as the page has them."""
    return page.evaluate(
        """async () => {
          const { run } = await import("cs/runs");
          return [run.losses, run.epochs.map((one) => [one.epoch, one.step, one.loss, one.validation_accuracy])];
        }"""
    )


def expected_points(folder: Path) -> list:
    events = lines(folder)
    return [
        [[one["step"], one["loss"]] for one in events if one["event"] == "step"],
        [
            [one["epoch"], one["step"], one["loss"], one["validation_accuracy"]]
            for one in events
            if one["event"] == "epoch"
        ],
    ]


def until(page, script: str, arg=None) -> None:
    page.wait_for_function(script, arg=arg, timeout=SLOW)


def progress(page, word: str) -> None:
    page.wait_for_selector(f"[data-q=progress][data-v={word}]", timeout=SLOW, state="attached")


def go_to(page, step: int) -> None:
    """Move the slider of the time bar to a step, as a user does, and wait for the maps of that step."""
    page.evaluate(
        """(step) => {
          const slider = document.querySelector("#time input[type=range]");
          const steps = document.querySelector("[data-q=step]").dataset.steps.split(",").map(Number);
          slider.value = String(steps.indexOf(step));
          slider.dispatchEvent(new Event("input", { bubbles: true }));
          slider.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        step,
    )
    page.wait_for_selector(f"#time[data-step='{step}']", timeout=SLOW)
    page.wait_for_selector("#stage .content[data-state=ready]", timeout=SLOW)


def shown_map(page, layer: str) -> list:
    return page.evaluate(
        """async (layer) => {
          const { loadMaps } = await import("cs/data");
          return [...(await loadMaps("sample", layer, 0)).arrays.maps];
        }""",
        layer,
    )


@pytest.mark.row("C6")
def test_learning_on_the_page_reads_digits_and_equals_the_command(open_page, tmp_path):
    session = Session(runs=tmp_path / "runs")
    model = load_model(SAMPLE_MODEL)
    session.add_network(model.network, "lenet", model)
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv1&u=2,3,4&v=training&q=cost")
        page.fill("input[name=epochs]", "4")
        page.click("[data-q=learn]")
        page.wait_for_selector("#time:not([hidden])", timeout=SLOW)
        progress(page, "finished")
        accuracy = page.wait_for_selector("[data-q=test_accuracy][data-step='84']", timeout=SLOW)
        assert float(accuracy.get_attribute("data-v")) >= 0.9
        assert "u=2%2C3%2C4" in page.evaluate("location.hash"), "the selected unit stays"
        folder = next((tmp_path / "runs").glob("*/run.json")).parent
        assert points(page) == expected_points(folder)
        options = ["--epochs", "4", "--batch-size", "64", "--optimizer", "adam", "--lr", "0.003"]
        command = [sys.executable, "-m", "convscope", "train", "lenet", "--data", "digits", "--resize", "28"]
        typed = [*command, *options, "--log-every", "1", "--run", str(tmp_path / "typed")]
        subprocess.run(typed, check=True, capture_output=True)
        ours, theirs = (SavedRun(one).model("last").parameters for one in (folder, tmp_path / "typed"))
        assert all((ours[name] == theirs[name]).all() for name in theirs)
        model = SavedRun(folder).model("last")
        split, source = SavedRun(folder).data.evaluation_part()
        assert split == "test"
        assert float(accuracy.get_attribute("data-v")) == model.evaluate(source)["accuracy"]
        open_page.faults.forgive("422")
    session.jobs.wait(60)


def test_scrubbing_shows_the_maps_of_the_checkpoints(watching, open_page, learned):
    page = open_page(watching, "#s=1&l=conv2&u=1,0,1&v=maps&q=sum")
    saved = SavedRun(learned)
    x = watching.session.pixels(watching.session.first, SAMPLE)
    for step in (0, 1, 7, 20, 3):
        go_to(page, step)
        model = saved.model(step)
        assert shown_map(page, "conv2") == model.activations(x[None])["conv2"][0].ravel().tolist()
        value = float(page.get_attribute(".readout [data-q=value]", "data-v"))
        assert value == float(model.activations(x[None])["conv2"][0, 1, 0, 1])
        terms = model.unit_terms(x, "conv2", (1, 0, 1))
        until(page, "want => document.querySelector('[data-q=exact_sum]')?.dataset.v === want", repr_js(terms.sum))
        until(page, "step => location.hash.includes('u=1%2C0%2C1') && location.hash.includes('st=' + step)", step)
    page.reload()
    page.wait_for_selector("#time:not([hidden])")
    page.wait_for_selector("#time[data-step='3']", timeout=SLOW)


def repr_js(number: float) -> str:
    return json.dumps(number)


def test_forks_of_the_page_leave_the_run_and_name_it(watching, open_page, learned):
    before = {path.name: path.read_bytes() for path in learned.iterdir() if path.is_file()}
    page = open_page(watching, "#s=1&l=conv2&u=0,0,0&v=training&q=cost")
    original = SavedRun(learned).model("last").parameters
    first = page.evaluate("location.hash")
    for rate, same in ((None, True), ("4", False)):
        page.goto(f"http://127.0.0.1:{watching.port}/{first}")
        page.wait_for_selector("#time:not([hidden])")
        page.wait_for_selector("#time[data-run=small]", timeout=SLOW)
        go_to(page, 5)
        page.click("[data-time=fork]")
        if rate is not None:
            page.fill("#fork input[name=lr]", rate)
        page.click("[data-q=begin_fork]")
        page.wait_for_selector("#time[data-run^=small-at-5]", timeout=SLOW)
        progress(page, "finished")
        name = page.get_attribute("#time", "data-run")
        forked = SavedRun(watching.session.runs.root / name).model("last").parameters
        assert all((forked[key] == original[key]).all() for key in original) is same
        page.wait_for_selector(".training .facts >> text=small")
    assert {path.name: path.read_bytes() for path in learned.iterdir() if path.is_file()} == before
    open_page.faults.forgive("422")


def test_a_killed_run_is_named_and_continues_the_same_curves(open_page, tmp_path):
    folder = tmp_path / "runs" / "watched"
    more = ["--epochs", "400", "--batch-size", "200", "--log-every", "1"]
    process = train(folder, *more)
    session = Session(runs=tmp_path / "runs")
    wait_until(lambda: (folder / "best.safetensors").exists())
    session.add_run(session.runs.add(folder))
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv2&u=0,0,0&v=training&q=cost")
        progress(page, "running")
        until(page, "() => Number(document.querySelector('.training').dataset.epochs) >= 2")
        assert page.get_attribute("[data-time=stop]", "hidden") is not None, "it is not this page's training"
        process.send_signal(signal.SIGKILL)
        process.wait()
        progress(page, "killed")
        assert "killed" in page.text_content("[data-q=progress]")
        page.click("[data-time=more]")
        progress(page, "running")
        before = len(points(page)[1])
        until(page, "n => Number(document.querySelector('.training').dataset.epochs) > n + 2", before)
        page.click("[data-time=stop]")
        progress(page, "interrupted")
        size = (folder / "log.jsonl").stat().st_size
        page.wait_for_selector(f"#time[data-position^='{size}-']", timeout=SLOW)
        assert points(page) == expected_points(folder)
        losses = points(page)[0]
        assert [step for step, _ in losses] == list(range(len(losses)))
    session.jobs.wait(60)


def test_the_health_strip_has_the_numbers_of_the_log(watching, open_page, learned):
    """A large learning rate kills rectified units and saturates sigmoids: seeds, A7."""
    page = open_page(watching, "#s=1&l=conv2&u=0,0,0&v=training&q=cost")
    epochs = [one for one in lines(learned) if one["event"] == "epoch"]
    until(page, "n => Number(document.querySelector('.training').dataset.epochs) === n", len(epochs))
    seen = set()
    for name in ("dead", "saturated", "gradient_norm", "update_ratio"):
        page.select_option("[data-q=health]", name)
        cells = page.eval_on_selector_all(
            ".health td .cell",
            "list => list.map(one => [one.dataset.layer, Number(one.dataset.epoch), JSON.parse(one.dataset.v)])",
        )
        key = (lambda one: [one["dead"], one["units"]]) if name == "dead" else (lambda one, name=name: one[name])
        expected = [
            [layer, epoch["epoch"], key(own)]
            for epoch in epochs
            for layer, own in epoch["layers"].items()
            if name in own
        ]
        assert sorted(cells) == sorted(expected)
        seen |= {(name, layer) for layer, _, _ in cells}
    assert ("dead", "relu1") in seen
    assert ("saturated", "sigmoid1") in seen


@pytest.mark.row("A7")
def test_a_dying_network_shows_its_dead_units(open_page, tmp_path):
    folder = tmp_path / "dying"
    network = "input 1x9x8 | conv 6 3 | relu | flatten | dense 10"
    command = [sys.executable, "-m", "convscope", "train", network, "--data", "digits", "--resize", "9x8"]
    more = ["--lr", "30", "--epochs", "2", "--batch-size", "100", "--clip-norm", "10", "--run", str(folder)]
    subprocess.run([*command, *more], check=False, capture_output=True)
    last = [one for one in lines(folder) if one["event"] == "epoch"][-1]["layers"]["relu1"]
    assert last["dead"] > 0
    session = Session(runs=tmp_path / "runs")
    session.add_run(session.runs.add(folder))
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=training&q=cost")
        page.wait_for_selector(".health td .cell[data-layer=relu1]")
        cell = page.query_selector_all(".health td .cell[data-layer=relu1]")[-1]
        assert json.loads(cell.get_attribute("data-v")) == [last["dead"], last["units"]]
        cell.focus()
        assert f"{last['dead']} of {last['units']}" in page.text_content("[data-q=health_readout]")


def test_confused_images_can_be_shown_on_the_page(watching, open_page, learned):
    page = open_page(watching, "#s=1&l=conv2&u=0,0,0&v=training&q=cost&st=21")
    page.wait_for_selector("[data-q=test_accuracy][data-step='21']", timeout=SLOW)
    saved = SavedRun(learned)
    _, source = saved.data.evaluation_part()
    x, labels = source.batch(np.arange(len(source)))
    predicted = saved.model(21).predict(x).argmax(axis=1)
    cells = page.eval_on_selector_all(
        ".matrix [data-true]",
        "list => list.map(one => ['true', 'predicted', 'v'].map(name => Number(one.dataset[name])))",
    )
    assert {(true, guess): count for true, guess, count in cells} == {
        (true, guess): int(((labels == true) & (predicted == guess)).sum())
        for true, guess in {*zip(labels.tolist(), predicted.tolist(), strict=True)}
    }
    true, guess, _ = next(cell for cell in cells if cell[0] != cell[1])
    page.click(f".matrix [data-true='{true}'][data-predicted='{guess}']")
    page.wait_for_selector(".example")
    indices = [int(one.get_attribute("data-index")) for one in page.query_selector_all(".example")]
    assert indices == np.flatnonzero((labels == true) & (predicted == guess))[:16].tolist()
    page.click(".example")
    page.wait_for_function(
        "() => document.querySelector('[data-q=image]').selectedOptions[0].text.includes('test')"
    )
    image = list(watching.session.images.values())[-1]
    assert (image.content == x[indices[0]]).all()


def test_the_keyboard_controls_time(watching, open_page):
    page = open_page(watching, "#s=1&l=conv2&u=0,0,0&v=maps&q=cost&st=0")
    page.wait_for_selector("#time[data-step='0']", timeout=SLOW)
    page.wait_for_function("() => document.querySelector('[data-q=step]').dataset.v === '0'")
    page.focus("#time input[type=range]")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#time[data-step='1']", timeout=SLOW)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(" ")
    until(page, "() => Number(document.querySelector('#time').dataset.step) >= 3")
    page.keyboard.press(" ")
    for button in page.query_selector_all("#time button:not([hidden])"):
        assert button.get_attribute("aria-label") or button.text_content()
    page.click("[data-view=training]")
    page.wait_for_selector("[data-chart=loss]")
    until(page, "() => document.querySelector('.training').dataset.losses === '21'")
    page.focus("[data-chart=loss]")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert json.loads(page.get_attribute("[data-q=loss_readout]", "data-v"))[0] == 2
    page.keyboard.press("Enter")
    page.wait_for_selector("#time[data-step='2']", timeout=SLOW)


def test_curves_are_also_a_table(watching, open_page, learned):
    page = open_page(watching, "#s=1&l=conv2&u=0,0,0&v=training&q=cost")
    until(page, "() => document.querySelector('.training').dataset.losses === '21'")
    page.click("figure:has([data-chart=loss]) summary")
    page.wait_for_selector("figure:has([data-chart=loss]) tbody tr:nth-child(22)")
    assert len(page.query_selector_all("figure:has([data-chart=loss]) tbody tr")) == 22


def test_eight_tabs_stay_live(open_page, tmp_path):
    folder = tmp_path / "runs" / "watched"
    process = train(folder, "--epochs", "4000", "--batch-size", "200", "--log-every", "1")
    session = Session(runs=tmp_path / "runs")
    wait_until(lambda: (folder / "best.safetensors").exists())
    session.add_run(session.runs.add(folder))
    try:
        with running(session) as server:
            first = open_page(server, "#s=1&l=conv2&u=0,0,0&v=training&q=cost")
            pages = [first, *(first.context.new_page() for _ in range(7))]
            for page in pages[1:]:
                page.goto(f"http://127.0.0.1:{server.port}/#s=1&l=conv2&v=training&q=cost")
            for page in pages:
                until(page, "() => Number(document.querySelector('.training')?.dataset.epochs) >= 1")
                assert page.evaluate("async () => (await fetch('/api/session')).status") == 200
            counts = [int(page.get_attribute(".training", "data-losses")) for page in pages]
            for page, count in zip(pages, counts, strict=True):
                until(page, "n => Number(document.querySelector('.training').dataset.losses) > n", count)
            assert session.streams == 4, "browsers have six connections for all tabs"
    finally:
        process.kill()
        process.wait()


def test_a_deleted_run_is_one_message_and_the_page_stays(open_page, learned, tmp_path):
    folder = tmp_path / "gone"
    shutil.copytree(learned, folder)
    session = Session(runs=tmp_path / "runs")
    session.add_run(session.runs.add(folder), SavedRun(folder).model())
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv2&u=0,0,0&v=training&q=cost")
        until(page, "() => document.querySelector('.training').dataset.losses === '21'")
        shutil.rmtree(folder)
        progress(page, "deleted")
        assert "deleted" in page.text_content("[data-q=progress]")
        assert page.get_attribute(".training", "data-losses") == "21"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_server_is_noticed_and_the_page_stays_usable(open_page, browser, learned, tmp_path):
    process, server = explorer(tmp_path / "runs", str(learned))
    with process:
        server.link = f"http://127.0.0.1:{server.port}/?token={server.token}"
        page = open_page(server, "#s=1&l=conv2&u=0,0,0&v=maps&q=region")
        progress(page, "finished")
        page.wait_for_selector("#time[data-losses='21']", timeout=SLOW)
        process.kill()
        page.wait_for_selector("#banner:not([hidden])", timeout=5000)
        page.click("[data-view=table]")
        page.wait_for_selector("table.report tfoot")
        page.click("[data-view=training]")
        until(page, "() => document.querySelector('.training').dataset.losses === '21'")
    port = str(server.port)
    process, again = explorer(tmp_path / "runs", str(learned), "--port", port)
    with process:
        page.wait_for_selector("#banner >> text=started again", timeout=SLOW)
        other = page.context.new_page()
        other.goto(f"http://127.0.0.1:{port}/?token={again.token}")
        page.bring_to_front()
        page.wait_for_selector("#banner", state="hidden", timeout=SLOW)
        progress(page, "finished")
        assert points(page) == expected_points(learned)
        page.click("[data-view=maps]")
        page.wait_for_selector("#stage .content[data-state=ready]")
        for one in (page, other):
            one.close()
        process.send_signal(signal.SIGINT)
        process.wait(20)
    for fault in ("ERR_CONNECTION_REFUSED", "ERR_", "403"):
        open_page.faults.forgive(fault)


def test_a_network_that_cannot_learn_says_so(open_page, tmp_path):
    session = Session(runs=tmp_path, most_weights=0)
    session.add_network(cs.load("input 3x9x8 | conv 2 3 | flatten | dense 4"), "color")
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=training&q=cost")
        assert "10 classes" in page.text_content(".training .empty")
        assert page.query_selector("[data-q=learn]") is None
        assert page.query_selector("#time").get_attribute("hidden") is not None


def test_wrong_settings_are_named_beside_the_button(open_page, tmp_path):
    session = Session(runs=tmp_path)
    session.add_network(cs.load(NETWORK), "small")
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=training&q=cost&lang=zh")
        page.fill("input[name=lr]", "-1")
        page.click("[data-q=learn]")
        page.wait_for_function(
            "() => document.querySelector('[data-q=learn_problem]').textContent.includes('--lr')", timeout=SLOW
        )
        assert get(server, "/api/runs")[1]["runs"] == []
    session.jobs.wait(60)
