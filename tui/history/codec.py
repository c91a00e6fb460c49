"""How a request's record and a plan stand in the database: whole structs as MessagePack, stamps and text packed apart.

Whatever field a struct gets later is stored with it, and a field that an older row does not have takes its default.
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
    """Any struct, compressed."""
    return zlib.compress(_encode(value), _LEVEL)


def unpack(data: bytes, kind: type[_T]) -> _T:
    """The struct that `pack` was given. Raises `UNREADABLE` if it is not that."""
    return msgspec.msgpack.decode(zlib.decompress(data), type=kind)


UNREADABLE = (msgspec.MsgspecError, zlib.error, ValueError, KeyError, TypeError)
"""What decoding a damaged row may raise."""


def digest(value: Plan | RequestSpec) -> bytes:
    """What tells whether the same plan or specification is stored already."""
    return hashlib.sha256(_encode(value)).digest()


def pack_record(record: RequestRecord) -> bytes:
    """A request without its specification, which is stored apart, once for all repeats."""
    fields = msgspec.structs.asdict(record)
    del fields["spec"], fields["pieces"]
    fields["timeline"] = msgspec.structs.replace(record.timeline, content_ns=[])
    fields["stamps"] = pack_numbers(_steps(record.timeline.content_ns))
    kinds = [(kind.value, sum(1 for _ in run)) for kind, run in itertools.groupby(kind for kind, _ in record.pieces)]
    texts = [text for _, text in record.pieces]
    fields["content"] = (kinds, pack_numbers([len(text) for text in texts]), "".join(texts))
    return zlib.compress(_encode(fields), _LEVEL)


def unpack_record(data: bytes, spec: RequestSpec) -> RequestRecord:
    """The request that `pack_record` was given. Raises `UNREADABLE`."""
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
    return record


def pack_numbers(numbers: list[int]) -> bytes:
    """64-bit numbers; bytes of equal weight stand together, since the high ones of small numbers are all alike."""
    raw = array("q", numbers)
    if sys.byteorder == "big":
        raw.byteswap()
    data = raw.tobytes()
    return b"".join(data[weight::8] for weight in range(8))


def unpack_numbers(data: bytes) -> list[int]:
    """The numbers that `pack_numbers` was given. Raises ValueError if the bytes do not make whole numbers."""
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
    """The first stamp, then each one's distance from the one before."""
    return [*stamps[:1], *(later - earlier for earlier, later in itertools.pairwise(stamps))]
