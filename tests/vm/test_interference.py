# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other programs of the same computer at the same device, by right (bluetoothd lets everybody) and by forgery."""

import shlex

import journal
import lib
import product
import test_survive

NEEDS_PRODUCT = True

DEVICE = '/org/bluez/hci0/dev_00_AA_01_01_00_01'
LIVE = '95840102-'


def characteristic(guest, uuid=LIVE):
    found, = [path for path, interfaces in lib.managed_objects(guest, 'org.bluez').items()
              if path.startswith(DEVICE) and interfaces.get('org.bluez.GattCharacteristic1', {}).get('UUID', '').startswith(uuid)]
    return found


def interference_is_told(guest, count=1):
    """Counted, and told once in the journal with what happened."""
    lib.wait_for('counted interference', lambda: product.counters(guest)['interferences'] == count)
    entry, *more = journal.check(guest, 'INTERFERENCE')
    assert entry['NEEDLED_DEVICE'] == 'pen' and len(more) < count, (entry, more)


def disconnect(guest):
    guest.check(f'busctl --timeout=20 call org.bluez {DEVICE} org.bluez.Device1 Disconnect')


def test_another_program_disconnects(guest):
    """A device that is trusted: bluetoothd brings it back at once."""
    sim, session, states = test_survive.start(guest)
    disconnect(guest)
    seen = states.back()
    assert any(reason == 'disconnected-by-other' for _, reason in seen), seen
    product.goes_on(guest, session)
    interference_is_told(guest)
    product.finish(guest, sim, session)


def test_another_program_disconnects_a_device_without_a_bond(guest):
    sim, session, states = test_survive.start_unbonded(guest)
    disconnect(guest)
    seen = states.back()
    assert any(reason == 'disconnected-by-other' for _, reason in seen), seen
    product.goes_on(guest, session)
    interference_is_told(guest)
    product.finish(guest, sim, session)


def test_another_program_stops_the_notifications(guest):
    """bluetoothd 5.66 lets everybody, and closes the socket that it gave to us; the link stays."""
    sim, session, _ = test_survive.start(guest)
    guest.check(f'busctl call org.bluez {characteristic(guest)} org.bluez.GattCharacteristic1 StopNotify')
    interference_is_told(guest)
    product.goes_on(guest, session)
    product.finish(guest, sim, session, gaps=(0, 4))


def held_by_another(guest, how):
    """While needled is away, another program takes the notifications: needled says so, and streams when they are free."""
    sim, session, states = test_survive.start(guest)
    holder = lib.put_script(guest, 'holder.py')
    guest.check('systemctl stop needled')
    # It is trusted: bluetoothd takes it back by itself.
    lib.wait_for('second link', lambda: guest.check('journalctl -b -u needlesim --no-pager').count('connected to') == 2, product.LINK_SEC)
    lib.wait_for('services', lambda: lib.get(guest, 'org.bluez', DEVICE, 'org.bluez.Device1', 'ServicesResolved'))
    lib.start(guest, 'holder', 'python3', holder, how, characteristic(guest))
    lib.wait_for('holder', lambda: 'held' in lib.output_of(guest, 'holder'))
    states.forget()
    guest.check('systemctl start needled')
    states.wait_for('waiting', 'notifications-held')
    waiting = product.live_session(guest)
    assert waiting['id'] == session['id'], waiting
    guest.check('systemctl stop holder')
    product.goes_on(guest, session)
    product.finish(guest, sim, session, gaps=(1, 2))


def test_another_program_has_acquired_the_notifications(guest):
    held_by_another(guest, 'acquire')


def test_another_program_has_started_the_notifications(guest):
    held_by_another(guest, 'start')


