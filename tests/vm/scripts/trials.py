#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in the guest: ends the link of a streaming device for one cause, again and again, and measures by the guest's clock how long it
takes from the moment at which the device could be had again until it streams.

usage: trials.py CAUSE COUNT CONTROL OUTPUT

CONTROL and OUTPUT are needlesim's pipe of control lines and what it answers. Prints one JSON object for each trial: the cause, the seconds
(null if it did not come back), those from the kill of bluetoothd if that was the cause, and what the device was in between.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

BACK_SEC = 240          # none has been seen that came back after more
AWAY_SEC = 60
ADAPTER = '/org/bluez/hci0'


class NotBack(Exception):
    """It did not become what it should in the time."""


class Device:
    """The one adopted device as the service tells of it, and its simulation."""

    def __init__(self, control, output):
        self._control, self._output = control, pathlib.Path(output)
        self._context = GLib.MainContext.default()
        self.states, self.sleeping, self.mark, self.killed = [], None, None, None
        self.bus = dbus.SystemBus()
        self.bus.add_signal_receiver(self._on_changed, 'PropertiesChanged', 'org.freedesktop.DBus.Properties',
                                     arg0='org.needled.Device1')
        self.bus.add_signal_receiver(self._on_owner, 'NameOwnerChanged', 'org.freedesktop.DBus', arg0='org.bluez')
        self.bus.add_signal_receiver(self._on_sleep, 'PrepareForSleep', 'org.freedesktop.login1.Manager')
        self.look()

    def look(self):
        """As it is now, for the beginning and after a restart of the service."""
        def adopted():
            objects = self.bus.call_blocking('org.needled', '/org/needled', 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects', '', ())
            return [str(i['org.needled.Device1']['State']) for i in objects.values() if i.get('org.needled.Device1', {}).get('Adopted')]

        self.until(adopted, AWAY_SEC, 'known')
        self.state, = adopted()

    def _on_changed(self, _interface, changed, _invalidated):
        if 'State' in changed or 'StateReason' in changed:
            self.state = str(changed.get('State', self.state))
            self.states.append(f'{self.state}/{changed.get("StateReason", "")}')
            if self.state == 'streaming':
                self.streaming_at = time.monotonic()

    def _on_owner(self, _name, _old, new):
        if self.killed and new:
            self.possible()

    def _on_sleep(self, begins):
        self.sleeping = bool(begins)
        if not begins:
            self.mark = time.monotonic()

    def until(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise NotBack(f'{what}: not within {seconds} s, it was {self.states}')
            GLib.timeout_add(20, lambda: False)
            self._context.iteration(True)

    def until_away(self):
        self.until(lambda: self.state != 'streaming', AWAY_SEC, 'away')

    def until_streaming(self, seconds=BACK_SEC):
        self.until(lambda: self.state == 'streaming', seconds, 'streaming')

    def settle(self, seconds):
        """Streams for so long, so that nothing is left of the last trial."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end and self.state == 'streaming', BACK_SEC, 'settled')

    def say(self, line):
        before = len(self._output.read_text().splitlines())
        control = os.open(self._control, os.O_RDWR)     # a pipe, which has an end only when nobody has it open
        os.write(control, f'{line}\n'.encode())
        os.close(control)
        self.until(lambda: len(self._output.read_text().splitlines()) > before, AWAY_SEC, line)

    def possible(self):
        """From now on it can be had."""
        self.mark = time.monotonic()

    def adapter(self, powered):
        self.bus.call_blocking('org.bluez', ADAPTER, 'org.freedesktop.DBus.Properties', 'Set', 'ssv',
                               ('org.bluez.Adapter1', 'Powered', dbus.Boolean(powered)), timeout=60)


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def returns(device, _):
    device.say('advertise off')
    device.say('drop')
    device.until_away()
    device.possible()
    device.say('advertise on')


def bluetoothd_restart(device, _):
    run('systemctl', 'reset-failed', 'bluetooth')       # systemd starts a unit five times in ten seconds at most
    run('systemctl', 'restart', 'bluetooth')
    device.possible()
    device.until_away()


def bluetoothd_kill(device, number):
    """That it is started again is up to the service, which does so three times in ten minutes: what that takes is told too."""
    run('systemctl', 'reset-failed', 'bluetooth')
    if number % 3 == 2:
        run('systemctl', 'restart', 'needled')
        device.look()
        device.settle(3)
    device.killed = time.monotonic()
    run('systemctl', 'kill', '--signal=KILL', 'bluetooth')
    device.until_away()
    device.until(lambda: device.mark, BACK_SEC, 'bluetoothd')


def adapter_power(device, _):
    device.adapter(False)
    device.until_away()
    device.adapter(True)
    device.possible()


def replug(device, _):
    run('systemctl', 'reset-failed', 'btvirt')
    run('systemctl', 'stop', 'btvirt')
    device.until_away()
    run('systemctl', 'start', 'btvirt')
    device.possible()


def resume(device, _):
    """A whole cycle but for the hardware; the moment is logind's word of the end."""
    pathlib.Path('/sys/power/pm_test').write_text('freezer')
    pathlib.Path('/sys/module/suspend/parameters/pm_test_delay').write_text('1')
    device.sleeping = None
    run('systemctl', 'suspend')
    device.until(lambda: device.sleeping is False, AWAY_SEC, 'resume')
    device.until(lambda: any(not s.startswith('streaming') for s in device.states), AWAY_SEC, 'away')


CAUSES = {f.__name__.replace('_', '-'): f for f in (returns, bluetoothd_restart, bluetoothd_kill, adapter_power, replug, resume)}


def trial(device, cause, number):
    device.settle(1)
    device.states, device.streaming_at, device.mark, device.killed = [], None, None, None
    try:
        CAUSES[cause](device, number)
        # It may stream again already: what counts is the last time that it began.
        device.until(lambda: device.state == 'streaming' and device.streaming_at, BACK_SEC, 'streaming')
        seconds = max(device.streaming_at - device.mark, 0)
        killed = device.killed and round(device.streaming_at - device.killed, 3)
    except NotBack as e:
        print(e, file=sys.stderr)
        seconds = killed = None
    return {'cause': cause, 'seconds': seconds and round(seconds, 3), 'killed': killed, 'states': device.states}


def main():
    cause, count, control, output = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    device = Device(control, output)
    device.until_streaming()
    for number in range(count):
        result = trial(device, cause, number)
        print(json.dumps(result), flush=True)
        if result['seconds'] is None:
            break


if __name__ == '__main__':
    main()
