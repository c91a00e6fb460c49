"""Path of one TCP connection, as the kernel knows it: acknowledgements with their stamps, round trips, lost packets.

On Linux a socket with SO_TIMESTAMPING is told, on its error queue, when the peer acknowledged the last byte of a write;
TCP_INFO has the round trip. Elsewhere there is neither, and nothing is known of the path.

A non-empty error queue wakes the event loop as unread data do, so whoever reads the socket takes the queue too.
"""

import socket
import struct
import sys
from collections.abc import Callable

from tui.core.events import NetworkSeen

KNOWN = sys.platform == "linux" and struct.calcsize("P") == 8
_SO_TIMESTAMPING = 37
"""<asm-generic/socket.h>; Python's socket module does not name it."""
_TX_ACK, _OPT_ID, _OPT_TSONLY, _SOFTWARE = 1 << 9, 1 << 7, 1 << 11, 1 << 4
_STAMPS = struct.Struct("qqqqqq")
_EXTENDED_ERROR = struct.Struct("IBBBBII")
_FROM_TIMESTAMPING = 4
"""SO_EE_ORIGIN_TIMESTAMPING, <linux/errqueue.h>."""
_ACKNOWLEDGED = 2
"""SCM_TSTAMP_ACK."""
_ERRORS_BYTES = 512
_WRAP = 1 << 32
_MSS_AT, _RTT_AT, _TOTAL_RETRANS_AT, _MIN_RTT_AT, _DATA_SEGS_IN_AT, _DSACK_DUPS_AT, _OUT_OF_ORDER_AT = (
    *(16, 68, 100, 148, 152, 216, 224),
)
"""Places of unsigned 32-bit fields in struct tcp_info, <linux/tcp.h>."""
_INFO_BYTES = _OUT_OF_ORDER_AT + 4
_ARRIVED = struct.Struct(f"=I{_OUT_OF_ORDER_AT - _DATA_SEGS_IN_AT - 4}xI")
"""The two fields that are read with every piece that arrives, in one go."""
_NO_RTT = (0, _WRAP - 1)
_NS_PER_US = 1_000


