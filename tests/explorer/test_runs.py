"""Runs over HTTP: lists, logs, control, forks, steps; trainings that outlive what watches them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest

import convscope as cs
from convscope.explorer.runs import FollowedRun
from convscope.explorer.session import SAMPLE, Session
from convscope.explorer.tail import Position, read_part, read_position
from convscope.model import Model
from convscope.training.evaluation import evaluate_classes
from convscope.training.run_folder import SavedRun
from explorer.conftest import running
from explorer.test_access import ask

NETWORK = "input 1x9x8 | conv 3 3 | relu | conv 4 3 s2 | sigmoid | flatten | dense 10"
SETTINGS = {"epochs": 2, "batch_size": 256, "optimizer": "sgd", "lr": 0.5}


def wait_until(condition, seconds=90):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.05)
    return found


def train(folder: Path, *more: str, **options):
    """Start `convscope train` on the bundled digits, as on the command line."""
    command = [sys.executable, "-m", "convscope", "train", NETWORK, "--data", "digits", "--resize", "9x8"]
    return subprocess.Popen(
        [*command, "--run", str(folder), *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run with a ring and a line for every step."""
    folder = tmp_path_factory.mktemp("finished") / "small"
    more = ["--epochs", "3", "--batch-size", "200", "--lr", "0.5", "--history", "8MB", "--log-every", "1"]
    assert train(folder, *more).wait(120) == 0
    return folder


@pytest.fixture
def server(tmp_path):
    session = Session(runs=tmp_path / "runs")
    session.add_network(cs.load(NETWORK), "small")
    with running(session) as one:
        yield one
    session.jobs.wait(60)


def get(server, path):
    status, _, content = ask(server, path)
    return status, json.loads(content)


def post(server, path, document=None):
    body = json.dumps(document or {}).encode()
    status, _, content = ask(server, path, "POST", body=body, x_convscope="1", sec_fetch_site="same-origin")
    return status, json.loads(content)


def start(server, **settings):
    shown = server.session.first
    status, answer = post(server, "/api/runs", {"network": shown.id, "settings": {**SETTINGS, **settings}})
    assert status == 200, answer
    return answer


def state(server, run):
    return get(server, f"/api/runs/{run}/log")[1]["state"]


def progress(server, run):
    return state(server, run)["progress"]


# --- following the log


def test_parts_of_a_log_are_its_lines_in_order(finished):
    whole = [json.loads(line) for line in (finished / "log.jsonl").read_bytes().splitlines()]
    position, events = Position(), []
    while (part := read_part(finished / "log.jsonl", position)).end != position:
        assert part.start == position
        events += part.events
        position = part.end
    assert events == [{key: value for key, value in event.items() if key != "checksum"} for event in whole]
    assert position.offset == (finished / "log.jsonl").stat().st_size
    assert read_position(str(position)) == position


def test_incomplete_lines_wait_and_replaced_logs_start_again(finished, tmp_path):
    lines = (finished / "log.jsonl").read_bytes().splitlines(keepends=True)
    log = tmp_path / "log.jsonl"
    log.write_bytes(lines[0] + lines[1][:-5])
    first = read_part(log, Position())
    assert (len(first.events), first.end.offset) == (1, len(lines[0]))
    log.write_bytes(b"".join(lines[:3]))
    second = read_part(log, first.end)
    assert (second.start, len(second.events)) == (first.end, 2)
    log.write_bytes(b"".join(lines[:2]))  # a resumed run shortens its log
    assert read_part(log, second.end).start == Position()
    other = lines[2].replace(b"0.", b"1.", 1)
    log.write_bytes(b"".join(lines[:2]) + other)
    again = read_part(log, second.end)
    assert (again.start, len(again.events)) == (Position(), 3)


def test_long_logs_are_sent_in_parts(tmp_path):
    log = tmp_path / "log.jsonl"
    line = json.dumps({"event": "note", "text": "x" * 1000}).encode() + b"\n"
    huge = json.dumps({"event": "note", "text": "y" * 400_000}).encode() + b"\n"
    log.write_bytes(huge + line * 600)
    position, counts = Position(), []
    while (part := read_part(log, position)).end != position:
        counts.append(len(part.events))
        position = part.end
    assert sum(counts) == 601
    assert counts[0] == 1
    assert max(counts) < 300


