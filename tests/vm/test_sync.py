# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stored sessions over a real radio link: indications by StartNotify, which is all that BlueZ 5.66 gives of them."""

import journal
import lib
import product

NEEDS_PRODUCT = True

RECORDS = 6
MANY = 120      # time enough to lose the link in the midst of them


def taken(guest, count):
    def look():
        kept = product.sessions(guest)
        return kept if len(kept) >= count else None
    return lib.wait_for(f'{count} sessions', look, product.LINK_SEC)


def idle(guest):
    return lib.wait_for('the end of what is taken over', lambda: (pen := product.device(guest)) and pen['state'] == 'streaming' and
                        pen['sync']['phase'] == 'idle' and pen['sync'], product.LINK_SEC)


def test_stored_sessions_are_taken_over_once(guest):
    guest.check('systemctl start needled')
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50', '--crc', f'--records={RECORDS}')
    product.adopt(guest)
    kept = taken(guest, RECORDS)
    assert [s['record'] for s in kept] == list(range(RECORDS, 0, -1)), kept
    assert {s['source'] for s in kept} == {'stored'}, kept
    assert all(s['duration'] >= 8_000_000 and s['force_mean'] > 0 for s in kept), kept
    assert idle(guest)['done'] == RECORDS
    journal.check(guest, 'SYNC_DONE')
    assert sim.status()['records'] == RECORDS, 'nothing is cleared that is not configured'
    status, _, errors = product.ctl(guest, 'verify', *[s['id'] for s in kept])
    assert status == 0, errors
    status, _, errors = product.ctl(guest, 'sync')
    assert status == 2, errors

    session = product.begin(guest, sim)
    sim.control('stop')
    both = taken(guest, RECORDS + 1)[0]
    assert both['id'] == session['id'], both
    lib.wait_for('the merged session', lambda: product.sessions(guest)[0]['source'] == 'both', product.LINK_SEC)
    assert product.sessions(guest)[0]['record'] == RECORDS + 1
    assert len(product.sessions(guest)) == RECORDS + 1


def test_cleared_after_a_link_that_was_lost(guest):
    guest.check('mkdir -p /etc/needled/needled.conf.d')
    guest.check('printf "[Store]\\nClearOnDevice=yes\\n" >/etc/needled/needled.conf.d/clear.conf')
    guest.check('systemctl start needled')
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50', '--crc', f'--records={MANY}')
    product.adopt(guest)
    sim.control('drop', when=f'[ "$(sqlite3 -readonly {product.DATABASE} "SELECT count(*) FROM session")" -ge 3 ]')
    assert sim.status()['records'] > 0, 'the link was lost too late'
    lib.wait_for('an empty device', lambda: sim.status()['records'] == 0, product.LINK_SEC)
    kept = product.query(guest, 'sessions', f'--limit={MANY + 1}')['sessions']
    assert [s['record'] for s in kept] == list(range(MANY, 0, -1)), kept