class TcpPath:
    """Watch on one connected socket's path. Begins anew with each request on the connection."""

    def __init__(self, sock: socket.socket, arrival_ns: Callable[[int], int | None], *, to_proxy: bool = False) -> None:
        """`arrival_ns` turns a stamp of the kernel's (CLOCK_REALTIME ns) into CLOCK_MONOTONIC.

        `to_proxy` says that the peer is a proxy, and the path only the way to it.
        """
        self._socket = sock
        self._arrival_ns = arrival_ns
        self._to_proxy = to_proxy
        self._is_stamped = False
        self._written = self._first_byte = self._segments = self._out_of_order = 0
        self._retransmissions_before = self._out_of_order_before = 0
        self._stalled_ns = self._latest_ns = 0
        self._acked_ns: int | None = None
        self._last_info = b""
        self._is_tcp = KNOWN and sock.family in (socket.AF_INET, socket.AF_INET6)
        if self._is_tcp:
            try:
                # Now, with nothing written: from here on the kernel counts bytes as `wrote` does.
                flags = _TX_ACK | _OPT_ID | _OPT_TSONLY | _SOFTWARE
                sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, flags)
                self._is_stamped = True
            except OSError:
                pass  # An older kernel, or one that is imitated: the path is then not known.

    def begin(self) -> None:
        """A request is about to be written."""
        info = self._info()
        self._retransmissions_before = _needed(info)
        self._out_of_order_before = self._out_of_order = _field(info, _OUT_OF_ORDER_AT)
        self._first_byte, self._stalled_ns, self._latest_ns = self._written, 0, 0

    @property
    def acked_ns(self) -> int | None:
        """Arrival of the acknowledgement of the last byte written, CLOCK_MONOTONIC; None as long as there is none."""
        self.take_acks()
        return self._acked_ns

    def wrote(self, count: int) -> None:
        """So many bytes were handed to the kernel. The last of them is the one whose acknowledgement counts."""
        self._written += count
        self._acked_ns = None

    def take_acks(self) -> None:
        """Take all acknowledgements that have come out of the error queue."""
        while self._is_stamped and self._socket.fileno() >= 0:
            try:
                _, ancillary, _, _ = self._socket.recvmsg(0, _ERRORS_BYTES, socket.MSG_ERRQUEUE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._is_stamped = False
                return
            stamp_ns, is_of_last = 0, False
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING and len(value) >= _STAMPS.size:
                    seconds, nanoseconds = _STAMPS.unpack_from(value)[:2]
                    stamp_ns = seconds * 1_000_000_000 + nanoseconds
                elif level in (socket.IPPROTO_IP, socket.IPPROTO_IPV6) and len(value) >= _EXTENDED_ERROR.size:
                    _, origin, _, _, _, what, byte = _EXTENDED_ERROR.unpack_from(value)
                    is_last = byte == (self._written - 1) % _WRAP
                    is_of_last = origin == _FROM_TIMESTAMPING and what == _ACKNOWLEDGED and is_last
            if stamp_ns and is_of_last:
                self._acked_ns = self._arrival_ns(stamp_ns)

    def end(self) -> None:
        """The socket is about to be closed: what is known stays known."""
        self.take_acks()
        self._last_info = self._info()

    def arrived(self, arrival_ns: int) -> int:
        """Data arrived at `arrival_ns`. Returns the segments that came in since the last call.

        That may count one that is still unread; 1 where the kernel does not say.
        """
        info = self._info()
        total: int
        if len(info) >= _INFO_BYTES:
            total, out_of_order = _ARRIVED.unpack_from(info, _DATA_SEGS_IN_AT)
        elif len(info) >= _DATA_SEGS_IN_AT + 4:
            total, out_of_order = _field(info, _DATA_SEGS_IN_AT), 0
        else:
            return 1
        if out_of_order > self._out_of_order and self._latest_ns:
            # What arrived meanwhile had to wait for one that was lost or overtaken.
            self._stalled_ns += max(0, arrival_ns - self._latest_ns)
        self._out_of_order, self._latest_ns = out_of_order, arrival_ns
        parts, self._segments = total - self._segments, total
        return parts

    def seen(self, request_id: int) -> NetworkSeen | None:
        """All that is known of the path since the request began; None where the kernel says nothing."""
        info = self._info()
        if len(info) < _DATA_SEGS_IN_AT:
            return None
        rtt_us, min_rtt_us = _field(info, _RTT_AT), _field(info, _MIN_RTT_AT)
        is_known = rtt_us not in _NO_RTT and min_rtt_us not in _NO_RTT
        return NetworkSeen(
            request_id=request_id,
            rtt_ns=rtt_us * _NS_PER_US if is_known else None,
            min_rtt_ns=min_rtt_us * _NS_PER_US if is_known else None,
            sent_bytes=self._written - self._first_byte,
            segment_bytes=_field(info, _MSS_AT),
            retransmissions=max(0, _needed(info) - self._retransmissions_before),
            out_of_order=max(0, _field(info, _OUT_OF_ORDER_AT) - self._out_of_order_before),
            stalled_ns=self._stalled_ns,
            to_proxy=self._to_proxy,
        )

    def _info(self) -> bytes:
        return _info_of(self._socket) if self._is_tcp and self._socket.fileno() >= 0 else self._last_info


def min_rtt_ns(sock: socket.socket) -> int | None:
    """The shortest round trip of an open connection, ns; None where the kernel has none."""
    shortest_us = _field(_info_of(sock), _MIN_RTT_AT) if KNOWN and sock.fileno() >= 0 else 0
    return None if shortest_us in _NO_RTT else shortest_us * _NS_PER_US


def _info_of(sock: socket.socket) -> bytes:
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    except OSError:
        return b""


def _field(info: bytes, at: int) -> int:
    return int.from_bytes(info[at : at + 4], sys.byteorder)


def _needed(info: bytes) -> int:
    """Segments that were sent again for good reason: the peer tells of those that it had already."""
    return _field(info, _TOTAL_RETRANS_AT) - _field(info, _DSACK_DUPS_AT)
