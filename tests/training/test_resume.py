"""Interrupted and resumed runs are bit-identical to uninterrupted ones."""

import json
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
from convscope.training.model_io import read_model_file, write_model_file
from convscope.training.run_diagnosis import diagnose_run
from convscope.training.run_document import read_run_document, write_run_document
from convscope.training.run_folder import SavedRun
from training import killed_run

SCRIPT = Path(killed_run.__file__)
# One thread for products of matrices: several would wait for each other where many processes run.
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}


def start(folder, how, *more, hash_seed="random"):
    environment = {**ENVIRONMENT, "PYTHONHASHSEED": hash_seed}
    return subprocess.Popen([sys.executable, SCRIPT, str(folder), how, *map(str, more)], env=environment)


def finish(folder):
    """Resume until the run is complete."""
    if not (folder / "run.json").exists():
        assert start(folder, "run").wait() == 0
    else:
        assert start(folder, "resume").wait() == 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert start(folder, "run").wait() == 0
    return folder


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def same_end(folder, whole):
    """Check that all files are identical."""
    ours, theirs = contents(folder), contents(whole)
    assert set(ours) == set(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []


@pytest.mark.parametrize("delays", [(0.01,), (0.1, 0.05), (0.25, 0.1, 0.15)])
def test_run_killed_at_any_time_resumes_bit_identically(tmp_path, whole, delays):
    """After several kills, parameters, optimizer state, log and best epoch are those of an uninterrupted run."""
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
def test_run_killed_while_writing_resumes_bit_identically(tmp_path, whole, call):
    """Killed between writing the temporary file, moving the old one and renaming the new one."""
    folder = tmp_path / "run"
    assert start(folder, "run", call).wait() == -signal.SIGKILL
    finish(folder)
    same_end(folder, whole)


def test_ctrl_c_saves_and_says_how_to_resume(tmp_path, whole):
    """The current step is finished, a checkpoint is saved, and the message names the folder."""
    folder = tmp_path / "run"
    command = [sys.executable, SCRIPT, str(folder), "run"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    while not (folder / "run.json").exists():
        time.sleep(0.002)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    told = process.communicate()[1]
    assert process.returncode == -signal.SIGINT
    stopped = re.search(r"stopped after step (\d+): checkpoint saved, resume with resume='(.*)'\n", told)
    assert stopped is not None
    assert stopped[2] == str(folder)
    assert read_model_file(folder / "last.safetensors").metadata["position"]["step"] == int(stopped[1])
    finish(folder)
    same_end(folder, whole)


def test_files_do_not_depend_on_the_hash_seed(tmp_path, whole):
    """For two processes, and for a run that one process starts and another resumes."""
    folder = tmp_path / "run"
    process = start(folder, "run", hash_seed="1")
    while not (folder / "run.json").exists():
        time.sleep(0.002)
    time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait() in (-signal.SIGINT, 0)
    if read_model_file(folder / "last.safetensors").metadata["position"]["epoch"] < killed_run.EPOCHS:
        assert start(folder, "resume", hash_seed="2").wait() == 0
    same_end(folder, whole)


def test_resume_with_more_epochs_continues(tmp_path):
    """A finished run continues if more epochs are requested. Otherwise only its history is returned."""
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


def test_damaged_checkpoint_falls_back_to_previous(tmp_path, capsys):
    """The checksum detects one flipped bit in the arrays. The run still gives the same result."""
    folder = tmp_path / "run"
    model, _ = tiny(folder, 3)
    last = folder / "last.safetensors"
    data = bytearray(last.read_bytes())
    data[-3] ^= 1
    last.write_bytes(data)
    resumed = cs.Model(TINY)
    resumed.fit(TINY_DATA, resume=folder, progress=False)
    assert capsys.readouterr().err == (
        f"{str(last)!r} is a damaged .safetensors file (its contents do not match its checksum). Use another "
        "copy. [file-damaged] The previous checkpoint is used, if there is one.\n"
    )
    np.testing.assert_array_equal(resumed.parameters["dense1.weight"], model.parameters["dense1.weight"])


def test_no_intact_checkpoint_is_an_error(tmp_path, capsys):
    folder = tmp_path / "run"
    tiny(folder)
    (folder / "last.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{")
    (folder / "previous.safetensors").unlink()
    refused(
        BadFile,
        f"{str(folder)!r} has no intact checkpoint. Start the run again in another folder. [no-checkpoint]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False),
    )
    assert "[file-damaged]" in capsys.readouterr().err


def test_run_of_another_network_is_refused_with_differences(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    refused(
        BadFile,
        f"{str(folder)!r} is a run of another network than network. Create the model from the run's network. "
        "[other-network]\n  --- run\n  +++ model\n  -  - dense 2\n  +  - dense 3",
        lambda: cs.Model("input 1x3x2 | flatten | dense 3").fit(TINY_DATA, resume=folder, progress=False),
    )


def test_run_with_other_data_or_seed_is_refused(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    refused(
        BadFile,
        f"{str(folder)!r} was started with other settings or data (got seed=1, not 0). Use the same model "
        "settings and data. [other-data]",
        lambda: cs.Model(TINY, seed=1).fit(TINY_DATA, resume=folder, progress=False),
    )
    fewer = (TINY_DATA[0][:9], TINY_DATA[1][:9])
    refused(
        BadFile,
        f"{str(folder)!r} was started with other settings or data (got images=9, not 10). Use the same model "
        "settings and data. [other-data]",
        lambda: cs.Model(TINY).fit(fewer, resume=folder, progress=False),
    )


def test_settings_of_a_run_cannot_change(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    refused(
        BadSetting,
        "fit.batch_size cannot change when a run is resumed (got 5, not 4). Leave it out, or start a new run. "
        "[resume-setting]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, batch_size=5, progress=False),
    )
    refused(
        BadSetting,
        f"run and resume are mutually exclusive (got run='new' and resume={str(folder)!r}). Pass only one of "
        "them. [run-and-resume]",
        lambda: cs.Model(TINY).fit(TINY_DATA, run="new", resume=str(folder), progress=False),
    )
    refused(
        BadSetting,
        "Resuming this run needs its training data, which has no name (got data=None). Pass the same data "
        "again. [data-missing]",
        lambda: cs.Model(TINY).fit(resume=folder, progress=False),
    )


def test_folder_with_a_run_is_refused(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    refused(
        BadFile,
        f"{str(folder)!r} already contains a run. Resume it with resume={str(folder)!r}, or choose another "
        "folder. [run-exists]",
        lambda: tiny(folder),
    )
    refused(
        BadFile,
        f"{str(tmp_path)!r} is not a run folder (no run.json in it). If the run was stopped before its first "
        f"checkpoint, start it again with run={str(tmp_path)!r}. [no-run]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=tmp_path, progress=False),
    )
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def reseal(folder, change):
    """Change run.json, with a valid checksum."""
    document = read_run_document(folder)
    change(document)
    write_run_document(folder, document)


def test_damaged_run_json_is_reported(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    path = folder / "run.json"
    text = path.read_text()

    def resume():
        cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False)

    path.write_text(text.replace('"schema": 2', '"schema": 9'))
    refused(
        BadFile,
        f"{str(path)!r} does not describe a run of schema 2 (got schema=9). Restore the file. [damaged-run]",
        resume,
    )
    path.write_text(text.replace('"seed": 0', '"seed": "0"'))
    refused(
        BadFile,
        f"{str(path)!r} does not describe a run of schema 2 (got seed as text, not an integer from 0). Restore "
        "the file. [damaged-run]",
        resume,
    )
    path.write_text("{")
    with pytest.raises(BadFile, match=r"is not valid JSON \(.*\)\. Restore the file\. \[damaged-run\]$"):
        resume()


@pytest.mark.parametrize("change", [('"seed": 0', '"seed": 1'), ('"batch_size": 4', '"batch_size": 5')])
def test_edited_settings_are_detected(tmp_path, change):
    """By all readers: resumed training, the network, the log."""
    folder = tmp_path / "run"
    tiny(folder)
    path = folder / "run.json"
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    message = (
        f"{str(path)!r} does not match its checksum (edited or damaged). Restore it, or start a new run with "
        "other settings. [damaged-run]"
    )
    refused(BadFile, message, lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False))
    refused(BadFile, message, lambda: cs.load(folder))
    refused(BadFile, message, lambda: diagnose_run(folder))


def test_reformatted_run_json_is_accepted(tmp_path):
    """Key order and spaces do not matter."""
    folder = tmp_path / "run"
    _, history = tiny(folder)
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))
    assert cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False) == history


def test_unknown_key_is_refused(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    reseal(folder, lambda document: document["configuration"].update(batchsize=4))
    refused(
        BadSetting,
        "configuration has an unknown key 'batchsize'. Did you mean batch_size? [configuration-key]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False),
    )


def as_schema_1(folder):
    """Convert a run to the schema without checksums."""
    path = folder / "run.json"
    document = {**json.loads(path.read_text()), "schema": 1}
    del document["checksum"]
    path.write_text(json.dumps(document))
    log = folder / "log.jsonl"
    plain = re.sub(r', "checksum": "[0-9a-f]{8}"\}', "}", log.read_text())
    log.write_text(plain)
    # Its checkpoint knows how long the log was.
    for name in ("last.safetensors", "previous.safetensors"):
        read = read_model_file(folder / name)
        read.metadata["position"]["log_bytes"] = len(plain)
        write_model_file(folder / name, read.arrays, read.metadata)


def test_run_without_checksums_is_read_and_resumed(tmp_path):
    """The schema is kept, and the result is bit-identical."""
    folder = tmp_path / "run"
    _, history = tiny(folder, 2)
    as_schema_1(folder)
    assert "checksum" not in (folder / "run.json").read_text() + (folder / "log.jsonl").read_text()
    again = cs.Model(TINY)
    longer = again.fit(TINY_DATA, resume=folder, epochs=4, progress=False)
    assert longer[:2] == history.epochs
    assert "checksum" not in (folder / "run.json").read_text() + (folder / "log.jsonl").read_text()
    whole, _ = tiny(tmp_path / "whole", 4)
    np.testing.assert_array_equal(again.parameters["dense1.weight"], whole.parameters["dense1.weight"])
    assert [event["event"] for event in SavedRun(folder).events()] == ["step"] + 4 * ["epoch"]


@pytest.mark.parametrize("line", [0, 1])
def test_changed_line_of_the_log_is_detected(tmp_path, line):
    folder = tmp_path / "run"
    tiny(folder)
    log = folder / "log.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    lines[line] = lines[line].replace('"step": ', '"step": 1', 1)
    log.write_text("".join(lines))
    message = (
        f"{str(log)!r} is damaged in line {line + 1} (it does not match its checksum). Restore the original log. "
        "[log-line]"
    )
    refused(BadFile, message, lambda: diagnose_run(folder))
    refused(BadFile, message, lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False))


def test_missing_line_of_the_log_is_detected(tmp_path):
    """Within the log by the checksum of the next line, at the end by the checkpoint."""
    folder = tmp_path / "run"
    tiny(folder)
    log = folder / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[1:]))
    with pytest.raises(BadFile, match=r"in line 1 .* \[log-line\]$"):
        diagnose_run(folder)
    shorter = b"".join(lines[:-1])
    log.write_bytes(shorter)
    refused(
        BadFile,
        f"{str(log)!r} is shorter than at the last checkpoint (got {len(shorter):,} bytes in complete lines, not "
        f"{len(b''.join(lines)):,}). Restore the original log. [log-short]",
        lambda: diagnose_run(folder),
    )
    log.write_bytes(b"".join(lines)[:-1] + b"*")  # the last line looks as if it had been cut off
    with pytest.raises(BadFile, match=r"\[log-short\]$"):
        diagnose_run(folder)


