import pandas as pd

from unmask.data.originals import original_ids


def row(name: str, sha: str, pair: str = "", *, frame: int = 0, box: list[float] | None = None) -> dict[str, object]:
    return {"image_id": name, "raw_sha256": sha, "pair_sha256": pair, "frame": frame, "crop_box": box}


def originals(*rows: dict[str, object]) -> list[str]:
    return original_ids(pd.DataFrame(list(rows)))


def test_a_whole_picture_comes_from_a_whole_picture() -> None:
    assert originals(row("r", "1"), row("f", "2", "1"), row("lost", "3", "9")) == ["", "r", ""]


def test_the_same_frame_is_taken() -> None:
    reals = [row(f"r{frame}", "1", frame=frame) for frame in (5, 15)]
    fakes = [row(f"f{frame}", "2", "1", frame=frame) for frame in (5, 15, 25)]
    assert originals(*reals, *fakes) == ["", "", "r5", "r15", ""]


def test_the_same_face_is_the_one_in_the_same_place() -> None:
    reals = [row("left", "1", box=[0, 0, 40, 40]), row("right", "1", box=[60, 0, 100, 40])]
    fakes = [row("a", "2", "1", box=[63, 2, 101, 40]), row("b", "2", "1", box=[1, 0, 41, 40])]
    assert originals(*reals, *fakes) == ["", "", "right", "left"]


def test_a_face_elsewhere_and_a_whole_picture_are_no_original() -> None:
    fake = row("f", "2", "1", box=[0, 0, 40, 40])
    assert originals(row("r", "1", box=[35, 35, 75, 75]), fake) == ["", ""]
    assert originals(row("r", "1"), fake) == ["", ""]
