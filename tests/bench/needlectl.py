# SPDX-License-Identifier: LGPL-2.1-or-later
"""What needlectl costs: how long a person waits for `status`, `sessions` and the completion of a number, with ten thousand sessions stored.
What it counts are the gates, with what is asked of the bus; times are told, and gated so wide that neighbours do not matter."""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import sqlite3
import subprocess
import time

from count import NO_REP, total
from figure import Figure
from rig import Bench, Failure, need
from store import fill

SESSIONS = 10_000
TIMES = 15
SPREAD = 3                      # how much slower than its target it may be with neighbours
# (name, words, ms, million instructions, messages to the bus: Hello and the calls)
VERBS = (('status', ('status',), 20, 25, 4),
         ('sessions --json', ('sessions', '--json'), 60, 40, 2),
         ('sessions', ('sessions', '--no-pager'), 60, 40, 2),
         ('complete show', ('complete', '--', 'show', ''), 100, 60, 4))


def run(bench, words, wrapper=(), env=None):
    done = subprocess.run([*wrapper, bench.binary('client/needlectl'), *words], env={**os.environ, **bench.env, **NO_REP, **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f'needlectl {" ".join(words)}: status {done.returncode}: {done.stderr}')
    return done.stdout


def wall_msec(bench, words):
    began = time.monotonic()
    run(bench, words)
    return (time.monotonic() - began) * 1e3


def messages(bench, words):
    """(messages that it sends to the bus after the handshake, all its system calls)."""
    trace = bench.dir / 'client.strace'
    run(bench, words, ('strace', '-f', '-s', '64', '-o', trace))
    calls = [match[1] for match in re.finditer(r'^\d+ +(\w+)\(', trace.read_text(errors='replace'), re.M)]
    text = trace.read_text(errors='replace')
    sent = len(re.findall(r'sendmsg\(.*iov_base="l\\1', text))
    if sent < 2:
        raise Failure(f'strace saw {sent} messages to the bus')
    return sent, len(calls)


def instructions(bench, words):
    out = bench.dir / 'client.callgrind'
    run(bench, words, ('valgrind', '-q', '--tool=callgrind', f'--callgrind-out-file={out}'))
    return total(out)


def stored(bench):
    """They are of the user who measures."""
    shutil.copytree(bench.template.state, bench.state_dir)
    path = pathlib.Path(bench.state_dir) / 'needled.db'
    fill(path, SESSIONS)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute('UPDATE session SET owner = ?, owner_name = ?', (os.getuid(), pwd.getpwuid(os.getuid()).pw_name))
        figures = [row[1] for row in db.execute('PRAGMA table_info(session)') if row[2] == 'INTEGER' and not row[3] and row[1] not in ('id', 'record_seq')]
        values = ', '.join(f'"{name}" = 1000 + id % 1000' for name in figures if name != 'figures_version')
        db.execute(f'UPDATE session SET {values}')


def needlectl(template, options):
    need('strace', 'valgrind')
    with Bench(template) as bench:
        stored(bench)
        bench.needled()
        lines = len(run(bench, VERBS[-1][1]).splitlines())
        if lines < 50:
            raise Failure(f'{lines} numbers are proposed')
        for name, words, msec, million, sent in VERBS:
            times = sorted(wall_msec(bench, words) for _ in range(TIMES + 1))[:-1]
            calls, syscalls = messages(bench, words)
            middle = times[TIMES // 2]
            notes = [f'{times[0]:.1f} to {times[-1]:.1f} ms in {TIMES} runs']
            yield Figure(f'needlectl {name}, {SESSIONS:,} sessions stored', middle, 'ms', msec * SPREAD if options.gates else msec, None, True, notes)
            yield Figure(f'million user instructions of needlectl {name}', instructions(bench, words) / 1e6, '', million, count=True)
            yield Figure(f'messages that needlectl {name} sends to the bus', calls, '', sent, None, True, [f'{syscalls} system calls'])
