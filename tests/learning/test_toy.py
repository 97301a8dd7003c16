"""The parts together: local artefacts on noise are found, named and explained by a legal state."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from unmask.labels.graph import FFPP
from unmask.labels.table import targets
from unmask.learning.adversary import DomainAdversary, adversary_loss, ramp
from unmask.learning.bilevel import AutoLambda
from unmask.learning.distillation import freeze, kd_loss, mix_losses
from unmask.learning.fidelity import fidelity_loss, level_losses
from unmask.models.joint import LinearHead
from unmask.models.marginals import StateMarginals, uniform_offset

KINDS = ("camera", "region-eyes", "region-mouth", "region-nose")
CORNERS = ((0, 0), (6, 8), (22, 12), (14, 14))
VECTORS = torch.stack(
    [torch.from_numpy(targets(kind, FFPP, physical_inconsistency=True)[0]) for kind in KINDS]
).double()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in ((3, 16), (16, 32), (32, 32)):
            layers += [nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 32))
        self.head = LinearHead(32, len(FFPP), offset=uniform_offset(FFPP))
        self.states = StateMarginals(FFPP)

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.as_tensor(self.head(self.body(pictures)))


def draw(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    kinds = torch.randint(1, 4, (count,), generator=generator)
    kinds[: count // 2] = 0
    pictures = 0.3 + 0.4 * torch.rand(count, 3, 1, 1, generator=generator)
    pictures = pictures + 0.05 * torch.randn(count, 3, 32, 32, generator=generator)
    for picture, kind in zip(pictures, kinds.tolist(), strict=True):
        row, column = CORNERS[kind]
        picture[:, row : row + 4, column : column + 4] += 0.15 * (kind > 0)
    return pictures, kinds


def losses(model: Net, batch: tuple[Tensor, Tensor]) -> Tensor:
    pictures, kinds = batch
    marginals, target = model.states(model(pictures)).marginals, VECTORS[kinds]
    entropy = nn.functional.binary_cross_entropy(marginals.clamp(0, 1), target, reduction="none")
    return level_losses(0.9 * fidelity_loss(marginals, target) + 0.1 * entropy, FFPP)


@dataclass
class Trained:
    model: Net
    weights: Tensor
    marginals: Tensor
    state: Tensor
    kinds: Tensor


@pytest.fixture(scope="module")
def trained() -> Trained:
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(1)
    model, tuner = Net(), AutoLambda(every=5, lr=1e-2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-3)
    for step in range(120):
        batch = draw(32, generator)
        optimizer.zero_grad()
        tuner.combine(losses(model, batch)).backward()
        if tuner.due(step):
            tuner.step(model, losses, batch, draw(32, generator), optimizer)
        optimizer.step()
    pictures, kinds = draw(300, generator)
    with torch.no_grad():
        scores = model.eval()(pictures)
    return Trained(model, tuner.weights, model.states(scores).marginals, model.states.map_state(scores), kinds)


def student_auc(teacher: Net, seed: int, *, distil: bool) -> float:
    """AUC of a student after 80 steps on 16 labels, with or without the teacher's word on unlabelled pictures."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    few, student = draw(16, generator), Net()
    optimizer = torch.optim.AdamW(student.parameters(), lr=2e-3)
    freeze(teacher)
    for _ in range(80):
        loss = losses(student, few).sum()
        if distil:
            pictures, _ = draw(32, generator)
            with torch.no_grad():
                told = teacher(pictures)
            loss = mix_losses(loss, kd_loss(student(pictures), told, student.states, temperature=2.0), 0.9)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    pictures, kinds = draw(300, generator)
    with torch.no_grad():
        return auc(student.states(student.eval()(pictures)).marginals[:, 0], kinds > 0)


def test_a_teachers_word_on_unlabelled_pictures_beats_sixteen_labels_alone(trained: Trained) -> None:
    """U-K7."""
    gains = [
        student_auc(trained.model, seed, distil=True) - student_auc(trained.model, seed, distil=False)
        for seed in range(3)
    ]
    assert sum(gains) / 3 >= 0.15


def test_the_adversary_does_not_upset_training() -> None:
    """U-S8."""
    torch.manual_seed(2)
    generator = torch.Generator().manual_seed(2)
    body = Net().body
    classify, adversary = nn.Linear(32, 1), DomainAdversary(32, n_domains=2, position="input")
    weights = [*body.parameters(), *classify.parameters(), *adversary.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3)
    for step in range(250):
        pictures, kinds = draw(16, generator)
        # The domain is how bright a picture is, which is nothing to do with forgery.
        domain = (pictures.mean(dim=(1, 2, 3)) > 0.5).long()
        features = body(pictures)
        loss = nn.functional.binary_cross_entropy_with_logits(classify(features)[:, 0], (kinds > 0).float())
        loss = loss + 0.1 * adversary_loss(adversary, features, kinds == 0, domain=domain, coef=ramp(step / 250))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    pictures, kinds = draw(300, generator)
    with torch.no_grad():
        assert auc(classify(body.eval()(pictures))[:, 0], kinds > 0) >= 0.9


def auc(scores: Tensor, positive: Tensor) -> float:
    return (scores[positive][:, None] > scores[~positive][None]).double().mean().item()


def test_fakes_and_their_regions_are_found(trained: Trained) -> None:
    """U-E1."""
    assert auc(trained.marginals[:, 0], trained.kinds > 0) >= 0.95
    locals_ = [auc(trained.marginals[:, i], VECTORS[trained.kinds][:, i] > 0) for i in (4, 6, 7, 8)]
    assert sum(locals_) / 4 >= 0.9


def test_a_forged_mouth_is_explained_as_mouth_and_not_as_eye(trained: Trained) -> None:
    """U-E2."""
    found = trained.state[trained.kinds == 2].double().mean(dim=0)
    eye, mouth = (found[FFPP.names.index(name)].item() for name in ("eye", "mouth"))
    assert mouth > 0.8
    assert eye < 0.2


def test_explanations_are_legal(trained: Trained) -> None:
    """U-E2."""
    assert FFPP.is_legal(trained.state.numpy()).all()


def test_the_level_weights_moved(trained: Trained) -> None:
    assert bool(trained.weights.isfinite().all())
    assert bool((trained.weights != 1).all())
