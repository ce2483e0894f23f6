"""What pretraining minimises: one softmax per source, and agreement with a teacher that is a moving average."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Heads(nn.Module):
    """One linear classifier per source, side by side in one matrix. `source_of_class` [classes] tells which is whose."""

    def __init__(self, features: int, source_of_class: Tensor):
        super().__init__()
        self.linear = nn.Linear(features, len(source_of_class))
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)
        self.register_buffer("source_of_class", source_of_class.clone())

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features)

    def loss(self, logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
        """Cross entropy [B] of each image's target class among the classes of the target's own source."""
        own = self.source_of_class[None, :] == self.source_of_class[target][:, None]
        logits = logits.float()
        total = logits.masked_fill(~own, float("-inf")).logsumexp(1)
        mean = (logits * own).sum(1) / own.sum(1)
        hit = logits.gather(1, target[:, None])[:, 0]
        return total - (1 - smoothing) * hit - smoothing * mean

    def hits(self, logits: Tensor, target: Tensor) -> Tensor:
        """Whether the target scores highest in its source [B]."""
        own = self.source_of_class[None, :] == self.source_of_class[target][:, None]
        return logits.masked_fill(~own, float("-inf")).argmax(1) == target


class Prototypes(nn.Module):
    """Projects features and compares them with learnt prototypes (Caron et al. 2020, 2021). Without the normalisation over the
    batch all images begin, and stay, equally near to every prototype."""

    def __init__(self, features: int, prototypes: int = 512, width: int = 128):
        super().__init__()
        self.project = nn.Sequential(nn.Linear(features, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, width))
        self.prototypes = nn.Linear(width, prototypes, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Cosines [B, prototypes], in single precision: their small differences count."""
        projected = self.project(features)
        with torch.autocast(features.device.type, enabled=False):
            return F.normalize(projected.float(), dim=1) @ F.normalize(self.prototypes.weight.float(), dim=1).T


@torch.no_grad()
def sinkhorn(cosines: Tensor, temperature: float = 0.06, rounds: int = 3) -> Tensor:
    """Soft assignments that use all prototypes about equally, so that the teacher can't collapse (Caron et al. 2020)."""
    scores = torch.exp((cosines - cosines.max()) / temperature)
    for _ in range(rounds):
        scores = scores / scores.sum(0, keepdim=True).clamp(min=1e-12)
        scores = scores / scores.sum(1, keepdim=True).clamp(min=1e-12)
    return scores


def agreement(student: Tensor, teacher: Tensor, temperature: float = 0.1) -> Tensor:
    """Cross entropy of the student's prototypes with the teacher's assignment (DINO, Caron et al. 2021)."""
    return -(sinkhorn(teacher) * F.log_softmax(student / temperature, dim=1)).sum(1).mean()
