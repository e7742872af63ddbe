# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever ends a link, on the real stack: the device streams again by itself, one session goes on with the gap in it, and the states
in between say what was waited for. (test_bonded.py has the plain ones.)"""

import journal
import lib
import product

NEEDS_PRODUCT = True

# What a controller may give as the reason of a disconnection, and those that only the radio can have (Vol 1, Part F).
REASONS = ('05', '08', '13', '14', '15', '16', '1a', '22', '29', '3b', '3d', '3e')


def start(guest, *options, carrier=product.BONDED, address=product.PUBLIC_ADDRESS):
    """The service and a device in the middle of a long procedure. Returns needlesim, the session, the states."""
    sim = product.begin_with(guest, carrier, product.LONG_PROCEDURE, *options, address=address)
    states = product.States(guest)
    return sim, product.begin(guest, sim), states


def start_unbonded(guest, *options):
    return start(guest, *options, carrier=product.UNBONDED)


def ends_well(guest, sim, session, states, *between, gaps=(1, 1)):
    """It comes back with these states among those in between, goes on, and is stored whole. Returns the record."""
    states.back(*between)
    product.goes_on(guest, session)
    return product.finish(guest, sim, session, gaps)


def active(guest, unit):
    return guest.run(f'systemctl show -P ActiveState {unit}')[1].strip()


# The device

def test_every_reason_of_a_remote_disconnect(guest):
    sim, session, states = start_unbonded(guest)
    for reason in REASONS:
        sim.control(f'drop {reason}')
        seen = states.back()
        assert {state for state, _ in seen} <= {'waiting', 'connecting', 'resolving', 'ready', 'streaming'}, (reason, seen)
        product.goes_on(guest, session, strokes=5)
    product.finish(guest, sim, session, gaps=(len(REASONS), len(REASONS)))
    counters = product.counters(guest)
    assert counters['reconnects'] == len(REASONS), counters
    assert counters.get('interferences', 0) == 0, counters


def test_mute_device(guest):
    """A device that says nothing more, as when its supervision timeout has not run out: the link is up, so the session goes on and waits.
    What the device could not send is counted as lost, with a gap for each kind of value, as on a bad day of the radio."""
    sim, session, states = start(guest)
    sim.control('mute on')
    before, sent = product.figures(guest)['strokes'], sim.status()['strokes']
    lib.wait_for('strokes that nobody hears of', lambda: sim.status()['strokes'] > sent + 100)
    now = product.figures(guest)
    assert now['strokes'] <= before + 50 and product.streaming(guest), (before, now)
    assert product.live_session(guest)['state'] == 'running'
    sim.control('mute off')
    product.use(guest, before + 100)
    assert states.seen() == [], states.seen()
    kept = product.finish(guest, sim, session, gaps=(1, 4))
    journal.check(guest, 'SAMPLES_LOST', session)
    assert kept['lost']['live'] > 0 and product.counters(guest)['reconnects'] == 0, kept


def test_services_are_removed_and_added_while_connected(guest):
    """A device that exchanges its services, which it tells by Service Changed, with the link up all the time."""
    sim, session, states = start(guest)
    sim.control('services off')
    lib.wait_for('interrupted session', lambda: product.interrupted(guest, session))
    lib.wait_for('device that does not stream', lambda: not product.streaming(guest))
    sim.control('services on')
    ends_well(guest, sim, session, states)


def test_gatt_cache_is_stale(guest):
    """A device with new firmware that tells nobody of its new services: what bluetoothd remembers of the old ones is wrong, and more
    of them are found. (It has lost its memory too, so that its session ends.)"""
    sim, session, states = start_unbonded(guest, '--capacity=0')
    sim.stop()
    lib.wait_for('interrupted session', lambda: product.interrupted(guest, session))
    sim = product.Sim(guest, '--hci', '1', '--seed=4', '--live-period=50', '--capacity=200', unit='needlesim-again')
    states.back()
    kept = product.stored(guest)
    assert (kept['id'], kept['end_reason']) == (session['id'], 'device'), kept
    again = product.begin(guest, sim)
    sim.control('stop')
    kept = product.stored(guest, 2)
    assert kept['id'] == again['id'] != session['id'] and kept['gaps'] == 0, kept
    assert product.device(guest)['serial'] == 'P000001'


def test_address_is_another_devices_now(guest):
    """Nothing that bluetoothd remembers of a device that was forgotten is taken for the next one at its address."""
    guest.check('systemctl start needled')
    old = product.Sim(guest, '--hci', '1', '--seed=5', '--profile=/usr/share/needled/profiles.d/oralb.mnprofile', unit='needlesim-old')
    product.find(guest)
    assert product.ctl(guest, 'adopt', product.PUBLIC_ADDRESS, '--alias=brush', '--allow-unbonded')[0] == 0
    lib.wait_for('streaming device', lambda: product.streaming(guest, 'brush'), product.LINK_SEC)
    assert product.ctl(guest, 'forget', 'brush')[0] == 0
    old.stop()
    sim = product.Sim(guest, '--hci', '1', '--seed=3', '--live-period=50')
    product.adopt(guest, '--allow-unbonded')
    session = product.begin(guest, sim)
    product.finish(guest, sim, session, gaps=(0, 0))


# bluetoothd

def test_bluetoothd_is_stopped_and_started(guest):
    """Stopped on purpose it stays stopped: nothing of ours starts it."""
    sim, session, states = start(guest)
    guest.check('systemctl stop bluetooth')
    states.wait_for('waiting', 'no-bluetoothd')
    assert product.interrupted(guest, session)
    assert lib.get(guest, product.SERVICE, product.ROOT, product.MANAGER, 'Bluetooth') == 'absent'
    assert active(guest, 'bluetooth') == 'inactive'
    guest.check('systemctl start bluetooth')
    ends_well(guest, sim, session, states, ('waiting', 'no-bluetoothd'))


def test_bluetoothd_is_upgraded_while_streaming(guest):
    """What the package does: the program is another file, systemd reads its units anew and restarts it."""
    sim, session, states = start(guest)
    pid = guest.check('systemctl show -P MainPID bluetooth needled')
    guest.check('cd /usr/libexec/bluetooth && cp -p bluetoothd bluetoothd.dpkg-new && mv bluetoothd.dpkg-new bluetoothd\n'
                'systemctl daemon-reload && systemctl restart bluetooth')
    ends_well(guest, sim, session, states)
    before, after = (p.split() for p in (pid, guest.check('systemctl show -P MainPID bluetooth needled')))
    assert before[0] != after[0] and before[1] == after[1], (before, after)


def test_dbus_is_restarted(guest):
    """All connections end, bluetoothd ends with them, and so does needled: systemd starts it again, and bluetoothd is called back."""
    sim, session, _ = start_unbonded(guest)
    pid = guest.check('systemctl show -P MainPID needled')
    guest.check('systemctl restart dbus')
    lib.wait_for('needled again', lambda: guest.run('systemctl show -P MainPID needled')[1] not in (pid, '0\n') and
                 active(guest, 'needled') == 'active')
    product.goes_on(guest, session)
    product.finish(guest, sim, session)
    assert active(guest, 'bluetooth') == 'active'


# The adapter

def test_adapters_are_unplugged_and_plugged_in(guest):
    sim, session, states = start(guest)
    guest.check('systemctl stop btvirt')
    states.wait_for('waiting', 'no-adapter')
    assert product.interrupted(guest, session)
    guest.check('systemctl start btvirt')
    ends_well(guest, sim, session, states, ('waiting', 'no-adapter'))


def test_adapter_comes_back_under_another_name(guest):
    """Unplugged as hci0 and plugged in as hci2: it is known by its address."""
    controllers = lib.Controllers(guest, 2)
    sim, session, states = start(guest, address=controllers.addresses[1])
    controllers.unplug(0)
    sim.control('drop')         # as when its supervision timeout has run out, which virtual controllers do not have
    states.wait_for('waiting', 'no-adapter')
    controllers.occupy_first_number()
    controllers.plug(0)
    assert controllers.names[0] == 'hci2', controllers.names
    ends_well(guest, sim, session, states, ('waiting', 'no-adapter'))
    assert product.device(guest)['adapter'] == controllers.addresses[0]


def test_one_of_two_adapters_is_unplugged(guest):
    """The one that has the device's bond: another adapter is of no use meanwhile, and is left alone."""
    controllers = lib.Controllers(guest, 2)
    sim, session, states = start(guest, address=controllers.addresses[1])
    controllers.plug(2)
    controllers.unplug(0)
    sim.control('drop')
    seen = states.wait_for('waiting', 'no-adapter')
    assert seen[-1] == ('waiting', 'no-adapter'), seen
    controllers.plug(0)
    ends_well(guest, sim, session, states, ('waiting', 'no-adapter'))
    objects = lib.managed_objects(guest, 'org.bluez')
    assert not [p for p in objects if p.startswith(f'/org/bluez/{controllers.names[2]}/dev_')], objects


