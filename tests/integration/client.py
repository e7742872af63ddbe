#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of somebody else's: a whole job by D-Bus alone, with GLib's bindings for Python and none of needled's code.

It says "use it" when the device streams and somebody has to press its button, and "done" at the end; test_client.py starts it."""
import os
import socket
import struct
import sys

from gi.repository import Gio, GLib

NAME, ROOT = 'org.needled', '/org/needled'
HELLO, LIVE, STATE, MARK, FIGURES, END = 1, 2, 6, 7, 9, 11
DEADLINE_MS = 120_000
V = GLib.Variant


def expect(value, expected, what):
    if value != expected:
        sys.exit(f'{what}: expected {expected!r}, got {value!r}')


class Client:
    def __init__(self):
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.bus = Gio.DBusConnection.new_for_address_sync(os.environ['DBUS_SYSTEM_BUS_ADDRESS'], flags, None, None)
        self.states = []        # (path, property, value), as they were told
        self.signals = []       # (member, arguments) of History1 and the ObjectManager
        for interface in ('org.freedesktop.DBus.Properties', 'org.needled.History1', 'org.freedesktop.DBus.ObjectManager'):
            self.bus.signal_subscribe(NAME, interface, None, None, None, Gio.DBusSignalFlags.NONE, self.on_signal)

    def on_signal(self, _bus, _sender, path, _interface, member, arguments):
        values = arguments.unpack()
        if member == 'PropertiesChanged':
            self.states += [(path, key, value) for key, value in values[1].items()]
        else:
            self.signals.append((member, values))

    def wait(self, what, condition):
        """Takes signals until condition() is true, and returns its value."""
        late = []
        timer = GLib.timeout_add(DEADLINE_MS, lambda: late.append(True) or GLib.SOURCE_CONTINUE)
        while not (value := condition()):
            if late:
                sys.exit(f'gave up waiting for {what}; {self.states[-10:]} {self.signals[-5:]}')
            GLib.MainContext.default().iteration(True)
        GLib.source_remove(timer)
        return value

    def told(self, path, key, value):
        self.wait(f'{key} {value}', lambda: (path, key, value) in self.states)

    def signal(self, member, *values):
        self.wait(f'{member}{values}', lambda: (member, values) in self.signals)

    def call(self, path, interface, member, signature='()', *values):
        """The reply's values, and a descriptor where the first of them is one."""
        reply, fds = self.bus.call_with_unix_fd_list_sync(NAME, path, f'org.{interface}' if interface[0] == 'f' else f'{NAME}.{interface}',
                                                          member, V(signature, values), None, Gio.DBusCallFlags.NONE, 160_000, None, None)
        found = reply.unpack()
        if reply.get_type_string().startswith('(h'):
            return fds.get(found[0]), *found[1:]
        return found[0] if len(found) == 1 else found

    def refused(self, error, *args):
        try:
            self.call(*args)
        except GLib.Error as e:
            expect(Gio.DBusError.get_remote_error(e), f'org.needled.Error.{error}', f'the error of {args[2]}')
        else:
            sys.exit(f'{args[2]} was not refused')

    def objects(self, interface):
        return {path: interfaces[f'{NAME}.{interface}'] for path, interfaces
                in self.call(ROOT, 'freedesktop.DBus.ObjectManager', 'GetManagedObjects').items() if f'{NAME}.{interface}' in interfaces}


class Stream:
    """Records, as include/needled/stream.h lays them out."""

    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.socket.settimeout(DEADLINE_MS / 1000)
        expect(self.socket.type, socket.SOCK_SEQPACKET, 'the kind of socket')
        self.records = self.read()
        self.dropped = 0

    def read(self):
        while message := self.socket.recv(16384):
            at = 0
            while at < len(message):
                kind, size, dropped, session_usec, _ = struct.unpack_from('<HHIQQ', message, at)
                expect((size % 8, at + size <= len(message)), (0, True), 'the size of a record')
                self.dropped += dropped
                yield kind, session_usec, message[at + 24:at + size]
                at += size

    def until(self, wanted, condition=lambda body: True):
        """The next such record's body; what comes before it is left."""
        for kind, _, body in self.records:
            if kind == wanted and condition(body):
                return body
        sys.exit(f'the stream ended before a record of type {wanted}')


def adopt(client):
    """Searches and adopts; returns the device's path when it streams."""
    client.call(ROOT, 'Manager1', 'Search', '(a{sv})', {'seconds': V('u', 30)})
    device = client.wait('a found device', lambda: next(
        (values[0] for member, values in client.signals if member == 'InterfacesAdded' and 'org.needled.Device1' in values[1]), None))
    expect(client.objects('Device1')[device]['State'], 'found', 'state')
    client.call(ROOT, 'Manager1', 'Adopt', '(oa{sv})', device, {'alias': V('s', 'mine')})
    client.call(ROOT, 'Manager1', 'StopSearch')
    client.told(device, 'State', 'streaming')
    about = client.objects('Device1')[device]
    expect((about['Alias'], about['Owner'], about['Adopted']), ('mine', os.getuid(), True), 'the adopted device')
    return device


