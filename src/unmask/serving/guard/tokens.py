"""Bearer tokens: who may ask."""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from unmask.errors import ConfigError
from unmask.serving.problems import Refusal

VARIABLE = "UNMASK_TOKENS"
# A probe has no token, and the page's own files are no secret: what the page asks with them needs one.
OPEN = re.compile(r"/(livez|healthz|readyz|ui(/.*)?)?")
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


class Tokens:
    """The tokens in FILE, one a line with # before comments, and in the environment's UNMASK_TOKENS, spaces between.

    They are read when they are first needed, so that a Bento is built on a machine that has none; kept as hashes.
    """

    def __init__(self, file: str = "", environment: Mapping[str, str] = os.environ) -> None:
        self._file, self._environment = file, environment

    @cached_property
    def hashes(self) -> tuple[bytes, ...]:
        """SHA-256 of each token; none where neither a file nor the variable is set, which lets everyone in.

        Raises:
            ConfigError: the file is missing, holds no token, or something that can't be sent as one.
        """
        found = [*self._in_file(), *self._in_environment()]
        return tuple(hashlib.sha256(token.encode()).digest() for token in found)

    def check(self) -> None:
        """Read them now.

        Raises:
            ConfigError: as `hashes`.
        """
        _ = self.hashes

    def admit(self, authorization: str) -> bool:
        """Whether the header holds one of the tokens, or none is asked for; takes equally long whichever it is."""
        if not self.hashes:
            return True
        kind, _, given = authorization.partition(" ")
        digest = hashlib.sha256(given.strip().encode()).digest()
        alike = [hmac.compare_digest(digest, known) for known in self.hashes]
        return any(alike) and kind.lower() == "bearer"

    def _in_file(self) -> list[str]:
        if not self._file:
            return []
        try:
            lines = Path(self._file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no text"
            raise ConfigError(f"serving.token_file: {self._file}: {reason}") from None
        words = [line.partition("#")[0].strip() for line in lines]
        return _checked([word for word in words if word], f"serving.token_file: {self._file}")

    def _in_environment(self) -> list[str]:
        said = self._environment.get(VARIABLE)
        return [] if said is None else _checked(said.split(), VARIABLE)


def _checked(tokens: list[str], where: str) -> list[str]:
    """Raises where there is none, because then everyone would be let in without notice; never shows one."""
    if not tokens:
        raise ConfigError(f"{where}: holds no token; unset it to let everyone in")
    for number, token in enumerate(tokens, start=1):
        if not TOKEN.fullmatch(token):
            raise ConfigError(f"{where}: token {number} has other characters than letters, digits and ._~+/=-")
    return tokens


class BearerTokens:
    """ASGI middleware: answers 401 to a request without one of the tokens, except where `OPEN` matches its path."""

    def __init__(self, app: ASGIApp, *, tokens: Tokens) -> None:
        self._app, self._tokens = app, tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and not OPEN.fullmatch(scope["path"]):
            given = Headers(scope=scope).get("authorization", "")
            if not self._tokens.admit(given):
                reason = "this service asks for a token: send the header `Authorization: Bearer TOKEN`"
                raise Refusal(401, reason, {"WWW-Authenticate": 'Bearer realm="unmask"'})
        await self._app(scope, receive, send)