def test_adapter_is_blocked_by_rfkill(guest):
    sim, session, states = start(guest)
    switch = 'for s in /sys/class/rfkill/*; do if grep -qx hci0 $s/name; then echo {} >$s/soft; fi; done'
    guest.check(switch.format(1))
    states.wait_for('waiting', 'adapter-off')
    assert product.interrupted(guest, session)
    sim.control('drop')         # the kernel cuts the controller off without a word on the air: the device's supervision timeout
    guest.check(switch.format(0))
    # bluetoothd 5.66 powers an adapter that was blocked again by itself.
    ends_well(guest, sim, session, states, ('waiting', 'adapter-off'))


# The computer

def delays_sleep(guest):
    return any(line.startswith('needled ') and 'sleep' in line and 'delay' in line
               for line in guest.check('systemd-inhibit --list --no-legend --no-pager').splitlines())


def test_suspend_and_resume(guest):
    """A whole cycle up to the freezing of all processes; the kernel lets go of the devices itself. needled has logind wait for it,
    before and again afterwards."""
    sim, session, states = start(guest)
    lib.wait_for("needled among logind's inhibitors", lambda: delays_sleep(guest))
    lib.sleep(guest)
    states.back(('waiting', 'suspended'))
    lib.wait_for("needled among logind's inhibitors again", lambda: delays_sleep(guest))
    product.goes_on(guest, session)
    product.finish(guest, sim, session)
