"""`convscope inspect --plan`: what is shown follows from the plan, whatever processor it is for."""

import json
import re

import pytest

NETWORK = "input 3x12x10 | a: conv 20 3 p1 | relu | lrn 3 | maxpool 2 | flatten | dense 7"
NORMED = "input 3x12x10 | part.a: conv 20 3 p1 nobias | part.b: bn | relu | flatten | dense 7"
LASTING = {"parameter", "frozen", "gradient", "state", "statistic", "prepared"}
STEP = {"section", "layer", "purpose", "reason", "bytes", "kernel", "settings", "macs", "items"}


def plans(convscope, model, *options):
    """Return the plans of a network by title."""
    ended = convscope("inspect", model, "--plan", "--json", *options)
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert document["schema"] == 1
    return {plan["title"]: plan for plan in document["plans"]}


@pytest.mark.parametrize("model", ["lenet", "resnet18", "mobilenet_v2", "alexnet"])
@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal(convscope, model, width):
    """Layers, steps, multiply-adds, memory and reasons are there on any of them; kernels where there is room."""
    out = convscope("inspect", model, "--plan", width=width).out
    assert max(map(len, out.splitlines())) <= width
    heading = next(line for line in out.splitlines() if line.startswith("layer"))
    assert {"step", "MACs", "memory", "why"} <= set(heading.split())
    assert ("kernel" in heading) or width < 140


def test_section_sums_add_up_to_the_total(convscope):
    """What a reader would add up is what the document says, for each section."""
    for plan in plans(convscope, NETWORK, "--batch", "5").values():
        for name, sums in plan["sections"].items():
            steps = [step for step in plan["steps"] if step["section"] == name]
            assert all(set(step) == STEP for step in steps)
            added = {
                "steps": len(steps),
                "macs": sum(s["macs"] for s in steps),
                "bytes": sum(s["bytes"] for s in steps),
            }
            assert sums == added


def test_the_table_has_the_sums_of_the_document(convscope):
    """A row for each section and one for all of them; what is done once is not counted for every batch."""
    plan = plans(convscope, NETWORK, "--batch", "5")["training"]
    first = convscope("inspect", NETWORK, "--plan", "--batch", "5", width=240).out.split("\n\n")[0]
    found = {
        match[1]: (int(match[2]), int(match[3].replace(",", "")) if match[3] else 0)
        for match in re.finditer(r"^(?:· )?(\w+) +(\d+) steps?(?: +([\d,]+)(?= +\d))?", first, re.MULTILINE)
    }
    expected = {name: (sums["steps"], sums["macs"]) for name, sums in plan["sections"].items()}
    expected["total"] = tuple(map(sum, zip(*expected.values(), strict=True)))
    assert found == expected
    assert expected["total"][1] > 0


def test_memory_grows_with_the_batch_and_parameters_do_not(convscope):
    """At least what is in use at once, and at most what all buffers together take."""
    small, large = (plans(convscope, NETWORK, "--batch", str(batch))["training"] for batch in (3, 11))
    for plan in (small, large):
        least, own = plan["least_activation_bytes"], plan["activation_bytes"]
        assert 0 < least <= own
        assert set(plan["lasting_bytes"]) == LASTING
    assert small["activation_bytes"] < large["activation_bytes"] < 11 * small["activation_bytes"]
    assert small["lasting_bytes"] == large["lasting_bytes"]
    parameters = 20 * 3 * 9 + 20 + 7 * 20 * 6 * 5 + 7
    assert 4 * parameters <= small["lasting_bytes"]["parameter"]


def test_layers_on_the_reference_are_named_with_the_reason(convscope):
    """In the row, and below the table; a network that has nothing of the kind does not speak of it."""
    out = convscope("inspect", NETWORK, "--plan", width=200).out
    assert re.search(r"^lrn1 +forward +reference .*no kernel for LocalResponseNorm$", out, re.MULTILINE)
    assert out.count("on the reference implementation, in Python: lrn1.") == 2
    assert "on the reference" not in convscope("inspect", "lenet", "--plan").out


def test_fused_layers_are_named_without_common_prefix(convscope):
    """Batch normalization and ReLU leave with the convolution at inference; its weights are made ready once."""
    inference = convscope("inspect", NORMED, "--plan", width=200).out.split("\ninference")[1]
    assert re.search(r"^part\.a +\+ b, ReLU +\w*Convolution", inference, re.MULTILINE)
    assert re.search(r"^· prepare, once +\d+ steps?", inference, re.MULTILINE)
    assert "on the reference" not in inference


def test_the_batch_is_in_the_titles_of_what_grows_with_it(convscope):
    """An update is the same for any batch."""
    out = convscope("inspect", NETWORK, "--plan", "--batch", "13").out
    titles = [line.split(":")[0] for line in out.splitlines() if re.match(r"(training|update|inference)\b", line)]
    assert titles == ["training, batch 13", "update", "inference, batch 13"]


@pytest.mark.parametrize("option", ["--csv", "--markdown"])
def test_other_forms_are_refused(convscope, option):
    ended = convscope("inspect", "lenet", "--plan", option)
    assert ended.code == 2
    assert "--plan" in ended.err


def test_machine_without_the_engine_is_refused(convscope, monkeypatch):
    """One message, and no plan of another engine."""
    monkeypatch.setattr("convscope.engines.native.engine._unusable", lambda: "OSError: none")
    ended = convscope("inspect", "lenet", "--plan")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("[native-engine]\n")
