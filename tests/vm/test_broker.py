# SPDX-License-Identifier: LGPL-2.1-or-later
"""dbus-broker in place of dbus-daemon: the same policy, and a whole job."""

import journal
import lib
import people
import product
import test_bonded
import test_policy

NEEDS_PRODUCT = True
LONG = ('test_who_may_send_what', 'test_a_whole_job', 'test_it_takes_nothing_for_half_a_minute')

STALLED = 'the connection is opened again'
# As a client does that has much to ask: its answers are far more than a socket takes. Each is answered, or the bus says that nobody will.
ASKER = '''
import os
import time
from gi.repository import Gio, GLib
bus, loop, left = Gio.bus_get_sync(Gio.BusType.SYSTEM), GLib.MainLoop(), 250

def on_answer(bus, result):
    global left
    left -= 1
    try:
        bus.call_finish(result)
    except GLib.Error:
        pass
    if left == 0:
        print("answered")
        loop.quit()

print("ready")
while not os.path.exists("/run/ask"):
    time.sleep(0.05)
for _ in range(left):
    bus.call("org.needled", "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", None, None,
             Gio.DBusCallFlags.NO_AUTO_START, 600000, None, on_answer)
bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId", None, None, 0, -1, None)
print("asked")
loop.run()
'''


def use_broker(guest):
    """As after "systemctl enable dbus-broker" and a boot: all that is on the bus begins again on the other one."""
    guest.check('systemctl stop bluetooth polkit systemd-hostnamed dbus.service\n'
                'systemctl enable --quiet dbus-broker; systemctl daemon-reload\n'
                'systemctl start dbus.service; systemctl restart systemd-logind; systemctl start bluetooth')
    assert guest.check('systemctl show -P Id dbus.service').strip() == 'dbus-broker.service'
    lib.wait_for('bluetoothd', lambda: all(lib.managed_objects(guest, 'org.bluez').get(f'/org/bluez/{name}', {}).get(
        'org.bluez.Adapter1', {}).get('Powered') for name in ('hci0', 'hci1')))


def still_there(guest):
    assert guest.check('systemctl is-active dbus-broker').strip() == 'active'
    assert not guest.check('pgrep -x dbus-daemon || true')


def test_who_may_send_what(guest):
    use_broker(guest)
    test_policy.check_policy(guest)
    still_there(guest)


def test_a_whole_job(guest):
    """From the search to the record, with a stream, which is a descriptor over the bus, and what polkit says no to."""
    use_broker(guest)
    people.add(guest)
    lib.start(guest, 'watch', 'bash', '-c', 'until needlectl watch --json --until-end >/run/watch.json; do sleep 0.1; done')
    test_bonded.test_from_the_search_to_the_record(guest)
    kept = product.stored(guest)
    refused, = people.does(guest, 'bob', people.step(product.ROOT, product.MANAGER, 'Search', '(@a{sv} {},)'))
    assert refused['error'] == people.INTERACTIVE, refused
    absent, = people.does(guest, 'bob', people.step(product.ROOT, product.HISTORY, 'Get', f'(uint64 {kept["id"]},)'))
    assert absent['error'] == people.NOT_FOUND, absent
    lib.wait_for('stream', lambda: '"end"' in guest.check('cat /run/watch.json'))
    still_there(guest)


def pid_of(guest, unit):
    return guest.check(f'systemctl show -P MainPID {unit}').strip()


def bus_process(guest):
    """The launcher's child, which is the bus itself."""
    return guest.check('pgrep -x dbus-broker -o -P ' + pid_of(guest, 'dbus-broker')).strip()


def test_it_takes_nothing_for_half_a_minute(guest):
    """needled has more to say than the socket takes, and the bus stands still: the connection is given up, opened again when the bus goes on, and
    everything is there under the name, for those too who have asked meanwhile; the device notices nothing."""
    use_broker(guest)
    guest.check('mkdir -p /run/systemd/system/needled.service.d\n'             # it is stopped for as long as the asker takes
                'printf "[Service]\\nWatchdogSec=0\\n" >/run/systemd/system/needled.service.d/watchdog.conf; systemctl daemon-reload')
    sim = product.begin_with(guest, product.BONDED, '--live-period=500')        # and 278 values wait in its socket
    session = product.begin(guest, sim)
    owner = lib.call(guest, 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'GetNameOwner', 's', product.SERVICE)[0]
    needled, bus = pid_of(guest, 'needled'), bus_process(guest)

    lib.start(guest, 'asker', 'python3', '-u', '-c', ASKER)
    lib.wait_for('asker', lambda: 'ready' in lib.output_of(guest, 'asker'))
    guest.check(f'kill -STOP {needled}; touch /run/ask')    # the questions wait before it, and so do some values of the device
    lib.wait_for('questions', lambda: 'asked' in lib.output_of(guest, 'asker'))
    guest.check(f'kill -STOP {bus}; kill -CONT {needled}')
    try:
        lib.wait_for('word of the journal', lambda: any(STALLED in entry['MESSAGE'] for entry in journal.entries(guest)), 300)
    finally:
        guest.check(f'kill -CONT {bus}')
    lib.wait_for('answers', lambda: 'answered' in lib.output_of(guest, 'asker'), 300)
    now = lib.call(guest, 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'GetNameOwner', 's', product.SERVICE)[0]
    assert now != owner, now
    assert pid_of(guest, 'needled') == needled, 'needled was started again'
    product.goes_on(guest, session)
    product.finish(guest, sim, session, gaps=(0, 0))
    assert sum(STALLED in entry['MESSAGE'] for entry in journal.entries(guest)) == 1
    still_there(guest)
