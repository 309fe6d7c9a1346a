"""Runs: their list and settings, their log as a stream, control, forks, the confusion matrix and its images."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ...data.config import DataConfig
from ...data.dataset import Dataset
from ...errors import BadData, BadFile, BadSetting
from ...text.language import Message
from ...training.evaluation import CHUNK, class_probabilities
from ..jobs import COMMANDS
from ..learning import START, can_learn, fork_arguments, new_arguments, resume_arguments, settings_of
from ..runs import FollowedRun
from ..session import Session, ShownNetwork
from ..tail import LogPart, Position, read_part, read_position
from ..wire import FOREVER, arrays_response, finite_json, json_response
from .requests import Refusal, body_of, endpoint, integer, integers, shown_network

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_BETWEEN_BEATS = 2.0
RETRY_MILLISECONDS = 1000
MOST_STREAMS = 32
LARGEST_REQUEST = 16 << 10
MOST_IMAGES = 2000
"""Images that the confusion matrix is of, at most; the first ones."""

MOST_EXAMPLES = 16


def shown_run(request: Request, session: Session) -> FollowedRun:
    """Return the run that the address names."""
    run = session.runs.get(request.path_params["run"])
    if run is None:
        raise Refusal("no-run", Message("This run is not open here. Reload the page."), 404)
    return run


def state_of(session: Session, run: FollowedRun) -> dict[str, Any]:
    """Return the state of a run: what its files say, and what its process does if the page started it."""
    found = asdict(run.state())
    job = session.jobs.get(run.id)
    found["is_own"] = job is not None and job.is_alive
    found["problem"] = None if job is None or job.is_alive else job.problem
    if job is not None and job.is_alive:
        found["progress"] = "paused" if job.is_paused else "running" if run.is_there else "starting"
    elif job is not None and not run.is_there and found["problem"] is not None:
        found["progress"] = "failed"
    return found


async def run_list(_request: Request, session: Session) -> Response:
    """Return all runs, the newest last, and the settings that a new one starts with."""
    runs = [{"id": run.id, "name": run.name, "progress": run.state().progress} for run in session.runs.all()]
    return json_response({"runs": runs, "start": START})


async def run_document(request: Request, session: Session) -> Response:
    """Return the settings of a run."""
    run = shown_run(request, session)
    document = await session.analysis.run(run.document)
    configuration = run.configuration()
    data = document["notes"].get("data")
    parent = document["notes"].get("fork")
    return json_response(
        {
            "id": run.id,
            "name": run.name,
            "configuration": document["configuration"],
            "seed": document["seed"],
            "classes": document["classes"],
            "images": document["images"],
            "batches": configuration.batches(document["images"]),
            "epochs": configuration.epochs,
            "data": DataConfig.from_dict(data).label if data is not None else configuration.data,
            "engine": document["notes"].get("engine"),
            "parent": parent and {"name": Path(parent["run"]).name, "step": parent["step"]},
        }
    )


async def open_run(request: Request, session: Session) -> Response:
    """Show the network of a run, and return its id."""
    run = shown_run(request, session)
    shown = await session.analysis.run(session.add_run, run)
    return json_response({"network": shown.id})


async def start_run(request: Request, session: Session) -> Response:
    """Train a network on the bundled digits from random weights, and return the id of the run."""
    document = await _document(request)
    shown = session.network_of(str(document.get("network", "")))
    if shown is None or not can_learn(shown.network):
        raise BadSetting(
            "Only networks for gray images of 8×8 to 64×64 pixels and 10 classes can be trained here, on the "
            "bundled digits. Use `convscope train` with other data. [cannot-learn]"
        )
    options = settings_of({**START, **_mapping(document.get("settings"))})
    run = session.runs.add(session.runs.new_folder(f"{shown.network.name}-digits"))
    arguments = await session.analysis.run(new_arguments, shown.network, run.path, options)
    session.jobs.start(run, arguments)
    return json_response({"run": run.id, "name": run.name, "command": ["convscope", "train", *arguments]})


async def fork_run(request: Request, session: Session) -> Response:
    """Continue one step of a run in a new one with other settings, and return its id."""
    parent = shown_run(request, session)
    document = await _document(request)
    step = document.get("step")
    if not isinstance(step, int) or step not in parent.steps():
        raise BadFile("Run {name!r} has no checkpoint of step {step!r}. Choose a stored step. [run-step]",
                      name=parent.name, step=step)  # fmt: skip
    options = settings_of(document.get("settings") or {})
    run = session.runs.add(session.runs.new_folder(f"{parent.name}-at-{step}"))
    arguments = fork_arguments(parent, step, run.path, options)
    session.jobs.start(run, arguments)
    return json_response({"run": run.id, "name": run.name, "command": ["convscope", "train", *arguments]})


async def control_run(request: Request, session: Session) -> Response:
    """Pause, step, continue or stop a run. One that is not being trained is resumed by "go" and "step"."""
    run = shown_run(request, session)
    document = await _document(request)
    command, epochs = document.get("command"), document.get("epochs")
    if command not in COMMANDS or not (epochs is None or (isinstance(epochs, int) and 0 < epochs < 10**6)):
        raise Refusal("bad-parameter", Message("A run can be paused, stepped, continued and stopped."), 422)
    job = session.jobs.get(run.id)
    if job is not None and job.is_alive:
        job.obey(command)
    elif command in ("go", "step"):
        run.document()  # raises for a run that is gone
        if run.state().progress == "running":
            raise BadFile(
                "Run {name!r} is being trained by another process. Stop it there with Ctrl-C, then continue it "
                "here. [run-elsewhere]",
                name=run.name,
            )
        session.jobs.start(run, resume_arguments(run, epochs), command)
    else:
        raise BadFile("Run {name!r} is not trained by this page. Stop it where it was started. [run-elsewhere]",
                      name=run.name)  # fmt: skip
    return json_response(state_of(session, run))


async def log_part(request: Request, session: Session) -> Response:
    """Return the next lines of a log, and the state of the run: for pages without a stream."""
    run = shown_run(request, session)
    position = read_position(request.query_params.get("from", ""))
    part = await session.analysis.run(read_part, run.log_path, position)
    return json_response({**_part(part), "state": state_of(session, run), "has_more": part.has_more})


async def events(request: Request, session: Session) -> Response:
    """Stream beats, and with a run the lines of its log and its state, until the page or the server leaves."""
    run = None
    if "run" in request.query_params:
        run = session.runs.get(request.query_params["run"])
        if run is None:
            raise Refusal("no-run", Message("This run is not open here. Reload the page."), 404)
    if session.streams >= MOST_STREAMS:
        raise Refusal("busy", Message("Too many requests are waiting. Try again."), 429)
    given = request.headers.get("last-event-id") or request.query_params.get("from", "")
    return StreamingResponse(
        _events(session, run, read_position(given)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(session: Session, run: FollowedRun | None, position: Position) -> AsyncIterator[str]:
    session.streams += 1
    try:
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        said: dict[str, Any] | None = None
        beat = 0.0
        while not session.is_ending:
            part = None if run is None else read_part(run.log_path, position)
            if part is not None and part.end != position:
                yield _message("log", _part(part), str(part.end))
                position = part.end
            if run is not None and (state := state_of(session, run)) != said:
                yield _message("state", state)
                said = state
            if monotonic() - beat > SECONDS_BETWEEN_BEATS:
                yield _message("beat", {})
                beat = monotonic()
            await asyncio.sleep(0 if part is not None and part.has_more else SECONDS_BETWEEN_LOOKS)
        yield _message("end", {})
    finally:
        session.streams -= 1


def _part(part: LogPart) -> dict[str, Any]:
    return {"from": str(part.start), "to": str(part.end), "events": part.events}


def _message(event: str, document: Any, position: str | None = None) -> str:
    """Return one event of a stream; JSON has no line breaks."""
    own = "" if position is None else f"id: {position}\n"
    return f"event: {event}\n{own}data: {finite_json(document)}\n\n"


async def confusion(request: Request, session: Session) -> Response:
    """Return the confusion matrix of a network on the test images of its run."""
    shown = shown_network(request, session)

    def compute() -> dict[str, Any]:
        split, source = test_part(shown)
        classes = len(source.classes)
        labels: list[int] = []
        predicted: list[int] = []
        for first in range(0, min(len(source), MOST_IMAGES), CHUNK):
            x, own = source.batch(np.arange(first, min(first + CHUNK, len(source), MOST_IMAGES)))
            if own.ndim != 1:
                raise BadData("The labels of the run's images are no classes. [no-classes-here]")
            found = class_probabilities(shown.model, shown.model.prepare(x)).argmax(axis=1)
            labels += own.tolist()
            predicted += np.minimum(found, classes).tolist()
        matrix = np.zeros((classes, classes + 1), np.int64)
        np.add.at(matrix, (labels, predicted), 1)
        return {
            "part": split,
            "images": len(labels),
            "of": len(source),
            "classes": list(source.classes),
            "matrix": matrix,
            "accuracy": float(np.trace(matrix)) / len(labels),
            "labels": labels,
            "predicted": predicted,
        }

    return json_response(await session.forward.run(compute), cache=FOREVER)


def test_part(shown: ShownNetwork) -> tuple[str, Dataset]:
    """Return the test part of the data that a run was trained on, or its validation part.

    Raises:
        BadData: [no-data], and those of `DataConfig.part`.
    """
    if shown.run is None:
        raise BadData("This network has no run, so its test images are unknown. Open a run. [no-data]")
    noted = shown.run.document()["notes"].get("data")
    if noted is None:
        raise BadData("The run was trained on arrays, so its test images cannot be loaded. [no-data]")
    try:
        config = DataConfig.from_dict(noted)
    except ValueError:
        raise BadData("The run does not say how its data is read. [no-data]") from None
    return config.evaluation_part()


async def examples(request: Request, session: Session) -> Response:
    """Return test images by their indices."""
    shown = shown_network(request, session)
    indices = integers(request, "indices")

    def compute() -> Response:
        _, source = test_part(shown)
        chosen = np.array([index for index in indices if 0 <= index < len(source)][:MOST_EXAMPLES], np.int64)
        if not len(chosen):
            raise Refusal("no-image", Message("This image is not open here. Choose it again."), 404)
        x, labels = source.batch(chosen)
        return arrays_response({"images": x.astype(np.float32)}, {"indices": chosen, "labels": labels})

    return await session.analysis.run(compute)


async def add_example(request: Request, session: Session) -> Response:
    """Keep a test image, to be shown on the whole page."""
    shown = shown_network(request, session)
    index = integer(request, "index", 0)

    def compute() -> Response:
        split, source = test_part(shown)
        if index is None or not 0 <= index < len(source):
            raise Refusal("no-image", Message("This image is not open here. Choose it again."), 404)
        x, labels = source.batch(np.array([index]))
        image = session.add_image(f"{split} {index} · {source.classes[int(labels[0])]}", x[0].astype(np.float32))
        return json_response({"id": image.id, "name": image.name, "shape": list(x.shape[1:])})

    return await session.analysis.run(compute)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


async def _document(request: Request) -> dict[str, Any]:
    """Return the JSON object that the page sends."""
    try:
        document = json.loads(await body_of(request, LARGEST_REQUEST))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Refusal("bad-parameter", Message("The request must be a JSON object."), 422)
    return document


routes = [
    Route("/api/events", endpoint(events)),
    Route("/api/runs", endpoint(run_list)),
    Route("/api/runs", endpoint(start_run), methods=["POST"]),
    Route("/api/runs/{run}", endpoint(run_document)),
    Route("/api/runs/{run}/open", endpoint(open_run), methods=["POST"]),
    Route("/api/runs/{run}/log", endpoint(log_part)),
    Route("/api/runs/{run}/control", endpoint(control_run), methods=["POST"]),
    Route("/api/runs/{run}/fork", endpoint(fork_run), methods=["POST"]),
    Route("/api/values/{network}/confusion", endpoint(confusion)),
    Route("/api/values/{network}/examples", endpoint(examples)),
    Route("/api/values/{network}/examples", endpoint(add_example), methods=["POST"]),
]
