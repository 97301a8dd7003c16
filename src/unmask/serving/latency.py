"""How long a bundle takes for one crop on one core."""

import time

import numpy as np
import numpy.typing as npt

from unmask.serving.runtime import Runtime

TIMED = 30  # single crops, after as many that warm up


def latencies_ms(runtime: Runtime, crops: npt.NDArray[np.uint8]) -> list[float]:
    """Milliseconds of each of `TIMED` single crops, taken in turn from CROPS, uint8 (N, size, size, 3)."""

    def once(index: int) -> float:
        start = time.perf_counter()
        runtime.predict_crops(crops[index : index + 1])
        return 1e3 * (time.perf_counter() - start)

    return [once(number % len(crops)) for number in range(2 * TIMED)][TIMED:]
