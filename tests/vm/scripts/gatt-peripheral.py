#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in the guest: a GATT server with one notifying characteristic, on BlueZ's server and a given adapter.

usage: gatt-peripheral.py ADAPTER NAME COUNT

Once a client has enabled notifications it sends COUNT of them, in bursts: each its number in two bytes
(little endian) and 18 bytes that follow from it. Prints "advertising", "notifying" and "sent COUNT".
"""

import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

SERVICE = '3f2a0001-9d7c-4c7e-8f3d-5b6a7c8d9e01'
CHARACTERISTIC = '3f2a0002-9d7c-4c7e-8f3d-5b6a7c8d9e01'
BASE = '/stack_test'
PROPERTIES = 'org.freedesktop.DBus.Properties'
INTERVAL_MS = 100
# As many at once: in bursts they would overtake each other, if they could.
BURST = 50
# btvirt reports an advertiser only at the moment when its advertising is enabled, so that it is registered
# anew now and then. Not more often: a connection that meets an advertiser just switched off hangs for 40 s.
ADVERTISE_AGAIN_MS = 1000


def payload(number):
    return number.to_bytes(2, 'little') + bytes((number * 7 + i) & 0xff for i in range(18))


class Exported(dbus.service.Object):
    def __init__(self, bus, path, interface, properties):
        self.interface, self.properties = interface, properties
        super().__init__(bus, path)

    @dbus.service.method(PROPERTIES, in_signature='s', out_signature='a{sv}')
    def GetAll(self, interface):
        return self.properties if interface == self.interface else {}

    @dbus.service.signal(PROPERTIES, signature='sa{sv}as')
    def PropertiesChanged(self, interface, changed, invalidated):
        pass


class Characteristic(Exported):
    def __init__(self, bus, count):
        super().__init__(bus, BASE + '/s/c', 'org.bluez.GattCharacteristic1', {
            'UUID': CHARACTERISTIC, 'Service': dbus.ObjectPath(BASE + '/s'),
            'Flags': dbus.Array(['notify'], signature='s')})
        self.count, self.sent = count, None

    @dbus.service.method('org.bluez.GattCharacteristic1')
    def StartNotify(self):
        if self.sent is None:
            print('notifying', flush=True)
            self.sent = 0
            GLib.timeout_add(INTERVAL_MS, self.burst)

    @dbus.service.method('org.bluez.GattCharacteristic1')
    def StopNotify(self):
        pass

    def burst(self):
        for _ in range(min(BURST, self.count - self.sent)):
            value = dbus.Array(payload(self.sent), signature='y')
            self.PropertiesChanged(self.interface, {'Value': value}, [])
            self.sent += 1
        if self.sent == self.count:
            print(f'sent {self.sent}', flush=True)
        return self.sent < self.count


class Application(dbus.service.Object):
    def __init__(self, bus, parts):
        self.parts = parts
        super().__init__(bus, BASE)

    @dbus.service.method('org.freedesktop.DBus.ObjectManager', out_signature='a{oa{sa{sv}}}')
    def GetManagedObjects(self):
        return {dbus.ObjectPath(p.__dbus_object_path__): {p.interface: p.properties} for p in self.parts}


class Advertisement(Exported):
    def __init__(self, bus, adapter, name):
        super().__init__(bus, BASE + '/adv', 'org.bluez.LEAdvertisement1', {
            'Type': 'peripheral', 'ServiceUUIDs': dbus.Array([SERVICE], signature='s'), 'LocalName': name})
        self.manager = dbus.Interface(adapter, 'org.bluez.LEAdvertisingManager1')
        self.registered = False

    @dbus.service.method('org.bluez.LEAdvertisement1')
    def Release(self):
        self.registered = False

    def register(self):
        self.manager.RegisterAdvertisement(BASE + '/adv', {}, reply_handler=self.on_registered,
                                           error_handler=lambda e: sys.exit(f'RegisterAdvertisement: {e}'))

    def on_registered(self):
        if not self.registered:
            print('advertising', flush=True)
        self.registered = True
        GLib.timeout_add(ADVERTISE_AGAIN_MS, self.again)

    def again(self):
        self.manager.UnregisterAdvertisement(BASE + '/adv', reply_handler=self.register,
                                             error_handler=lambda e: self.register())
        return False


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    adapter = bus.get_object('org.bluez', f'/org/bluez/{sys.argv[1]}')
    service = Exported(bus, BASE + '/s', 'org.bluez.GattService1', {'UUID': SERVICE, 'Primary': True})
    characteristic = Characteristic(bus, int(sys.argv[3]))
    application = Application(bus, [service, characteristic])
    advertisement = Advertisement(bus, adapter, sys.argv[2])
    dbus.Interface(adapter, 'org.bluez.GattManager1').RegisterApplication(
        application.__dbus_object_path__, {}, reply_handler=advertisement.register,
        error_handler=lambda e: sys.exit(f'RegisterApplication: {e}'))
    GLib.MainLoop().run()


main()
