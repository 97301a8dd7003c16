"""A typed client of the service, with the standard library's and httpx's means alone.

URL is where the service answers, such as http://127.0.0.1:3000; a picture is a path or the bytes of a file:

>>> with Client(url) as client:
...     answer = client.predict(picture)
...     print(answer.judgement.verdict, answer.judgement.probability)
...     print(client.explain(picture).box)
...     print(client.feedback(answer.id, "fake", note="I drew it").stored_picture)
fake 0.8808
(4, 4, 44, 44)
False

Of many, a few go into each request, and one that can't be judged says why:

>>> with Client(url) as client:
...     for answer in client.predict_many([picture, b"no picture"]):
...         print(answer.judgement.verdict if answer.judgement else answer.error)
fake
not a JPEG, PNG, WebP, BMP or TIFF picture
"""

from unmask.client.answers import (
    ClipPrediction,
    Explanation,
    Face,
    FrameScore,
    Judgement,
    Model,
    Prediction,
    Receipt,
    Source,
    Threshold,
)
from unmask.client.http import Client, Picture, ServiceError

__all__ = [
    "Client",
    "ClipPrediction",
    "Explanation",
    "Face",
    "FrameScore",
    "Judgement",
    "Model",
    "Picture",
    "Prediction",
    "Receipt",
    "ServiceError",
    "Source",
    "Threshold",
]
