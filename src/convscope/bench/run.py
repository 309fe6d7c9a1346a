"""Every row of the comparison, measured beside its peers, with progress while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from ..engines.native.codegen.compiler import this_loader
from ..engines.native.runtime.threads import pool
from . import networks, onnx_peers, passes, torch_peer
from .peak import Peak
from .timing import Work, medians

Tell = Callable[[str], None]
"""Told what is being measured, and what is left out."""


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
    flops: float
    share: float
    kernels: str = ""

    @property
    def ratio(self) -> float | None:
        """Return how many times faster than the fastest peer."""
        return None if self.peer is None else self.peer / self.ours


def convolution_rows(
    peak: Peak, torch: Any | None, seconds: float, tell: Tell, strict: bool = False
) -> Iterator[Row]:
    """Measure the passes of the convolutions, each beside PyTorch's two memory layouts."""
    for number, case in enumerate(passes.CASES, 1):
        own = passes.passes_of(case, strict)
        peers = {
            layout: torch_peer.convolution_work(torch, own.shape, case.batch, layout)
            for layout in (torch_peer.LAYOUTS if torch is not None else ())
        }
        for purpose in passes.PASSES:
            if purpose == "input gradient" and case.channels < own.shape.lanes:
                continue  # a first layer: nobody asks for the gradient of an image
            tell(f"convolution {number} of {len(passes.CASES)}: {case}, {purpose}")
            works = [own.work(purpose), *(peer[purpose] for peer in peers.values())]
            ours, *theirs = medians(works, seconds)
            flops = 2 * own.shape.macs(case.batch)
            best, name = _fastest(theirs, list(peers))
            kernels = own.kernels(purpose)
            yield Row(f"{case}, {purpose}", ours, best, name, flops / ours, flops / ours / peak.flops, kernels)


def network_rows(peak: Peak, peers: Peers | None, seconds: float, tell: Tell, compiled: bool) -> Iterator[Row]:
    """Measure training steps and inference, beside every peer there is."""
    for number, case in enumerate(networks.CASES, 1):
        tell(f"network {number} of {len(networks.CASES)}: {case.title}, batch {case.batch}")
        ready = networks.prepared(case)
        model = ready.model
        own = _own(case, ready)
        others = peers.works(case, ready, compiled, tell) if peers is not None else {}
        ours, *theirs = medians([own, *others.values()], seconds)
        flops = 2 * networks.macs(case, model)
        best, name = _fastest(theirs, list(others))
        title = f"{case.title}, batch {case.batch}"
        yield Row(title, ours, best, name, flops / ours, flops / ours / peak.flops)


def _own(case: networks.NetworkCase, ready: networks.Prepared) -> Work:
    model, x, labels = ready
    return (lambda: model.train_step(x, labels)) if case.training else (lambda: model.program.predict(x))


def _fastest(seconds: list[float], names: list[str]) -> tuple[float | None, str]:
    if not seconds:
        return None, ""
    best = min(seconds)
    return best, names[seconds.index(best)]


class Peers:
    """The other libraries that are installed; `missing` names those that are not."""

    def __init__(self) -> None:
        self.threads = pool(this_loader()).threads
        self.torch = torch_peer.torch_module(self.threads)
        self.missing = [*([] if self.torch else ["PyTorch"]), *onnx_peers.missing()]

    def works(
        self, case: networks.NetworkCase, ready: networks.Prepared, compiled: bool, tell: Tell
    ) -> dict[str, Work]:
        """Return the same work in each of the peers; one that cannot do it is told of and left out."""
        makers = self._in_torch(case, ready, compiled) if self.torch is not None else {}
        if not case.training:
            makers |= onnx_peers.inference(ready.model, ready.x, self.threads)
        found: dict[str, Work] = {}
        for name, make in makers.items():
            try:
                work = make()
                work()
            except Exception as error:
                first = (str(error).splitlines() or [""])[0]
                tell(f"left out, {name}: {type(error).__name__}: {first}")
            else:
                found[name] = work
        return found

    def _in_torch(
        self, case: networks.NetworkCase, ready: networks.Prepared, compiled: bool
    ) -> dict[str, Callable[[], Work]]:
        model, x, labels = ready
        made: dict[str, Callable[[], Work]] = {}
        for layout in torch_peer.LAYOUTS:
            for also in (False, True) if compiled else (False,):
                name = f"PyTorch {layout}" + (", compiled" if also else "")
                if case.training:
                    made[name] = partial(torch_peer.training_step, self.torch, model, x, labels, layout, also)
                else:
                    made[name] = partial(torch_peer.inference, self.torch, model, x, layout, also)
        return made
