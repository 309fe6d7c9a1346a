"""Buffers laid into memory by lifetime."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.plan import Buffer, KernelCall, Plan, Role
from convscope.engines.native.runtime.memory_planner import (
    ALIGNMENT,
    busiest_moment,
    by_lifetime,
    lifetimes,
    rounded,
)


def plan_of(uses: list[tuple[int, ...]], sizes: Mapping[int, tuple[int, int]], kept: set[int]) -> Plan:
    """Return a plan whose steps touch buffers by number."""
    buffers = {number: Buffer(f"b{number}", Role.ACTIVATION, *size) for number, size in sizes.items()}
    steps = tuple(
        KernelCall(
            Kernel(), {f"p{place}": buffers[number] for place, number in enumerate(step)}, "layer", "forward"
        )
        for step in uses
    )
    return Plan("test", host_cpu(), {"forward": steps}, {}, frozenset(buffers[number] for number in kept))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 12))
    sizes = {n: (draw(st.integers(0, 300)), draw(st.integers(0, 500))) for n in range(count)}
    numbers = st.lists(st.integers(0, count - 1), min_size=1, max_size=4, unique=True).map(tuple)
    uses = draw(st.lists(numbers, min_size=1, max_size=15))
    touched = {number for step in uses for number in step}
    return plan_of(uses, sizes, draw(st.sets(st.sampled_from(sorted(touched)), max_size=2)))


@given(plans(), st.integers(1, 9))
def test_live_buffers_do_not_overlap(plan: Plan, batch: int) -> None:
    """Two buffers with a step in common never share a float; the whole is between the least and the sum."""
    placed, lives = by_lifetime(plan, batch), lifetimes(plan)
    assert set(placed.offsets) == set(lives)
    ends = {buffer: offset + buffer.floats(batch) for buffer, offset in placed.offsets.items()}
    for one, (born, dies) in lives.items():
        assert placed.offsets[one] % ALIGNMENT == 0
        assert ends[one] <= placed.floats
        for two, (other_born, other_dies) in lives.items():
            if one is not two and born <= other_dies and other_born <= dies:
                apart = ends[one] <= placed.offsets[two] or ends[two] <= placed.offsets[one]
                assert apart or not one.floats(batch) or not two.floats(batch)
    total = sum(rounded(buffer.floats(batch)) for buffer in lives)
    assert busiest_moment(plan, batch) <= placed.floats <= total


def test_chain_needs_two_buffers_only() -> None:
    """Each buffer of a chain takes the place of the one before the last."""
    plan = plan_of([(n, n + 1) for n in range(10)], dict.fromkeys(range(11), (100, 0)), set())
    assert by_lifetime(plan, 3).floats == 2 * rounded(300)


def test_kept_buffers_share_no_memory() -> None:
    """A kept buffer lives from the first step to the end."""
    plan = plan_of([(0, 1), (1, 2), (2, 3)], dict.fromkeys(range(4), (64, 0)), {0})
    offsets = by_lifetime(plan, 1).offsets
    own = [offset for buffer, offset in offsets.items() if buffer.name == "b0"]
    assert list(offsets.values()).count(own[0]) == 1
