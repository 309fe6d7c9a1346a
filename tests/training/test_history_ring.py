"""The ring of checkpoints: which steps it keeps, its size, and forks from it."""

import json
import re
from bisect import insort

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convscope as cs
from convscope.errors import BadFile, BadSetting
from convscope.training import run_folder
from convscope.training.model_io import read_model_file
from convscope.training.ring import Ring, checkpoints_of, list_steps, priority
from convscope.training.run_folder import SavedRun
from training.killed_run import NET, data

SETTINGS = {
    "epochs": 4,
    "batch_size": 8,
    "optimizer": cs.AdamW(lr=0.02),
    "schedule": "one_cycle",
    "clip_norm": 0.5,
    "augment": "shift=1,flip",
    "log_every": 1,
}
STEPS = 68
"""Four epochs of 131 images, the last batch of each with 3."""


def train(folder, engine="native", **more):
    text = NET.replace("stochasticpool", "maxpool") if engine == "torch" else NET
    model = cs.Model(text, seed=11, engine=engine)
    settings = {} if "fork" in more else {**SETTINGS, "history": "200kB"}
    history = model.fit(data(131, 0), validation=data(31, 1), run=folder, progress=False, **{**settings, **more})
    return model, history


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(folder)
    return folder


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept_of(steps, count):
    """Return which steps a ring keeps, by the definition: the first ones in the order of priority."""
    return sorted(sorted(steps, key=priority)[:count])


def test_early_steps_are_dense_and_later_gaps_grow_in_proportion():
    kept = kept_of(range(10_001), 100)
    assert kept[:17] == list(range(17))
    gaps = np.diff(kept)
    assert (gaps[16:] <= np.array(kept[16:-1]) / 4).all()
    assert kept[-5:] == [6656, 7168, 7680, 8192, 9216]


@given(st.integers(1, 60), st.integers(1, 400), st.data())
def test_runs_killed_anywhere_keep_the_checkpoints_of_whole_ones(count, last, data):
    """Resumed from an earlier step, a ring forgets what came after it, and ends equal."""
    plan = [0]
    for _ in range(data.draw(st.integers(0, 3))):
        killed = data.draw(st.integers(plan[-1], last))
        plan += [killed, data.draw(st.integers(plan[-1], killed))]
    order: list[tuple[int, int]] = []
    start = 0
    for end, restart in [*zip(plan[1::2], plan[2::2], strict=True), (last, None)]:
        for step in range(start, end + 1):
            if priority(step) not in order and (len(order) < count or priority(step) < order[-1]):
                del order[count - 1 :]  # as `Ring.save` does
                insort(order, priority(step))
        if restart is not None:
            order = [own for own in order if own[1] <= restart]
            start = restart
    assert sorted(step for _, step in order) == kept_of(range(last + 1), count)


def test_ring_on_disk_follows_the_order_of_priority(tmp_path):
    ring = Ring(tmp_path, 13, 0)
    for step in range(200):
        ring.save(step, lambda step=step: [b"%d" % step])
        assert [*checkpoints_of(tmp_path)] == kept_of(range(step + 1), 13)
    resumed = Ring(tmp_path, 7, 100)
    assert [*checkpoints_of(tmp_path)] == kept_of(range(101), 7)
    resumed.save(32, lambda: [b"again"])
    assert checkpoints_of(tmp_path)[32].read_bytes() == b"again"
    assert len(checkpoints_of(tmp_path)) == 7


def test_files_of_the_ring_never_exceed_the_limit(tmp_path, monkeypatch):
    """Also while a file is written, the temporary one included."""
    sizes = []
    plain = run_folder.Ring.save

    def watched(ring, step, encode):
        def encoded():
            chunks = encode()
            sizes.append(sum(map(len, chunks)) + sum(path.stat().st_size for path in ring.folder.glob("*")))
            return chunks

        plain(ring, step, encoded)

    monkeypatch.setattr(run_folder.Ring, "save", watched)
    train(tmp_path / "run")
    assert len(sizes) > 20
    assert 100_000 < max(sizes) <= 200_000
    assert checkpoints_of(tmp_path / "run").keys() == set(
        kept_of(range(STEPS + 1), len(checkpoints_of(tmp_path / "run")))
    )


