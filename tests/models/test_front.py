from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from unmask.models.front import COLOUR_REACH, DOWN_UP_GAIN, RESIDUAL_LIMIT, Front, down_up, residual
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
    front = Front(mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.5), name="none")
    seen = front(torch.tensor([0.6, 0.6, 0.8]).view(1, 3, 1, 1))
    torch.testing.assert_close(seen.flatten(), torch.ones(3))
    assert not list(front.parameters())
    assert not front.state_dict()


@given(st.integers(1, 6), st.integers(1, 6))
def test_the_down_up_residual_is_each_pixel_less_the_first_of_its_square(rows: int, columns: int) -> None:
    picture = 0.5 + 0.03 * torch.rand(1, 3, 2 * rows, 2 * columns, generator=torch.Generator().manual_seed(rows))
    found = down_up(picture)
    for row in range(2 * rows):
        for column in range(2 * columns):
            first = picture[..., row - row % 2, column - column % 2]
            wanted = DOWN_UP_GAIN * (picture[..., row, column] - first)
            torch.testing.assert_close(found[..., row, column], wanted, atol=1e-5, rtol=0)


def test_nearest_neighbour_up_sampling_leaves_no_down_up_residual_until_it_is_shifted() -> None:
    small = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    blown_up = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert not down_up(blown_up).any()
    assert bool(down_up(blown_up.roll(1, dims=3)).any())


@pytest.mark.parametrize("shape", [(8, 9), (9, 8)])
def test_the_down_up_residual_needs_even_sides(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be even"):
        down_up(torch.rand(1, 3, *shape))


@pytest.mark.parametrize("name", ["residual", "downup"])
def test_a_front_is_exported_as_it_computes(name: str, tmp_path: Path) -> None:
    front = Front(mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.5), name=name).eval()
    pictures = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.onnx.export(front, (pictures,), tmp_path / "front.onnx", dynamo=True, verbose=False, external_data=False)
    session = onnxruntime.InferenceSession(tmp_path / "front.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: pictures.numpy()})
    assert found.shape == (2, 6, 16, 16)
    np.testing.assert_allclose(found, front(pictures).numpy(), atol=1e-4)
