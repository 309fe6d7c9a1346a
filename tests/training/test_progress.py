"""Progress output, and handling of Ctrl-C."""

import io
import os
import signal
import threading

import pytest

from convscope.training.history import Epoch, History, history_of
from convscope.training.interruption import Interruption
from convscope.training.progress import Progress

EPOCH = Epoch(2, 40, 0.1, 0.51234, 0.875, 0.6, 0.8125)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, **settings):
    progress = Progress(3, stream=stream, **settings)
    progress.begin_epoch(5)
    progress.step(2, 10, 20, 64, 0.75)
    progress.end_epoch(EPOCH)
    return stream.getvalue()


def test_progress_in_a_file_is_one_line_per_epoch():
    text = shown(io.StringIO())
    assert text.startswith("epoch 2: loss 0.5123, accuracy 87.50 %, validation 0.6000, 81.25 % (")
    assert text.count("\n") == 1
    assert text.endswith(" s)\n")


def test_dead_units_are_in_the_line_of_an_epoch():
    stream = io.StringIO()
    progress = Progress(3, stream=stream)
    progress.end_epoch(EPOCH, 12, 1204)
    progress.end_epoch(EPOCH, 0, 1204)
    first, second = stream.getvalue().splitlines()
    assert ", validation 0.6000, 81.25 %, dead units 12 of 1,204 (" in first
    assert "dead" not in second


def test_progress_on_a_terminal_is_a_bar_with_speed_and_time(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    lines = shown(Terminal()).split("\r")
    assert lines[1].startswith(f"epoch 2/3 {'█' * 12}{'░' * 12} 10/20  loss 0.7500  ")
    assert "images/s" in lines[1]
    assert lines[1].rstrip().endswith("left")
    assert lines[2].startswith("epoch 2: loss 0.5123")


def test_progress_fits_the_terminal_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    for line in shown(Terminal()).split("\r")[1:]:
        assert len(line.rstrip("\n")) == 39


def test_time_left_is_extrapolated(monkeypatch):
    """Five batches in 10 seconds, ten to go. A run resumed at batch 5 has not computed the first five."""
    clock = iter([100.0, 110.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    stream = Terminal()
    progress = Progress(3, stream=stream)
    progress.begin_epoch(5)
    progress.step(2, 10, 20, 320, 0.75)
    assert "32 images/s  0:20 left" in stream.getvalue()


def test_progress_in_a_notebook_is_a_bar():
    """Notebooks overwrite a line as terminals do, although their streams are no terminals."""
    notebook = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    assert "█" in shown(notebook())


def test_progress_can_be_disabled():
    assert shown(io.StringIO(), shown=False) == ""


def test_unencodable_characters_are_replaced():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    stream.isatty = lambda: True
    progress = Progress(3, stream=stream)
    progress.begin_epoch(0)
    progress.step(1, 1, 2, 4, 0.5)
    assert b"????????????" in raw.getvalue()


def test_first_ctrl_c_is_deferred_and_second_acts():
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_repeated_signals_are_deferred(name):
    """A closed terminal sends its signal twice. Ctrl-C still interrupts the saving."""
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with Interruption() as interruption:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert (interruption.requested, interruption.number) == (True, number)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert interruption.number == number
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ignored_signals_stay_ignored(name):
    """As under nohup and in a shell's background."""
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            os.kill(os.getpid(), number)
            assert signal.getsignal(number) is signal.SIG_IGN
        assert not interruption.requested
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_missing_signals_are_skipped(monkeypatch):
    monkeypatch.delattr(signal, "SIGHUP")
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
    assert interruption.number == signal.SIGTERM


def test_other_threads_keep_their_handlers():
    """Signals reach the main thread only."""
    failures = []

    def enter():
        try:
            with Interruption() as interruption:
                failures.append(interruption.requested)
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert failures == [False]


def test_history_is_built_from_events():
    events = [
        {"event": "step", "step": 0},
        {"event": "epoch", **EPOCH._asdict(), "layers": {}},
        {"event": "stop", "reason": "patience", "step": 40},
    ]
    history = history_of(events, "patience")
    assert history == History((EPOCH,), "patience")
    assert history.to_dict() == {"stopped": "patience", "epochs": [EPOCH._asdict()]}
    assert [epoch.loss for epoch in history] == history.column("loss") == [0.51234]
    assert str(History((EPOCH._replace(validation_loss=None, validation_accuracy=None),))) == (
        "epoch 2: loss 0.5123, accuracy 87.50 %"
    )