def test_checkpoints_are_those_of_the_steps(whole):
    """Each has its step, and the model of it can be loaded."""
    run = SavedRun(whole)
    assert run.steps[:10] == list(range(10))
    for step, path in checkpoints_of(whole).items():
        assert read_model_file(path, own=True).metadata["position"]["step"] == step
    first = cs.Model(NET, seed=11).parameters["conv1.weight"]
    np.testing.assert_array_equal(run.model(0).parameters["conv1.weight"], first)
    assert not np.array_equal(run.model("64").parameters["conv1.weight"], first)
    with pytest.raises(BadFile, match=r"has no intact checkpoint of step 67\. Use a stored step: 0-"):
        run.model(67)


@pytest.mark.parametrize("engine", ["native", "reference", "torch"])
@pytest.mark.parametrize("at", [0, 5, 16, 64])
def test_unchanged_fork_ends_in_the_same_bits(tmp_path, whole, engine, at):
    """Log, best and last checkpoint, and what the ring keeps of later steps; the other run is not touched."""
    parent = whole
    if engine != "native":
        pytest.importorskip("torch") if engine == "torch" else None
        parent = tmp_path / "parent"
        train(parent, engine)
    before = contents(parent)
    train(tmp_path / "fork", engine, fork=parent, at=at)
    ours, theirs = contents(tmp_path / "fork"), contents(parent)
    assert theirs == before
    for name in ("log.jsonl", "best.safetensors", "last.safetensors"):
        assert ours[name] == theirs[name]
    later = [step for step in checkpoints_of(parent) if step >= at]
    assert [ours[f"history/{step}.safetensors"] for step in later] == [
        theirs[f"history/{step}.safetensors"] for step in later
    ]
    assert SavedRun(tmp_path / "fork").document["notes"]["fork"] == {"run": str(parent), "step": at}


def test_fork_with_another_rate_shares_the_log_up_to_there(tmp_path, whole):
    train(tmp_path / "fork", fork=whole, at=16, optimizer=cs.AdamW(lr=0.04), schedule="constant")
    ours, theirs = SavedRun(tmp_path / "fork").events(), SavedRun(whole).events()
    assert ours[:16] == theirs[:16]
    assert [event["lr"] for event in ours[16:] if event["event"] == "step"] == [0.04] * (STEPS - 16)
    assert [event["step"] for event in ours if event["event"] == "step"] == list(range(STEPS))
    assert len([event for event in ours if event["event"] == "epoch"]) == 4
    assert (tmp_path / "fork" / "last.safetensors").read_bytes() != (whole / "last.safetensors").read_bytes()


def test_batch_size_may_change_at_the_end_of_an_epoch(tmp_path, whole):
    train(tmp_path / "fork", fork=whole, at=STEPS, batch_size=32, epochs=6)
    epochs = [event for event in SavedRun(tmp_path / "fork").events() if event["event"] == "epoch"]
    assert [event["step"] for event in epochs] == [17, 34, 51, 68, 73, 78]
    with pytest.raises(BadSetting) as caught:
        train(tmp_path / "other", fork=whole, at=16, batch_size=32)
    assert str(caught.value) == (
        "fit.batch_size cannot change in a fork (got 32, not 8). Leave it out, or start a new run. [fork-setting]"
    )
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"loss": "mse"}, r"fit\.loss cannot change in a fork \(got MeanSquaredError\(\), not CrossEntropy"),
        ({"optimizer": cs.SGD(lr=0.1)}, r"fit\.optimizer cannot change in a fork \(got SGD\("),
        ({"folder": None}, r"fork needs a new run folder \(got run=None and resume=None\)\. Pass run, and not resume\."),
        ({"at": None}, r"A fork needs the step to start from \(got at=None\)\. Use one that '.*' has stored: 0-16, 18"),
        ({"at": 33}, r"has no intact checkpoint of step 33\. Use a stored step: 0-16, 18, 20"),
        ({"fork": None, "at": 3}, r"at needs a run to fork \(got at=3 and fork=None\)\. Pass fork\. \[fork-run\]"),
    ],
)  # fmt: skip
def test_impossible_forks_are_refused(tmp_path, whole, more, message):
    with pytest.raises((BadSetting, BadFile), match=message):
        train(**{"folder": tmp_path / "fork", "fork": whole, "at": 16, **more})
    assert not (tmp_path / "fork").exists()


