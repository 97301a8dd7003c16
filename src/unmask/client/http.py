"""Requests to the service, and what becomes of its refusals."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from unmask.client.answers import ClipPrediction, Explanation, Model, Prediction, Receipt, Source
from unmask.errors import UnmaskError

Picture = str | Path | bytes
Part = tuple[str, tuple[str | None, bytes]]
T = TypeVar("T")

BUSY = {429, 503}
REFUSED = {400, 413, 422}  # what one bad picture, or one too many, makes of a whole request
TRIES = 5
LONGEST_WAIT_S = 30.0


class ServiceError(UnmaskError):
    """The service refused, or did not answer (STATUS 0); REQUEST_ID finds the request in its log."""

    def __init__(self, status: int, reason: str, request_id: str = "") -> None:
        super().__init__(f"{reason} (HTTP {status}, request {request_id})" if status else reason)
        self.status, self.reason, self.request_id = status, reason, request_id


@dataclass(frozen=True)
class _Answers(Source):
    answers: list[Prediction]


class Client:
    """Asks the service at URL; a request that is refused as one too many is sent again when the service says.

    Args:
        url: of the service, with the path it is mounted at, if any.
        token: bearer token, if the service asks for one.
        timeout: seconds to wait for an answer.
        pictures: most in a request, at most `serving.limits.pictures` of the service.
        megabytes: of pictures in a request, below `serving.limits.request_megabytes` of the service.
        transport: how requests travel, for tests and proxies.

    Every method raises ServiceError when the service refuses or does not answer, and OSError when a file can't be read.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        pictures: int = 64,
        megabytes: float = 90.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, transport=transport)
        self._pictures, self._bytes = pictures, megabytes * 1e6

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def predict(self, picture: Picture) -> Prediction:
        """Judge a picture."""
        return self._predict([_part("images", picture)])[0]

    def predict_many(self, pictures: Iterable[Picture]) -> Iterator[Prediction]:
        """Judge pictures in order; a request is sent, and its files are read, when its first answer is taken.

        A picture that can't be judged does not end it: its answer has an `error`, and no id where it was refused alone.
        """
        for batch in self._batches(pictures):
            try:
                yield from self._predict(batch)
            except ServiceError as error:
                if error.status not in REFUSED:
                    raise
                yield from ([_refused(error)] if len(batch) == 1 else map(self._predict_alone, batch))

    def predict_clip(self, clip: Picture) -> ClipPrediction:
        """Judge a clip."""
        return self._ask(ClipPrediction, "predict_clip", [_part("clip", clip)])

    def explain(self, picture: Picture) -> Explanation:
        """Judge a picture, and see what its score rests on."""
        return self._ask(Explanation, "explain", [_part("image", picture)])

    def feedback(
        self, prediction_id: str, label: Literal["real", "fake"], *, note: str = "", picture: Picture | None = None
    ) -> Receipt:
        """Report what a picture or clip really is. Giving the PICTURE is consent to keep it, to learn from it."""
        given = {"id": prediction_id, "label": label, "note": note, "consent": str(picture is not None).lower()}
        parts = [(name, (None, text.encode())) for name, text in given.items()]
        return self._ask(Receipt, "feedback", parts + ([_part("image", picture)] if picture is not None else []))

    def model(self) -> Model:
        """What is served."""
        return self._ask(Model, "model")

    def _predict(self, parts: list[Part]) -> list[Prediction]:
        said = self._ask(_Answers, "predict", parts)
        source = Source(said.model_version, said.data_hash, said.request_id, said.thresholds)
        return [replace(answer, source=source) for answer in said.answers]

    def _predict_alone(self, part: Part) -> Prediction:
        try:
            return self._predict([part])[0]
        except ServiceError as error:
            if error.status not in REFUSED:
                raise
            return _refused(error)

    def _batches(self, pictures: Iterable[Picture]) -> Iterator[list[Part]]:
        batch: list[Part] = []
        size = 0
        for picture in pictures:
            part = _part("images", picture)
            length = len(part[1][1])
            if batch and size + length > self._bytes:
                yield batch
                batch, size = [], 0
            batch.append(part)
            size += length
            if len(batch) == self._pictures:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _ask(self, kind: type[T], path: str, parts: list[Part] | None = None) -> T:
        for left in reversed(range(TRIES)):
            try:
                answer = self._http.request("POST" if parts else "GET", path, files=parts)
            except httpx.HTTPError as error:
                raise ServiceError(0, f"{self._http.base_url}: no answer ({type(error).__name__})") from error
            if answer.status_code not in BUSY or not left:
                break
            time.sleep(_wait_s(answer.headers))
        if not answer.is_success:
            raise _error(answer)
        try:
            return TypeAdapter(kind).validate_json(answer.content)
        except ValidationError as error:
            place = ".".join(str(key) for key in error.errors()[0]["loc"])
            raise ServiceError(
                answer.status_code, f"an answer that is not understood, at {place or 'its top'}"
            ) from None


def _part(field: str, picture: Picture) -> Part:
    if isinstance(picture, bytes):
        return field, (field, picture)
    return field, (Path(picture).name, Path(picture).read_bytes())


def _refused(error: ServiceError) -> Prediction:
    # The service counts the pictures of its request, which is one.
    return Prediction("", None, None, error.reason.removeprefix("picture 1 of 1: "))


def _wait_s(headers: Mapping[str, str]) -> float:
    said = headers.get("Retry-After", "")
    return min(float(said) if said.isdecimal() else 1.0, LONGEST_WAIT_S)


def _error(answer: httpx.Response) -> ServiceError:
    try:
        said = answer.json()
        return ServiceError(answer.status_code, str(said["error"]), str(said["request_id"]))
    except (ValueError, KeyError, TypeError):
        return ServiceError(answer.status_code, "refused without a reason", answer.headers.get("X-Request-ID", ""))
