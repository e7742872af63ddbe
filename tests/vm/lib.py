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
    """Call look() until it returns something true, and return that; an AssertionError that says what never
    came."""
    deadline = time.monotonic() + timeout
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f'no {what} within {timeout} s (last: {found!r})')
        time.sleep(interval)


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
    output = guest.check(shlex.join(['journalctl', '-b', '--no-pager', '-o', 'json', *matches]))
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
