# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service with a device that cannot bond: needlesim on an HCI user channel of hci1. It never comes back
by itself, may have a static random address and any MTU, and sends what it likes."""

import journal
import lib
import product

NEEDS_PRODUCT = True

RANDOM_ADDRESS = 'C1:55:0F:12:34:56'


def test_needs_consent(guest):
    guest.check('systemctl start needled')
    sim = product.Sim(guest, '--hci', '1', '--live-period=50')
    product.find(guest)
    status, _, errors = product.ctl(guest, 'adopt', product.PUBLIC_ADDRESS)
    assert status == 1 and '--allow-unbonded' in errors, (status, errors)
    found = product.device(guest, product.PUBLIC_ADDRESS)
    assert found is None or not found['adopted'], found
    # Nothing of the attempt stays in bluetoothd.
    assert guest.run('ls -d /var/lib/bluetooth/00:AA:01:00:00:00/00:AA*/info')[0] != 0

    assert not journal.entries(guest, 'DEVICE_ADOPTED')
    pen = product.adopt(guest, '--allow-unbonded')
    adopted, = journal.entries(guest, 'DEVICE_ADOPTED')
    assert 'without a bond' in adopted['MESSAGE'], adopted
    assert (pen['adopted'], pen['bonded'], pen['serial']) == (True, False, 'P000001'), pen
    session = product.begin(guest, sim)
    sim.control('stop')
    kept = product.stored(guest)
    assert (kept['id'], kept['end_reason'], kept['gaps']) == (session['id'], 'device', 0), kept


def is_tried_again(seen):
    """Connecting, waiting for the next time, connecting."""
    states = [pair for pair in seen if pair[0] == 'connecting' or pair == ('waiting', 'backoff')]
    first = next((i for i, (state, _) in enumerate(states) if state == 'connecting'), len(states))
    return ('waiting', 'backoff') in states[first:] and states[-1][0] == 'connecting'


def test_link_loss_and_return_with_backoff(guest):
    """Reason 0x08, as when the device is carried out of reach: no accept list brings it back, so that
    needled calls Connect() again and again, and says when."""
    sim = product.begin_with(guest, product.UNBONDED)
    session = product.begin(guest, sim)
    states = product.States(guest)
    sim.control('advertise off')
    sim.control('drop 08')
    lib.wait_for('interrupted session', lambda: product.live_session(guest)['state'] == 'interrupted')
    # bluetoothd gives up an attempt after 40 s; between two of them the device waits.
    lib.wait_for('attempt behind one that failed', lambda: is_tried_again(states.seen()), product.LINK_SEC)
    retries = states.retries()
    assert retries and all(at > since for at, since in retries), (retries, states.seen())
    assert product.live_session(guest)['state'] == 'interrupted'
    sim.control('advertise on')
    lib.wait_for('session to go on', lambda: product.live_session(guest)['state'] == 'running' and
                 product.streaming(guest), product.LINK_SEC)
    product.use(guest, product.figures(guest)['strokes'] + 50)
    sim.control('stop')
    kept = product.stored(guest)
    assert (kept['id'], kept['end_reason'], kept['gaps']) == (session['id'], 'device', 1), kept
    assert product.counters(guest)['reconnects'] == 1


def test_comes_back_at_once(guest):
    """A moment of interference: the device advertises again at once."""
    sim = product.begin_with(guest, product.UNBONDED)
    session = product.begin(guest, sim)
    sim.control('drop 08')
    lib.wait_for('second link', lambda: len(journal.entries(guest, 'DEVICE_CONNECTED')) == 2,
                 product.LINK_SEC)
    product.use(guest, product.figures(guest)['strokes'] + 50)
    sim.control('stop')
    kept = product.stored(guest)
    assert (kept['id'], kept['gaps']) == (session['id'], 1), kept


def test_bad_notifications_are_counted(guest):
    sim = product.begin_with(guest, product.UNBONDED)
    session = product.begin(guest, sim)
    before = product.counters(guest)
    for line in ('malformed 5', 'empty 3', 'duplicate 4'):
        sim.control(line)
    lib.wait_for('the last of them',
                 lambda: product.counters(guest)['duplicates'] >= before['duplicates'] + 4)
    strokes = product.figures(guest)['strokes']
    product.use(guest, strokes + 100)
    after = product.counters(guest)
    assert after['malformed'] >= before['malformed'] + 5, (before, after)
    assert after['duplicates'] == before['duplicates'] + 4, (before, after)
    assert after['lost'] == before['lost'], (before, after)
    assert product.live_session(guest)['id'] == session['id']
    sim.control('stop')
    kept = product.stored(guest)
    assert (kept['id'], kept['end_reason'], kept['gaps']) == (session['id'], 'device', 0), kept
    assert guest.check('systemctl show -P NRestarts needled').strip() == '0'
    lines = [e['MESSAGE'] for e in journal.entries(guest)]
    assert len(lines) < 12, lines       # a device that misbehaves does not fill the journal


def procedure_with_mtu(guest, mtu):
    sim = product.begin_with(guest, product.UNBONDED, f'--mtu={mtu}', '--waveform=250')
    session = product.begin(guest, sim, strokes=100)
    sim.control('stop')
    kept = product.stored(guest)
    assert kept['id'] == session['id'] and kept['force_peak'] > 200, kept
    assert product.counters(guest)['malformed'] == 0
    return sim.status(), kept


def test_smallest_mtu(guest):
    """20 octets a notification: all of Live Measurement that must fit does, and bursts of the waveform."""
    sent, kept = procedure_with_mtu(guest, 23)
    assert sent['sent']['live'] > 0 and kept['lost']['live'] == 0, (sent, kept)


def test_largest_mtu(guest):
    sent, kept = procedure_with_mtu(guest, 517)
    assert sent['sent']['waveform'] > 0 and kept['lost']['live'] == 0, (sent, kept)


def test_static_random_address(guest):
    sim = product.begin_with(guest, product.UNBONDED, f'--random-address={RANDOM_ADDRESS}', address=RANDOM_ADDRESS)
    pen = product.device(guest)
    assert (pen['address'], pen['address_type']) == (RANDOM_ADDRESS, 'random'), pen
    session = product.begin(guest, sim)
    sim.control('drop 08')
    lib.wait_for('second link', lambda: len(journal.entries(guest, 'DEVICE_CONNECTED')) == 2,
                 product.LINK_SEC)
    sim.control('stop')
    kept = product.stored(guest)
    assert (kept['id'], kept['device']) == (session['id'], RANDOM_ADDRESS), kept


def test_service_restarted_meanwhile(guest):
    """Without a bond, bluetoothd has nothing to bring the device back with: the service does."""
    sim = product.begin_with(guest, product.UNBONDED)
    session = product.begin(guest, sim)
    guest.check('systemctl restart needled')
    lib.wait_for('session to go on', lambda: (now := product.live_session(guest)) and
                 now['state'] == 'running' and product.streaming(guest), product.LINK_SEC)
    product.use(guest, product.figures(guest)['strokes'] + 50)
    sim.control('stop')
    kept = product.stored(guest)
    assert (kept['id'], kept['uuid']) == (session['id'], session['uuid']), kept
