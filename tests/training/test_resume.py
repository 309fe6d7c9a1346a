"""A run that was stopped and goes on ends bit for bit like one that never was."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import convscope as cs
from convscope.errors import BadFile, BadSetting
from convscope.training.model_file import read_model_file
from training import killed_run

SCRIPT = Path(killed_run.__file__)
# One thread for products of matrices: several would wait for each other where many processes run.
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}


def start(folder, how, *more):
    return subprocess.Popen([sys.executable, SCRIPT, str(folder), how, *map(str, more)], env=ENVIRONMENT)


def finish(folder):
    """Go on until the run is through."""
    if not (folder / "run.json").exists():
        assert start(folder, "run").wait() == 0
    else:
        assert start(folder, "resume").wait() == 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nobody disturbs."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert start(folder, "run").wait() == 0
    return folder


def same_end(folder, whole):
    assert (folder / "log.jsonl").read_bytes() == (whole / "log.jsonl").read_bytes()
    for name in ("last.safetensors", "best.safetensors"):
        ours, theirs = read_model_file(folder / name), read_model_file(whole / name)
        assert ours.metadata == theirs.metadata
        assert set(ours.arrays) == set(theirs.arrays)
        for array in ours.arrays:
            np.testing.assert_array_equal(ours.arrays[array], theirs.arrays[array], strict=True)


@pytest.mark.parametrize("delays", [(0.01,), (0.1, 0.05), (0.25, 0.1, 0.15)])
def test_killed_at_any_time_it_ends_the_same(tmp_path, whole, delays):
    """Killed, resumed, killed again: parameters, optimizer, log and best epoch are those of the whole run."""
    folder = tmp_path / "run"
    how = "run"
    for delay in delays:
        process = start(folder, how)
        while not (folder / "run.json").exists() and process.poll() is None:
            time.sleep(0.002)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        assert process.wait() in (-signal.SIGKILL, 0)
        how = "resume"
    finish(folder)
    same_end(folder, whole)


@pytest.mark.parametrize("call", [2, 9, 14, 21, 33])
def test_killed_while_a_file_is_written_it_ends_the_same(tmp_path, whole, call):
    """Between the steps that make a checkpoint durable: temporary file, the old one moved, the new one put there."""
    folder = tmp_path / "run"
    assert start(folder, "run", call).wait() == -signal.SIGKILL
    finish(folder)
    same_end(folder, whole)


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, whole):
    """The step in hand is finished, everything is saved, and the message names the folder."""
    folder = tmp_path / "run"
    command = [sys.executable, SCRIPT, str(folder), "run"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    while not (folder / "run.json").exists():
        time.sleep(0.002)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    told = process.communicate()[1]
    assert process.returncode == -signal.SIGINT
    stopped = re.search(r"stopped after step (\d+): everything is saved, go on with resume='(.*)'\n", told)
    assert stopped is not None
    assert stopped[2] == str(folder)
    assert read_model_file(folder / "last.safetensors").metadata["position"]["step"] == int(stopped[1])
    finish(folder)
    same_end(folder, whole)


def test_another_number_of_epochs_goes_further(tmp_path):
    """A finished run goes on when it is given more epochs; asked again for the same it only tells its history."""
    _, history = tiny(tmp_path / "run", 2)
    again = cs.Model(TINY).fit(TINY_DATA, resume=tmp_path / "run", progress=False)
    assert again == history
    longer = cs.Model(TINY).fit(TINY_DATA, resume=tmp_path / "run", epochs=4, progress=False)
    assert longer[:2] == history.epochs
    whole, wanted = tiny(tmp_path / "whole", 4)
    assert longer == wanted
    more = cs.Model.load(tmp_path / "run" / "last.safetensors")
    np.testing.assert_array_equal(more.parameters["dense1.weight"], whole.parameters["dense1.weight"])


TINY = "input 1x3x2 | flatten | dense 2"
TINY_DATA = (np.random.default_rng(2).normal(size=(10, 1, 3, 2)), np.arange(10) % 2)


def tiny(folder, epochs=2, **more):
    model = cs.Model(TINY)
    return model, model.fit(TINY_DATA, epochs=epochs, batch_size=4, run=folder, progress=False, **more)


def refused(error, message, action):
    with pytest.raises(error) as caught:
        action()
    assert str(caught.value) == message


def test_a_damaged_checkpoint_is_named_and_the_one_before_used(tmp_path, capsys):
    """One bit turned in the arrays is found by the checksum; the run still ends the same."""
    folder = tmp_path / "run"
    model, _ = tiny(folder, 3)
    last = folder / "last.safetensors"
    data = bytearray(last.read_bytes())
    data[-3] ^= 1
    last.write_bytes(data)
    resumed = cs.Model(TINY)
    resumed.fit(TINY_DATA, resume=folder, progress=False)
    assert capsys.readouterr().err == (
        f"{str(last)!r} must be a whole .safetensors file; got a damaged one (its checksum does not fit its "
        "contents); use another copy of it. [file-damaged] The checkpoint before is used, if there is one.\n"
    )
    np.testing.assert_array_equal(resumed.parameters["dense1.weight"], model.parameters["dense1.weight"])


def test_no_whole_checkpoint_is_an_error(tmp_path, capsys):
    folder = tmp_path / "run"
    tiny(folder)
    (folder / "last.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{")
    (folder / "previous.safetensors").unlink()
    refused(
        BadFile,
        f"{str(folder)!r} must have a whole checkpoint; got none; begin the run anew in another folder. "
        "[no-checkpoint]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False),
    )
    assert "[file-damaged]" in capsys.readouterr().err


def test_a_run_of_another_network_is_refused_with_the_differences(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    refused(
        BadFile,
        f"{str(folder)!r} must be a run of network; got one of another network; make the model from the run's "
        "network. [other-network]\n  --- the run\n  +++ here\n  -  - dense 2\n  +  - dense 3",
        lambda: cs.Model("input 1x3x2 | flatten | dense 3").fit(TINY_DATA, resume=folder, progress=False),
    )


def test_a_run_with_other_data_or_seed_is_refused(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    refused(
        BadFile,
        f"{str(folder)!r} must go on with the seed it was begun with (0); got seed=1; use the same model settings "
        "and data. [other-data]",
        lambda: cs.Model(TINY, seed=1).fit(TINY_DATA, resume=folder, progress=False),
    )
    fewer = (TINY_DATA[0][:9], TINY_DATA[1][:9])
    refused(
        BadFile,
        f"{str(folder)!r} must go on with the pictures it was begun with (10); got pictures=9; use the same model "
        "settings and data. [other-data]",
        lambda: cs.Model(TINY).fit(fewer, resume=folder, progress=False),
    )


def test_settings_of_a_run_stay(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    refused(
        BadSetting,
        "fit.batch_size must stay as it was when a run goes on; got batch_size=5, not 4; leave it out, or begin a "
        "new run. [resume-setting]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, batch_size=5, progress=False),
    )
    refused(
        BadSetting,
        f"fit.run must be left out when a run goes on; got run='new' and resume={str(folder)!r}; give one of them. "
        "[run-and-resume]",
        lambda: cs.Model(TINY).fit(TINY_DATA, run="new", resume=str(folder), progress=False),
    )
    refused(
        BadSetting,
        "fit.data must be given: the run was begun with data that has no name; got None; give the same data again. "
        "[data-missing]",
        lambda: cs.Model(TINY).fit(resume=folder, progress=False),
    )


def test_a_folder_is_of_one_run(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    refused(
        BadFile,
        f"{str(folder)!r} must be a new folder; got one with a run in it; go on with it by resume={str(folder)!r}, "
        "or choose another folder. [run-exists]",
        lambda: tiny(folder),
    )
    refused(
        BadFile,
        f"{str(tmp_path)!r} must be the folder of a run; got no run.json in it; if the run was stopped before it had "
        f"begun, start it again with run={str(tmp_path)!r}. [no-run]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=tmp_path, progress=False),
    )


def test_a_damaged_run_json_is_named(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    path = folder / "run.json"
    text = path.read_text()
    path.write_text(text.replace('"schema": 1', '"schema": 9'))
    refused(
        BadFile,
        f"{str(path)!r} must describe a run of schema 1; got schema=9; restore it. [damaged-run]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False),
    )
    path.write_text(text.replace('"batch_size"', '"batchsize"'))
    refused(
        BadSetting,
        "configuration must have only keys that mean something; got 'batchsize'; did you mean batch_size? "
        "[configuration-key]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False),
    )
    path.write_text("{")
    with pytest.raises(BadFile, match=r"must be JSON; got .*; restore it\. \[damaged-run\]$"):
        cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False)


def test_a_log_cut_short_is_an_error(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    log = folder / "log.jsonl"
    size = log.stat().st_size
    log.write_bytes(log.read_bytes()[:-5])
    refused(
        BadFile,
        f"{str(log)!r} must be a log that can be written; got an error (it has fewer than the {size:,} bytes written "
        "before); what was saved before is intact: make room or choose another folder, then resume. [write-failed]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False),
    )


def test_data_named_is_found_again(tmp_path):
    """The name is kept in run.json, with its validation part: nothing but the folder is needed to go on."""
    net = "input 1x8x8 | flatten | dense 10"
    cs.Model(net).fit("digits", epochs=1, run=tmp_path / "run", progress=False)
    history = cs.Model(net).fit(resume=tmp_path / "run", epochs=2, progress=False)
    assert len(history) == 2
    assert history[1].validation_accuracy > 0.5
