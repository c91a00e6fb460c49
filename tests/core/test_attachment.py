"""Attachments: what a file is, how long it is in tokens, and what is refused."""

import pytest
from attached_files import pdf, png

from tui.core.attachment import MOST_BYTES, attachment_of

JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x40\x00\x80\x03" + b"\0" * 12
WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\0\0\x3f\0\0" + b"\0" * 8


@pytest.mark.parametrize(
    ("data", "media_type", "size"),
    [
        (png(128, 64), "image/png", (128, 64)),
        (b"GIF89a\x80\0\x40\0" + b"\0" * 9, "image/gif", (128, 64)),
        (JPEG, "image/jpeg", (128, 64)),
        (WEBP, "image/webp", (128, 64)),
        (b"\xff\xd8\xff", "image/jpeg", (None, None)),
        (pdf(3), "application/pdf", (None, None)),
    ],
)
def test_a_file_is_what_its_first_bytes_say(data: bytes, media_type: str, size: tuple[int | None, int | None]) -> None:
    found = attachment_of(data, "a.bin")
    assert (found.media_type, (found.width, found.height), found.size) == (media_type, size, len(data))
    assert len(found.sha256) == 64


def test_tokens_follow_the_published_formulas() -> None:
    assert attachment_of(png(750, 100), "a").tokens == 100
    assert attachment_of(png(10, 10), "a").tokens == 1
    assert attachment_of(pdf(3), "a").tokens == 9_000
    assert attachment_of(b"\xff\xd8\xff", "a").tokens == 1_600


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg>", b"\x89PN", b"RIFF1234WAVE"])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="neither PNG"):
        attachment_of(data, "a")


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than 20 MB"):
        attachment_of(png(1, 1) + b"\0" * MOST_BYTES, "a")
