"""AdamW, and Muon for the kernels: its steps have directions of equal strength, which small time limits profit from."""

import torch
from torch import Tensor, nn


def orthogonalize(gradient: Tensor) -> Tensor:
    """The nearest matrix, roughly, whose singular values are 1, by five Newton–Schulz steps in bfloat16 (Jordan et al. 2024).
    Kernels [o, i, h, w] are taken as [o, i·h·w]."""
    x = gradient.reshape(len(gradient), -1).bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (2.0315 * (square @ square) - 4.7750 * square) @ x
    return (x.T if tall else x).float().view_as(gradient)


class Muon(torch.optim.Optimizer):
    """Momentum whose steps are orthogonalized; weight decay decoupled. All parameters must be matrices or kernels."""

    def __init__(self, parameters: list[nn.Parameter], lr: float, weight_decay: float, momentum: float = 0.95):
        super().__init__([{"params": parameters}], {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["mean"] = torch.zeros_like(parameter)
                state["mean"].lerp_(parameter.grad, 1 - group["momentum"])
                change = orthogonalize(parameter.grad.lerp(state["mean"], group["momentum"]))
                scale = max(1.0, parameter.shape[0] / parameter[0].numel()) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(change, alpha=-group["lr"] * scale)


class Optimizer:
    """Muon for the kernels and matrices of the backbone, AdamW for everything else (first and depthwise kernels, heads,
    vectors; no decay for vectors); or AdamW for all of it."""

    def __init__(self, networks: nn.ModuleDict, weight_decay: float, muon: bool):
        kernels = [p for p in networks["backbone"].parameters() if muon and p.ndim >= 2 and min(p.shape[0], p[0].numel()) > 27]
        taken = {id(p) for p in kernels}
        rest = [p for p in networks.parameters() if id(p) not in taken]
        groups = [
            {"params": [p for p in rest if p.ndim >= 2], "weight_decay": weight_decay},
            {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.parts = [torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)]
        if kernels:
            self.parts.append(Muon(kernels, 0.0, weight_decay))

    def step(self, rate: float, muon_rate: float) -> None:
        """One step, and the gradients are gone."""
        for part, each in zip(self.parts, (rate, muon_rate)):
            for group in part.param_groups:
                group["lr"] = each
            part.step()
            part.zero_grad()

    def state_dict(self) -> list[dict]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict]) -> None:
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)
