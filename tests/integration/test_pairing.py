# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pairing from a terminal: what needlectl asks, what the device makes of the answers, and who else may do it."""
import json
import os
import re
import signal
import subprocess

from stage import DEADLINE_SEC, Failure, expect, wait_for
from terminal import Terminal

NOBODY = 65534
FIRST = 'C0:FF:EE:12:34:56'
SECOND = 'C0:FF:EE:12:34:57'
JUST_WORKS = 'without digits (Just Works)'


def find(stage, *options, devices=1, fast=True):
    """needlesim, needled, and the devices found."""
    sim = stage.sim(*options, fast=fast)
    stage.needled()
    wait_for('found devices', lambda: stage.ctl('search', '--seconds=1', '-q') and len(stage.json('devices')['devices']) == devices)
    return sim


def shown(sim, n=1):
    """The digits that the device shows, the n-th time."""
    return wait_for('digits', lambda: re.findall(r'passkey (\d{6})\n', sim.text())[n - 1:n])[0]


def adopted(stage, address=FIRST):
    return wait_for('streaming', lambda: (d := stage.device(address)) and d['adopted'] and d['bonded'] and d['state'] == 'streaming' and d)


def not_adopted(stage, address=FIRST):
    device = stage.device(address)
    if device and device['adopted']:
        raise Failure(f'it is adopted: {device}')


def contains(text, part):
    if part not in text:
        raise Failure(f'{part!r} is not in {text!r}')


def lacks(text, part):
    if part in text:
        raise Failure(f'{part!r} is in {text!r}')


def test_just_works_on_a_terminal(stage):
    find(stage)
    terminal = Terminal(stage, 'adopt', FIRST)
    said = terminal.end(0)
    contains(said, JUST_WORKS)
    contains(said, 'it can do no more')
    adopted(stage)
    contains(stage.daemon.text(), 'paired by Just Works, it can do no more')


def test_just_works_without_a_terminal(stage):
    find(stage)
    status, _, err = stage.ctl('adopt', FIRST)
    expect(status, 0, 'adopt')
    contains(err, JUST_WORKS)
    contains(err, 'on a terminal')
    adopted(stage)
    contains(stage.daemon.text(), 'forget it and adopt it on a terminal')


def test_unbonded_is_not_said_to_be_paired(stage):
    find(stage, '--no-bond')
    terminal = Terminal(stage, 'adopt', FIRST, '--allow-unbonded')
    lacks(terminal.end(0), JUST_WORKS)


def passkey_that_the_device_shows(stage, user=None):
    sim = find(stage, '--pairing=passkey-display')
    terminal = Terminal(stage, 'adopt', FIRST, '--alias=pen', user=user)
    terminal.expect('Type the six digits that the device shows: ')
    passkey = shown(sim)
    terminal.type('12345\n')
    terminal.expect('Six digits, as the device shows them: ')
    terminal.type('12 456\n')
    terminal.expect('Six digits, as the device shows them: ')
    terminal.type(f'{passkey}\n')
    said = terminal.end(0)
    contains(said, 'is adopted')
    lacks(said, 'Just Works')
    expect(adopted(stage)['owner'], user or os.getuid(), 'owner')
    lacks(stage.daemon.text(), 'Just Works')
    lacks(stage.daemon.text(), passkey)


def test_passkey_that_the_device_shows(stage):
    passkey_that_the_device_shows(stage)


def passkey_that_is_typed_on_the_device(stage, user=None):
    sim = find(stage, '--pairing=passkey-entry')
    terminal = Terminal(stage, 'adopt', FIRST, user=user)
    passkey = terminal.expect(r'Type (\d{6}) on the device\.').group(1)
    sim.control(f'passkey {passkey}')
    lacks(terminal.end(0), 'Just Works')
    adopted(stage)


def test_passkey_that_is_typed_on_the_device(stage):
    passkey_that_is_typed_on_the_device(stage)


def numeric_comparison(stage, user=None):
    sim = find(stage, '--pairing=numeric')
    terminal = Terminal(stage, 'adopt', FIRST, user=user)
    passkey = terminal.expect(r'Does the device show (\d{6})\? \[y/N\] ').group(1)
    expect(passkey, shown(sim), 'the digits on both sides')
    terminal.type('y\n')
    sim.control('confirm yes')
    lacks(terminal.end(0), 'Just Works')
    adopted(stage)


def test_numeric_comparison(stage):
    numeric_comparison(stage)


