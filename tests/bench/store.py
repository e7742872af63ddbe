# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the store costs, and that it costs the same with ten sessions as with a hundred thousand. Instructions and octets are the gates;
milliseconds are told."""
import contextlib
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time

from count import NO_REP, annotate, total
from figure import Figure
from rig import Bench, Failure, need

FEW, MANY = 10, 100_000
START_SESSIONS = 10_000
LENGTH_MIN = 30
RUNS = (4000, 12000)
ASKED = (20, 120)
STARTS = 9
FRAME_INSTRUCTIONS = 500
READ_MIN = 60
SERIES, REPLAYS = (2, 6), (1, 3)
SERIES_MILLIONS, REPLAY_MILLIONS = 130, 135

# Each a session that is over, with a chunk and an event, a day after the one before.
FILL = ("""INSERT INTO session (id, uuid, device_address, device_alias, profile, owner, owner_name, boot_id, utc_offset_sec, start_boottime,
 start_realtime, subject, area, product, note, ended, end_reason, end_realtime, end_boottime) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL
 SELECT i + 1 FROM n WHERE i < ?1) SELECT i, printf('00000000-0000-4000-8000-%012x', i), printf('C0:FF:EE:00:00:%02X', i % 7), 'pen', 'omp1',
 1000 + i % 10 / 9, 'ada', '', 0, 1000000, 1600000000000000 + i * 86400000000, 'me', 'chin', '', '', 1, 'user',
 1600001800000000 + i * 86400000000, 1801000000 FROM n""",
        """INSERT INTO chunk (session, seq, t0_boottime, t0_realtime, frames, encoding, crc, data)
 SELECT id, 0, start_boottime, start_realtime, 0, 1, 0, zeroblob(200) FROM session WHERE id <= ?1""",
        """INSERT INTO event (session, session_usec, realtime, code, severity, asserted, value)
 SELECT id, 5, start_realtime, 1, 0, 0, 0 FROM session WHERE id <= ?1""",
        "UPDATE meta SET value = ?1 + 1 WHERE key = 'next_session_id'")


def loop(*args, wrapper=()):
    program = pathlib.Path(os.environ['NEEDLED_BUILD']) / 'tests/bench/store-loop'
    done = subprocess.run([*wrapper, program, *map(str, args)], text=True, capture_output=True, env={**os.environ, **NO_REP})
    if done.returncode != 0:
        raise Failure(f'store-loop {" ".join(map(str, args))}: {done.stderr}')
    return done.stdout


def fill(path, n):
    """A database of that many sessions, by the tables that the store itself has made."""
    if not path.exists():
        loop('open', 1, path)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for statement in FILL:
            db.execute(statement, (n,) if '?1' in statement else ())
    loop('open', 1, path)


def threads_of(path, out, what, count):
    """[(instructions, {function: instructions})] of each thread, the caller's first; the database stays as it is."""
    copy = out / 'copy.db'
    shutil.copyfile(path, copy)
    for old in out.glob('callgrind*'):
        old.unlink()
    loop(what, count, copy, wrapper=('valgrind', '--tool=callgrind', '--separate-threads=yes', f'--callgrind-out-file={out}/callgrind'))
    files = sorted(out.glob('callgrind-*'))
    if len(files) < 2:
        raise Failure(f'callgrind wrote {len(files)} files')
    return [(total(file), annotate(file)) for file in files]


