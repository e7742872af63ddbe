# SPDX-License-Identifier: LGPL-2.1-or-later
"""An allocation inside libsystemd fails, the first, the second … of those that a start takes, or a link that is lost and back, and calls: needled goes on, or
ends with an error like any other, and then the next one goes on. Some by lot; NEEDLED_LONG=1 takes all, or NEEDLED_TRIALS of them."""
import mmap
import os
import random
import re
import signal
import struct

import wire
from stage import Failure, at_least, expect, wait_for

LONG = bool(os.environ.get('NEEDLED_LONG'))
TRIALS = int(os.environ.get('NEEDLED_TRIALS', '1000000' if LONG else '6'))
SEED = int(os.environ.get('NEEDLED_SEED', random.randrange(1 << 32)))
PLAN = '<QQQQ'                          # struct plan of fail-allocation.c
# libsystemd 252 leaves the parents of an object that it could not add, and ends the process for them when the connection is freed.
LEFT_NODES = "Assertion 'hashmap_isempty(b->nodes)' failed"
# Members of that object that were added already it keeps, with the object's path, which it has freed: the next look at them meets it.
FREED_PATH = re.compile(r'''==\d+==ERROR: AddressSanitizer: heap-use-after-free .*
READ of size \d+ .*
 +#0 \S+ in __interceptor_str(?:cmp|len) .*
 +#1 \S+ +\(\S*/libsystemd\.so[^\0]*?
freed by thread .*
 +#0 \S+ in __interceptor_free .*
 +#1 \S+ +\(\S*/libsystemd\.so[^\0]*?
previously allocated by thread .*
 +#0 \S+ in __interceptor_strdup .*
 +#1 \S+ in strdup \S*/fail-allocation\.c:\d+
 +#2 \S+ +\(\S*/libsystemd\.so''')

# What libsystemd answers a call with for which there is no memory: nothing of needled's own.
wire.STANDARD_ERRORS |= {f'{wire.BUS}.Error.NoMemory'}


class Memory:
    """Of which libsystemd does not get what it asks for."""

    def __init__(self, stage):
        path = stage.dir / 'plan'
        path.write_bytes(struct.pack(PLAN, 0, 0, 0, 0))
        with open(path, 'r+b') as file:
            self.map = mmap.mmap(file.fileno(), 0)
        self.env = {'LD_PRELOAD': str(stage.binary('tests/integration/libfail-allocation.so')), 'FAIL_ALLOCATION': str(path),
                    'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'}

    def arm(self, first, n=1):
        self.map[:] = struct.pack(PLAN, first, n, 0, 0)

    def disarm(self):
        """Returns how many were asked for since it was armed, and how many failed."""
        _, _, count, failed = struct.unpack(PLAN, self.map[:])
        self.arm(0)
        return count, failed


def some(count):
    """Which of so many fail, one a trial. They are told, to be had again with NEEDLED_SEED."""
    lot = random.Random(SEED).sample(range(1, count + 1), min(count, TRIALS))
    print(f'# NEEDLED_SEED={SEED}: of {count} allocations {sorted(lot) if len(lot) < 50 else len(lot)}', flush=True)
    return sorted(lot)


def check_end(stage, *statuses):
    """Of itself, or at its very end by the fault of libsystemd."""
    status, text = stage.daemon.child.returncode, stage.daemon.text()
    known = FREED_PATH.search(text)
    if known and text.count('ERROR: AddressSanitizer') == 1:
        stage.daemon.log_path.rename(stage.daemon.log_path.with_suffix('.known'))
    elif not (status == -signal.SIGABRT and LEFT_NODES in text):
        expect(status in statuses, True, f'an exit status of {statuses}, and it is {status} ({text[-500:]})')
    stage.processes.remove(stage.daemon)


def ended(stage):
    """Whether needled has ended: with an error, for systemd to start it again."""
    if stage.daemon.running():
        return False
    check_end(stage, 1)
    return True


def test_at_a_start(stage):
    memory = Memory(stage)
    stage.needled(env=memory.env)
    count, _ = memory.disarm()
    expect(stage.daemon.stop(), 0, 'exit status')
    at_least(count, 100, 'allocations of libsystemd at a start')
    met = errors = 0
    for first in some(count):
        memory.arm(first)
        stage.needled(env=memory.env)
        met += memory.disarm()[1]
        if ended(stage):
            errors += 1
            continue
        errors += stage.daemon.stop() != 0
        check_end(stage, 0, 1)
    at_least(met, 1, 'allocations that failed')
    print(f'# of {count} allocations at a start {met} failed, one a start; {errors} starts ended with an error')


def lost_and_back(stage, sim):
    """Whatever of it goes wrong, only what is there afterwards counts."""
    sim.control('drop 08')
    for words in (['status'], ['devices', '--json'], ['sessions']):
        stage.ctl(*words)


def runs(stage):
    """The session of a device that streams; None if there is none, or if this call is the one that is not answered."""
    try:
        return stage.streaming() and stage.live_session()
    except Failure:
        return None


def goes_on(stage, sim, memory, session):
    """Returns how many processes ended until one went on with the session."""
    n_ended = 0

    def back():
        nonlocal n_ended
        if ended(stage):
            n_ended += 1
            stage.needled(env=memory.env)
        live = runs(stage)
        return live and (live['id'], live['state']) == (session['id'], 'running')
    wait_for('the session that goes on', back)
    sent = sim.status()['sent']['live']
    wait_for('values', lambda: sim.status()['sent']['live'] > sent + 5)
    return n_ended


def test_while_it_is_in_use(stage):
    memory = Memory(stage)
    (stage.config_dir / 'needled.conf').write_text('[Session]\nTimeLimit=3h\n')
    sim = stage.sim('--kind=pen', '--live-period=20', '--procedure=10800')
    stage.needled(env=memory.env)
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', stage.live_session)
    memory.arm(0)
    lost_and_back(stage, sim)
    goes_on(stage, sim, memory, session)
    count, _ = memory.disarm()
    at_least(count, 500, 'allocations of libsystemd while a link is lost and back')
    met = errors = 0
    for first in some(count):
        memory.arm(first)
        lost_and_back(stage, sim)
        wait_for('the allocation', lambda: memory.map[24:32] != bytes(8) or runs(stage) or not stage.daemon.running())
        met += memory.disarm()[1]
        errors += goes_on(stage, sim, memory, session)
    at_least(met, 1, 'allocations that failed')
    sim.control('stop')
    kept = wait_for('a stored session', stage.sessions)
    expect([s['id'] for s in kept], [session['id']], 'sessions')
    expect(stage.ctl('verify', session['id'])[0], 0, 'figures that its frames give')
    expect(stage.daemon.stop(), 0, 'exit status')
    print(f'# of {count} allocations while a link is lost and back {met} failed, one at a time; needled ended {errors} times, and went on')
