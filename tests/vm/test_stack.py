# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest itself: without what is proven here no result of the other tests means anything."""

import json

import lib


def test_two_le_controllers_are_powered(guest):
    adapters = {path: interfaces['org.bluez.Adapter1']
                for path, interfaces in lib.managed_objects(guest, 'org.bluez').items()
                if 'org.bluez.Adapter1' in interfaces}
    assert {path: a['Address'] for path, a in adapters.items()} == {
        '/org/bluez/hci0': '00:AA:01:00:00:00', '/org/bluez/hci1': '00:AA:01:01:00:01'}
    assert all(a['Powered'] for a in adapters.values()), adapters


def test_no_unit_failed_and_the_clock_is_right(guest):
    assert guest.check('systemctl --failed --quiet --no-legend --no-pager') == ''
    drift = abs(float(guest.check('date +%s.%N')) - lib.time.time())
    assert drift < lib.PATIENCE_SEC, f'the guest is {drift} s off'


def test_secure_connections_have_their_cryptography(guest):
    """The kernel's ECDH refuses to work when its modules were loaded in the wrong order."""
    blocks = guest.check('cat /proc/crypto').split('\n\n')
    ecdh, = [b for b in blocks if 'ecdh-nist-p256-generic' in b]
    assert 'passed' in ecdh, ecdh
    assert 'Unable to create ECDH' not in guest.check('journalctl -b -k --no-pager')
    for adapter in ('hci0', 'hci1'):
        supported, current = lib.adapter_settings(guest, adapter)
        assert current >= {'powered', 'le', 'secure-conn'}, (adapter, supported, current)
        assert 'br/edr' not in supported, (adapter, supported)


def test_notifications_cross_the_air_in_order(guest):
    """Discovery, connection and AcquireNotify from hci0 to a BlueZ GATT server on hci1: every notification,
    once, in order. (In order is what [GATT] Channels = 1 in the guest's main.conf is for.)"""
    count = 3000
    peripheral = lib.put_script(guest, 'gatt-peripheral.py')
    central = lib.put_script(guest, 'gatt-central.py')
    lib.start(guest, 'peripheral', 'python3', peripheral, 'hci1', 'Stack test', count)
    lib.wait_for('advertisement', lambda: 'advertising' in lib.output_of(guest, 'peripheral'))
    result = json.loads(guest.check(f'python3 {central} hci0 {count}', timeout=300))
    expected = [(n.to_bytes(2, 'little') + bytes((n * 7 + i) & 0xff for i in range(18))).hex()
                for n in range(count)]
    assert result['values'] == expected
    assert result['mtu'] >= 247, result['mtu']
    assert result['device'] == '/org/bluez/hci0/dev_00_AA_01_01_00_01'
    lib.wait_for('end of the sending', lambda: f'sent {count}' in lib.output_of(guest, 'peripheral'))
    print(result['seconds'])


def test_link_loss_ends_the_acquired_socket(guest):
    """What a reader of AcquireNotify's socket sees when the link ends: the end of the file, not silence."""
    peripheral = lib.put_script(guest, 'gatt-peripheral.py')
    central = lib.put_script(guest, 'gatt-central.py')
    lib.start(guest, 'peripheral', 'python3', peripheral, 'hci1', 'Stack test', 5)
    lib.wait_for('advertisement', lambda: 'advertising' in lib.output_of(guest, 'peripheral'))
    lib.start(guest, 'central', 'python3', central, 'hci0', 6)
    lib.wait_for('end of the sending', lambda: 'sent 5' in lib.output_of(guest, 'peripheral'))
    lib.call(guest, 'org.bluez', '/org/bluez/hci1/dev_00_AA_01_00_00_00', 'org.bluez.Device1', 'Disconnect')
    lib.wait_for('word of the closed socket', lambda: any(
        'closed after 5 of 6' in entry['MESSAGE'] for entry in lib.journal(guest, '-u', 'central')))