def each(path, what, counts):
    """(instructions of all threads, of store_session_frame(), of the store's threads) each time; what an opening costs falls out."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = (threads_of(path, pathlib.Path(folder), what, n) for n in counts)
    n = counts[1] - counts[0]
    whole, store = (sum(cost for cost, _ in long[i:]) - sum(cost for cost, _ in short[i:]) for i in (0, 1))
    frame = long[0][1].get('store_session_frame', 0) - short[0][1].get('store_session_frame', 0)
    return whole / n, frame / n, store / n


def msec(*args):
    """(by the wall clock, of the processors)"""
    return tuple(float(word) for word in loop(*args).split())


def reading(folder):
    """An hour as the profile's device sends it, made once by the real store, read by the daemon's own decoder."""
    path, fast = folder / 'hour.db', folder / 'hour-fast.db'
    loop('play', READ_MIN, path)
    loop('play', READ_MIN, fast, 1000)
    for name, what, counts, millions, target in (('1,000 points', 'series', SERIES, SERIES_MILLIONS, 50),
                                                 ('the figures', 'replay', REPLAYS, REPLAY_MILLIONS, 300)):
        wall, busy = msec(what, 9, path)
        yield Figure(f'{name} of {READ_MIN} minutes', wall, 'ms', target, None, False, [f'{busy:.1f} ms of the processors'])
        yield Figure(f'user instructions for {name} of {READ_MIN} minutes', each(path, what, counts)[0] / 1e6, 'million', millions, count=True)
    yield Figure(f'RSS more while {READ_MIN} minutes of 1 kHz are exported as JSON', int(loop('export', 1, fast)), 'KiB', 8192, None, True)


def size_figure(folder):
    path = folder / 'session.db'
    loop('session', LENGTH_MIN, path)
    return Figure(f'{LENGTH_MIN} minutes with a waveform of 200 Hz', path.stat().st_size / 1e6, 'MB', 2.2, 1.9, True)


def flat(name, few, many):
    """By how much more it costs with many sessions."""
    return Figure(f'{name}, {MANY:,} sessions more than {FEW}', max(0, (many / few - 1) * 100), '%', 10, None, True,
                  [f'{FEW} sessions: {few:,.0f}', f'{MANY:,} sessions: {many:,.0f}'])


def keep(template, options):
    """What a session costs to keep, and to read again."""
    need('valgrind')
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        yield size_figure(folder)
        yield from reading(folder)


def flatness(template, options):
    """Recording, listing, finding and opening, with ten sessions and with a hundred thousand."""
    need('valgrind')
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        few, many = folder / 'few.db', folder / 'many.db'
        fill(few, FEW)
        fill(many, MANY)
        recorded = [each(path, 'record', RUNS) for path in (few, many)]
        if not all(way[1] > 0 for way in recorded):
            raise Failure('callgrind saw no function store_session_frame: was it renamed, or the program stripped?')
        yield Figure('user instructions to hand a frame to the store', recorded[1][1], '', FRAME_INSTRUCTIONS, count=True)
        yield Figure("user instructions of the store's threads for each frame, without waiting", recorded[1][2], '', 1500, count=True)
        # How often the threads wait and wake is the machine's affair.
        yield flat('user instructions to record a frame, without waiting', *(sum(way[1:3]) for way in recorded))
        for what in ('list', 'find', 'get'):
            yield flat(f'user instructions to {what}', *(each(path, what, ASKED)[0] for path in (few, many)))
        yield Figure(f'a page of 50 of {MANY:,} sessions', msec('page', 100, many)[0], 'ms', 20)
        yield flat('octets read to open', *(opened_octets(path) for path in (few, many)))
        yield Figure(f'the store open with {MANY:,} sessions', msec('open', 20, many)[0], 'ms')


def opened_octets(path):
    """What an opening reads of the file: by the kernel's count of the process's reads, in blocks of the file system's cache or not."""
    program = pathlib.Path(os.environ['NEEDLED_BUILD']) / 'tests/bench/store-loop'
    out = path.with_suffix('.trace')
    need('strace')
    subprocess.run(['strace', '-f', '-e', 'trace=pread64', '-o', out, program, 'open', '1', path], check=True, capture_output=True)
    return sum(int(line.rsplit('= ', 1)[1]) for line in out.read_text().splitlines() if 'pread64' in line and '= -' not in line and '= ' in line)


def ready_msec(bench, address):
    """From exec to READY=1."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as notify:
        notify.bind(str(address))
        notify.settimeout(60)
        began = time.monotonic()
        daemon = bench.start('ready', [bench.binary('daemon/needled'), f'--state-dir={bench.state_dir}', f'--config-dir={bench.config_dir}'],
                             {'NOTIFY_SOCKET': str(address)})
        while b'READY=1' not in notify.recv(4096).split(b'\n'):
            pass
        took = (time.monotonic() - began) * 1e3
        daemon.stop()
    address.unlink()
    return took


def ready(template, options):
    """P7: the checks of the database run after READY."""
    with Bench(template) as bench:
        shutil.copytree(template.state, bench.state_dir, dirs_exist_ok=True)
        fill(pathlib.Path(bench.state_dir) / 'needled.db', START_SESSIONS)
        times = sorted(ready_msec(bench, pathlib.Path(bench.dir) / f'notify{i}') for i in range(STARTS))
    yield Figure(f'exec to READY with {START_SESSIONS:,} sessions', times[STARTS // 2], 'ms', 200, None, False,
                 [f'{times[0]:.1f} to {times[-1]:.1f} ms in {STARTS} starts'])
