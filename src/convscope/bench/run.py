"""Every row of the comparison: measured, compared with its goal, and told while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..engines.native.objects import this_loader
from ..engines.native.threads import pool
from . import networks, passes, torch_peer
from .peak import Peak
from .timing import medians


class Row(NamedTuple):
    """One measurement.

    Units:    seconds; `flops` are operations of the plain algorithm per second, `share` of the measured peak:
              Winograd's algorithm does with fewer, and may go past it. `peer` is the fastest other one, None where
              there is none
    """

    work: str
    ours: float
    peer: float | None
    peer_name: str
    goal: float
    flops: float
    share: float
    kernels: str = ""

    @property
    def ratio(self) -> float | None:
        """Return how many times faster than the fastest peer."""
        return None if self.peer is None else self.peer / self.ours

    @property
    def met(self) -> bool | None:
        """Say whether the goal is met."""
        return None if self.ratio is None else self.ratio >= self.goal


def convolution_rows(
    peak: Peak, torch: Any | None, seconds: float, tell: Callable[[str], None], strict: bool = False
) -> Iterator[Row]:
    """Measure the passes of the convolutions, each beside PyTorch's two memory layouts."""
    for case in passes.CASES:
        own = passes.passes_of(case, strict)
        peers = {
            layout: torch_peer.convolution_work(torch, own.shape, case.batch, layout)
            for layout in (torch_peer.LAYOUTS if torch is not None else ())
        }
        for purpose in passes.PASSES:
            if purpose == "input gradient" and case.channels < own.shape.lanes:
                continue  # a first layer: nobody asks for the gradient of a picture
            tell(f"{case}, {purpose}")
            works = [own.work(purpose), *(peer[purpose] for peer in peers.values())]
            ours, *theirs = medians(works, seconds)
            goal = 1.5 if case.winograd_fits and case.channels > 1 else 1.0
            flops = 2 * own.shape.macs(case.batch)
            best, name = _fastest(theirs, list(peers))
            kernels = own.kernels(purpose)
            yield Row(
                f"{case}, {purpose}", ours, best, name, goal, flops / ours, flops / ours / peak.flops, kernels
            )


def network_rows(
    peak: Peak, peers: Peers | None, seconds: float, tell: Callable[[str], None], compiled: bool
) -> Iterator[Row]:
    """Measure training steps and inference, beside every peer there is."""
    for case in networks.CASES:
        tell(f"{case.title}, batch {case.batch}")
        ready = networks.prepared(case)
        model = ready.model
        own = _own(case, ready)
        others = peers.works(case, ready, compiled) if peers is not None else {}
        ours, *theirs = medians([own, *others.values()], seconds)
        flops = 2 * networks.macs(case, model)
        best, name = _fastest(theirs, list(others))
        title = f"{case.title}, batch {case.batch}"
        yield Row(title, ours, best, name, case.goal, flops / ours, flops / ours / peak.flops)


def _own(case: networks.NetworkCase, ready: networks.Prepared) -> Callable[[], object]:
    model, x, labels = ready
    return (lambda: model.train_step(x, labels)) if case.training else (lambda: model.program.predict(x))


def _fastest(seconds: list[float], names: list[str]) -> tuple[float | None, str]:
    if not seconds:
        return None, ""
    best = min(seconds)
    return best, names[seconds.index(best)]


class Peers:
    """The other libraries that are installed."""

    def __init__(self) -> None:
        threads = pool(this_loader()).threads
        self.threads = threads
        self.torch = torch_peer.torch_module(threads)

    def works(
        self, case: networks.NetworkCase, ready: networks.Prepared, compiled: bool
    ) -> dict[str, Callable[[], object]]:
        """Return the same work in each of the peers."""
        model, x, labels = ready
        found: dict[str, Callable[[], object]] = {}
        for layout in torch_peer.LAYOUTS:
            for also in (False, True) if compiled else (False,):
                name = f"PyTorch {layout}" + (", compiled" if also else "")
                if case.training:
                    found[name] = torch_peer.training_step(self.torch, model, x, labels, layout, also)
                else:
                    found[name] = torch_peer.inference(self.torch, model, x, layout, also)
        if not case.training:
            from . import onnx_peers

            found |= onnx_peers.inference(model, x, self.threads)
        return found