def test_damaged_checkpoints_are_reported_and_skipped(tmp_path, whole, capsys):
    """A fork names the others; a resumed run with no other checkpoint takes the newest intact one of the ring."""
    folder = tmp_path / "run"
    for name, content in contents(whole).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    newest = SavedRun(folder).steps[-1]
    for name in ("last.safetensors", "previous.safetensors", f"history/{newest}.safetensors"):
        path = folder / name
        path.write_bytes(path.read_bytes()[:-3] + b"\0\1\2")
    with pytest.raises(BadFile) as caught:
        train(tmp_path / "fork", fork=folder, at=newest)
    assert re.search(
        r"has no intact checkpoint of step \d+ \(.* is a damaged \.safetensors file", str(caught.value)
    )
    assert f", {newest}," not in str(caught.value)
    model = cs.Model(NET, seed=11)
    model.fit(data(131, 0), validation=data(31, 1), resume=folder)
    told = capsys.readouterr().err
    assert [name in told for name in ("last.saf", "previous.saf", f"{newest}.saf")] == [True] * 3
    assert (folder / "last.safetensors").read_bytes() == (whole / "last.safetensors").read_bytes()
    assert (folder / "history" / f"{newest}.safetensors").read_bytes() == contents(whole)[
        f"history/{newest}.safetensors"
    ]


def test_ring_smaller_than_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(
        BadSetting, match=r"^fit\.history must hold at least one checkpoint of this network, [\d,]+ by"
    ):
        train(tmp_path / "run", history="2kB")


@pytest.mark.parametrize(
    ("size", "expected"),
    [("256MB", 256_000_000), ("64 KiB", 65536), ("1.5gb", 1_500_000_000), (77, 77), ("8000", 8000)],
)
def test_sizes_are_read(size, expected):
    from convscope.training.configuration import Configuration

    assert Configuration(history=size).to_dict()["history"] == expected


@pytest.mark.parametrize("size", ["", "MB", "-1MB", "1XB", 0, -5, True, 1.5, "9" * 50])
def test_wrong_sizes_are_refused(tmp_path, size):
    with pytest.raises(
        BadSetting, match=r"^fit\.history must be a number of bytes \(got .*\)\. Use 256MB\. \[bytes\]"
    ):
        train(tmp_path / "run", history=size)


def test_ring_can_begin_when_a_run_is_resumed(tmp_path):
    model, _ = train(tmp_path / "run", history=None, epochs=1)
    assert SavedRun(tmp_path / "run").steps == []
    model.fit(
        data(131, 0), validation=data(31, 1), resume=tmp_path / "run", epochs=2, history="1MB", progress=False
    )
    assert SavedRun(tmp_path / "run").steps == list(range(17, 35))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["configuration"]["history"] == 1_000_000


def test_steps_are_listed_as_ranges():
    assert list_steps([0, 1, 2, 4, 7, 8]) == "0-2, 4, 7-8"
    assert list_steps([]) == "none"
    assert list_steps(range(0, 100, 2), most=4) == "0, 2, …, 96, 98"


def test_a_limit_below_one_checkpoint_leaves_no_run(tmp_path):
    with pytest.raises(BadSetting, match=r"\[history-size\]$"):
        train(tmp_path / "run", history="1kB")
    assert not list(tmp_path.rglob("run.json"))
    train(tmp_path / "run", epochs=1)


def test_a_limit_below_one_checkpoint_leaves_no_fork(whole, tmp_path):
    with pytest.raises(BadSetting, match=r"\[history-size\]$"):
        train(tmp_path / "fork", fork=whole, at=4, history="1kB")
    assert not list(tmp_path.rglob("run.json"))
