"""Which container of moving pictures a file is, by its first bytes."""

# By the usual suffix: FFmpeg's name of the container.
FORMATS = {
    "mp4": "mov",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "matroska",
    "avi": "avi",
    "ts": "mpegts",
    "mpg": "mpeg",
    "flv": "flv",
    "wmv": "asf",
}
_STILLS = (b"avif", b"avis", b"crx ", b"heic", b"heim", b"heis", b"heix", b"hevc", b"hevx", b"jpeg", b"mif1", b"msf1")
_QUICKTIME_ATOMS = (b"free", b"mdat", b"moov", b"pnot", b"skip", b"wide")
_FIRST_PACKETS = (0, 1, 17, 0x1FFF)  # identifiers of the tables that a transport stream begins with
_PREFIXES = (
    (b"\x00\x00\x01\xba", "mpg"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wmv"),
)


def container_of(head: bytes) -> str | None:
    """The usual suffix, a key of FORMATS, of the container that begins with HEAD."""
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _STILLS else ("mov" if head[8:12] == b"qt  " else "mp4")
    if head[4:8] in _QUICKTIME_ATOMS:
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"webm" in head else "mkv"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    if _is_transport_stream(head) or _is_transport_stream(head[4:]):
        return "ts"
    return next((suffix for start, suffix in _PREFIXES if head.startswith(start)), None)


def _is_transport_stream(head: bytes) -> bool:
    if len(head) < 4 or head[0] != 0x47 or head.startswith(b"GIF8"):
        return False
    return int.from_bytes(head[1:3], "big") & 0x1FFF in _FIRST_PACKETS and 0x10 <= head[3] < 0x40
