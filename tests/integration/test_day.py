# SPDX-License-Identifier: LGPL-2.1-or-later
"""A day of a device whose clock runs fast: session after session, some over a link that breaks, and nothing grows. With NEEDLED_LONG=1 it
is 24 hours of the device's own time, and takes seven minutes; without, a few minutes of it (more than ten sessions a minute are refused)."""
import os
import pathlib

from stage import at_least, expect, wait_for

LONG = os.environ.get('NEEDLED_LONG') == '1'
SPEED = 200
SESSIONS, PROCEDURE_SEC = (24, 3600) if LONG else (8, 600)
WARM_SESSIONS = 3               # after these all is there that will be there
BREAKS_EACH = 4                 # sessions
GROWTH_MAX_KIB = 1024


def holds(pid):
    """What a process has in use: files, threads, and KiB of memory, None with a sanitizer, which keeps what was freed."""
    proc = pathlib.Path(f'/proc/{pid}')
    status = dict(line.split(':\t', 1) for line in (proc / 'status').read_text().splitlines())
    sanitized = 'libasan' in (proc / 'maps').read_text()
    return len(list((proc / 'fd').iterdir())), int(status['Threads']), None if sanitized else int(status['VmRSS'].split()[0])


def one_session(stage, sim, number):
    sim.control('start')
    if number % BREAKS_EACH == 0:
        wait_for('a session', lambda: (s := stage.live_session()) and s['state'] == 'running')
        sim.control('drop 08')
    wait_for(f'{number} stored sessions', lambda: len(stage.json('sessions', '--limit=50')['sessions']) == number)
    wait_for('streaming', stage.streaming)


def test_day_at_speed(stage):
    sim = stage.sim('--kind=pen', '--seed=3', '--live-period=1000', f'--speed={SPEED}', f'--procedure={PROCEDURE_SEC}')
    (stage.config_dir / 'needled.conf').write_text('[Session]\nTimeLimit=2h\n')      # at which the device would end a session
    daemon = stage.needled()
    stage.adopt()
    for number in range(1, SESSIONS + 1):
        one_session(stage, sim, number)
        if number == WARM_SESSIONS:
            before = holds(daemon.child.pid)
    wait_for('files and threads as before', lambda: holds(daemon.child.pid)[:2] == before[:2])   # it streams before the last is asked for
    after = holds(daemon.child.pid)
    if after[2]:
        at_least(before[2] + GROWTH_MAX_KIB, after[2], 'memory')
    print(f'# files, threads, KiB: {before} after {WARM_SESSIONS} sessions, {after} after {SESSIONS}')

    sessions = stage.json('sessions', '--limit=50')['sessions']
    expect(len({s['uuid'] for s in sessions}), SESSIONS, 'sessions')
    whole = [s for s in sessions if s['gaps'] == 0]
    expect(len(whole), SESSIONS - SESSIONS // BREAKS_EACH, 'sessions without a gap')
    expect({s['end_reason'] for s in sessions}, {'device'}, 'ends')
    at_least(sum(sim.status()['refused'].values()), sum(s['lost']['live'] for s in whole), 'what the socket refused, and so was lost')
    expect(daemon.stop(), 0, 'exit status')
