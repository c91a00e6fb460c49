"""Encoding of plans and records in the database: structs as compressed MessagePack, stamps and text packed apart.

A field that a struct gets later is stored without further ado, and takes its default where an older row lacks it.
"""

import hashlib
import itertools
import sys
import zlib
from array import array
from typing import Any, TypeVar

import msgspec

from tui.core.events import Kind
from tui.core.plan import Plan, RequestSpec
from tui.core.record import RequestRecord

_LEVEL = 6
_T = TypeVar("_T")

_encode = msgspec.msgpack.Encoder().encode


def pack(value: object) -> bytes:
    """Encode and compress a struct."""
    return zlib.compress(_encode(value), _LEVEL)


def unpack(data: bytes, kind: type[_T]) -> _T:
    """Decode what `pack` returned. Raises one of `UNREADABLE` for anything else."""
    return msgspec.msgpack.decode(zlib.decompress(data), type=kind)


UNREADABLE = (msgspec.MsgspecError, zlib.error, ValueError, KeyError, TypeError)
"""Exceptions that decoding a damaged row may raise."""


def digest(value: Plan | RequestSpec) -> bytes:
    """Hash a plan or specification, to find the row of an equal one."""
    return hashlib.sha256(_encode(value)).digest()


def pack_record(record: RequestRecord) -> bytes:
    """Encode a request without its specification, which all repeats share in a row of its own."""
    fields = msgspec.structs.asdict(record)
    del fields["spec"], fields["pieces"]
    fields["timeline"] = msgspec.structs.replace(record.timeline, content_ns=[])
    fields["stamps"] = pack_numbers(_steps(record.timeline.content_ns))
    kinds = [(kind.value, sum(1 for _ in run)) for kind, run in itertools.groupby(kind for kind, _ in record.pieces)]
    texts = [text for _, text in record.pieces]
    fields["content"] = (kinds, pack_numbers([len(text) for text in texts]), "".join(texts))
    return zlib.compress(_encode(fields), _LEVEL)


def unpack_record(data: bytes, spec: RequestSpec) -> RequestRecord:
    """Decode a request. Raises one of `UNREADABLE`."""
    fields: dict[str, Any] = msgspec.msgpack.decode(zlib.decompress(data))
    stamps = list(itertools.accumulate(unpack_numbers(fields.pop("stamps"))))
    kinds, lengths, text = fields.pop("content")
    of_piece = itertools.chain.from_iterable(itertools.repeat(Kind(kind), count) for kind, count in kinds)
    ends = list(itertools.accumulate(unpack_numbers(lengths), initial=0))
    fields["spec"] = spec
    record = msgspec.convert(fields, RequestRecord)
    record.timeline.content_ns = stamps
    record.pieces = [
        (kind, text[start:end]) for kind, (start, end) in zip(of_piece, itertools.pairwise(ends), strict=True)
    ]
    record.count_characters()
    return record


def pack_numbers(numbers: list[int]) -> bytes:
    """Encode 64-bit numbers with bytes of equal weight side by side: the high bytes of small numbers compress well."""
    raw = array("q", numbers)
    if sys.byteorder == "big":
        raw.byteswap()
    data = raw.tobytes()
    return b"".join(data[weight::8] for weight in range(8))


def unpack_numbers(data: bytes) -> list[int]:
    """Decode numbers. Raises ValueError if the bytes do not make whole ones."""
    count, rest = divmod(len(data), 8)
    if rest:
        raise ValueError("packed numbers are cut off")
    planes = bytearray(len(data))
    for weight in range(8):
        planes[weight::8] = data[weight * count : (weight + 1) * count]
    numbers = array("q", bytes(planes))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def _steps(stamps: list[int]) -> list[int]:
    """Return the first stamp, then the distance of each from the one before."""
    return [*stamps[:1], *(later - earlier for earlier, later in itertools.pairwise(stamps))]
