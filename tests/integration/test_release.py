# SPDX-License-Identifier: LGPL-2.1-or-later
"""A device that is let go for a phone stays away until it is taken back, whoever goes or comes meanwhile."""
import json
import signal
import subprocess
import time

from stage import Failure, at_least, expect, wait_for


def released(stage):
    device = stage.device('pen')
    return device if device and device['state'] == 'released' else None


def release(stage, *options):
    status, _, err = stage.ctl('release', 'pen', *options)
    expect(status, 0, f'release ({err})')
    device = released(stage)
    expect(device is not None, True, 'released when the answer comes')
    expect(device['state_reason'], 'released', 'reason')
    return device, err


def subscribed(sim):
    return sim.status()['subscribed']


def take_back(stage):
    status, _, err = stage.ctl('connect', 'pen')
    expect(status, 0, f'connect ({err})')
    wait_for('streaming', stage.streaming)
    expect('retry_at' in stage.device('pen'), False, 'an end of no release')


def reconnects(stage):
    path = stage.device('pen')['path']
    done = subprocess.run(['busctl', f'--address={stage.env["DBUS_SYSTEM_BUS_ADDRESS"]}', '--json=short', 'call', 'org.needled', path,
                           'org.needled.Device1', 'GetCounters'], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)['data'][0]['reconnects']


def restart_needled(stage):
    expect(stage.daemon.stop(), 0, 'exit status')
    stage.processes.remove(stage.daemon)
    stage.needled()


def log_has(stage, text):
    wait_for(f'"{text}" in the log', lambda: text in stage.daemon.text())


def test_until_somebody_connects(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', stage.live_session)
    device, said = release(stage)
    expect('retry_at' in device, False, 'an end')
    if 'needlectl connect pen' not in said:
        raise Failure(f'no word about the way back: {said}')
    wait_for('nobody subscribed', lambda: not subscribed(sim))
    expect(stage.live_session()['state'], 'interrupted', 'the session waits')
    log_has(stage, 'pen is released')
    expect('the link to pen is gone' in stage.daemon.text(), False, 'called a loss')

    expect(stage.ctl('release', 'pen')[0], 0, 'once more')
    take_back(stage)
    log_has(stage, 'pen is taken back')
    wait_for('the session going on', lambda: stage.live_session()['state'] == 'running')
    expect(stage.live_session()['id'], session['id'], 'one session')
    expect(reconnects(stage), 1, 'reconnects')


def test_for_a_time(stage):
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    began = time.time()
    device, said = release(stage, '--seconds=10')
    at_least(device['retry_at'] / 1e6, began + 10, 'the end')
    if 'released until' not in said:
        raise Failure(f'no word about the end: {said}')
    wait_for('nobody subscribed', lambda: not subscribed(sim))
    wait_for('streaming by itself', stage.streaming)
    at_least(time.time(), device['retry_at'] / 1e6, 'not earlier')
    expect(reconnects(stage), 1, 'reconnects')


def test_the_newest_time_counts(stage):
    stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    release(stage, '--for=1h')
    device, _ = release(stage, '--for', '1d 2h')
    at_least(device['retry_at'] / 1e6, time.time() + 25 * 3600, 'the end')
    device, _ = release(stage, '--seconds=0')
    expect('retry_at' in device, False, 'an end')


def test_time_of_the_configuration(stage):
    (stage.config_dir / 'needled.conf').write_text('[Bluetooth]\nReleaseTime=2h\n')
    stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    device, _ = release(stage)
    at_least(device['retry_at'] / 1e6, time.time() + 7000, 'the end')


def test_over_restarts(stage):
    """Of needled, and of bluetoothd, which connects what other devices' profiles are registered for."""
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    before, _ = release(stage, '--for=1h')
    restart_needled(stage)
    device = wait_for('a released device', lambda: released(stage))
    if abs(device['retry_at'] - before['retry_at']) > 1000000:
        raise Failure(f'another end: {before["retry_at"]}, then {device["retry_at"]}')
    for n, how in enumerate(('restart', 'restart crash'), 2):
        sim.control(how)
        wait_for('another bluetoothd', lambda n=n: stage.daemon.text().count('Bluetooth is ready') >= n)
        wait_for('a released device', lambda: released(stage))
    expect(subscribed(sim), [], 'subscribed')
    take_back(stage)
    restart_needled(stage)
    wait_for('streaming after a restart', stage.streaming)


def test_the_end_comes_while_needled_is_away(stage):
    stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    device, _ = release(stage, '--seconds=10')
    expect(stage.daemon.stop(), 0, 'exit status')
    stage.processes.remove(stage.daemon)
    wait_for('the end', lambda: time.time() > device['retry_at'] / 1e6)
    stage.needled()
    wait_for('streaming by itself', stage.streaming)


def test_the_client_goes(stage):
    """Who asks is killed while bluetoothd, held up, has not answered yet."""
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    sim.child.send_signal(signal.SIGSTOP)
    client = stage.start('client', [stage.binary('client/needlectl'), 'release', 'pen'])
    wait_for('a released device', lambda: released(stage))
    expect(client.running(), True, 'waits for the answer')
    client.stop(signal.SIGKILL)
    stage.processes.remove(client)
    sim.child.send_signal(signal.SIGCONT)
    wait_for('nobody subscribed', lambda: not subscribed(sim))
    restart_needled(stage)
    wait_for('a released device', lambda: released(stage))
    take_back(stage)


def test_words(stage):
    stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    expect(stage.ctl('release', 'pen', '--for=31d')[0], 64, 'too long')
    expect(stage.ctl('release', 'pen', '--for=soon')[0], 64, 'no time')
    expect(stage.ctl('release', 'pen', '--for=1h', '--seconds=5')[0], 64, 'both')
    expect(stage.ctl('release', 'nobody')[0], 3, 'no such device')
    expect(stage.ctl('autoconnect', 'perhaps')[0], 64, 'neither on nor off')
    expect(stage.ctl('autoconnect', 'on')[0], 2, 'on already')
    expect(stage.streaming() is not None, True, 'streaming')
    expect(stage.ctl('autoconnect', 'pen', 'off')[0], 0, 'off')
    expect(stage.device('pen')['auto_connect'], False, 'auto_connect')
    expect(stage.ctl('autoconnect', 'pen', 'on')[0], 0, 'on')
    wait_for('streaming', stage.streaming)
    release(stage)
    for verb in ('devices', 'status'):
        status, out, _ = stage.ctl(verb)
        expect(status, 0, verb)
        if 'released until it is taken back: needlectl connect pen' not in out:
            raise Failure(f'{verb} does not say it: {out}')
        if verb == 'devices' and max(map(len, out.splitlines())) > 80:
            raise Failure(f'wider than a terminal: {out}')
