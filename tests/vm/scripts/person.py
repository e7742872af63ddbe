#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in the guest as some user: somebody at a desktop, who calls needled and has an agent of polkit that shows dialogs and answers them.

usage: person.py [STEP…]    each a JSON object, done in their order

    {"agent": [ANSWER…]}            have an agent from now on. Each dialog takes the next answer: a password, null (dismiss it) or
                                    "hold" (leave it open)
    {"call": [PATH, INTERFACE, METHOD, ARGUMENTS], "interactive": true}
                                    call org.needled (or "to" somebody else); ARGUMENTS is a tuple in GVariant's text form, or null
    {"open": N, "call": […]}        the same N times over, without waiting for an answer but until the dialogs are shown
    {"stay": true}                  until it is ended
    {"leave": true}                 close the connection that calls, wait until each open dialog was taken back, connect anew

Prints one JSON object for each: {"reply": …} or {"error": NAME, "message": …} for a call, with the actions of the "dialogs" that were shown.
"""

import itertools
import json
import os
import pwd
import subprocess
import sys
import time

from gi.repository import Gio, GLib

PATIENCE_SEC = 60
HELPER = '/usr/lib/polkit-1/polkit-agent-helper-1'
AUTHORITY = ('org.freedesktop.PolicyKit1', '/org/freedesktop/PolicyKit1/Authority', 'org.freedesktop.PolicyKit1.Authority')
AGENT_PATH = '/agent'
AGENT_XML = """<node><interface name="org.freedesktop.PolicyKit1.AuthenticationAgent">
  <method name="BeginAuthentication">
    <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="a{ss}" direction="in"/>
    <arg type="s" direction="in"/><arg type="a(sa{sv})" direction="in"/>
  </method>
  <method name="CancelAuthentication"><arg type="s" direction="in"/></method>
</interface></node>"""


def connect():
    """A connection of its own: GLib would share the one that it has."""
    address = Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM)
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    return Gio.DBusConnection.new_for_address_sync(address, flags)


def until(condition, what):
    deadline = time.monotonic() + PATIENCE_SEC
    timer = GLib.timeout_add(50, lambda: True)
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f'person: {what}: not within {PATIENCE_SEC} s')
        GLib.MainContext.default().iteration(True)
    GLib.source_remove(timer)


def start_time():
    with open('/proc/self/stat', encoding='utf-8') as stat:
        return int(stat.read().rpartition(')')[2].split()[19])


def authenticate(user, cookie, password):
    """Whether polkit's helper, which is root and asks PAM, takes the password; it tells polkitd itself."""
    done = subprocess.run([HELPER, user], input=f'{cookie}\n{password}\n', stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode == 0 and 'SUCCESS' in done.stdout


class Agent:
    """polkit's agent of this process."""

    def __init__(self, answers):
        self._answers, self.shown, self.open = itertools.chain(answers), [], {}
        self._bus = connect()
        node = Gio.DBusNodeInfo.new_for_xml(AGENT_XML)
        self._bus.register_object(AGENT_PATH, node.interfaces[0], self._on_call, None, None)
        subject = ('unix-process', {'pid': GLib.Variant('u', os.getpid()), 'start-time': GLib.Variant('t', start_time()),
                                    'uid': GLib.Variant('i', os.getuid())})
        self._bus.call_sync(*AUTHORITY, 'RegisterAuthenticationAgent', GLib.Variant('((sa{sv})ss)', (subject, 'C', AGENT_PATH)), None, 0, -1)

    def answers(self, answers):
        self._answers = itertools.chain(answers)

    def _on_call(self, _bus, _sender, _path, _interface, method, parameters, invocation):
        if method == 'CancelAuthentication':
            self.open.pop(parameters.unpack()[0], None)
            invocation.return_value(None)
            return
        action, message, _icon, _details, cookie, identities = parameters.unpack()
        self.shown.append({'action': action, 'message': message})
        answer = next(self._answers, None)
        if answer == 'hold':
            self.open[cookie] = invocation
        elif answer is None:
            invocation.return_dbus_error('org.freedesktop.PolicyKit1.Error.Cancelled', 'Dismissed.')
        else:
            authenticate(pwd.getpwuid(identities[0][1]['uid']).pw_name, cookie, answer)
            invocation.return_value(None)


class Person:
    def __init__(self):
        self._bus, self._agent = connect(), None

    def agent(self, answers):
        if self._agent:
            self._agent.answers(answers)
        else:
            self._agent = Agent(answers)
        return {}

    def _send(self, step, on_done):
        path, interface, method, arguments = step['call']
        flags = Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION if step.get('interactive') else 0
        self._bus.call(step.get('to', 'org.needled'), path, interface, method, arguments and GLib.Variant.parse(None, arguments, None, None),
                       None, flags, PATIENCE_SEC * 1000, None, on_done)

    def call(self, step):
        result, before = {}, len(self._agent.shown) if self._agent else 0

        def on_done(bus, done):
            try:
                result['reply'] = bus.call_finish(done).unpack()
            except GLib.Error as e:
                result['error'] = Gio.DBusError.get_remote_error(e)
                result['message'] = e.message.partition(f'{result["error"]}: ')[2]

        self._send(step, on_done)
        until(lambda: result, step['call'])
        return {**result, 'dialogs': self._agent.shown[before:] if self._agent else []}

    def open(self, step):
        early, before = [], len(self._agent.open)
        for _ in range(step['open']):
            self._send(step, lambda _bus, done: early.append(done))
        until(lambda: early or len(self._agent.open) - before == step['open'], f'{step["open"]} dialogs')
        return {'open': len(self._agent.open)}

    def leave(self):
        self._bus.close_sync()
        if self._agent:
            until(lambda: not self._agent.open, 'the end of the dialogs')
        self._bus = connect()
        return {'open': 0}


def main():
    person = Person()
    for step in map(json.loads, sys.argv[1:]):
        if 'agent' in step:
            result = person.agent(step['agent'])
        elif 'open' in step:
            result = person.open(step)
        elif 'call' in step:
            result = person.call(step)
        elif 'leave' in step:
            result = person.leave()
        else:
            GLib.MainLoop().run()
        print(json.dumps(result), flush=True)


if __name__ == '__main__':
    main()