def test_flipped_bit_in_format_entry_is_damage(tmp_path, capsys):
    """A damaged checkpoint is not mistaken for another program's file: the previous one is used."""
    folder = tmp_path / "run"
    model, _ = tiny(folder, 3)
    last = folder / "last.safetensors"
    data = last.read_bytes()
    assert data.count(b'"convscope 1"') == 1
    last.write_bytes(data.replace(b'"convscope 1"', b'"convscope 3"'))
    resumed = cs.Model(TINY)
    resumed.fit(TINY_DATA, resume=folder, progress=False)
    assert capsys.readouterr().err == (
        f"{str(last)!r} is a damaged .safetensors file (its format is 'convscope 3', not 'convscope 1'). Use "
        "another copy. [file-damaged] The previous checkpoint is used, if there is one.\n"
    )
    np.testing.assert_array_equal(resumed.parameters["dense1.weight"], model.parameters["dense1.weight"])


@pytest.mark.parametrize("key", [b'"format"', b'"convscope"', b'"checksum"'])
def test_flipped_bit_in_metadata_key_is_damage(tmp_path, key):
    tiny(tmp_path / "run")
    path = tmp_path / "run" / "best.safetensors"
    data = path.read_bytes()
    changed = data.replace(key, key[:3] + bytes([key[3] ^ 1]) + key[4:], 1)
    assert changed != data
    path.write_bytes(changed)
    with pytest.raises(BadFile, match=r"\[file-damaged\]$"):
        cs.Model.load(path)


