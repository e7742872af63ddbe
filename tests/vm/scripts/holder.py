#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in the guest: another program that has a device's notifications, until it is ended.

usage: holder.py acquire|start CHARACTERISTIC-PATH
"""

import signal
import sys

import dbus


def main():
    bus = dbus.SystemBus()
    characteristic = dbus.Interface(bus.get_object('org.bluez', sys.argv[2], introspect=False), 'org.bluez.GattCharacteristic1')
    held = characteristic.AcquireNotify(dbus.Dictionary({}, 'sv')) if sys.argv[1] == 'acquire' else characteristic.StartNotify()
    print('held', flush=True)
    signal.pause()
    return held


if __name__ == '__main__':
    main()
