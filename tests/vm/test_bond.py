# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is between a device and its owner: bonds that are lost, devices that are another one now, pairing with digits, and letting go.

A key that the device has lost is tested on the stand-in alone: Linux 6.1.192, the guest's kernel, stops in hci_chan_del when the encryption of a
link fails, which ends bluetoothd and leaves its locks held.
"""

import re
import time

import journal
import lib
import product
import test_survive

NEEDS_PRODUCT = True

OURS = '/org/bluez/hci0/dev_00_AA_01_01_00_01'
ABSENCE_SEC = 8         # in which what must not come would have come


def lose_bond_of_device(guest):
    """Of the one that bluetoothd plays."""
    guest.check('systemctl stop bluetooth\nrm -r /var/lib/bluetooth/00:AA:01:01:00:01/00:AA:01:00:00:00\nsystemctl start bluetooth')


def reason_of(guest, state):
    found = lib.wait_for(f'device in state {state}', lambda: (d := product.device(guest)) and d['state'] == state and d, product.LINK_SEC)
    return found['state_reason']


def healed_by_its_owner(guest):
    """Nothing happens without the owner, and the remedy that the journal prints works."""
    entry, = journal.check(guest, 'BOND_LOST')
    assert 'needlectl adopt pen' in entry['MESSAGE'] and entry['NEEDLED_DEVICE'] == 'pen', entry
    status, _, errors = product.ctl(guest, 'adopt', 'pen')
    assert status == 0, errors
    found = lib.wait_for('streaming device', lambda: product.streaming(guest), product.LINK_SEC)
    assert found['bonded'] and found['adopted'], found


def test_bond_is_removed_on_our_side(guest):
    """As with bluetoothctl remove. The device has to be told too, as one with a pairing mode is by its button: bluetoothd, which plays it,
    does not let a bond be made anew over its own (JustWorksRepairing)."""
    sim, session, states = test_survive.start(guest)
    sim.control('advertise off')
    sim.control('drop')
    lib.wait_for('interrupted session', lambda: product.interrupted(guest, session))
    guest.check(f'bluetoothctl --timeout 20 remove {product.PUBLIC_ADDRESS}')
    states.wait_for('bond-lost', 'key-missing')
    assert reason_of(guest, 'bond-lost') == 'key-missing'
    assert product.interrupted(guest, session)
    lose_bond_of_device(guest)
    sim.control('advertise on')
    healed_by_its_owner(guest)
    product.goes_on(guest, session)
    product.finish(guest, sim, session)


def test_another_device_behind_the_address(guest):
    """It is refused, nothing of it is stored, and its owner may take it in."""
    sim, session, states = test_survive.start_unbonded(guest)
    sim.stop()
    lib.wait_for('interrupted session', lambda: product.interrupted(guest, session))
    other = product.Sim(guest, '--hci', '1', '--kind=roller', '--seed=4', '--live-period=50', unit='needlesim-other')
    states.wait_for('refused', 'identity-changed')
    assert reason_of(guest, 'refused') == 'identity-changed'
    other.control('start')
    entry, = journal.check(guest, 'IDENTITY_CHANGED')
    assert 'needlectl adopt pen' in entry['MESSAGE'], entry
    time.sleep(ABSENCE_SEC)
    assert [row['id'] for row in product.rows(guest, 'SELECT id FROM session')] == [session['id']]
    status, _, errors = product.ctl(guest, 'adopt', 'pen', '--allow-unbonded')
    assert status == 0, errors
    found = lib.wait_for('streaming device', lambda: product.streaming(guest), product.LINK_SEC)
    assert (found['kind'], found['serial']) == ('roller', 'R000001'), found


def test_release_and_take_back(guest):
    """The radio is free for a phone (the other end sees the link end and nobody comes) until the device is taken back, over restarts of
    everything; the one who released it is long gone."""
    sim, session, states = test_survive.start(guest)
    status, _, errors = product.ctl(guest, 'release', 'pen')
    assert status == 0, errors
    states.wait_for('released', 'released')
    connected = lib.get(guest, 'org.bluez', OURS, 'org.bluez.Device1', 'Connected')
    assert not connected and product.interrupted(guest, session)
    guest.check('systemctl restart needled')
    assert product.device(guest)['state'] == 'released'
    guest.check('systemctl restart bluetooth')
    lib.wait_for('Bluetooth', lambda: lib.get(guest, product.SERVICE, product.ROOT, product.MANAGER, 'Bluetooth') == 'ready')
    lib.wait_for('device that advertises', lambda: re.match('y [1-9]', guest.run(
        'busctl get-property org.bluez /org/bluez/hci1 org.bluez.LEAdvertisingManager1 ActiveInstances')[1]))
    time.sleep(ABSENCE_SEC)
    assert not lib.get(guest, 'org.bluez', OURS, 'org.bluez.Device1', 'Connected')
    assert product.device(guest)['state'] == 'released'
    status, _, errors = product.ctl(guest, 'connect', 'pen')
    assert status == 0, errors
    product.goes_on(guest, session)
    product.finish(guest, sim, session, gaps=(1, 2))


def test_release_for_a_time(guest):
    sim, session, states = test_survive.start(guest)
    assert product.ctl(guest, 'release', 'pen', '--seconds=5')[0] == 0
    states.back(('released', 'released'))
    product.goes_on(guest, session)
    product.finish(guest, sim, session)


# Pairing with digits, from a terminal

# Kinds of keys, as the kernel numbers them, of a pairing that nobody in the middle can have listened to: by the old and by Secure Connections.
AUTHENTICATED = (1, 3)


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, guest, command):
        self._guest, self._before = guest, 0
        guest.check('rm -f /run/terminal.in /run/terminal.out; mkfifo /run/terminal.in')
        lib.start(guest, 'terminal', 'bash', '-c',
                  f'exec script -qefc "{command}" /run/terminal.out <>/run/terminal.in >/dev/null')

    def text(self):
        return self._guest.run('cat /run/terminal.out')[1].replace('\r\n', '\n')

    def expect(self, pattern):
        return lib.wait_for(f'"{pattern}"', lambda: re.search(pattern, self.text()))

    def type(self, text):
        self._guest.check(f'echo {text} 1<>/run/terminal.in')

    def status(self):
        """Of the command, which the terminal's record ends with."""
        return int(self.expect(r'COMMAND_EXIT_CODE="(\d+)"').group(1))


