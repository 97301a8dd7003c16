"""The desk: people who are told by the loop's webhook, look at what the monitor finds novel, and say what it is.

Which pictures they look at follows from what the service and the monitor show, never from what they are.
"""

import json
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.drill.traffic import Sent
from unmask.client import Client
from unmask.files import read_json
from unmask.retraining.review import queue

DRIFTED = "traffic drifted"


@dataclass(frozen=True)
class Notice:
    """What was posted to the webhook; TIME is by `time.monotonic`."""

    time: float
    subject: str
    text: str


@dataclass
class Webhook:
    """A local address for notices, until the block ends."""

    notices: list[Notice] = field(default_factory=list)

    def __enter__(self) -> "Webhook":
        notices = self.notices

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                notices.append(Notice(time.monotonic(), str(said["subject"]), str(said["text"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *words: object) -> None:  # noqa: A002  (its name in the library)
                """Not among the drill's own lines."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self._thread = threading.Thread(target=self._server.serve_forever, name="drill-webhook")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where notices are posted to."""
        return f"http://127.0.0.1:{self._server.server_port}/notices"


@dataclass(frozen=True)
class Labelled:
    """What the desk reported: the request it was about, and whether the verdict had been wrong."""

    sent: Sent
    wrong: bool


def choose(state: Path, sent: Iterable[Sent], *, most: int) -> list[Sent]:
    """Requests to look at: what the newest report calls novel, then the review queue, each with the best first.

    A picture that was sent twice is looked at once.
    """
    by_id = {each.id: each for each in sent if not each.error}
    reports = sorted((state / "reports").glob("*Z.json"))
    novel = [str(each["id"]) for each in read_json(reports[-1])["novel"]] if reports else []
    ids = [*novel, *(entry.row.id for entry in queue(state))]
    chosen = {by_id[one].picture.name: by_id[one] for one in reversed(ids) if one in by_id}
    return list(reversed(chosen.values()))[:most]


def label(client: Client, chosen: Sequence[Sent], *, seconds: float) -> list[Labelled]:
    """Report what each of them is, SECONDS apart, with the picture, which is consent to learn from it.

    Raises:
        ServiceError: the service refuses a report.
    """
    done = []
    for each in chosen:
        truth = each.picture.label
        client.feedback(each.id, truth, note="the drill's desk", picture=each.picture.data)
        done.append(Labelled(each, wrong=each.verdict not in {truth, "uncertain"}))
        time.sleep(seconds)
    return done
