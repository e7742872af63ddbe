# SPDX-License-Identifier: LGPL-2.1-or-later
"""The policy as it is installed, by what each user can send on the real bus."""

import json

import lib
import people
import product
from people import ACCESS_DENIED, does, step

NEEDS_PRODUCT = True

PEER, OBJECTS = 'org.freedesktop.DBus.Peer', 'org.freedesktop.DBus.ObjectManager'
DRIVER = {'to': 'org.freedesktop.DBus'}
NAME_TAKEN = 1      # DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER
NOT_THERE = ('org.freedesktop.DBus.Error.UnknownMethod', 'org.freedesktop.DBus.Error.UnknownObject', 'org.freedesktop.DBus.Error.UnknownInterface')


def connection_of_link(guest):
    """The unique name of needled that owns no other: the one that bluetoothd calls."""
    pid = int(guest.check('systemctl show -P MainPID needled'))
    owner = lib.call(guest, 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'GetNameOwner', 's', product.SERVICE)[0]
    names = json.loads(guest.check('busctl list --json=short --unique'))
    name, = [n['name'] for n in names if n['pid'] == pid and n['name'] != owner]
    return name


def errors(results):
    return [result.get('error') for result in results]


def takes(name):
    return step('/', 'org.freedesktop.DBus', 'RequestName', f"('{name}', uint32 4)", **DRIVER)


def check_policy(guest):
    people.add(guest)
    guest.check('systemctl start needled')
    lib.wait_for('Bluetooth', lambda: lib.get(guest, product.SERVICE, product.ROOT, product.MANAGER, 'Bluetooth') == 'ready')
    link = connection_of_link(guest)
    root, nothing = product.ROOT, '(@a{sv} {},)'
    hers = [step(root, PEER, 'Ping'), step(root, OBJECTS, 'GetManagedObjects'),
            step(root, 'org.freedesktop.DBus.Introspectable', 'Introspect'),
            step(root, 'org.freedesktop.DBus.Properties', 'GetAll', f"('{product.MANAGER}',)"), step(root, product.MANAGER, 'Doctor'),
            step(root, product.HISTORY, 'List', nothing), step(root, 'org.needled.Plan1', 'Get', nothing)]
    ours = [step(root, product.DEVICE, 'Connect'), step(root, product.SESSION, 'Pause')]
    others = [takes('org.needled'), step(root, 'org.bluez.Agent1', 'Cancel'), step(root, 'org.example.Other', 'Call'),
              step('/', PEER, 'Ping', to=link), step('/', OBJECTS, 'GetManagedObjects', to=link),
              step('/', 'org.bluez.GattProfile1', 'Release', to=link), step('/', 'org.bluez.Agent1', 'Cancel', to=link),
              step('/', 'org.freedesktop.DBus.Properties', 'GetAll', "('org.bluez.GattProfile1',)", to=link)]
    seen = errors(does(guest, 'bob', *hers, *ours, *others))
    assert seen[:len(hers)] == [None] * len(hers), seen
    assert all(error in NOT_THERE for error in seen[len(hers):len(hers + ours)]), seen
    assert seen[len(hers + ours):] == [ACCESS_DENIED] * len(others), seen
    # bluetoothd, which is root, calls all of them, and gets our answers.
    seen = errors(does(guest, 'root', *others[4:]))
    assert all(error in NOT_THERE for error in seen), seen
    check_what_needled_may(guest)


def check_what_needled_may(guest):
    """The service's own user calls a caller's agent, and nothing else of anybody."""
    does(guest, 'alice', {'stay': True}, unit='alice')
    alice = lib.wait_for('alice', lambda: next((n['name'] for n in json.loads(guest.check('busctl list --json=short --unique'))
                                                if n['user'] == 'alice'), None))
    guest.check('systemctl stop needled')
    taken, agent, other, bluez = does(guest, 'needled', takes('org.needled'), step('/', 'org.needled.PairingAgent1', 'Cancel', to=alice),
                                      step('/', 'org.example.Other', 'Call', to=alice), step('/', PEER, 'Ping', to='org.bluez'))
    assert taken['reply'] == [NAME_TAKEN], taken
    assert agent['error'] in NOT_THERE and other['error'] == ACCESS_DENIED and 'reply' in bluez, (agent, other, bluez)


def test_who_may_send_what(guest):
    check_policy(guest)