def pair(guest, method, talk, status=0):
    guest.check('systemctl start needled')
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50', f'--pairing={method}')
    product.find(guest)
    terminal = Terminal(guest, f'needlectl adopt {product.PUBLIC_ADDRESS} --alias=pen')
    talk(terminal, sim)
    assert terminal.status() == status, terminal.text()
    if status == 0:
        found = lib.wait_for('streaming device', lambda: product.streaming(guest), product.LINK_SEC)
        assert found['bonded'], found
        assert 'Just Works' not in terminal.text(), terminal.text()
        key = lib.wait_for('stored key', lambda: re.search(r'LongTermKey\][^\[]*Authenticated=(\d)', guest.check(
            'cat /var/lib/bluetooth/00:AA:01:00:00:00/00:AA:01:01:00:01/info')))
        assert int(key.group(1)) in AUTHENTICATED, key.group(0)
    else:
        found = product.device(guest, product.PUBLIC_ADDRESS)
        assert not found or not found['adopted'], found


def shown(guest, sim):
    return lib.wait_for('digits', lambda: re.search(r'passkey (\d{6})', guest.check('cat /run/needlesim.output'))).group(1)


def test_pairing_with_the_digits_that_the_device_shows(guest):
    def talk(terminal, sim):
        terminal.expect('Type the six digits')
        terminal.type(shown(guest, sim))
    pair(guest, 'passkey-display', talk)


def test_pairing_with_wrong_digits(guest):
    def talk(terminal, sim):
        terminal.expect('Type the six digits')
        terminal.type(f'{(int(shown(guest, sim)) + 1) % 1000000:06}')
    pair(guest, 'passkey-display', talk, status=1)


def test_pairing_with_digits_typed_on_the_device(guest):
    pair(guest, 'passkey-entry', lambda terminal, sim: sim.control(
        f'passkey {terminal.expect(r"Type ([0-9]{6}) on the device").group(1)}'))


def test_pairing_by_comparison(guest):
    def talk(terminal, sim):
        digits = terminal.expect(r'Does the device show (\d{6})').group(1)
        assert digits == shown(guest, sim)
        terminal.type('y')
        sim.control('confirm yes')
    pair(guest, 'numeric', talk)


def test_pairing_is_refused_by_the_device(guest):
    def talk(terminal, sim):
        terminal.expect('COMMAND_EXIT_CODE')
    pair(guest, 'refuse', talk, status=1)
