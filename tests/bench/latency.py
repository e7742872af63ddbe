# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long a notification is on its way. One clock for all, CLOCK_REALTIME; a measurement during which it was set is not one.

sent            the stand-in read the clock just before its send() into the socket of AcquireNotify; the time stands in the value itself (needlesim --stamp)
received        needled's own stamp of the frame, the first thing after its recv() has returned, as the database has it
decoded         the kernel's stamp of the record in the socket of a stream without a period: decoded, summed, handed to the store, and sent on
at a reader     that reader's recvmsg() has returned; and that of a reader that asked for a message each 50 ms
in the file     another process, with a database connection of its own, sees the frame: a commit has written it, and kill -9 cannot take it any more
on the disk     the end of the first fdatasync() of the log that began after that commit had written it: a power cut cannot take it any more
"""
import bisect
import contextlib
import ctypes
import os
import re
import select
import signal
import sqlite3
import struct
import threading
import time

from figure import Figure
from rig import Bench, Failure, VALUE_OCTETS, decode_chunk, need, wait_for

LATENCY_SEC = 20
PERIOD_USEC = 50_000
LATENCY_RATES = (100, 800, 5000)
MISSING_MAX = 0.001             # of the values, anywhere
CLOCK_STEP_NSEC = 200_000       # what the clock may be drawn away by while we measure
IN_MODIFY = 0x2
LOOK_AGAIN_SEC, LOOK_TIMES = 0.0005, 20
LOG_WRITE = re.compile(r'^(\d+\.\d+) (pwrite64|fdatasync)\(\d+<[^>]*-wal>.* <(\d+\.\d+)>$')


def clock_offset_nsec():
    return time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_BOOTTIME)


@contextlib.contextmanager
def steady_clock():
    before = clock_offset_nsec()
    yield
    if abs(clock_offset_nsec() - before) > CLOCK_STEP_NSEC:
        raise Failure('the clock was set while latencies were measured; measure again')


class Watcher(threading.Thread):
    """Looks at the database whenever its log was written to: when which newest frame could be seen by others, both in ns of CLOCK_REALTIME."""

    def __init__(self, bench):
        super().__init__(daemon=True)
        self.path = bench.state_dir / 'needled.db'
        self.seen = []
        self.over = threading.Event()
        self.failure = None

    def newest(self, db):
        row = db.execute('SELECT t0_boottime, t0_realtime, frames, data FROM tail ORDER BY t0_boottime DESC LIMIT 1').fetchone()
        return max((frame.realtime for frame in decode_chunk(*row)), default=0) * 1000 if row else 0

    def look(self, db):
        """The log is written before its index, which says that it counts: so not only once."""
        last = self.seen[-1][1] if self.seen else 0
        for _ in range(LOOK_TIMES):
            newest, now = self.newest(db), time.clock_gettime_ns(time.CLOCK_REALTIME)
            if newest > last:
                self.seen.append((now, newest))
                return
            time.sleep(LOOK_AGAIN_SEC)

    def watch(self):
        libc = ctypes.CDLL(None, use_errno=True)
        fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0 or libc.inotify_add_watch(fd, os.fsencode(f'{self.path}-wal'), IN_MODIFY) < 0:
            raise Failure(f'inotify: {os.strerror(ctypes.get_errno())}')
        with contextlib.closing(sqlite3.connect(f'file:{self.path}?mode=ro', uri=True, isolation_level=None)) as db:
            while not self.over.is_set():
                if select.select([fd], [], [], 0.1)[0]:
                    os.read(fd, 65536)
                    self.look(db)
        os.close(fd)

    def run(self):
        try:
            self.watch()
        except Exception as error:      # told to who waits
            self.failure = error

    def end(self):
        self.over.set()
        self.join()
        if self.failure:
            raise self.failure
        return self.seen


def reader_new(bench, period_usec):
    path = bench.dir / f'read-{period_usec}'
    reader = bench.start(f'reader-{period_usec}', [bench.binary('tests/bench/bus-loop'), 'read', 1, period_usec, path])
    wait_for('the reader', lambda: 'ready' in reader.text() or not reader.running())
    if not reader.running():
        raise Failure('no stream was given')
    return reader, path


def values_read(reader, path):
    """{µs of needled's stamp: (sent on, read) in ns}"""
    if reader.stop(signal.SIGTERM) != 0:
        raise Failure('the reader failed')
    rows = (map(int, line.split()) for line in path.read_text().splitlines())
    return {received: (sent, read) for received, sent, read in rows}


def first_from(steps, value):
    """When the first of these steps (when, how far) came as far as this; None: none did."""
    at = bisect.bisect_left(steps, value, key=lambda step: step[1])
    return steps[at][0] if at < len(steps) else None


def syncs_of(folder):
    """([when a write of the log was over], [(when a sync of it began, when it was over)]), in ns."""
    writes, syncs = [], []
    for path in folder.glob('sync.*'):
        for line in path.read_text(errors='replace').splitlines():
            if match := LOG_WRITE.match(line):
                began, took = int(float(match[1]) * 1e9), int(float(match[3]) * 1e9)
                if match[2] == 'pwrite64':
                    writes.append(began + took)
                else:
                    syncs.append((began, began + took))
    return sorted(writes), sorted(syncs)


def durable(seen, folder):
    """As `seen`, but when it was synced: the first sync that began when the commit's last write was over."""
    writes, syncs = syncs_of(folder)
    steps = []
    for when, newest in seen:
        at = bisect.bisect_right(writes, when)
        first = bisect.bisect_left(syncs, (writes[at - 1] if at else 0, 0))
        if first < len(syncs):
            steps.append((syncs[first][1], newest))
    if len(steps) < 3:
        raise Failure(f'strace saw {len(syncs)} syncs for {len(seen)} commits')
    return steps


def quantile(values, q):
    return values[min(len(values) - 1, int(q * len(values)))]


def figure_of(name, values, unit, target=None):
    """Judged by the 99th percentile: one in a hundred is more than a neighbour's doing. The values are in ns."""
    values = sorted(value / {'µs': 1e3, 'ms': 1e6}[unit] for value in values)
    if not values:
        raise Failure(f'{name}: nothing came there')
    quantiles = {label: quantile(values, q) for label, q in (('p50', 0.5), ('p99', 0.99), ('p99.9', 0.999), ('max', 1))}
    return Figure(name, quantiles['p99'], unit, target, quantiles=quantiles, notes=[f'{len(values):,} values'])


def sent_nsec(frame):
    return struct.unpack('<Q', frame.data[-8:])[0]


def arrived(where, frames, there):
    """What came there; a quantile of those alone that came hides those that did not."""
    if len(there) < len(frames) * (1 - MISSING_MAX):
        raise Failure(f'{len(there):,} of {len(frames):,} values came to {where}')
    return there


def until(steps, frames, where):
    """How long each value took until one of the steps (when, how far) had it, in ns."""
    times = [(first_from(steps, frame.realtime * 1000), frame) for frame in frames]
    return arrived(where, frames, [when - sent_nsec(frame) for when, frame in times if when])


def follow(template, rate, readers, wrapper=()):
    """(Live frames from when all of it stood, [values read by each reader], what the watcher saw)"""
    count = rate * (LATENCY_SEC + 3)
    with steady_clock(), Bench(template, f'--flood={rate}:{count}:{VALUE_OCTETS}', '--stamp') as bench:
        words = [word.format(dir=bench.dir) for word in wrapper]
        bench.daemon_new(*words)
        bench.flow(rate)
        wait_for('the session', bench.live_session)
        opened = [reader_new(bench, period_usec) for period_usec in readers]
        watcher = Watcher(bench)
        watcher.start()
        bench.flow(rate // 10)
        began = time.time_ns()
        bench.flood_over(count)
        time.sleep(1.5)         # until the last is synced
        read = [values_read(*reader) for reader in opened]
        seen = watcher.end()
        if wrapper:
            bench.daemon_stop(int(next(iter(children(bench.daemon.child.pid)))))
            seen = durable(seen, bench.dir)
        else:
            bench.daemon_stop()
        frames = [frame for frame in bench.frames() if frame.is_live]
    return [frame for frame in frames if sent_nsec(frame) >= began], read, seen


def children(pid):
    with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
        return file.read().split()


def way_of(template, rate):
    frames, (at_once, gathered), seen = follow(template, rate, (0, PERIOD_USEC))
    both = arrived('both readers', frames, [frame for frame in frames if frame.realtime in at_once and frame.realtime in gathered])
    in_file = until(seen, frames, 'the file')
    name = f'latency at {rate:,}/s: sent to '
    yield figure_of(name + 'received', [frame.realtime * 1000 - sent_nsec(frame) for frame in frames], 'µs')
    yield figure_of(name + 'decoded and sent on', [at_once[frame.realtime][0] - sent_nsec(frame) for frame in both], 'µs')
    yield figure_of(name + 'a reader without a period', [at_once[frame.realtime][1] - sent_nsec(frame) for frame in both], 'µs')
    yield figure_of(name + 'a reader with a period of 50 ms', [gathered[frame.realtime][1] - sent_nsec(frame) for frame in both], 'ms')
    yield figure_of(name + 'in the file', in_file, 'ms', 100)


def latency(template, options):
    need('strace')
    for rate in LATENCY_RATES:
        yield from way_of(template, rate)
    trace = ('strace', '-ff', '--seccomp-bpf', '-y', '-ttt', '-T', '-s', '0', '-e', 'trace=pwrite64,fdatasync', '-o', '{dir}/sync')
    frames, _, synced = follow(template, 800, (), trace)
    yield figure_of('latency at 800/s: sent to on the disk', until(synced, frames, 'the disk'), 'ms', 1000)