def follow(client, session):
    """Goes with a session to its end, which is made by hand; returns its id."""
    number = client.objects('Session1')[session]['Id']
    stream = Stream(client.call(session, 'Session1', 'OpenStream', '(a{sv})', {'waveform': V('b', True), 'period': V('t', 20_000)})[0])
    kind, _, body = next(stream.records)
    expect((kind, struct.unpack_from('<IIQ', body)[::2]), (HELLO, (1, number)), 'the first record')
    present, _, _, _, strokes = struct.unpack_from('<IIiiQ', stream.until(LIVE, lambda body: struct.unpack_from('<Q', body, 16)[0] > 50))
    expect(present & 3, 3, 'force and strokes in a live record')
    figures = client.call(session, 'Session1', 'GetFigures')
    expect(figures['strokes'] >= strokes, True, 'figures that are not behind the stream')
    expect(struct.unpack_from('<QI', stream.until(FIGURES))[1] >= 32, True, 'how many figures a record has')

    client.call(session, 'Session1', 'SetStage', '(s)', 'needling')
    stream.until(STATE, lambda body: body[1] == 3)
    client.told(session, 'Stage', 'needling')
    client.call(session, 'Session1', 'SetArea', '(s)', 'forehead')
    client.call(session, 'Session1', 'Mark', '(s)', 'half way')
    body = stream.until(MARK)
    expect(body[8:8 + struct.unpack_from('<H', body)[0]], b'half way', 'the mark')
    client.refused('InvalidArgument', session, 'Session1', 'SetStage', '(s)', 'lunch')

    client.call(session, 'Session1', 'Finish')
    expect(stream.until(END)[0], 2, 'the end')
    expect(list(stream.records), [], 'records behind the end')
    expect(stream.dropped, 0, 'records that were missed')
    client.signal('Added', number, os.getuid())
    client.told(session, 'State', 'finished')
    client.told(session, 'EndReason', 'user')
    return number


def look_up(client, number):
    """What the record has of the session."""
    listed = client.call(ROOT, 'History1', 'List', '(a{sv})', {'limit': V('u', 5)})
    expect([session['id'] for session in listed], [number], 'the list')
    session = client.call(ROOT, 'History1', 'Get', '(t)', number)
    expect((session['strokes'], session['end_reason']), (listed[0]['strokes'], 'user'), 'the session')
    expect('needling' in session['stages'], True, 'its stages')
    series = client.call(ROOT, 'History1', 'GetSeries', '(tsttu)', number, 'force', 0, 0, 100)
    expect(max(point[3] for point in series), session['force_peak'], 'the peak of the curve')
    expect(client.call(ROOT, 'History1', 'Verify', '(t)', number)['ok'], True, 'verified')

    fd, rows = client.call(ROOT, 'History1', 'Export', '(tsa{sv})', number, 'csv', {})
    with os.fdopen(fd, 'rb') as pipe:
        lines = pipe.read().decode().splitlines()
    expect((lines[0].startswith('time_s,'), len(lines)), (True, rows + 1), 'the table')

    client.call(ROOT, 'History1', 'Annotate', '(ta{sv})', number, {'note': V('s', 'went well'), 'rating': V('u', 5)})
    client.signal('Changed', number, os.getuid())
    session = client.call(ROOT, 'History1', 'Get', '(t)', number)
    expect((session['note'], session['rating']), ('went well', 5), 'the labels')


def plan(client):
    client.call(ROOT, 'Plan1', 'Configure', '(a{sv})', {'weekly_max': V('u', 2)})
    found = client.call(ROOT, 'Plan1', 'Get', '(a{sv})', {})
    expect(found['rules']['weekly_max'], 2, 'the rule')
    client.refused('InvalidArgument', ROOT, 'Plan1', 'Acknowledge', '(a{sv})', {'version': V('s', 'another')})
    client.call(ROOT, 'Plan1', 'Acknowledge', '(a{sv})', {'version': V('s', found['contraindications_version'])})
    expect(client.call(ROOT, 'Plan1', 'Get', '(a{sv})', {})['acknowledged_at'] > 0, True, 'acknowledged')


def main():
    client = Client()
    device = adopt(client)
    print('use it', flush=True)
    session = client.wait('a session', lambda: next(
        (value for path, key, value in client.states if (path, key) == (device, 'Session') and value != '/'), None))
    client.told(session, 'State', 'running')
    number = follow(client, session)
    look_up(client, number)
    plan(client)
    expect(client.call(ROOT, 'History1', 'Delete', '(t)', number)['sessions'], 1, 'deleted')
    client.signal('Removed', number, os.getuid())
    client.refused('NotFound', ROOT, 'History1', 'Get', '(t)', number)
    client.call(ROOT, 'Manager1', 'Forget', '(o)', device)
    client.wait('the device to go', lambda: any(member == 'InterfacesRemoved' and values[0] == device for member, values in client.signals))
    expect(client.objects('Device1').get(device, {}).get('Adopted', False), False, 'the forgotten device')
    print('done', flush=True)


main()
