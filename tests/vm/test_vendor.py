# SPDX-License-Identifier: LGPL-2.1-or-later
"""A device that does not speak the profile: an Oral-B-like one, made by needlesim from nothing but the vendor file that is
installed, on an HCI user channel of hci1. It cannot bond."""

import journal
import lib
import product

NEEDS_PRODUCT = True

PROFILE = '/usr/share/needled/profiles.d/oralb.mnprofile'

# What no field of the file stands for. Absent, never zero.
UNKNOWN = ('strokes', 'stroke_rate', 'passes', 'distance', 'force', 'force_mean', 'force_p95', 'force_peak', 'depth', 'depth_max',
           'punctures', 'zone_time')


def start(guest, *options):
    """The service, and the device adopted without a bond. Returns needlesim."""
    guest.check('systemctl start needled')
    sim = product.Sim(guest, '--hci', '1', '--seed=5', f'--profile={PROFILE}', *options)
    found = product.adopt(guest, '--allow-unbonded')
    assert found['adopted'] is True and found['bonded'] is False, found
    return sim


def begin(guest, sim):
    """The device's own state opens the session. Returns it."""
    sim.control('start')
    return lib.wait_for('running session', lambda: (
        s := product.live_session(guest)) and s['state'] == 'running' and s)


def test_streams_and_is_stored(guest):
    sim = start(guest)
    assert product.live_session(guest) is None      # "idle" opens none
    session = begin(guest, sim)
    sent = sim.status()['sent']
    assert sent.get('state', 0) > 0, sent
    now = product.figures(guest)
    assert not [name for name in UNKNOWN if name in now], now
    # The sum of two fields of the packet, and what it says of the pressure, keep coming.
    before = sent.get('time', 0)                    # what is still 0 is left out
    lib.wait_for('more packets', lambda: sim.status()['sent'].get('time', 0) >= before + 5)
    sim.control('stop')
    kept = product.stored(guest)
    assert (kept['id'], kept['end_reason'], kept['gaps']) == (session['id'], 'device', 0), kept
    assert kept['duration'] > 0, kept
    assert not [name for name in UNKNOWN if name in kept], kept
    assert not kept.get('lost'), kept               # without sequence numbers nothing is known to be lost
    counters = product.counters(guest)
    assert (counters['malformed'], counters['lost']) == (0, 0), counters
    assert product.device(guest)['profile'] == 'com.oralb.brush'


def test_link_loss_is_a_gap(guest):
    sim = start(guest)
    session = begin(guest, sim)
    sim.control('drop 08')
    lib.wait_for('second link', lambda: len(journal.entries(guest, 'DEVICE_CONNECTED')) == 2, product.LINK_SEC)
    lib.wait_for('session to go on', lambda: (
        s := product.live_session(guest)) and s['state'] == 'running' and product.streaming(guest), product.LINK_SEC)
    sim.control('stop')
    kept = product.stored(guest)
    assert (kept['id'], kept['gaps'], kept['end_reason']) == (session['id'], 1, 'device'), kept


def test_nothing_measured_is_said(guest):
    """What vendor devices measure is kept out of the journal as well."""
    sim = start(guest)
    begin(guest, sim)
    sim.control('stop')
    product.stored(guest)
    for entry in journal.entries(guest):
        assert 'high' not in entry['MESSAGE'] and 'pressure' not in entry['MESSAGE'], entry