def test_what_the_device_shows_has_its_number(stage):
    """That of the control words: of one device none, whichever adapter it is on."""
    sim = stage.sim('--adapters=2', '--pairing=passkey-display')
    sim.control('near hci1')
    stage.needled()
    wait_for('a found device', lambda: stage.ctl('search', '--seconds=1', '-q') and stage.device(FIRST))
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('six digits')
    passkey = shown(sim)
    expect(f'passkey {passkey}' in sim.text().splitlines(), True, f'what is shown: {sim.text()}')
    terminal.type(f'{passkey}\n')
    terminal.end(0)
    adopted(stage)


def test_wrong_passkey_and_again(stage):
    sim = find(stage, '--pairing=passkey-display')
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('six digits')
    terminal.type(f'{(int(shown(sim)) + 1) % 1000000:06}\n')
    contains(terminal.end(1), 'see that both sides have the same')
    not_adopted(stage)

    wait_for('the device again', lambda: stage.ctl('search', '--seconds=1', '-q') and stage.device(FIRST))
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('six digits')
    terminal.type(f'{shown(sim, 2)}\n')
    terminal.end(0)
    adopted(stage)


def test_wrong_passkey_on_the_device(stage):
    sim = find(stage, '--pairing=passkey-entry')
    terminal = Terminal(stage, 'adopt', FIRST, '--allow-unbonded')
    passkey = terminal.expect(r'Type (\d{6}) on the device\.').group(1)
    sim.control(f'passkey {(int(passkey) + 1) % 1000000:06}')
    contains(terminal.end(1), 'see that both sides have the same')
    not_adopted(stage)


def test_no_is_the_answer_by_itself(stage):
    sim = find(stage, '--pairing=numeric')
    terminal = Terminal(stage, 'adopt', FIRST, '--allow-unbonded')
    terminal.expect('Does the device show')
    shown(sim)
    terminal.type('\n')
    contains(terminal.end(1), 'not the digits of the device')
    not_adopted(stage)


def test_the_device_says_no(stage):
    sim = find(stage, '--pairing=numeric')
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('Does the device show')
    terminal.type('yes\n')
    shown(sim)
    sim.control('confirm no')
    terminal.end(1)
    not_adopted(stage)


def test_the_device_gives_up_before_an_answer(stage):
    sim = find(stage, '--pairing=numeric')
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('Does the device show')
    shown(sim)
    sim.control('confirm no')
    contains(terminal.end(1), 'Nobody answered')
    not_adopted(stage)


def test_end_of_input_is_a_no(stage):
    find(stage, '--pairing=passkey-display')
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('six digits')
    terminal.type('\x04')
    contains(terminal.end(1), 'not the digits of the device')
    not_adopted(stage)


def test_the_device_refuses(stage):
    find(stage, '--pairing=refuse')
    terminal = Terminal(stage, 'adopt', FIRST)
    contains(terminal.end(1), 'refused to pair')
    not_adopted(stage)


def test_without_a_terminal_digits_are_out_of_reach(stage):
    for kind in ('passkey-display', 'passkey-entry', 'numeric'):
        sim = find(stage, f'--pairing={kind}')
        status, _, err = stage.ctl('adopt', FIRST)
        expect(status, 1, kind)
        contains(err, 'on a terminal if it shows or takes digits')
        not_adopted(stage)
        stage.daemon.stop()
        sim.stop()


def interrupt(stage, user=None):
    sim = find(stage, '--pairing=passkey-display')
    terminal = Terminal(stage, 'adopt', FIRST, user=user)
    terminal.expect('six digits')
    shown(sim)
    terminal.type('\x03')
    contains(terminal.end(1), 'Cancelled: the device is not adopted.')
    not_adopted(stage)
    # It can be begun anew at once.
    wait_for('the device again', lambda: stage.ctl('search', '--seconds=1', '-q') and stage.device(FIRST))
    terminal = Terminal(stage, 'adopt', FIRST, user=user)
    terminal.expect('six digits')
    terminal.type(f'{shown(sim, 2)}\n')
    terminal.end(0)
    adopted(stage)


def test_ctrl_c(stage):
    interrupt(stage)


def busctl(stage, *args):
    done = subprocess.run(['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', *args], capture_output=True,
                          text=True, timeout=DEADLINE_SEC, check=False)
    return done.stdout if done.returncode == 0 else done.stderr


def test_nobody_but_the_service_asks_the_terminal(stage):
    sim = find(stage, '--pairing=passkey-display')
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('six digits')
    names = json.loads(busctl(stage, 'call', 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'ListNames'))['data'][0]
    for method in (['RequestPasskey', 'o', '/'], ['Confirm', 'ou', '/', '1'], ['DisplayPasskey', 'ou', '/', '1'], ['Cancel']):
        answers = [busctl(stage, 'call', name, '/org/needled/agent', 'org.needled.PairingAgent1', *method)
                   for name in names if name.startswith(':')]
        expect(len([a for a in answers if 'Access denied' in a]), 1, f'agents that refuse {method[0]}')
    terminal.type(f'{shown(sim)}\n')
    lacks(terminal.end(0), '000001')
    adopted(stage)


