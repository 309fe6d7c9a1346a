"""A PyTorch module that calls the modules of a network's layers in order."""

from __future__ import annotations

from collections.abc import Mapping, Set

from torch import Tensor, nn

from ...network import Network, Node
from .modules import module_of

SUFFIX = "_layer"
"""What is appended to the name of a layer that the module it belongs to has another use for."""


class GraphModule(nn.Module):
    """The layers of a network as modules in a tree by name: layer `block.0.conv` is `self.block.0.conv`.

    A part of a name that PyTorch has another use for gets `_layer` appended: layer `train` is `self.train_layer`.
    `state_names` has, for each parameter and buffer of the model, its name in `state_dict()`; no two are the same.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.state_names: dict[str, str] = {}
        self._last_use: dict[str, int] = {}
        self.input_names = [node.name for node in network.inputs]
        self.output_names = [node.name for node in network.outputs]
        made: dict[str, nn.Module] = {}
        self.order: list[tuple[str, tuple[str, ...], nn.Module]] = []
        for node in network.layers:
            made[node.name] = self._module(node, network, made)
            self.order.append((node.name, node.inputs, made[node.name]))
        own = {
            n.name: made[n.name]
            for n in network.layers
            if n.owns_parameters or made[n.name] is not made[n.parameters_of]
        }
        taken = {"": _attributes(self), **{name: _attributes(module) for name, module in own.items()}}
        for name, module in own.items():
            path = module_path(name, taken)
            self._hang(path, module)
            facts = network[name].facts
            if network[name].owns_parameters:
                for kind in (*facts.param_shapes, *facts.buffer_shapes):
                    self.state_names[f"{name}.{kind}"] = f"{path}.{kind}"
        for node in network.layers:
            for name in node.frozen if node.owns_parameters else ():
                if name in node.facts.param_shapes:
                    made[node.name].get_parameter(name).requires_grad_(False)
        last_use = {name: place for place, (_, inputs, _) in enumerate(self.order) for name in inputs}
        self._last_use = {name: place for name, place in last_use.items() if name not in self.output_names}

    def _module(self, node: Node, network: Network, made: dict[str, nn.Module]) -> nn.Module:
        """Return the layer's module: the owner's own where parameters are shared and settings equal."""
        owner = network[node.parameters_of]
        if not node.owns_parameters and (owner.layer, owner.input_shapes) == (node.layer, node.input_shapes):
            return made[owner.name]
        module = module_of(node.layer, node.input_shapes)
        if not node.owns_parameters:
            for name in (*node.facts.param_shapes, *node.facts.buffer_shapes):
                path, _, own = name.rpartition(".")
                setattr(module.get_submodule(path), own, getattr(made[owner.name].get_submodule(path), own))
        return module

    def _hang(self, path: str, module: nn.Module) -> None:
        """Put a module in its place in the tree; one that is there already hands its children over."""
        *parents, own = path.split(".")
        parent: nn.Module = self
        for part in parents:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent.get_submodule(part)
        there = parent._modules.get(own)
        for child_name, child in there.named_children() if there is not None else ():
            module.add_module(child_name, child)
        parent._modules[own] = module

    def array(self, name: str) -> Tensor:
        """Return the parameter or buffer that has this name in the model."""
        path, _, own = self.state_names[name].rpartition(".")
        tensor: Tensor = getattr(self.get_submodule(path), own)
        return tensor

    def forward(self, *images: Tensor) -> Tensor | dict[str, Tensor]:
        """Compute the output of a batch of images, one tensor for each input of the network."""
        values: dict[str, Tensor] = dict(zip(self.input_names, images, strict=True))
        for place, (name, inputs, module) in enumerate(self.order):
            values[name] = module(*(values[one] for one in inputs))
            for one in inputs:
                if self._last_use.get(one) == place:
                    values.pop(one, None)
        outputs = {name: values[name] for name in self.output_names}
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))


def module_path(layer: str, taken: Mapping[str, Set[str]]) -> str:
    """Return where a layer's module is in the tree.

    `taken` has the attributes of each layer's module, and of the whole under no name; others have those of any
    module. Names that end in the suffix already get another, so that different layers stay different.

    >>> module_path("train", {"": {"train"}}), module_path("train_layer", {"": {"train"}}), module_path("c..d", {})
    ('train_layer', 'train_layer_layer', 'c._layer.d')
    """
    parts = layer.split(".")
    path = []
    for place, part in enumerate(parts):
        stem = part
        while stem.endswith(SUFFIX):
            stem = stem.removesuffix(SUFFIX)
        attributes = taken.get(".".join(parts[:place]), _OF_ANY_MODULE) if place else taken.get("", _OF_ANY_MODULE)
        path.append(f"{part}{SUFFIX}" if not stem or stem in attributes else part)
    return ".".join(path)


def _attributes(module: nn.Module) -> frozenset[str]:
    return frozenset(dir(module))


_OF_ANY_MODULE = _attributes(nn.Module())
