"""A PyTorch module that calls the modules of a network's layers in order."""

from __future__ import annotations

from torch import Tensor, nn

from ...network import Network, Node
from .modules import module_of


class GraphModule(nn.Module):
    """The layers of a network as modules in a tree by name: layer `block.0.conv` is `self.block.0.conv`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.input_names = [node.name for node in network.inputs]
        self.output_names = [node.name for node in network.outputs]
        made: dict[str, nn.Module] = {}
        self.order: list[tuple[str, tuple[str, ...], nn.Module]] = []
        for node in network.layers:
            made[node.name] = self._module(node, network, made)
            self.order.append((node.name, node.inputs, made[node.name]))
        for node in network.layers:
            if made[node.name] is not made.get(node.parameters_of) or node.owns_parameters:
                self._hang(node.name, made[node.name])
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

    def _hang(self, name: str, module: nn.Module) -> None:
        """Put a module in its place in the tree; one that is there already hands its children over."""
        path, _, own = name.rpartition(".")
        parent: nn.Module = self
        for part in path.split(".") if path else ():
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent.get_submodule(part)
        there = parent._modules.get(own)
        for child_name, child in there.named_children() if there is not None else ():
            module.add_module(child_name, child)
        parent._modules[own] = module

    def forward(self, *pictures: Tensor) -> Tensor | dict[str, Tensor]:
        """Compute the output of a batch of pictures, one tensor for each input of the network."""
        values: dict[str, Tensor] = dict(zip(self.input_names, pictures, strict=True))
        for place, (name, inputs, module) in enumerate(self.order):
            values[name] = module(*(values[one] for one in inputs))
            for one in inputs:
                if self._last_use.get(one) == place:
                    values.pop(one, None)
        outputs = {name: values[name] for name in self.output_names}
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))
