# SPDX-License-Identifier: LGPL-2.1-or-later
"""What readers of a live session cost the daemon: CPU and wakeups of its loop for each notification, with none, 1, 4 and 16 of them, in turn."""
import contextlib
import os
import pathlib
import sqlite3
import time

from cpu import OTHERS_CPU, READER_CPU, on_cpu
from figure import middle
from rig import Bench, Failure, VALUE_OCTETS, cpu_usec, need, switches, thread_cpu_usec, wait_for

FAN_SEC = 4
PERIODS_USEC = (50_000, 0)
READERS = (0, 1, 4, 16)
OF_A_USER = 8                   # STREAMS_MAX_PER_USER
STRANGER = 65534                # owns the session; root reads it too


def owned(bench):
    """The device is the stranger's, and so will be its sessions."""
    with contextlib.closing(sqlite3.connect(pathlib.Path(bench.state_dir) / 'needled.db')) as db, db:
        db.execute('UPDATE device SET owner = ?', (STRANGER,))


def readers_new(bench, n, period_usec):
    started = []
    for i, few in enumerate((min(n, OF_A_USER), n - min(n, OF_A_USER))):
        if few == 0:
            continue
        with on_cpu(OTHERS_CPU):
            words = [bench.binary('tests/bench/bus-loop'), 'read', few, period_usec]
            words = ['setpriv', f'--reuid={STRANGER}', f'--regid={STRANGER}', '--clear-groups', *words] if i else words
            reader = bench.start(f'readers{bench.count("readers")}', words)
        wait_for('the readers', lambda: 'ready' in reader.text() or not reader.running())
        if not reader.running():
            raise Failure(f'{few} streams were not given: {reader.text()}')
        started.append(reader)
    return started


def cost(bench, n, period_usec):
    """(µs of CPU of the loop, of all threads, wakeups) for each notification."""
    readers = readers_new(bench, n, period_usec)
    pid = bench.daemon.child.pid

    def now():
        return thread_cpu_usec(pid, pid), cpu_usec(pid), switches(pid)[pid], bench.sent()[0]
    before = now()
    time.sleep(FAN_SEC)
    bench.running()
    loop, whole, woken, taken = (b - a for a, b in zip(before, now()))
    for reader in readers:
        if not reader.running():
            raise Failure('a stream ended')
        reader.stop()
        bench.processes.remove(reader)
    return loop / taken, whole / taken, woken / taken


def fan_out(template, options):
    need('setpriv')
    if os.getuid() != 0:
        raise Failure('16 readers are of two users: only root can be both')
    with on_cpu(OTHERS_CPU), Bench(template, f'--flood=800:0:{VALUE_OCTETS}') as bench:
        os.chmod(bench.dir, 0o711)
        bench.state_new()
        owned(bench)
        with on_cpu(READER_CPU):
            bench.daemon_start()
        bench.flow(400)
        wait_for('the session', bench.live_session)
        for period_usec in PERIODS_USEC:
            rounds = [{n: cost(bench, n, period_usec) for n in READERS if n > 0 or period_usec} for _ in range(options.rounds)]
            how = f'a message each {period_usec // 1000} ms' if period_usec else 'a message each value'
            for n in rounds[0]:
                name = f'800/s, {n} {"reader" if n == 1 else "readers"}, {how}' if n else '800/s, no reader'
                yield middle(f'{name}: CPU of the loop', (costs[n][0] for costs in rounds), 'µs')
                yield middle(f'{name}: CPU, all threads', (costs[n][1] for costs in rounds), 'µs')
                yield middle(f'{name}: wakeups of the loop', (costs[n][2] for costs in rounds), '')
        bench.daemon_stop()
