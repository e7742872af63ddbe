#!/usr/bin/python3 -u
# SPDX-License-Identifier: LGPL-2.1-or-later
# Follows your live session, with nothing of needled's: docs/api.md explains it.
import os
import socket
import struct
import sys

from gi.repository import Gio, GLib

bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
objects = bus.call_sync('org.needled', '/org/needled', 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects',
                        None, None, Gio.DBusCallFlags.NONE, -1).unpack()[0]
sessions = [(path, of['org.needled.Session1']) for path, of in objects.items() if 'org.needled.Session1' in of]
live = [path for path, session in sessions if session['Owner'] == os.getuid() and session['State'] != 'finished']
if not live:
    sys.exit('You have no live session.')
options = GLib.Variant('(a{sv})', ({'period': GLib.Variant('t', 50000)},))
reply, fds = bus.call_with_unix_fd_list_sync('org.needled', live[0], 'org.needled.Session1', 'OpenStream', options,
                                             None, Gio.DBusCallFlags.NONE, -1, None)
stream = socket.socket(fileno=fds.get(reply.unpack()[0]))
while message := stream.recv(16384):
    while message:
        kind, size, dropped, time, _ = struct.unpack_from('<HHIQQ', message)
        body, message = message[24:size], message[size:]
        if dropped:
            print(f'{dropped} records missed')
        if kind == 2 and struct.unpack_from('<I', body)[0] & 1:
            print('{:.3f} s  {} mN  peak {} mN'.format(time / 1e6, *struct.unpack_from('<ii', body, 8)))
        if kind == 8:
            start, end, lost, which = struct.unpack_from('<QQIB', body)
            print(f'{time / 1e6:.3f} s  gap of {(end - start) / 1e6:.3f} s, {lost} packets lost')
        if kind == 11:
            print(f'end, reason {body[0]}')
            sys.exit()
sys.exit('The stream broke off: the service went away.')
