"""What a module computes from its own arrays alone: done for real, and remembered where parameters are in it.

An array that is used as a layer's weight is taken as it is. One that meets images in another way (a position
table that was indexed, say) is made again by layers, so that its parameters are counted as what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from .arguments import WithoutMemory, tensors, with_tensors, word_of, writes
from .batch import Batch

FILLED = {
    **dict.fromkeys(("zeros", "new_zeros", "zeros_like", "empty", "new_empty", "empty_like"), 0),
    **dict.fromkeys(("ones", "new_ones", "ones_like"), 1),
    **dict.fromkeys(("full", "new_full", "full_like", "new_tensor")),
}
"""Functions that take no more than shape and type from a tensor, and what they fill with; None: an argument."""

LARGEST = 1 << 27
"""Elements of an array that is computed for real; larger ones are kept without their values."""

LARGEST_WRITTEN_OUT = 1 << 24
"""Elements of an array of one value; in larger ones all elements share their memory until one is written."""

COPIES = {"repeat", "tile", "repeat_interleave", "one_hot"}
"""Functions whose result may be much larger than what they are given."""

LIKE = {"to", "type_as", "expand_as", "view_as", "reshape_as"}
"""Functions that fit a tensor to the type or the shape of another."""


@dataclass(frozen=True)
class Made:
    """How an array was made: the call, its result, and how often the array had been written to by then."""

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    result: Any
    version: int


class OwnArrays:
    """The arrays of one module, by identity; all that are told of are kept alive."""

    def __init__(self, root: nn.Module, batch: Batch) -> None:
        self._batch = batch
        self._names = {id(parameter): name for name, parameter in root.named_parameters()}
        self._made: dict[int, Made] = {}
        self._learned: set[int] = set(self._names)
        self._frozen = {id(one) for one in [*root.parameters(), *root.buffers()] if not one.requires_grad}
        self._kept: list[Any] = [root]
        self._without_memory = WithoutMemory()
        self._batches: set[int] = set()
        self._one_value: set[int] = set()

    def is_parameter(self, tensor: Tensor) -> bool:
        """Tell whether an array is a parameter itself."""
        return id(tensor) in self._names

    def is_learned(self, tensor: Tensor) -> bool:
        """Tell whether an array is a parameter, or made from parameters."""
        return id(tensor) in self._learned

    def is_frozen(self, tensor: Tensor) -> bool:
        """Tell whether training leaves an array as it is: one without gradient, its views, and what it makes."""
        return id(tensor) in self._frozen or (tensor._base is not None and id(tensor._base) in self._frozen)

    def name_of(self, tensor: Tensor) -> str | None:
        """Return a parameter's path."""
        return self._names.get(id(tensor))

    def how(self, tensor: Tensor) -> Made | None:
        """Return how an array was made from parameters; None where it was written to behind our back since."""
        made = self._made.get(id(tensor))
        return made if made is not None and made.version == tensor._version else None

    def keep(self, *things: Any) -> None:
        """Keep things alive, so that their identities stay theirs."""
        self._kept.append(things)

    def compute(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: list[Tensor]) -> Any:
        """Compute for real, on the device of the arrays; remember how, where parameters are among them."""
        device = given[0].device if given else torch.device("cpu")
        args = tuple(device if _is_meta(one) else one for one in args)
        kwargs = {key: device if _is_meta(one) else one for key, one in kwargs.items()}
        if word_of(function) in FILLED and not isinstance(kwargs.get("out"), Tensor):
            return self.filled(function, args, kwargs)
        if writes(function):
            self._write_out(given[:1])
        learned = [one for one in given if self.is_learned(one)]
        versions = [one._version for one in given]
        result = self._result(function, args, kwargs, given, bool(learned))
        if learned:
            self.keep(args, kwargs, result)
            made = Made(function, args, dict(kwargs), result, 0)
            for one, before in zip(given, versions, strict=True):
                if one._version != before and not self.is_parameter(one):
                    made = self._written(one, made)
            for one in tensors(result):
                new = all(one is not argument for argument in given)
                if new and one.is_floating_point():
                    self._remember(one, made)
        self._keep_batches(result)
        return result

    def _keep_batches(self, result: Any) -> None:
        """Remember which arrays that hold a batch are the module's own."""
        for one in tensors(result):
            if self._holds_batch(one) and id(one) not in self._batches:
                self._batches.add(id(one))
                self.keep(one)

    def _holds_batch(self, tensor: Tensor) -> bool:
        return any(size and size % self._batch.size == 0 for size in tensor.shape)

    def is_unseen(self, tensor: Tensor) -> bool:
        """Tell whether an array holds a batch and was made where no mode could see it."""
        return id(tensor) not in self._batches and not self.is_learned(tensor) and self._holds_batch(tensor)

    def filled(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
        """Make an array of one value, or of data; it is one number in memory where each image of a batch has it.

        Its shape is asked of PyTorch for tensors without memory. What it is filled with need not have values.
        """
        like = word_of(function).startswith("new_") or word_of(function).endswith("_like")
        if like and not args:
            args, kwargs = (kwargs["input"],), {key: one for key, one in kwargs.items() if key != "input"}
        if word_of(function) == "new_tensor":
            return self._copied(args[1] if len(args) > 1 else kwargs["data"], kwargs.get("dtype") or args[0].dtype)
        filling = list(tensors((args[like:], dict(kwargs))))
        values = with_tensors((args[like:], dict(kwargs)), lambda one: torch.zeros_like(one, device="cpu"))
        first = (self._without_memory(args[0]),) if like else ()
        shaped: Tensor = function(*first, *values[0], **{**values[1], "device": "meta"})
        shape, dtype = tuple(shaped.shape), shaped.dtype
        batch = self._holds_batch(shaped)
        if any(one.is_meta for one in filling) or (shaped.numel() > LARGEST and not batch):
            self._keep_batches(shaped)
            return shaped
        fill = FILLED[word_of(function)]
        if fill is None:
            fill = kwargs["fill_value"] if "fill_value" in kwargs else args[-1]
        if shaped.numel() <= LARGEST_WRITTEN_OUT or not batch:
            made = torch.full(shape, fill, dtype=dtype)
        else:
            made = torch.full((), fill, dtype=dtype).expand(shape)
            self._one_value.add(id(made))
        self._keep_batches(made)
        return made

    def _copied(self, data: Any, dtype: torch.dtype) -> Tensor:
        made = torch.as_tensor(data).to(dtype, copy=True)
        self._keep_batches(made)
        return made

    def _write_out(self, given: list[Tensor]) -> None:
        """Give arrays of one value memory of their own, since one of them is going to be written."""
        for one in given:
            if id(one) in self._one_value:
                self._one_value.remove(id(one))
                one.data = one.contiguous()

    def _result(
        self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: list[Tensor], learned: bool
    ) -> Any:
        """Call a function for real; without memory where arrays have none, or learned ones hold images."""
        mixed = len({one.is_meta for one in given}) > 1
        per_image = any(map(self._holds_batch, given))
        if not (mixed or per_image or word_of(function) in COPIES or _may_be_large(args, given)):
            return function(*args, **kwargs)
        shapes = with_tensors((args, dict(kwargs)), self._without_memory)
        try:
            result = function(*shapes[0], **shapes[1] if given else {**kwargs, "device": "meta"})
        except (RuntimeError, NotImplementedError, TypeError):
            return function(*args, **kwargs)
        large = any(one.numel() > LARGEST for one in tensors(result))
        return result if mixed or large or (learned and per_image) else function(*args, **kwargs)

    def _remember(self, tensor: Tensor, made: Made) -> None:
        self._learned.add(id(tensor))
        self._made[id(tensor)] = replace(made, version=tensor._version)
        learned = [one for one in tensors((made.args, dict(made.kwargs))) if self.is_learned(one)]
        if learned and all(self.is_frozen(one) for one in learned):
            self._frozen.add(id(tensor))

    def _written(self, tensor: Tensor, made: Made) -> Made:
        """Remember that an array was written in place: what it was before goes on under another identity."""
        before = self._made.pop(id(tensor), None)
        self._learned.add(id(tensor))
        if before is None or all(one is not tensor for one in tensors(made.result)):
            return made
        old = torch.empty_like(tensor, device="meta")

        def standing(one: Tensor) -> Tensor:
            return old if one is tensor else one

        self._remember(old, replace(before, result=with_tensors(before.result, standing)))
        args, kwargs = with_tensors((made.args, dict(made.kwargs)), standing)
        made = replace(made, args=args, kwargs=kwargs)
        self.keep(old)
        self._remember(tensor, made)
        return made

    def like(self, first: Tensor, word: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Fit an array to an image's shape or type."""
        other = args[1] if len(args) > 1 else next(iter(kwargs.values()))
        if word in ("to", "type_as"):
            return self.compute(torch.Tensor.to, (first, other.dtype), {}, [first])
        function = getattr(torch.Tensor, word.removesuffix("_as"))
        return self.compute(function, (first, tuple(other.shape)), {}, [first])


def _is_meta(argument: Any) -> bool:
    """Tell whether an argument names the device of images."""
    return isinstance(argument, str | torch.device) and str(argument) == "meta"


def _may_be_large(args: tuple[Any, ...], given: list[Tensor]) -> bool:
    """Tell whether a result may have more than LARGEST elements; no product of tensors has more than theirs."""
    sizes = [max(one.numel(), 1) for one in given] or [abs(one) for one in _integers(args) if one]
    return prod(sizes) > LARGEST


def _integers(args: tuple[Any, ...]) -> list[int]:
    """Return the integers among the arguments of a function that makes a tensor from none."""
    flat = [one for part in args for one in (part if isinstance(part, list | tuple) else [part])]
    return [one for one in flat if isinstance(one, int)]
