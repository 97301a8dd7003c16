"""Which model answers: the loaded bundle that requests take, once each, when they begin."""

from pathlib import Path

from unmask.serving.runtime import Runtime


class Models:
    """The model that is served; a request keeps the `current` it began with, so version and score agree."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        self.current = Runtime(folder, threads=threads)
