import torch
from torch import Tensor

from unmask.models.front import COLOUR_REACH, RESIDUAL_LIMIT, Front, residual
from unmask.ycbcr import LUMA


def colour_noise(amount: float) -> Tensor:
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    luma = (noise * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return 0.5 + amount * (noise - luma)


def test_ramps_and_straight_edges_leave_no_residual_of_light() -> None:
    ramp = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    edge = (torch.arange(32) > 15).float().expand(1, 3, 32, 32)
    for picture in (ramp, edge, ramp.mT, edge.mT):
        torch.testing.assert_close(residual(picture), torch.zeros_like(picture), atol=1e-4, rtol=0)


def test_a_grey_checkerboard_leaves_the_largest_residual_of_light_and_none_of_colour() -> None:
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    board = ((rows + columns) % 2).float().expand(1, 3, 16, 16)
    light, colour = residual(board).split([1, 2], dim=1)
    assert light.abs().min().item() == RESIDUAL_LIMIT
    torch.testing.assert_close(colour, torch.zeros_like(colour), atol=1e-4, rtol=0)


def test_errors_of_colour_leave_no_residual_of_light() -> None:
    light, colour = residual(colour_noise(0.01)).split([1, 2], dim=1)
    torch.testing.assert_close(light, torch.zeros_like(light), atol=1e-4, rtol=0)
    assert 0.3 < colour.std().item() < 2


def test_a_flat_or_evenly_changing_colour_leaves_no_residual_inside() -> None:
    picture = torch.full((1, 3, 32, 32), 0.4)
    picture[:, 0] = torch.linspace(0, 1, 32)
    inside = residual(picture)[:, 1:, :, COLOUR_REACH:-COLOUR_REACH]
    torch.testing.assert_close(inside, torch.zeros_like(inside), atol=1e-4, rtol=0)


def test_the_residual_of_faint_noise_is_of_unit_order() -> None:
    noise = 0.5 + 0.01 * torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    assert 0.3 < residual(noise).std().item() < 2


def test_autocast_does_not_round_the_residual() -> None:
    picture = torch.rand(1, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        under = residual(picture)
    torch.testing.assert_close(under, residual(picture), atol=0, rtol=0)


def test_the_picture_is_normalised_as_told() -> None:
    front = Front(mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.5), residual=False)
    seen = front(torch.tensor([0.6, 0.6, 0.8]).view(1, 3, 1, 1))
    torch.testing.assert_close(seen.flatten(), torch.ones(3))
    assert not list(front.parameters())
    assert not front.state_dict()
