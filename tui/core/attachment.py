"""Attachments of prompts: images and PDF, told by their first bytes, with what is known of their length in tokens."""

import hashlib
import math
import re

import msgspec

MOST_BYTES = 20_000_000
"""Largest file: in base64 it is 27 MB of the 32 that a request may have."""
MOST_FILES = 20
PDF = "application/pdf"
_TOKENS_PER_PAGE = 3_000
"""Most that the guide gives for the text of a page; its picture is counted with it."""
_PIXELS_PER_TOKEN = 750
_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_SIZES_OF_JPEG = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the frames that have the size."""


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that goes with a prompt. Its bytes are never stored."""

    name: str
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    width: int | None = None
    height: int | None = None
    """Pixels."""
    pages: int | None = None
    path: str = ""
    """Place on this machine; in no export."""

    @property
    def is_pdf(self) -> bool:
        """True for a PDF, false for an image."""
        return self.media_type == PDF

    @property
    def tokens(self) -> int:
        """Estimate by the published formulas: width × height / 750, or pages; of what tells neither, 1,600."""
        if self.is_pdf:
            return (self.pages or 1) * _TOKENS_PER_PAGE
        if self.width is None or self.height is None:
            return 1_600
        return math.ceil(self.width * self.height / _PIXELS_PER_TOKEN)


def attachment_of(data: bytes, name: str, path: str = "") -> Attachment:
    """The attachment that a file is. Raises ValueError with the end of a sentence for what cannot be attached."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES // 1_000_000} MB")
    media_type, width, height = _image(data)
    pages = None
    if data[:1024].lstrip().startswith(b"%PDF-"):
        media_type, pages = PDF, len(_PAGE.findall(data)) or None
    if media_type is None:
        raise ValueError("is neither PNG, JPEG, GIF, WebP nor PDF")
    return Attachment(
        name=name,
        media_type=media_type,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        pages=pages,
        path=path,
    )


def _image(data: bytes) -> tuple[str | None, int | None, int | None]:
    """The type of an image, and its size where that can be read."""
    number = int.from_bytes
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        is_whole = len(data) >= 24
        return "image/png", *((number(data[16:20], "big"), number(data[20:24], "big")) if is_whole else (None, None))
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif", number(data[6:8], "little") or None, number(data[8:10], "little") or None
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", *_jpeg_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", *_webp_size(data)
    return None, None, None


def _jpeg_size(data: bytes) -> tuple[int | None, int | None]:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _SIZES_OF_JPEG:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + length if marker != 0xFF else 1
    return None, None


def _webp_size(data: bytes) -> tuple[int | None, int | None]:
    kind = data[12:16]
    if len(data) < 30:
        return None, None
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
