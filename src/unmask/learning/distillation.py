"""Distillation over the legal joint label states, or over plain logits (SCL-KD stage 3, methods: 4.2)."""

from torch import Tensor, nn
from torch.nn import functional as F

from unmask.models.marginals import StateMarginals


def kd_loss(student: Tensor, teacher: Tensor, states: StateMarginals | None = None, *, temperature: float) -> Tensor:
    """T^2 KL(teacher || student), mean over the batch; no gradient reaches the teacher.

    With STATES the inputs are label scores (B, n) and the divergence is over the legal states, so that
    d/df = T (p_student - p_teacher) / B; without, they are class logits (B, C).
    """
    wanted = _log_probability(teacher.detach(), temperature, states)
    found = _log_probability(student, temperature, states)
    return temperature**2 * F.kl_div(found, wanted, reduction="batchmean", log_target=True)


def mix_losses(supervised: Tensor, distilled: Tensor, alpha: float) -> Tensor:
    """(1 - alpha) supervised + alpha distilled; at 0 and 1 the other term is not touched at all."""
    if alpha <= 0:
        return supervised
    return distilled if alpha >= 1 else (1 - alpha) * supervised + alpha * distilled


def freeze(teacher: nn.Module) -> nn.Module:
    """Put a teacher into eval mode and stop its gradients, in place."""
    return teacher.eval().requires_grad_(False)


def _log_probability(scores: Tensor, temperature: float, states: StateMarginals | None) -> Tensor:
    if states is None:
        return F.log_softmax(scores / temperature, dim=1)
    log_state: Tensor = states(scores, temperature).log_state
    return log_state
