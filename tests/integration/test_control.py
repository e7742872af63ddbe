# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a device is told to do, the parameters that it has, and those that the configuration gives it."""
import json
import os
import shutil
import subprocess

from bluez import CHARACTERISTIC, OMP, call, characteristics, device_path
from stage import Failure, expect, wait_for

CLOCK = OMP % '0106'
CONTROL_POINT = OMP % '0107'
PARAMETERS = ['contact_threshold_mn', 'feedback_mask', 'feedback_window_ms', 'hysteresis_mn', 'live_period_ms', 'overpressure_mn',
              'session_limit_s', 'waveform_batch', 'waveform_rate_hz', 'zone_high_mn', 'zone_low_mn']


def start(stage, *options, config=''):
    (stage.config_dir / 'needled.conf').write_text(config)
    sim = stage.sim('--kind=pen', *options)
    stage.needled()
    stage.adopt()
    wait_for('its parameters', lambda: sim.status()['sent'].get('control-point', 0) >= len(PARAMETERS))
    return sim


def get(stage):
    return stage.json('get')['parameters']


def refused(stage, status, words, *args):
    got, out, err = stage.ctl(*args)
    expect((got, out), (status, ''), f'{args} ({err})')
    if words not in err:
        raise Failure(f'{args}: no "{words}" in: {err}')


def connected_again(stage):
    wait_for('a second link', lambda: stage.daemon.text().count('pen is connected') == 2)
    wait_for('streaming', stage.streaming)


def running(stage, sim):
    sim.control('start')
    wait_for('a running session', lambda: (s := stage.live_session()) and s['state'] == 'running')


def test_identify_tare_and_stop(stage):
    sim = start(stage)
    for verb in ('identify', 'tare', 'stop-motor'):
        status, out, err = stage.ctl(verb)
        expect((status, out), (0, ''), f'{verb} ({err})')
    expect(stage.json('identify', 'pen')['alias'], 'pen', 'the device')
    refused(stage, 3, 'There is no device', 'tare', 'nobody')

    running(stage, sim)
    refused(stage, 1, 'hold it still, away from the skin', 'tare')
    expect(stage.ctl('stop-motor')[0], 0, 'stop-motor in use')
    wait_for('the end of its use', lambda: not stage.live_session())    # which would go on for minutes


def test_parameters(stage):
    sim = start(stage)
    before = get(stage)
    expect(sorted(before), PARAMETERS, 'parameters')
    expect((before['overpressure_mn'], before['session_limit_s']), (3000, 900), 'at boot')
    expect(stage.ctl('set', 'overpressure_mn=2500', 'feedback_mask=0')[0], 0, 'set')
    expect(get(stage), {**before, 'overpressure_mn': 2500, 'feedback_mask': 0}, 'parameters')
    expect(stage.json('get', 'zone_low_mn')['parameters'], {'zone_low_mn': 300}, 'one of them')
    expect(stage.json('set', 'zone_low_mn=400', '--device=pen')['parameters']['zone_low_mn'], 400, 'as JSON')
    status, out, _ = stage.ctl('get', 'zone_low_mn', '--no-legend')
    expect((status, out.split()), (0, ['zone_low_mn', '400', 'mN']), 'as a table')

    sim.control('drop')             # it keeps them over the link
    connected_again(stage)
    wait_for('zone_low_mn', lambda: stage.ctl('get')[0] == 0 and get(stage)['zone_low_mn'] == 400)


def test_wrong_parameters(stage):
    start(stage)
    before = get(stage)
    refused(stage, 64, "Did you mean 'overpressure_mn'?", 'set', 'feedback_mask=0', 'overpresure_mn=2500')
    refused(stage, 64, 'whole number', 'set', 'feedback_mask=0', 'overpressure_mn=2.5')
    refused(stage, 64, 'PARAMETER=VALUE', 'set', 'overpressure_mn')
    refused(stage, 64, 'goes from 1 to 20000 mN', 'set', 'feedback_mask=0', 'overpressure_mn=20001')
    refused(stage, 64, "There is no parameter 'x'", 'get', 'x')
    # Within the profile's bounds, and beyond this device's: it has no waveform so slow. What came before it stays set.
    refused(stage, 64, 'waveform_rate_hz=5 was refused', 'set', 'waveform_rate_hz=5', 'overpressure_mn=2500')
    expect(get(stage), before, 'parameters')


