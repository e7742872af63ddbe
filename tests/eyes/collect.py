#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another user who collects all that can be had from org.needled and org.bluez: every signal, every property, every reading method, again
and again until it is ended. Prints each different thing once, as a JSON object a line; {"way": "round"} after each time round.

usage: collect.py ADDRESS-OF-THE-BUS OWNER [PIPE]

OWNER is the uid of whose sessions are wanted. With a pipe it goes round once for each line there, and hears signals in between. Reading a value of a characteristic is left out: that asks the device, whoever does it.
"""

import json
import os
import sys

from gi.repository import Gio, GLib

PROPERTIES = 'org.freedesktop.DBus.Properties'
MANAGER = 'org.freedesktop.DBus.ObjectManager'
DRIVER = ('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus')
ROOTS = {'org.needled': '/org/needled', 'org.bluez': '/'}
WITHOUT_ARGUMENTS = {
    'org.needled.Manager1': ['Doctor'],
    'org.needled.Device1': ['GetInfo', 'GetCounters', 'GetParameters'],
    'org.needled.Session1': ['GetFigures'],
}
ALL_TIME = "uint64 0, uint64 18446744073709551615"


def plain(value):
    """For JSON, which has no octets."""
    if isinstance(value, (bytes, bytearray)):
        return list(value)
    if isinstance(value, dict):
        return {str(key): plain(v) for key, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def connect(address):
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    return Gio.DBusConnection.new_for_address_sync(address, flags)


class Collector:
    def __init__(self, address, owner):
        self._bus, self._owner = connect(address), owner
        self._seen, self._of, self._introspected, self._got = set(), {}, {}, {}
        self._bus.signal_subscribe(None, None, None, None, None, Gio.DBusSignalFlags.NONE, self._on_signal)

    def say(self, **item):
        line = json.dumps(plain(item), sort_keys=True)
        if line not in self._seen:
            if item['way'] != 'round':
                self._seen.add(line)
            print(line, flush=True)

    def call(self, service, path, interface, method, arguments=None):
        """What it answers, and None if that is an error."""
        try:
            parameters = GLib.Variant.parse(None, arguments, None, None) if arguments else None
            return self._bus.call_sync(service, path, interface, method, parameters, None, Gio.DBusCallFlags.NO_AUTO_START, 30000).unpack()
        except GLib.Error as e:
            self._error = Gio.DBusError.get_remote_error(e) or 'none', e.message
            return None

    def _service_of(self, sender):
        """Of the connections of both services, those without a name among them."""
        if sender not in self._of:
            pid = self.call(*DRIVER, 'GetConnectionUnixProcessID', f"('{sender}',)")
            pids = {service: self.call(*DRIVER, 'GetConnectionUnixProcessID', f"('{service}',)") for service in ROOTS}
            self._of[sender] = next((service for service in ROOTS if pid and pid == pids[service]), None)
        return self._of[sender]

    def _on_signal(self, _bus, sender, path, interface, member, parameters):
        if sender != DRIVER[0] and (service := self._service_of(sender)):
            self.say(way='signal', service=service, path=path, interface=interface, member=member, arguments=parameters.unpack())

    def _property(self, service, path, interface, name, value):
        self.say(way='property', service=service, path=path, interface=interface, name=name, value=value)

    def _interfaces(self, service, path):
        """{interface: [property]} as the object tells of itself, and the names of what is below it."""
        answer = self.call(service, path, 'org.freedesktop.DBus.Introspectable', 'Introspect')
        node = Gio.DBusNodeInfo.new_for_xml(answer[0]) if answer else None
        if not node:
            return {}, []
        return {i.name: [p.name for p in i.properties] for i in node.interfaces}, [n.path for n in node.nodes]

    def _walk(self, service, path):
        """What an object tells that is new is asked for one by one; what it has told of before comes with GetAll() alone."""
        if (service, path) not in self._introspected or path.count('/') <= 3:
            self._introspected[service, path] = self._interfaces(service, path)
        interfaces, below = self._introspected[service, path]
        for interface, names in interfaces.items():
            # bluetoothd has a hundred objects, whose values come with GetManagedObjects() too: they are asked once.
            if not names or (service == 'org.bluez' and (service, path, interface) in self._got):
                continue
            for name, value in (self.call(service, path, PROPERTIES, 'GetAll', f"('{interface}',)") or ({},))[0].items():
                self._property(service, path, interface, name, value)
            for name in set(names) - self._got.setdefault((service, path, interface), set()):
                self._got[service, path, interface].add(name)
                value = self.call(service, path, PROPERTIES, 'Get', f"('{interface}', '{name}')")
                if value:
                    self._property(service, path, interface, name, value[0])
        for name in below:
            self._walk(service, f'{path.rstrip("/")}/{name}')

    def _ask(self, path, interface, method, arguments=None):
        answer = self.call('org.needled', path, interface, method, arguments)
        if answer is None:
            self.say(way='error', path=path, method=f'{interface}.{method}', error=self._error[0], message=self._error[1])
        else:
            self.say(way='reply', path=path, method=f'{interface}.{method}', value=answer)

    def _ask_of_history(self, number):
        history = (ROOTS['org.needled'], 'org.needled.History1')
        self._ask(*history, 'Get', f'(uint64 {number},)')
        self._ask(*history, 'GetEvents', f'(uint64 {number}, @a{{sv}} {{}})')
        self._ask(*history, 'GetSeries', f"(uint64 {number}, 'force', {ALL_TIME}, uint32 100)")
        self._ask(*history, 'Verify', f'(uint64 {number},)')
        for form in ('csv', 'tape', 'json'):
            self._ask(*history, 'Export', f"(uint64 {number}, '{form}', @a{{sv}} {{}})")

    def round(self):
        numbers = {1}
        for service, root in ROOTS.items():
            objects = (self.call(service, root, MANAGER, 'GetManagedObjects') or ({},))[0]
            for path, interfaces in objects.items():
                for interface, properties in interfaces.items():
                    for name, value in properties.items():
                        self._property(service, path, interface, name, value)
                    for method in WITHOUT_ARGUMENTS.get(interface, []):
                        self._ask(path, interface, method)
                    if interface == 'org.needled.Session1':
                        self._ask(path, interface, 'OpenStream', "({'history': <uint64 600000000>, 'frames': <true>},)")
                        numbers.add(properties['Id'])
            self._walk(service, root)
        root = ROOTS['org.needled']
        self._ask(root, 'org.needled.Manager1', 'Doctor')
        self._ask(root, 'org.needled.Plan1', 'Get', '(@a{sv} {},)')
        self._ask(root, 'org.needled.History1', 'List', '(@a{sv} {},)')
        self._ask(root, 'org.needled.History1', 'List', f"({{'owner': <uint32 {self._owner}>}},)")
        for number in numbers:
            self._ask_of_history(number)
        self.say(way='round')

    def become_monitor(self, address):
        """It must not: then each message would come here."""
        bus = connect(address)
        try:
            bus.call_sync(*DRIVER[:2], 'org.freedesktop.DBus.Monitoring', 'BecomeMonitor', GLib.Variant('(asu)', ([], 0)), None, 0, 30000)
            self.say(way='monitor', error='')
        except GLib.Error as e:
            self.say(way='monitor', error=Gio.DBusError.get_remote_error(e))


def main():
    address, owner, *pipe = sys.argv[1:]
    collector, context = Collector(address, owner), GLib.MainContext.default()
    collector.become_monitor(address)
    collector.say(way='user', uid=os.getuid())
    if pipe:
        # Opened for writing too, it has no end.
        lines = os.fdopen(os.open(pipe[0], os.O_RDWR), 'rb', buffering=0)
        GLib.io_add_watch(lines, GLib.IO_IN, lambda *_: lines.readline() and (collector.round() or True))
        GLib.MainLoop().run()
    while True:
        collector.round()
        GLib.timeout_add(100, lambda: False)
        context.iteration(True)
        while context.pending():
            context.iteration(False)


if __name__ == '__main__':
    main()