def test_encryption_that_nobody_asked_for(stage):
    """A value that wants encryption begins a pairing too; without an agent it fails, and the device drops the link."""
    find(stage, '--pairing=passkey-display', fast=False)        # or bluetoothd forgets the device while it is asked
    path = '/org/bluez/hci0/dev_C0_FF_EE_12_34_56'
    busctl(stage, 'call', 'org.bluez', path, 'org.bluez.Device1', 'Connect')
    wait_for('its characteristics', lambda: 'true' in busctl(stage, 'get-property', 'org.bluez', path, 'org.bluez.Device1',
                                                             'ServicesResolved'))
    objects = json.loads(busctl(stage, 'call', 'org.bluez', '/', 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects'))['data'][0]
    status = next(p for p, i in objects.items()
                  if i.get('org.bluez.GattCharacteristic1', {}).get('UUID', {}).get('data', '').startswith('95840105'))
    contains(busctl(stage, 'call', 'org.bluez', status, 'org.bluez.GattCharacteristic1', 'ReadValue', 'a{sv}', '0'), '0x0e')
    contains(busctl(stage, 'get-property', 'org.bluez', path, 'org.bluez.Device1', 'Connected'), 'false')


def test_killed(stage):
    sim = find(stage, '--pairing=numeric')
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('Does the device show')
    shown(sim)
    terminal.child.send_signal(signal.SIGKILL)
    terminal.end(-signal.SIGKILL)
    wait_for('the end of the adoption', lambda: (d := stage.device(FIRST)) is None or d['state'] == 'found')
    not_adopted(stage)


def test_needled_goes(stage):
    sim = find(stage, '--pairing=numeric')
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('Does the device show')
    shown(sim)
    expect(stage.daemon.stop(), 0, 'needled')
    terminal.end(5)


def test_bluetoothd_goes(stage):
    sim = find(stage, '--pairing=numeric')
    terminal = Terminal(stage, 'adopt', FIRST)
    terminal.expect('Does the device show')
    shown(sim)
    sim.control('restart crash')
    contains(terminal.end(1), 'bluetoothd')
    not_adopted(stage)


def test_one_device_at_a_time(stage):
    sim = find(stage, '--kind=pen', '--kind=roller', '--pairing=passkey-display', devices=2)
    first = Terminal(stage, 'adopt', FIRST)
    first.expect('six digits')
    second = Terminal(stage, 'adopt', SECOND)
    wait_for('the second in line', lambda: stage.device(SECOND)['state'] == 'bonding')
    expect(len(re.findall('passkey', sim.text())), 1, 'devices that show digits')
    lacks(second.text, 'six digits')
    first.type(f'{shown(sim)}\n')
    first.end(0)
    second.expect('six digits')
    second.type(f'{shown(sim, 2)}\n')
    second.end(0)
    adopted(stage, FIRST)
    adopted(stage, SECOND)


def test_the_line_goes_on_without_who_leaves_it(stage):
    sim = find(stage, '--kind=pen', '--kind=roller', '--pairing=passkey-display', devices=2)
    first = Terminal(stage, 'adopt', FIRST)
    first.expect('six digits')
    second = Terminal(stage, 'adopt', SECOND)
    wait_for('the second in line', lambda: stage.device(SECOND)['state'] == 'bonding')
    first.type('\x03')
    first.end(1)
    second.expect('six digits')
    second.type(f'{shown(sim, 2)}\n')
    second.end(0)
    adopted(stage, SECOND)
    not_adopted(stage, FIRST)


def other_user(stage):
    """Another user, whom polkit allows to adopt. Who is not root cannot become one, and stays who he is."""
    stage.start('polkit', [stage.binary('tests/integration/polkit-yes')])
    os.chmod(stage.dir, 0o755)
    return NOBODY if os.geteuid() == 0 else None


def test_another_user_types_a_passkey(stage):
    passkey_that_the_device_shows(stage, other_user(stage))


def test_another_user_is_shown_a_passkey(stage):
    passkey_that_is_typed_on_the_device(stage, other_user(stage))


def test_another_user_compares(stage):
    numeric_comparison(stage, other_user(stage))


def test_another_user_presses_ctrl_c(stage):
    interrupt(stage, other_user(stage))
