# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bond that is lost is told, with the one command that makes it anew; then all is as it was."""
import subprocess

from stage import Failure, expect, wait_for


def lose_bond(stage):
    """Somebody removes the device in bluetoothd, as a desktop's settings do."""
    bus = f'--address={stage.env["DBUS_SYSTEM_BUS_ADDRESS"]}'
    tree = subprocess.run(['busctl', bus, 'tree', '--list', 'org.bluez'], capture_output=True, text=True, check=True).stdout
    path = next(line for line in tree.splitlines() if line.rpartition('/')[2].startswith('dev_'))
    subprocess.run(['busctl', bus, 'call', 'org.bluez', path.rpartition('/')[0], 'org.bluez.Adapter1', 'RemoveDevice', 'o', path], check=True)


def test_the_printed_command_makes_a_new_bond(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    before = stage.adopt()
    sim.control('start')
    session = wait_for('a session', stage.live_session)

    lose_bond(stage)
    device = wait_for('a lost bond', lambda: (d := stage.device('pen')) and d['state'] == 'bond-lost' and d)
    expect(device['state_reason'], 'key-missing', 'reason')
    expect(device['adopted'], True, 'adopted')
    wait_for('a word in the journal', lambda: 'run needlectl adopt pen\n' in stage.daemon.text())
    for verb in ('devices', 'status'):
        if 'the bond is lost: needlectl adopt pen\n' not in stage.ctl(verb)[1]:
            raise Failure(f'{verb} does not say what helps')

    status, _, err = stage.ctl('adopt', 'pen')
    expect(status, 0, f'adopt ({err})')
    after = wait_for('streaming', stage.streaming)
    for key in ('path', 'alias', 'owner', 'serial', 'auto_connect'):
        expect(after[key], before[key], key)
    expect(after['bonded'], True, 'bonded')
    wait_for('the session going on', lambda: stage.live_session()['state'] == 'running')
    expect(stage.live_session()['id'], session['id'], 'one session')
    expect(stage.ctl('adopt', 'pen')[0], 2, 'adopted already')
    expect(stage.daemon.text().count('the bond with pen is lost'), 1, 'said once')