def test_damaged_checkpoint_never_replaces_previous(tmp_path, capsys):
    """The previous checkpoint stays intact whenever the run is killed."""
    folder = tmp_path / "run"
    tiny(folder, 2)
    last, previous = folder / "last.safetensors", folder / "previous.safetensors"
    last.write_bytes(last.read_bytes()[:-1])
    before = previous.read_bytes()
    cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False)
    assert "[file-damaged]" in capsys.readouterr().err
    assert previous.read_bytes() == before
    assert read_model_file(last, own=True).metadata["position"]["epoch"] == 1


def test_truncated_log_is_an_error(tmp_path):
    folder = tmp_path / "run"
    tiny(folder)
    log = folder / "log.jsonl"
    size = log.stat().st_size
    log.write_bytes(log.read_bytes()[:-5])
    refused(
        BadFile,
        f"Cannot write the log {str(log)!r} (shorter than the {size:,} bytes written so far). Files saved "
        "earlier are intact. Free disk space or choose another folder, then resume. [write-failed]",
        lambda: cs.Model(TINY).fit(TINY_DATA, resume=folder, progress=False),
    )


def test_named_data_is_reloaded_on_resume(tmp_path):
    """The name is stored in run.json: the folder is enough to resume."""
    net = "input 1x8x8 | flatten | dense 10"
    cs.Model(net).fit("digits", epochs=1, run=tmp_path / "run", progress=False)
    history = cs.Model(net).fit(resume=tmp_path / "run", epochs=2, progress=False)
    assert len(history) == 2
    assert history[1].validation_accuracy > 0.5
