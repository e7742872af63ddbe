# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers of the tests in the guest."""

import json
import pathlib
import shlex
import time

SCRIPTS = pathlib.Path(__file__).resolve().parent / 'scripts'

# Long enough for a host that runs ten other things; a test that waits for this has failed anyway.
PATIENCE_SEC = 60


class Skip(Exception):
    """Raised by a test that cannot run here; the message says why."""


def wait_for(what, look, timeout=PATIENCE_SEC, interval=0.1):
    """Call look() until it returns something true, and return that; an AssertionError that says what never came. Half of the time is left to what
    is waited for: what looks runs on the same processors."""
    deadline = time.monotonic() + timeout
    while True:
        began = time.monotonic()
        found = look()
        if found:
            return found
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f'no {what} within {timeout} s (last: {found!r})')
        time.sleep(max(interval, now - began))


def plain(value):
    """busctl's JSON, in which a variant is {"type": …, "data": …}, as plain values."""
    if isinstance(value, dict):
        if set(value) == {'type', 'data'}:
            return plain(value['data'])
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def call(guest, service, path, interface, method, *arguments, user=None, timeout=PATIENCE_SEC):
    """Call a D-Bus method in the guest; arguments as busctl takes them (signature first). Returns the list
    of what it returned; raises with busctl's message when the call fails."""
    words = ['busctl', '--json=short', f'--timeout={timeout}', 'call', service, path, interface, method,
             *map(str, arguments)]
    if user:
        words = ['runuser', '-u', user, '--', *words]
    output = guest.check(shlex.join(words), timeout + 5).strip()
    return plain(json.loads(output)) if output else []


def get(guest, service, path, interface, *properties):
    """One property as a plain value, or several as a list."""
    words = ['busctl', '--json=short', 'get-property', service, path, interface, *properties]
    values = [plain(json.loads(line)) for line in guest.check(shlex.join(words)).splitlines()]
    return values[0] if len(properties) == 1 else values


def managed_objects(guest, service, path='/'):
    """{path: {interface: {property: value}}}"""
    return call(guest, service, path, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')[0]


def journal(guest, *matches):
    """Entries of the guest's journal as dictionaries: journal(guest, '-t', 'needled', 'PRIORITY=4')."""
    output = guest.check('journalctl --sync\n' + shlex.join(['journalctl', '-b', '--no-pager', '-o', 'json', *matches]))
    return [json.loads(line) for line in output.splitlines() if line.startswith('{')]


def start(guest, unit, *command, properties=()):
    """Start a command in the guest's background, as a transient unit; its output goes to the journal."""
    words = ['systemd-run', '--quiet', '--collect', f'--unit={unit}',
             *(f'--property={p}' for p in properties), '--', *map(str, command)]
    guest.check(shlex.join(words))


def output_of(guest, unit):
    """Lines that a unit has printed."""
    return [entry['MESSAGE'] for entry in journal(guest, '-u', unit, '_TRANSPORT=stdout')]


def put_script(guest, name):
    """Copy one of scripts/ into the guest; returns its path there."""
    return guest.put(SCRIPTS / name, f'/usr/local/bin/{name}')


def adapter_settings(guest, adapter):
    """(supported, current) settings of a controller, as the kernel's management interface names them."""
    # btmgmt ends with its standard input, before the answer comes; script(1) gives it a terminal.
    info = guest.check(f"script -qec 'btmgmt --index {adapter} info' /dev/null", timeout=30)
    found = {}
    for line in info.splitlines():
        name, _, values = line.strip().partition(' settings: ')
        if values:
            found[name] = set(values.split())
    return found['supported'], found['current']


def sleep(guest):
    """A suspend and a resume that logind and all others see; nothing of the hardware is switched off (pm_test), since the guest's
    serial line must come back too. The kernel counts the second by turning round: its five would be half a minute on a very busy host, and
    everybody's watchdog runs meanwhile."""
    def resumes():
        return guest.check('journalctl -b -k --no-pager').count('PM: suspend exit')

    before = resumes()
    guest.check('echo freezer >/sys/power/pm_test && echo 1 >/sys/module/suspend/parameters/pm_test_delay')
    start(guest, 'sleeper', 'bash', '-c', 'systemctl suspend')
    wait_for('resume', lambda: resumes() > before)
    wait_for('end of the sleep', lambda: guest.check('systemctl show -P ActiveState systemd-suspend').strip() == 'inactive')


class Controllers:
    """Controllers that are plugged in and unplugged one by one, in place of btvirt's pair. `names` and `addresses` by the order in which they
    were first plugged in."""

    SERVER = '/tmp/bt-server-le'

    def __init__(self, guest, count):
        self._guest, self.names, self.addresses = guest, {}, {}
        self._program = put_script(guest, 'controller.py')
        guest.check('systemctl stop btvirt')
        self._wait_until_gone('/org/bluez/hci0', '/org/bluez/hci1')
        start(guest, 'emulator', 'btvirt', '-s')
        wait_for('emulator', lambda: guest.run(f'test -S {self.SERVER}')[0] == 0)
        for number in range(count):
            self.plug(number)

    def _start(self, unit, *server):
        start(self._guest, unit, 'bash', '-c', ' '.join(['exec python3', self._program, *server, f'>/run/{unit}.name']))
        return wait_for(unit, lambda: self._guest.check(f'cat /run/{unit}.name 2>&- || :').strip())

    def plug(self, number):
        """Number n is the first one plugged in, or comes back if it was."""
        self.names[number] = self._start(f'controller-{number}', self.SERVER)
        path = f'/org/bluez/{self.names[number]}'
        powered = wait_for('powered adapter', lambda: (
            a := managed_objects(self._guest, 'org.bluez').get(path, {}).get('org.bluez.Adapter1')) and a['Powered'] and a)
        assert self.addresses.setdefault(number, powered['Address']) == powered['Address'], (self.addresses, powered)

    def unplug(self, number):
        self._guest.check(f'systemctl stop controller-{number}; rm /run/controller-{number}.name')
        self._wait_until_gone(f'/org/bluez/{self.names[number]}')

    def _wait_until_gone(self, *paths):
        """For bluetoothd too."""
        wait_for('adapters to go', lambda: not set(paths) & set(managed_objects(self._guest, 'org.bluez')))

    def occupy_first_number(self):
        """By a controller that never answers."""
        return self._start('nobody')
