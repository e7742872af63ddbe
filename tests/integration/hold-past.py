#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hold-past SESSION N: asks for the past of a session in N streams, says "held", and takes none of it until its stdin ends."""
import os
import sys

from gi.repository import Gio, GLib

flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
bus = Gio.DBusConnection.new_for_address_sync(os.environ['DBUS_SYSTEM_BUS_ADDRESS'], flags, None, None)
held = [bus.call_with_unix_fd_list_sync('org.needled', sys.argv[1], 'org.needled.Session1', 'OpenStream',
                                        GLib.Variant('(a{sv})', ({'history': GLib.Variant('t', 10 ** 12), 'frames': GLib.Variant('b', True)},)),
                                        None, Gio.DBusCallFlags.NONE, 60_000, None, None) for _ in range(int(sys.argv[2]))]
print('held', len(held), flush=True)
sys.stdin.read()
