"""The desk: people who are told by the loop's webhook, look through what is novel, and report the fakes that got by.

Which pictures they look at follows from what the service and the monitor show, never from what they are.
"""

import json
import threading
import time
from collections.abc import Iterable
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


def to_look_at(state: Path, sent: Iterable[Sent]) -> list[Sent]:
    """Requests in the order in which they are looked at: the newest report's novel ones, then the review queue.

    A picture that was sent twice is looked at once.
    """
    by_id = {each.id: each for each in sent if not each.error}
    reports = sorted((state / "reports").glob("*Z.json"))
    novel = [str(each["id"]) for each in read_json(reports[-1])["novel"]] if reports else []
    ids = [*novel, *(entry.row.id for entry in queue(state))]
    chosen = {by_id[one].picture.name: by_id[one] for one in reversed(ids) if one in by_id}
    return list(reversed(chosen.values()))


@dataclass
class Review:
    """The requests that the desk looked at, and those about which it reported."""

    looked_at: list[Sent] = field(default_factory=list)
    reported: list[Sent] = field(default_factory=list)

    def go_on(self, client: Client, waiting: Iterable[Sent], *, most: int, seconds: float) -> None:
        """Look at a picture every so many SECONDS and report the fakes that were not called fake, MOST in all.

        A report comes with the picture, which is consent to learn from it.

        Raises:
            ServiceError: the service refuses a report.
        """
        known = {each.picture.name for each in self.looked_at}
        for each in waiting:
            if len(self.reported) == most:
                return
            if each.picture.name in known:
                continue
            self.looked_at.append(each)
            if each.picture.label == "fake" and each.verdict != "fake":
                client.feedback(each.id, "fake", note="the drill's desk", picture=each.picture.data)
                self.reported.append(each)
            time.sleep(seconds)