FORGERIES = [
    (DEVICE, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', 'sa{sv}as', 'org.bluez.Device1', 2,
     'Connected', 'b', 'false', 'ServicesResolved', 'b', 'false', 0),
    (DEVICE, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', 'sa{sv}as', 'org.bluez.Device1', 1, 'Paired', 'b', 'false', 0),
    ('/org/bluez/hci0', 'org.freedesktop.DBus.Properties', 'PropertiesChanged', 'sa{sv}as', 'org.bluez.Adapter1', 1,
     'Powered', 'b', 'false', 0),
    ('/', 'org.freedesktop.DBus.ObjectManager', 'InterfacesRemoved', 'oas', DEVICE, 1, 'org.bluez.Device1'),
    ('/', 'org.freedesktop.DBus.ObjectManager', 'InterfacesRemoved', 'oas', '/org/bluez/hci0', 1, 'org.bluez.Adapter1'),
    ('/', 'org.freedesktop.DBus.ObjectManager', 'InterfacesAdded', 'oa{sa{sv}}', '/org/bluez/hci0/dev_66_66_66_66_66_66', 1,
     'org.bluez.Device1', 4, 'Address', 's', '66:66:66:66:66:66', 'AddressType', 's', 'public', 'Name', 's', 'forged',
     'Adapter', 'o', '/org/bluez/hci0'),
    ('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameOwnerChanged', 'sss', 'org.bluez', ':1.2', ''),
    ('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameOwnerChanged', 'sss', 'org.bluez', '', ':1.666'),
    ('/org/freedesktop/login1', 'org.freedesktop.login1.Manager', 'PrepareForSleep', 'b', 'true'),
]


def test_forged_signals_of_another_user_change_nothing(guest):
    """Broadcast, and to each of the service's connections alone, which needs no match there."""
    sim, session, states = test_survive.start(guest)
    live = characteristic(guest)
    forgeries = [*FORGERIES,
                 (live, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', 'sa{sv}as', 'org.bluez.GattCharacteristic1', 1,
                  'NotifyAcquired', 'b', 'false', 0),
                 (live, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', 'sa{sv}as', 'org.bluez.GattCharacteristic1', 1,
                  'Value', 'ay', 3, 1, 2, 3, 0)]
    connections = guest.check('pid=$(systemctl show -P MainPID needled)\n'
                              "busctl list --unique --no-legend --no-pager | awk -v pid=$pid '$2 == pid {print $1}'").split()
    assert len(connections) == 2, connections
    before = product.counters(guest)
    script = []
    for forgery in forgeries:
        for to in ([], *([f'--destination={name}'] for name in connections)):
            script.append(shlex.join(['busctl', 'emit', *to, *map(str, forgery)]))
    guest.check(shlex.join(['runuser', '-u', 'nobody', '--', 'bash', '-e', '-c', '\n'.join(script)]), timeout=300)
    strokes = product.figures(guest)['strokes']
    product.use(guest, strokes + 50)
    assert states.seen() == [], states.seen()
    assert lib.get(guest, product.SERVICE, product.ROOT, product.MANAGER, 'Bluetooth') == 'ready'
    assert len(product.query(guest, 'devices')['devices']) == 1
    after = product.counters(guest)
    assert after['malformed'] == before['malformed'] and after['reconnects'] == before['reconnects'], (before, after)
    product.finish(guest, sim, session, gaps=(0, 0))


def test_reordering_is_not_taken_for_loss(guest):
    """With EATT, which Debian's BlueZ has switched on, notifications of two BlueZ can overtake each other: then they are late, and none is
    lost. How many do is chance (none, now and then); the stand-in's EATT reorders for sure."""
    guest.check("sed -i 's/^Channels = 1/Channels = 3/' /etc/bluetooth/main.conf && systemctl restart bluetooth\n"
                'until busctl get-property org.bluez /org/bluez/hci1 org.bluez.Adapter1 Powered | grep -q true; do sleep 0.1; done')
    sim, session, _ = test_survive.start(guest, '--waveform=1000', '--live-period=20')
    product.use(guest, 300)
    sent = sim.status()
    late = product.counters(guest)['late']
    kept = product.finish(guest, sim, session, gaps=(0, 0))
    assert sum(kept['lost'].values()) == 0 and product.counters(guest)['lost'] == 0, (product.counters(guest), sent)
    assert sum(kept['late'].values()) >= late, (kept, late)
