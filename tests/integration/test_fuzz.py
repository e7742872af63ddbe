# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method with arguments that nobody would pass, of the owner, of root and of another user: each call is answered, and afterwards needled has
what it had before and does what it did before. A part of the calls nobody has tried yet: the seed of them is printed, and NEEDLED_SEED repeats it.
NEEDLED_LONG=1 makes it long."""
import os
import pathlib
import random
import re
import subprocess

from stage import Failure, at_least, expect, wait_for
from test_crowd import FORGETFUL, MIB, factor, rss

ADDRESSES = ('C0:FF:EE:00:00:01', 'C0:FF:EE:00:00:02')
FIXED_SEED = 7
WARM_UP_CALLS = 400
LONG = bool(os.environ.get('NEEDLED_LONG'))
NEW_SEED = int(os.environ.get('NEEDLED_SEED') or random.getrandbits(62))
CALLS = 60000 if LONG else 1200
REPLIES = 50                    # at least one of so many is one that can be answered
GROWTH_MAX = 4 * MIB            # what is remembered of plans, labels and callers has limits, and stays


def descriptors(stage):
    return len(list(pathlib.Path(f'/proc/{stage.daemon.child.pid}/fd').iterdir()))


def fuzz(stage, seed, calls, *options):
    done = subprocess.run([stage.binary('tests/bus/fuzz'), f'--seed={seed}', f'--calls={calls}', *options], env={**os.environ, **stage.env},
                          capture_output=True, text=True, errors='replace', check=False)
    print(done.stdout, end='')
    expect(stage.daemon.running(), True, f'that needled lives on with seed {seed}')
    if done.returncode != 0:
        raise Failure(f'fuzz --seed={seed}: {done.stderr}')
    replies = re.search(r'^# +(\d+) reply$', done.stdout, re.MULTILINE)
    at_least(int(replies[1]) if replies else 0, calls // REPLIES, 'calls that did something')


def quiet(stage):
    """No session and no search is live, and the device that is adopted streams: what needled holds then is what it always holds."""
    for session in stage.json('status')['sessions']:
        if session['state'] != 'finished':
            stage.ctl('finish', session['id'])
    wait_for('the end of what was begun', lambda: not stage.live_session() and not stage.json('status')['searching'])
    for device in stage.json('devices')['devices']:
        if device['state'] not in ('found', 'streaming'):
            stage.ctl('connect', device['address'])
    kept = [d['address'] for d in stage.json('devices')['devices'] if d['state'] != 'found']
    for address in kept[1:]:
        expect(stage.ctl('forget', address)[0], 0, f'forget {address}')
    if not kept:
        stage.adopt(address=ADDRESSES[0])
    return wait_for('one device that streams', lambda: [d for d in stage.json('devices')['devices'] if d['state'] == 'streaming'] or None)[0]


def a_normal_job(stage, sim):
    """From the beginning to the stored session."""
    device = quiet(stage)
    known = {session['id'] for session in stage.sessions()}
    at = ADDRESSES.index(device['address'])
    sim.control(f'@{at} start')
    wait_for('a session', stage.live_session)
    wait_for('values', lambda: sim.status(at)['sent']['live'] > 20)
    sim.control(f'@{at} stop')
    session = wait_for('the stored session', lambda: [s for s in stage.sessions() if s['id'] not in known])[0]
    status, tape, err = stage.ctl('export', session['id'])
    expect(status, 0, f'export ({err})')
    at_least(sum('live ' in line for line in tape.splitlines()), 10, 'values on the tape')


def test_every_method_with_anything(stage):
    stage.dir.chmod(0o711)      # another user's way to the bus
    sim = stage.sim(*['--kind=pen'] * 2, *[f'--address={address}' for address in ADDRESSES], '--live-period=100')
    stage.needled(env=FORGETFUL)
    stage.adopt(address=ADDRESSES[0])
    fuzz(stage, FIXED_SEED, WARM_UP_CALLS)
    quiet(stage)
    before, memory = descriptors(stage), rss(stage)

    fuzz(stage, FIXED_SEED + 1, CALLS // 2)
    print(f'# NEEDLED_SEED={NEW_SEED}', flush=True)
    fuzz(stage, NEW_SEED, CALLS // 2)
    quiet(stage)
    wait_for(f'{before} descriptors', lambda: descriptors(stage) == before)
    growth = rss(stage) - memory
    print(f'# {before} descriptors, {memory / MIB:.1f} MiB, {growth / MIB:.1f} MiB more')
    if growth > GROWTH_MAX * factor(stage):
        raise Failure(f'{growth / MIB:.1f} MiB more after {CALLS} calls')
    a_normal_job(stage, sim)