# --- the state of a run


def test_states_of_a_run_are_told_apart(finished, tmp_path):
    assert FollowedRun(finished).state().progress == "finished"
    assert FollowedRun(finished).state().reason == "epochs"
    assert FollowedRun(finished).state().steps == tuple(SavedRun(finished).steps)
    process = train(tmp_path / "killed", "--epochs", "100000", "--history", "8MB")
    run = FollowedRun(tmp_path / "killed")
    wait_until(lambda: run.state().progress == "running" and (run.state().saved or 0) > 0)
    process.kill()
    process.wait()
    assert run.state().progress == "killed"
    assert run.state().progress == "killed", "the stale lock is remembered"
    resumed = subprocess.Popen(
        [sys.executable, "-m", "convscope", "train", "--resume", str(run.path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: run.state().progress == "running")
    resumed.send_signal(signal.SIGINT)
    resumed.wait(60)
    assert run.state().progress == "interrupted"
    (run.path / "run.json").unlink()
    assert run.state().progress == "deleted"


def test_watching_never_refuses_the_trainer_its_lock(finished, tmp_path):
    from convscope.training.lock import RunLock

    lock = RunLock(tmp_path)
    lock.acquire()
    assert RunLock(tmp_path).is_held()
    lock.release()
    assert not RunLock(tmp_path).is_held()
    assert not (tmp_path / ".lock").exists(), "watching must leave no file"


# --- training from the page


def test_a_training_of_the_page_is_that_of_the_command(server, tmp_path):
    answer = start(server)
    wait_until(lambda: progress(server, answer["run"]) == "finished")
    page = server.session.runs.get(answer["run"]).path
    command = answer["command"]
    assert command[:2] == ["convscope", "train"]
    command[command.index("--run") + 1] = str(tmp_path / "typed")
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    for name in ("last.safetensors", "best.safetensors", "log.jsonl"):
        assert (page / name).read_bytes() == (tmp_path / "typed" / name).read_bytes()
    status, listed = get(server, "/api/runs")
    assert (status, [run["id"] for run in listed["runs"]]) == (200, [answer["run"]])


def test_pause_step_go_and_stop(server):
    run = start(server, epochs=2000)["run"]
    wait_until(lambda: progress(server, run) == "running" and (state(server, run)["saved"] or 0) > 0)
    assert post(server, f"/api/runs/{run}/control", {"command": "pause"})[0] == 200
    path = server.session.runs.get(run).path
    held = wait_until(
        lambda: (a := state(server, run)["saved"], time.sleep(0.6)) and a == state(server, run)["saved"] and a
    )
    assert progress(server, run) == "paused"
    post(server, f"/api/runs/{run}/control", {"command": "step"})
    wait_until(lambda: state(server, run)["saved"] == held + 1)
    assert held + 1 in state(server, run)["steps"]
    post(server, f"/api/runs/{run}/control", {"command": "go"})
    wait_until(lambda: state(server, run)["saved"] > held + 2)
    post(server, f"/api/runs/{run}/control", {"command": "stop"})
    wait_until(lambda: progress(server, run) == "interrupted")
    assert not (path / ".lock").exists()
    saved = state(server, run)["saved"]
    post(server, f"/api/runs/{run}/control", {"command": "step"})  # one step of a run that is resumed
    wait_until(lambda: state(server, run)["saved"] == saved + 1)
    assert progress(server, run) == "paused"


def test_a_training_that_fails_says_why(server):
    run = start(server, lr=-1)["run"]
    wait_until(lambda: progress(server, run) == "failed")
    assert "--lr" in state(server, run)["problem"]
    assert "[" in state(server, run)["problem"]


def test_forks_are_new_runs_and_leave_the_other_one(finished, tmp_path):
    session = Session(runs=tmp_path / "runs")
    session.add_run(session.runs.add(finished))
    before = {path.name: path.read_bytes() for path in finished.iterdir() if path.is_file()}
    with running(session) as server:
        key = session.first.run.id
        step = session.first.run.steps()[5]
        same = post(server, f"/api/runs/{key}/fork", {"step": step})[1]["run"]
        other = post(server, f"/api/runs/{key}/fork", {"step": step, "settings": {"lr": 1.0}})[1]["run"]
        for run in (same, other):
            wait_until(lambda run=run: progress(server, run) == "finished")
        weights = {run: SavedRun(session.runs.get(run).path).model("last").parameters for run in (same, other)}
        original = SavedRun(finished).model("last").parameters
        assert all((weights[same][name] == original[name]).all() for name in original)
        assert any((weights[other][name] != original[name]).any() for name in original)
        assert {path.name: path.read_bytes() for path in finished.iterdir() if path.is_file()} == before
        about = get(server, f"/api/runs/{other}")[1]
        assert about["parent"] == {"name": finished.name, "step": step}
        assert post(server, f"/api/runs/{key}/fork", {"step": 10**6})[1]["code"] == "run-step"
        session.jobs.wait(60)


@pytest.mark.parametrize(
    "settings",
    [{"run": "x"}, {"optimizer": "../x"}, {"epochs": 1.5}, {"lr": "0.1"}, {"lr": True}, {"--data": "x"}, [1]],
)
def test_other_settings_are_refused(server, settings):
    shown = server.session.first
    document = {"network": shown.id, "settings": settings}
    status, answer = post(server, "/api/runs", document)
    if isinstance(settings, list):
        assert status == 200, "no settings are the usual ones"
    else:
        assert (status, answer["code"]) == (422, "run-settings")
        assert server.session.runs.all() == []


def test_networks_without_digits_cannot_learn(server):
    shown = server.session.add_network(cs.load("input 3x9x8 | conv 2 3 | flatten | dense 10"), "color")
    assert post(server, "/api/runs", {"network": shown.id})[1]["code"] == "cannot-learn"
    assert get(server, f"/api/networks/{shown.id}")[1]["can_learn"] is False
    assert get(server, f"/api/networks/{server.session.first.id}")[1]["can_learn"] is True


@pytest.mark.parametrize("path", ["../x", "%2e%2e", "0" * 16, "..%2f..%2fetc"])
def test_runs_are_named_by_their_ids_only(server, path):
    assert ask(server, f"/api/runs/{path}")[0] in (400, 404)


def test_deleted_folders_are_one_message(finished, tmp_path):
    import shutil

    folder = tmp_path / "gone"
    shutil.copytree(finished, folder)
    session = Session(runs=tmp_path / "runs")
    session.add_run(session.runs.add(folder))
    with running(session) as server:
        key = session.first.run.id
        assert progress(server, key) == "finished"
        shutil.rmtree(folder)
        assert progress(server, key) == "deleted"
        status, answer = get(server, f"/api/runs/{key}")
        assert (status, answer["code"]) == (422, "run-gone")
        status, answer = get(server, f"/api/values/{session.first.id}@3/{SAMPLE.id}/thumbnails")
        assert status == 422


# --- values of a step


def test_values_of_a_step_are_those_of_its_checkpoint(finished, tmp_path):
    session = Session(runs=tmp_path / "runs")
    base = session.add_run(session.runs.add(finished), SavedRun(finished).model())
    x = session.pixels(base, SAMPLE)[None]
    saved = SavedRun(finished)
    for step in [*saved.steps[::4], saved.steps[1]]:
        shown = session.network_of(f"{base.id}@{step}")
        expected = saved.model(step).activations(x)
        for layer, output in session.outputs(shown, SAMPLE).items():
            assert (output == expected[layer][0]).all(), (step, layer)
    assert session.network_of(f"{base.id}@x") is None
    best = saved.model().activations(x)
    assert (session.outputs(base, SAMPLE)["dense1"] == best["dense1"][0]).all(), (
        "the first model keeps its weights"
    )


def test_confusion_is_that_of_evaluate(finished, tmp_path):
    session = Session(runs=tmp_path / "runs")
    base = session.add_run(session.runs.add(finished))
    saved = SavedRun(finished)
    step = saved.steps[-1]
    split, source = saved.data.evaluation_part()
    expected = evaluate_classes(saved.model(step), source)
    with running(session) as server:
        status, found = get(server, f"/api/values/{base.id}@{step}/confusion")
        assert status == 200
        assert found["matrix"] == expected.confusion.tolist()
        assert found["accuracy"] == expected.accuracy
        assert (found["part"], found["images"]) == (split, len(source))
        status, image = post(server, f"/api/values/{base.id}/examples?index=3")
        assert (session.images[image["id"]].content == source.batch(np.array([3]))[0][0]).all()


# --- streams


def stream(server, path):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", path, headers={"Cookie": f"convscope-{server.port}={server.token}"})
    return connection, connection.getresponse()


def read_events(answer, until):
    """Read events of a stream until one satisfies a condition."""
    events = []
    while True:
        event = {}
        while line := answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            event[name] = value
        events.append(event)
        if until(event):
            return events


def test_the_stream_continues_from_a_position(finished, tmp_path):
    session = Session(runs=tmp_path / "runs")
    session.add_run(session.runs.add(finished))
    lines = (finished / "log.jsonl").read_bytes().splitlines(keepends=True)
    middle = read_part(finished / "log.jsonl", Position())
    with running(session) as server:
        path = f"/api/events?run={session.first.run.id}"
        connection, answer = stream(server, path)
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = read_events(answer, lambda event: event.get("event") == "beat")
        answer.close()
        connection.close()
        log = [event for event in events if event.get("event") == "log"]
        assert sum(len(json.loads(event["data"])["events"]) for event in log) == len(lines)
        assert log[-1]["id"] == str(middle.end)
        said = json.loads(next(event for event in events if event.get("event") == "state")["data"])
        assert said["progress"] == "finished"
        connection, answer = stream(server, f"{path}&from={middle.end}")
        events = read_events(answer, lambda event: event.get("event") == "beat")
        answer.close()
        connection.close()
        assert not [event for event in events if event.get("event") == "log"], "nothing is sent twice"
        wait_until(lambda: session.streams == 0)


def explorer(folder, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "convscope", "explore", *arguments, "--no-browser", "--runs", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    port, token = process.stdout.readline().rpartition(":")[2].strip().split("/?token=")

    class Opened:
        pass

    opened = Opened()
    opened.port, opened.token = int(port), token
    return process, opened


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_control_c_ends_eight_streams_and_saves_the_training(tmp_path):
    process, server = explorer(tmp_path / "runs", NETWORK)
    with process:
        network = get(server, "/api/session")[1]["network"]
        run = post(server, "/api/runs", {"network": network, "settings": {"epochs": 5000}})[1]["run"]
        wait_until(lambda: (state(server, run)["saved"] or 0) > 0)
        streams = [stream(server, f"/api/events?run={run}") for _ in range(8)]
        for _, answer in streams:
            read_events(answer, lambda event: event.get("event") == "beat")
        process.send_signal(signal.SIGINT)
        for _, answer in streams:
            assert read_events(answer, lambda event: event.get("event") in ("end", None))[-1]["event"] == "end"
        for connection, answer in streams:
            answer.close()
            connection.close()
        assert process.wait(20) == 0
        said = process.stderr.read()
        assert "Traceback" not in said
        assert "is saved, and can be resumed" in said
    found = FollowedRun(next(iter((tmp_path / "runs").glob("*/run.json"))).parent)
    wait_until(lambda: found.state().progress == "interrupted")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("paused", [False, True])
def test_a_killed_explorer_leaves_its_training_whole(tmp_path, paused):
    process, server = explorer(tmp_path / "runs", NETWORK)
    with process:
        network = get(server, "/api/session")[1]["network"]
        settings = {**SETTINGS, "epochs": 60}
        run = post(server, "/api/runs", {"network": network, "settings": settings})[1]["run"]
        wait_until(lambda: (state(server, run)["saved"] or 0) > 0)
        if paused:
            post(server, f"/api/runs/{run}/control", {"command": "pause"})
            wait_until(lambda: progress(server, run) == "paused")
        process.kill()
    found = FollowedRun(next(iter((tmp_path / "runs").glob("*/run.json"))).parent)
    expected = "interrupted" if paused else "finished"
    wait_until(lambda: found.state().progress == expected)
    assert Model.load(found.path / "last.safetensors")
