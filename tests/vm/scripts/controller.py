#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in the guest: one virtual controller, which can be unplugged alone and plugged in elsewhere.

usage: controller.py [SERVER]

btvirt's own controllers (-l) come and go together, and their addresses follow the numbers that the kernel gives them. Those of its
server (btvirt -s) are made in the order in which somebody connects, in reach of each other: this connects to it and carries the
packets to and from a controller of the kernel's, which is unplugged when this ends.

Without SERVER: a controller that never answers. It takes the first free number and is no adapter of bluetoothd's.
"""

import os
import select
import socket
import sys

VENDOR, PRIMARY = 0xff, 0x00
# H4: type of packet -> (octets of its header with the type, offset of the length, octets of the length)
HEADERS = {1: (4, 3, 1), 2: (5, 3, 2), 4: (3, 2, 1)}


def packets(buffer):
    """Take the whole packets out of the buffer."""
    while buffer:
        size, offset, width = HEADERS[buffer[0]]
        if len(buffer) < size:
            return
        size += int.from_bytes(buffer[offset:offset + width], 'little')
        if len(buffer) < size:
            return
        yield bytes(buffer[:size])
        del buffer[:size]


def carry(host, server):
    received = bytearray()
    while True:
        for ready in select.select([host, server], [], [])[0]:
            if ready == host:
                server.sendall(os.read(host, 65536))
                continue
            data = server.recv(65536)
            if not data:
                return
            received += data
            for packet in packets(received):
                os.write(host, packet)


def main():
    host = os.open('/dev/vhci', os.O_RDWR)
    os.write(host, bytes([VENDOR, PRIMARY]))
    number = int.from_bytes(os.read(host, 4)[2:4], 'little')
    print(f'hci{number}', flush=True)
    if len(sys.argv) < 2:
        while True:
            os.read(host, 65536)
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(sys.argv[1])
        carry(host, server)


if __name__ == '__main__':
    main()
