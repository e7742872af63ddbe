# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two devices at once, on two adapters: one that is bonded and one that cannot be.

(btvirt 5.66 cannot give one adapter two links: it tells a peripheral the handle that its central has for the link, and looks for what the
peripheral sends by the peripheral's own. Several devices on one adapter are tested on the stand-in.)"""

import lib
import product

NEEDS_PRODUCT = True

# Of hci0 to hci3: an adapter and the device that is adopted over it, twice.
OVER = {'00:AA:01:01:00:01': '00:AA:01:00:00:00', '00:AA:01:03:00:03': '00:AA:01:02:00:02'}
FIRST, SECOND = OVER


def four_controllers(guest):
    guest.check('mkdir -p /run/systemd/system/btvirt.service.d\n'
                'printf "[Service]\\nExecStart=\\nExecStart=/usr/bin/btvirt -L -l4\\n" >/run/systemd/system/btvirt.service.d/four.conf\n'
                'systemctl daemon-reload && systemctl restart btvirt')
    for name in ('hci0', 'hci1', 'hci2', 'hci3'):
        lib.wait_for(f'powered {name}', lambda: 'b true' in guest.run(
            f'busctl get-property org.bluez /org/bluez/{name} org.bluez.Adapter1 Powered')[1])


def heard(guest, address):
    product.ctl(guest, 'search', '--seconds=2', '-q')
    return [d for d in product.query(guest, 'devices')['devices'] if (d['address'], d['adapter']) == (address, OVER[address])]


def adopt(guest, address, alias, *options):
    """Every adapter hears it, also the one that plays the other: it is a device of its own for each of them."""
    found, = lib.wait_for('found device', lambda: heard(guest, address))
    lib.call(guest, product.SERVICE, product.ROOT, product.MANAGER, 'Adopt', 'oa{sv}', found['path'], 1 + len(options) // 3,
             'alias', 's', alias, *options, timeout=160)


def session_of(guest, name):
    path = product.device(guest, name)['path']
    found = [s for s in product.query(guest, 'status')['sessions'] if s['state'] != 'finished' and s['device'] == path]
    assert len(found) <= 1, found
    return found[0] if found else None


def strokes_of(guest, session):
    return product.query(guest, 'show', session['id']).get('strokes', 0)


def use(guest, session, more=50):
    wanted = strokes_of(guest, session) + more
    lib.wait_for(f'{wanted} strokes', lambda: strokes_of(guest, session) >= wanted)


def test_each_has_its_own_session(guest):
    four_controllers(guest)
    guest.check('systemctl start needled')
    first = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50', '--procedure=3600', unit='needlesim-1')
    second = product.Sim(guest, '--hci', '3', '--seed=4', '--live-period=50', '--procedure=3600', '--kind=roller', unit='needlesim-2')
    adopt(guest, FIRST, 'pen')
    adopt(guest, SECOND, 'roller', 'allow-unbonded', 'b', 'true')
    for name in ('pen', 'roller'):
        lib.wait_for(f'streaming {name}', lambda: product.streaming(guest, name), product.LINK_SEC)
    states = {name: product.States(guest, name) for name in ('pen', 'roller')}

    first.control('start')
    second.control('start')
    sessions = {name: lib.wait_for('session', lambda: session_of(guest, name)) for name in ('pen', 'roller')}
    for session in sessions.values():
        use(guest, session)

    # One is lost and comes back; the other does not notice.
    second.control('drop 08')
    states['roller'].back()
    use(guest, sessions['roller'])
    assert states['pen'].seen() == [], states['pen'].seen()
    first.control('drop')
    states['pen'].back()
    use(guest, sessions['pen'])
    assert states['roller'].seen() == [], states['roller'].seen()

    # bluetoothd goes, both come back.
    guest.check('systemctl restart bluetooth')
    for name in ('pen', 'roller'):
        states[name].back()
    for session in sessions.values():
        use(guest, session)
    first.control('stop')
    second.control('stop')
    lib.wait_for('two stored sessions', lambda: len(product.sessions(guest)) >= 2)
    kept = {s['device']: s for s in product.sessions(guest)}
    assert set(kept) == {FIRST, SECOND} and len(product.sessions(guest)) == 2, kept
    for address, alias in ((FIRST, 'pen'), (SECOND, 'roller')):
        session = kept[address]
        assert (session['id'], session['alias'], session['end_reason']) == (sessions[alias]['id'], alias, 'device'), session
        assert 2 <= session['gaps'] <= 3, session
    # What only one of them can measure.
    assert kept[FIRST].get('depth_max') and not kept[SECOND].get('depth_max'), kept
