"""A link of the length of a country, in user space: delay, loss and rate between this machine and a network namespace.

    python wan_link.py [--delay MS] [--loss SHARE] [--rate MBIT] [--net N] -- COMMAND ...

Two TUN devices, one here (10.77.N.1) and one in a network namespace of its own (10.77.N.2), in which COMMAND runs with
this process's standard output, and from which all addresses of this machine are reached. Every packet waits its turn at
the rate, then the delay, and may be lost; the kernel's TCP does the rest, as over a real network. Ends, and ends
COMMAND, when its standard input does. Needs root, Linux.
"""

import argparse
import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

HERE, THERE = "10.77.{}.1", "10.77.{}.2"
_SET_IFF, _TUN_WITHOUT_INFO = 0x400454CA, 0x1001
_NEW_NETWORK = 0x40000000
_MOST_BYTES = 65536


class Way:
    """One direction: packets in at one device, out at the other."""

    def __init__(self, source: int, target: int, options: argparse.Namespace, seed: int) -> None:
        self.source, self._target = source, target
        self._delay_ns = round(options.delay * 1e6)
        self._ns_per_byte = 8_000 / options.rate if options.rate else 0.0
        self._loss = options.loss
        self._random = random.Random(seed)
        self._free_ns = 0.0
        self._count = 0
        self.under_way: list[tuple[float, int, bytes]] = []

    def take(self) -> None:
        """Take in all packets that wait at the source."""
        while True:
            try:
                packet = os.read(self.source, _MOST_BYTES)
            except BlockingIOError:
                return
            now = time.monotonic_ns()
            self._free_ns = max(self._free_ns, now) + len(packet) * self._ns_per_byte
            self._count += 1
            if self._random.random() >= self._loss:
                heapq.heappush(self.under_way, (self._free_ns + self._delay_ns, self._count, packet))

    def give(self) -> None:
        """Give out all packets whose time has come."""
        while self.under_way and self.under_way[0][0] <= time.monotonic_ns():
            packet = heapq.heappop(self.under_way)[2]
            with contextlib.suppress(OSError):  # the kernel has no room: lost, as packets are
                os.write(self._target, packet)


def device(name: str, address: str) -> int:
    """A TUN device in the present namespace, and its descriptor."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _SET_IFF, struct.pack("16sH14x", name.encode(), _TUN_WITHOUT_INFO))
    for command in (f"addr add {address}/30 dev {name}", f"link set {name} mtu 1500 up"):
        subprocess.run(["ip", *command.split()], check=True)
    return descriptor


def main() -> None:
    """Set up, and carry packets."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--delay", type=float, default=40.0, help="each way, ms")
    parser.add_argument("--loss", type=float, default=0.0, help="share of packets, each way")
    parser.add_argument("--rate", type=float, default=0.0, help="Mbit/s each way; 0: no limit")
    parser.add_argument("--net", type=int, default=0, choices=range(256), metavar="N", help="part of the addresses")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    here = device(f"wan{os.getpid() % 10_000}", HERE.format(options.net))
    # This process alone moves; its first device stays where it is.
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "no network namespace; run it as root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    there = device("wan", THERE.format(options.net))
    subprocess.run(["ip", "route", "add", "default", "dev", "wan"], check=True)
    child = subprocess.Popen(options.command)
    with contextlib.suppress(OSError):
        # A packet that waits for a processor would be a longer link.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    ways = (Way(here, there, options, 1), Way(there, here, options, 2))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        while True:
            due = min((way.under_way[0][0] for way in ways if way.under_way), default=None)
            wait_s = 1.0 if due is None else max(0.0, (due - time.monotonic_ns()) / 1e9)
            ready, _, _ = select.select([here, there, 0], [], [], wait_s)
            if 0 in ready and not os.read(0, 1):
                return
            for way in ways:
                way.take()
                way.give()
    finally:
        child.terminate()
        child.wait(30)


if __name__ == "__main__":
    main()
