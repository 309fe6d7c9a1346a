"""Every layer kind has derivations, and their last lines are the layer's own numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from convscope.derivations.expression import computed, read
from convscope.derivations.family import derivations
from convscope.derivations.structural import memory
from convscope.errors import NoRule
from convscope.layers.base import Layer
from convscope.layers.facts import facts
from convscope.layers.operations import Status
from layers.examples import EXAMPLES, example_id

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=example_id)


def worked(example):
    layer, shapes = example
    return {one.quantity: one for one in derivations(layer, shapes)}


@every_example
def test_the_output_size_ends_in_the_layers_shape(example):
    assert worked(example)["output_shape"].result == facts(*example).output_shape


@every_example
def test_the_parameters_end_in_the_layers_count(example):
    known = facts(*example)
    expected = None if known.status is Status.UNKNOWN else known.params
    assert worked(example)["params"].result == expected


@every_example
def test_every_kind_of_operation_ends_in_the_layers_count(example):
    """A kind that is used has a derivation; one that is not has none."""
    by_quantity = worked(example)
    counts = facts(*example).operations._asdict()
    assert {kind: one.result for kind, one in by_quantity.items() if kind in counts} == {
        kind: count for kind, count in counts.items() if count
    }
    if not any(counts.values()):
        assert by_quantity["operations"].result == (None if facts(*example).status is Status.UNKNOWN else 0)


@every_example
def test_memory_ends_in_four_bytes_per_element(example):
    known = facts(*example)
    assert memory(known.output_shape, example[0].view).result == 4 * known.elements


@every_example
def test_every_line_computes_to_its_value(example):
    """Formula with numbers put in, read again and computed, gives the value beside it."""
    for derivation in derivations(*example):
        for step in derivation.steps:
            value = computed(read(step.substitution))
            assert value == step.value or (value,) == step.value, step


@every_example
def test_no_quantity_is_derived_twice(example):
    quantities = [one.quantity for one in derivations(*example)]
    assert len(quantities) == len(set(quantities))


def test_a_layer_without_derivation_is_refused_by_name():
    @dataclass(frozen=True)
    class Unheard(Layer):
        pass

    with pytest.raises(NoRule) as raised:
        derivations(Unheard(), ((3, 4, 5),))
    assert str(raised.value) == (
        "explain has no derivation for Unheard. Register one with derivations.family.derivations. [no-derivation]"
    )
