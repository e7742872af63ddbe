# SPDX-License-Identifier: LGPL-2.1-or-later
"""Users of the guest: alice, whose the device is, bob, and carol, an administrator with a password. None of them is logged in."""

import json
import shlex

import lib
import product

PASSWORD = 'correct horse'
NOT_FOUND = 'org.needled.Error.NotFound'
NOT_AUTHORIZED = 'org.needled.Error.NotAuthorized'
LIMIT_REACHED = 'org.needled.Error.LimitReached'
INTERACTIVE = 'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired'
ACCESS_DENIED = 'org.freedesktop.DBus.Error.AccessDenied'


def add(guest):
    # Their uids are no numbers that a figure could be.
    guest.check('uid=60001; for name in alice bob carol; do useradd --uid $((uid++)) --no-create-home --shell /bin/sh $name; done\n'
                f'groupadd --force --system sudo; usermod -aG sudo carol; echo "carol:{PASSWORD}" | chpasswd')


def uid(guest, name):
    return int(guest.check(f'id -u {name}'))


def step(path, interface, method, arguments=None, **more):
    """A call as person.py takes it."""
    return {'call': [path, interface, method, arguments], **more}


def asks(*words, **more):
    """The same, when the caller has time for a dialog."""
    return step(*words, interactive=True, **more)


def does(guest, user, *steps, unit=None):
    """What person.py says of the steps that the user takes, one after the other; with `unit` in the background, and nothing is returned."""
    program = lib.put_script(guest, 'person.py')
    words = ['runuser', '-u', user, '--', 'python3', program, *map(json.dumps, steps)]
    if unit:
        lib.start(guest, unit, *words)
        return None
    return [json.loads(line) for line in guest.check(shlex.join(words), timeout=180).splitlines()]


def at_the_seat(guest, user, *command):
    """(status, output) of a command of the user in an active local session."""
    return guest.run(shlex.join(['python3', lib.put_script(guest, 'seat.py'), user, *command]), timeout=180)


def adopts(guest, user):
    """The user sits down, adopts the device, and goes. Returns it when it streams."""
    def look():
        at_the_seat(guest, user, 'needlectl', 'search', '--seconds=2', '-q')
        return product.device(guest, product.PUBLIC_ADDRESS)
    lib.wait_for('found device', look)
    status, output = at_the_seat(guest, user, 'needlectl', 'adopt', product.PUBLIC_ADDRESS, '--alias=pen')
    assert status == 0, output
    return lib.wait_for('streaming device', lambda: product.streaming(guest), product.LINK_SEC)


def session_path(session):
    return f'/org/needled/session/{session["id"]}'
