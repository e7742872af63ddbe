#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""org.needled.History1.List of N sessions, where somebody deletes the last session of each page of which there is a next, just after it was sent."""
import os
import sys

from gi.repository import Gio, GLib

XML = """<node><interface name="org.needled.History1"><method name="List"><arg type="a{sv}" direction="in"/>
         <arg type="aa{sv}" direction="out"/></method></interface></node>"""
sessions = list(range(int(sys.argv[1]), 0, -1))


def on_call(_bus, _sender, _path, _interface, _member, arguments, call):
    filters = arguments.unpack()[0]
    before = filters.get('before', 0)
    if before and before not in sessions:
        call.return_dbus_error('org.needled.Error.NotFound', f'There is no session {before}.')
        return
    older = [i for i in sessions if not before or i < before]
    page = older[:filters['limit']]
    call.return_value(GLib.Variant('(aa{sv})', ([{'id': GLib.Variant('t', i)} for i in page],)))
    if len(older) > len(page):
        sessions.remove(page[-1])


flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
bus = Gio.DBusConnection.new_for_address_sync(os.environ['DBUS_SYSTEM_BUS_ADDRESS'], flags, None, None)
bus.register_object('/org/needled', Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], on_call, None, None)
Gio.bus_own_name_on_connection(bus, 'org.needled', Gio.BusNameOwnerFlags.NONE, lambda *_: print('ready', flush=True), None)
GLib.MainLoop().run()
