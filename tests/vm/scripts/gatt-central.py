#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in the guest: finds gatt-peripheral.py from another adapter, connects and takes its notifications.

usage: gatt-central.py ADAPTER COUNT

Prints one JSON object: the seconds that each step took, the MTU and the notifications as hex. Every wait has
a deadline; what did not happen is said on standard error, with status 1.
"""

import json
import select
import socket
import sys
import time

import dbus

SERVICE = '3f2a0001-9d7c-4c7e-8f3d-5b6a7c8d9e01'
CHARACTERISTIC = '3f2a0002-9d7c-4c7e-8f3d-5b6a7c8d9e01'
STEP_SEC = 60


def objects(bus):
    manager = dbus.Interface(bus.get_object('org.bluez', '/'), 'org.freedesktop.DBus.ObjectManager')
    return manager.GetManagedObjects()


def wait_for(what, look):
    deadline = time.monotonic() + STEP_SEC
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    sys.exit(f'no {what} within {STEP_SEC} s')


def find(bus, interface, prefix, matches):
    for path, interfaces in objects(bus).items():
        if path.startswith(prefix) and interface in interfaces and matches(interfaces[interface]):
            return path
    return None


def receive(fd, count):
    """COUNT datagrams: bluetoothd hands out a SOCK_SEQPACKET socket, one notification in each."""
    channel, values = socket.socket(fileno=fd), []
    while len(values) < count:
        if not select.select([channel], [], [], STEP_SEC)[0]:
            sys.exit(f'{len(values)} of {count} notifications within {STEP_SEC} s')
        data = channel.recv(1024)
        if not data:
            sys.exit(f'the socket was closed after {len(values)} of {count} notifications')
        values.append(data.hex())
    return values


def main():
    prefix, count = f'/org/bluez/{sys.argv[1]}', int(sys.argv[2])
    bus, times = dbus.SystemBus(), {}
    adapter = dbus.Interface(bus.get_object('org.bluez', prefix), 'org.bluez.Adapter1')
    began = time.monotonic()

    def step(name):
        nonlocal began
        times[name], began = round(time.monotonic() - began, 3), time.monotonic()

    adapter.SetDiscoveryFilter({'Transport': 'le', 'UUIDs': dbus.Array([SERVICE], signature='s')})
    adapter.StartDiscovery()
    device = wait_for('device', lambda: find(bus, 'org.bluez.Device1', prefix,
                                             lambda p: SERVICE in p.get('UUIDs', []) and 'RSSI' in p))
    step('discovery')
    dbus.Interface(bus.get_object('org.bluez', device), 'org.bluez.Device1').Connect(timeout=STEP_SEC)
    step('connect')
    adapter.StopDiscovery()
    wait_for('resolved services',
             lambda: find(bus, 'org.bluez.Device1', device, lambda p: p['ServicesResolved']))
    step('resolve')
    path = wait_for('characteristic', lambda: find(bus, 'org.bluez.GattCharacteristic1', device,
                                                   lambda p: p['UUID'] == CHARACTERISTIC))
    fd, mtu = dbus.Interface(bus.get_object('org.bluez', path),
                             'org.bluez.GattCharacteristic1').AcquireNotify({})
    step('acquire')
    values = receive(fd.take(), count)
    step('notifications')
    print(json.dumps({'device': device, 'mtu': int(mtu), 'seconds': times, 'values': values}))


main()
