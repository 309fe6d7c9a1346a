"""A budget for continuous integration."""

import json

import pytest

import convscope as cs
from convscope import check
from convscope.errors import BadSetting

# conv1: 3·4·9 + 4 = 112 parameters, 18·24·4·27 MACs; dense1: 4·5 + 5 = 25 parameters, 20 MACs.
NET = "input 3x20x26 | conv 4 3x3 | maxpool 2x3 | relu | globalavgpool | dense 5"
PARAMS, MACS = 112 + 25, 18 * 24 * 4 * 27 + 20
UNKNOWN = "input 3x20x26 | conv 4 3 | opaque Warp 6x9x8"


def only(verdict):
    (limit,) = verdict.limits
    return limit


@pytest.mark.parametrize(
    ("name", "actual", "words"),
    [
        ("max_params", PARAMS, "parameters"),
        ("max_macs", MACS, "MACs"),
        ("max_parameter_bytes", 4 * PARAMS, "bytes of parameters"),
        ("max_memory", 4 * (4 * 18 * 24 + 3 * 20 * 26), "bytes of peak activation memory (inference)"),
    ],
)
def test_limit_is_inclusive(name, actual, words):
    kept, broken = check(cs.load(NET), **{name: actual}), check(cs.load(NET), **{name: actual - 1})
    assert kept.ok
    assert only(kept).reason == f"{actual:,} {words}, limit {actual:,}"
    assert not broken.ok
    assert only(broken).reason == f"{actual:,} {words}, limit {actual - 1:,}: exceeded by 1"
    assert broken.broken == broken.limits
    assert only(broken).spare == (-1,)


def test_training_memory_limit_uses_peak_of_a_training_step():
    peak = cs.inspect(cs.load(NET)).totals.peak_training_bytes
    assert only(check(cs.load(NET), max_training_memory=peak + 7)).spare == (7,)
    assert not check(cs.load(NET), max_training_memory=peak - 7).ok


def test_the_field_is_that_of_the_last_layer_with_positions():
    """Rows 3 + 1, columns 3 + 2: not those of the pooled or dense layers, which see everything."""
    limit = only(check(cs.load(NET), min_field=4))
    assert (limit.ok, limit.actual, limit.spare) == (True, (4, 5), (0, 1))
    assert limit.reason == "receptive field of pool1 is 4×5, limit at least 4×4"


def test_a_field_too_small_or_too_large_breaks_its_limit_per_axis(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    verdict = check(cs.load(NET), min_field=(4, 7), max_field=(3, 9))
    assert str(verdict) == (
        "network: input 3×20×26, 2 of 2 limits exceeded\n"
        "\n"
        "✗ --min-field  receptive field of pool1 is 4×5, limit at least 4×7: 0×2 too small\n"
        "✗ --max-field  receptive field of pool1 is 4×5, limit at most 3×9: 1×0 too large"
    )
    assert [limit.spare for limit in verdict.limits] == [(0, -2), (-1, 4)]


def test_unknown_values_are_not_within_a_limit():
    """112 parameters are certain; what the unknown operator adds is not."""
    verdict = check(cs.load(UNKNOWN), max_params=10**6, min_field=1)
    assert not verdict.ok
    assert [limit.reason for limit in verdict.limits] == [
        "at least 112 parameters, limit 1,000,000: not guaranteed, because opaque1 (Opaque(Warp)) is unsupported",
        "the receptive field is unknown: positions cannot be traced through opaque1",
    ]
    assert [limit.actual for limit in verdict.limits] == [None, None]


def test_lower_bound_above_the_limit_is_reported_in_numbers():
    assert only(check(cs.load(UNKNOWN), max_params=100)).reason == (
        "at least 112 parameters, limit 100: exceeded by at least 12"
    )


def test_a_network_without_positions_has_no_field():
    assert only(check(cs.load("input 7 | dense 5"), min_field=1)).reason == (
        "the receptive field is unknown: no layer of the network has spatial positions"
    )


def test_another_input_shape_may_be_checked():
    assert only(check(cs.load(NET), max_macs=1, input_shape=(3, 10, 13))).actual == (8 * 11 * 4 * 27 + 20,)


def test_the_document_is_json():
    document = check(cs.load(NET), max_params=200, min_field=(9, 4)).to_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["ok"] is False
    assert document["input_shape"] == [3, 20, 26]
    assert document["limits"][0] == {
        "limit": "max_params",
        "allowed": 200,
        "actual": 137,
        "spare": 63,
        "ok": True,
        "reason": "137 parameters, limit 200",
    }
    assert document["limits"][1]["actual"] == [4, 5]


@pytest.mark.parametrize("value", [-1, "many", True, float("nan"), float("inf")])
def test_a_limit_must_be_a_number(value):
    with pytest.raises(BadSetting) as caught:
        check(cs.load(NET), max_params=value)
    assert str(caught.value) == (
        f"check.max_params must be a number of at least 0 (got max_params={value!r}). Write it out, as in 5_000_000 "
        "or 5e6. [budget-limit]"
    )


@pytest.mark.parametrize("value", [(1, 2, 3), ()])
def test_a_field_must_have_one_number_or_one_per_axis(value):
    with pytest.raises(BadSetting) as caught:
        check(cs.load(NET), min_field=value)
    assert str(caught.value) == (
        f"check.min_field must have one number, or 2, one per axis of the image (got min_field={value!r}). One number "
        "stands for all axes. [budget-limit]"
    )


def test_a_budget_must_have_a_limit():
    with pytest.raises(BadSetting) as caught:
        check(cs.load(NET))
    assert str(caught.value) == "check needs at least one limit (got none). Try max_params=5_000_000. [no-limit]"