def test_configuration(stage):
    sim = start(stage, config='[Session]\nTimeLimit=10min\n[Limits]\nOverpressure=2500\nHysteresis=400\nZoneHigh=1800\n')
    expected = {'overpressure_mn': 2500, 'hysteresis_mn': 400, 'zone_low_mn': 300, 'zone_high_mn': 1800, 'session_limit_s': 600}
    wait_for('the limits', lambda: expected.items() <= get(stage).items())
    sim.control('reboot')           # which forgets them
    connected_again(stage)
    wait_for('the limits', lambda: stage.ctl('get')[0] == 0 and expected.items() <= get(stage).items())


def test_configuration_that_writes_nothing(stage):
    start(stage, config='[Limits]\nOverpressure=2500\n[Bluetooth]\nSetParameters=no\n')
    expect(get(stage)['overpressure_mn'], 3000, 'overpressure')


def test_configuration_that_a_device_does_not_take(stage):
    start(stage, config='[Limits]\nOverpressure=25000\n')   # beyond its full scale
    wait_for('a word about it', lambda: 'pen does not take overpressure_mn of needled.conf: its own holds' in stage.daemon.text())
    expect(get(stage)['overpressure_mn'], 3000, 'overpressure')
    expect(stage.streaming() is not None, True, 'streaming')


def test_with_crc(stage):
    start(stage, '--crc')
    expect(stage.ctl('set', 'overpressure_mn=2500')[0], 0, 'set')
    expect(get(stage)['overpressure_mn'], 2500, 'overpressure')
    expect(stage.ctl('tare')[0], 0, 'tare')


def test_clock(stage):
    """Of a computer whose clock is synchronised."""
    root = stage.dir / 'root'
    (root / 'run/systemd/timesync').mkdir(parents=True)
    (root / 'run/systemd/timesync/synchronized').touch()
    stage.env['NEEDLED_ROOT'] = str(root)
    start(stage)

    def source():
        value = call(stage, characteristics(stage, device_path())[CLOCK][0], CHARACTERISTIC, 'ReadValue', 'a{sv}', 0)
        return value[0][11]         # tick, flags, count, source, offset
    wait_for('a clock that was set', lambda: source() == 1)


def test_link_goes_meanwhile(stage):
    """bluetoothd does not hand it to the device."""
    sim = start(stage)
    wait_for('the end of what is taken over', lambda: stage.ctl('sync')[0] == 2)        # which is asked for by writing too
    sim.control('fault WriteValue lost')
    client = stage.start('client', [stage.binary('client/needlectl'), 'identify'])
    wait_for('the write', lambda: json.loads(sim.control('fault status'))['faults'][0]['acted'])
    expect(client.running(), True, 'waits for the answer')
    sim.control('drop')
    wait_for('an answer', lambda: not client.running())
    stage.processes.remove(client)
    expect(client.child.returncode, 1, 'exit status')
    expect('broke off before it answered' in client.text(), True, client.text())
    wait_for('streaming', stage.streaming)
    wait_for('identify', lambda: stage.ctl('identify')[0] == 0)


def test_not_connected(stage):
    start(stage)
    expect(stage.ctl('release', 'pen')[0], 0, 'release')
    for verb in ('identify', 'tare', 'stop-motor', 'get'):
        refused(stage, 1, 'not connected', verb)
    refused(stage, 1, 'not connected', 'set', 'overpressure_mn=2500')


def test_another_user(stage):
    """Where root does not run the suite there is nobody else to be: then it shows that one's own are one's own."""
    start(stage)
    user = {'user': 65534} if os.geteuid() == 0 else {}
    program = shutil.copy(stage.binary('client/needlectl'), stage.dir / 'needlectl')
    stage.dir.chmod(0o711)
    for args in (['stop-motor'], ['get'], ['set', 'overpressure_mn=2500']):
        done = subprocess.run([program, *args], cwd='/', env={**os.environ, **stage.env}, capture_output=True, text=True,
                              timeout=60, check=False, **user)
        expect(done.returncode, 4 if user else 0, f'{args} of another user ({done.stderr})')
    if user:
        expect(get(stage)['overpressure_mn'], 3000, 'overpressure')


def test_vendor_device(stage):
    stage.sim('--seed=5', f'--profile={stage.shipped_profiles() / "simplepen.mnprofile"}')
    stage.needled()
    stage.adopt('--allow-unbonded')
    for args in (['identify'], ['tare'], ['stop-motor'], ['get'], ['set', 'overpressure_mn=2500']):
        refused(stage, 1, "vendor's profile", *args)
    expect(stage.streaming() is not None, True, 'streaming')


def test_control_point_that_another_program_has(stage):
    start(stage)
    path = characteristics(stage, device_path())[CONTROL_POINT][0]
    expect('Notify acquired' in str(call(stage, path, CHARACTERISTIC, 'AcquireNotify', 'a{sv}', 0)), True, 'that it is ours')
