"""Benchmark rows: the native engine and other frameworks on the same work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from ..engines.native.codegen.compiler import this_loader
from ..engines.native.runtime.threads import pool
from ..text.language import Message
from . import networks, passes, peers
from .peak import Peak
from .timing import Work, medians

PASS_NAMES = {
    "forward": Message("forward"),
    "input gradient": Message("input gradient"),
    "weight gradient": Message("weight gradient"),
}
Report = Callable[[str], None]
"""Shows progress: what is being measured, and what is skipped."""


class Measurement(NamedTuple):
    """One measurement.

    Units:    seconds; `flops` is the operation count of direct convolution per second and `share` its fraction of
              the measured peak, which Winograd's algorithm can exceed. `peer` is the time of the fastest other
              framework, None without one
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
        """Return the speedup over the fastest other framework."""
        return None if self.peer is None else self.peer / self.ours


def convolution_rows(
    peak: Peak, torch: Any | None, seconds: float, report: Report, strict: bool = False
) -> Iterator[Measurement]:
    """Measure the passes of single convolutions, with PyTorch in its two memory layouts."""
    for number, case in enumerate(passes.CASES, 1):
        own = passes.passes_of(case, strict)
        rivals = {
            layout: peers.convolution_work(torch, own.shape, case.batch, layout)
            for layout in (peers.LAYOUTS if torch is not None else ())
        }
        for purpose in passes.PASSES:
            if purpose == "input gradient" and case.channels < own.shape.lanes:
                continue  # a first layer, whose input gradient is never needed
            work = Message("{case}, {purpose}", case=str(case), purpose=PASS_NAMES[purpose])
            report(
                Message(
                    "convolution {number} of {total}: {work}", number=number, total=len(passes.CASES), work=work
                )
            )
            works = [own.work(purpose), *(peer[purpose] for peer in rivals.values())]
            ours, *theirs = medians(works, seconds)
            flops = 2 * own.shape.macs(case.batch)
            best, name = _fastest(theirs, list(rivals))
            kernels = own.kernels(purpose)
            yield Measurement(work, ours, best, name, flops / ours, flops / ours / peak.flops, kernels)


def network_rows(
    peak: Peak, installed: Peers | None, seconds: float, report: Report, compiled: bool
) -> Iterator[Measurement]:
    """Measure training steps and inference of whole networks, in every framework that is installed."""
    for number, case in enumerate(networks.CASES, 1):
        work = Message("{network}, batch {batch}", network=case.title, batch=case.batch)
        report(Message("network {number} of {total}: {work}", number=number, total=len(networks.CASES), work=work))
        ready = networks.prepared(case)
        model = ready.model
        own = _own(case, ready)
        others = installed.works(case, ready, compiled, report) if installed is not None else {}
        ours, *theirs = medians([own, *others.values()], seconds)
        flops = 2 * networks.macs(case, model)
        best, name = _fastest(theirs, list(others))
        yield Measurement(work, ours, best, name, flops / ours, flops / ours / peak.flops)


def _own(case: networks.NetworkCase, ready: networks.Prepared) -> Work:
    model, x, labels = ready
    return (lambda: model.train_step(x, labels)) if case.training else (lambda: model.program.predict(x))


def _fastest(seconds: list[float], names: list[str]) -> tuple[float | None, str]:
    if not seconds:
        return None, ""
    best = min(seconds)
    return best, names[seconds.index(best)]


class Peers:
    """Other frameworks that are installed; `missing` names those that are not."""

    def __init__(self) -> None:
        self.threads = pool(this_loader()).threads
        self.torch = peers.torch_module(self.threads)
        self.missing = [*([] if self.torch else ["PyTorch"]), *peers.missing_runtimes()]

    def works(
        self, case: networks.NetworkCase, ready: networks.Prepared, compiled: bool, report: Report
    ) -> dict[str, Work]:
        """Return the same work in each framework; one that fails is reported and skipped."""
        makers = self._in_torch(case, ready, compiled) if self.torch is not None else {}
        if not case.training:
            makers |= peers.onnx_inference(ready.model, ready.x, self.threads)
        works: dict[str, Work] = {}
        for name, make in makers.items():
            try:
                work = make()
                work()
            except Exception as error:
                first = (str(error).splitlines() or [""])[0]
                reason = f"{type(error).__name__}: {first}"
                report(Message("skipped {name}: {reason}", name=name, reason=reason))
            else:
                works[name] = work
        return works

    def _in_torch(
        self, case: networks.NetworkCase, ready: networks.Prepared, compiled: bool
    ) -> dict[str, Callable[[], Work]]:
        model, x, labels = ready
        makers: dict[str, Callable[[], Work]] = {}
        for layout in peers.LAYOUTS:
            for is_compiled in (False, True) if compiled else (False,):
                name = f"PyTorch {layout}" + (", compiled" if is_compiled else "")
                if case.training:
                    makers[name] = partial(peers.training_step, self.torch, model, x, labels, layout, is_compiled)
                else:
                    makers[name] = partial(peers.torch_inference, self.torch, model, x, layout, is_compiled)
        return makers
