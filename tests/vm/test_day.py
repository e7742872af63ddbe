# SPDX-License-Identifier: LGPL-2.1-or-later
"""A day of a device whose clock runs fast, on the real stack: session after session, some over a link that breaks, and nothing grows."""

import journal
import lib
import product

NEEDS_PRODUCT = True
LONG = ('test_24_hours',)       # twenty minutes: NEEDLED_TEST_SEC=3600

SPEED, SESSIONS, PROCEDURE_SEC = 100, 24, 3600
WARM_SESSIONS = 3               # after these all is there that will be there
BREAKS_EACH = 4                 # sessions
GROWTH_MAX_KIB = 1024


def holds(guest):
    """(files, threads, KiB of memory) of the service."""
    output = guest.check('p=/proc/$(systemctl show -P MainPID needled); ls $p/fd | wc -l; sed -n "s/^\\(Threads\\|VmRSS\\):[^0-9]*\\([0-9]*\\).*/\\2/p" $p/status')
    files, memory_kib, threads = map(int, output.split())
    return files, threads, memory_kib


def one_session(guest, sim, number):
    sim.control('start')
    if number % BREAKS_EACH == 0:
        lib.wait_for('a session', lambda: (s := product.live_session(guest)) and s['state'] == 'running')
        sim.control('drop')
    lib.wait_for(f'{number} stored sessions', lambda: len(product.query(guest, 'sessions', '--limit=50')['sessions']) == number,
                 product.LINK_SEC + PROCEDURE_SEC / SPEED)
    lib.wait_for('streaming', lambda: product.streaming(guest), product.LINK_SEC)


def test_24_hours(guest):
    guest.check('mkdir -p /etc/needled/needled.conf.d; printf "[Session]\\nTimeLimit=2h\\n" >/etc/needled/needled.conf.d/day.conf')
    guest.check('systemctl start needled')
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=1000', f'--speed={SPEED}', f'--procedure={PROCEDURE_SEC}')
    product.adopt(guest)
    for number in range(1, SESSIONS + 1):
        one_session(guest, sim, number)
        if number == WARM_SESSIONS:
            before = holds(guest)
    lib.wait_for('files and threads as before', lambda: holds(guest)[:2] == before[:2])
    after = holds(guest)
    print(f'files, threads, KiB: {before} after {WARM_SESSIONS} sessions, {after} after {SESSIONS}')
    assert after[2] <= before[2] + GROWTH_MAX_KIB, (before, after)

    sessions = product.query(guest, 'sessions', '--limit=50')['sessions']
    assert len({s['uuid'] for s in sessions}) == SESSIONS, sessions
    assert {s['end_reason'] for s in sessions} == {'device'}, sessions
    whole = [s for s in sessions if s['gaps'] == 0]
    assert len(whole) >= SESSIONS - SESSIONS // BREAKS_EACH, sessions
    assert sum(s['lost']['live'] for s in whole) == 0, whole
    status, _, errors = product.ctl(guest, 'verify', *[s['id'] for s in sessions])
    assert status == 0, errors
    assert guest.check('systemctl show -P NRestarts needled').strip() == '0'
    assert not [e for e in journal.entries(guest) if int(e['PRIORITY']) <= 3]
