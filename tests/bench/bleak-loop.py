#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""bleak-loop.py ADDRESS: what recv-loop does, with bleak: connects, asks for Live Measurement, looks at all samples of what comes and keeps their
maximum and sum. Prints `ready` once it is subscribed, and upon SIGUSR1 how many it has looked at."""
import asyncio
import logging
import signal
import struct
import sys

from bleak import BleakClient

LIVE_UUID = '95840102-2319-423b-8a8e-ee1ffb8d13f8'
FIXED_OCTETS = 18


class Samples:
    def __init__(self):
        self.received = self.n = self.sum = 0
        self.max = -32768

    def take(self, _, data):
        values = struct.unpack_from(f'<{(len(data) - FIXED_OCTETS) // 2}h', data, FIXED_OCTETS)
        self.received += 1
        self.n += len(values)
        self.sum += sum(values)
        self.max = max(self.max, max(values))


async def main(address):
    samples, over = Samples(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: print(f'at {samples.received}', flush=True))
    async with BleakClient(address, disconnected_callback=lambda _: over.set()) as client:
        await client.start_notify(LIVE_UUID, samples.take)
        print('ready', flush=True)
        await over.wait()
    print(f'received {samples.received} max {samples.max} mean {samples.sum // max(samples.n, 1)}', flush=True)


if __name__ == '__main__':
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(sys.argv[1]))
