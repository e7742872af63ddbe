# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the doctor finds, what it prints as a remedy, and that the finding goes when that is done.

A remedy is done as it is printed where it can act on the stage: a call of bluetoothd, a verb of needlectl. systemctl cannot; the stand-in
does then what systemd would do.
"""
import json
import os
import shutil
import subprocess

from stage import Failure, expect, wait_for

LIVE = '95840102-2319-423b-8a8e-ee1ffb8d13f8'
EATT_REMEDY = "Set Channels=1 in the section [GATT] of /etc/bluetooth/main.conf, then run 'systemctl restart bluetooth'."
# needled is not started by its unit here.
OF_THE_STAGE = {'sandbox': 'warn', 'watchdog': 'warn'}


def put(stage, name, text):
    path = stage.dir / 'root' / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def healthy_root(stage):
    """/etc, /sys and /run as on a computer where all is well."""
    put(stage, 'etc/bluetooth/main.conf', '[GATT]\nChannels = 1\n')
    put(stage, 'run/systemd/timesync/synchronized', '')
    for name, value in (('type', 'bluetooth'), ('soft', '0'), ('hard', '0')):
        put(stage, f'sys/class/rfkill/rfkill0/{name}', f'{value}\n')
    return {'NEEDLED_ROOT': str(stage.dir / 'root')}


def healthy(stage, **env):
    """needled and an adopted pen, with nothing wrong. Returns the simulator."""
    sim = stage.sim('--kind=pen')
    stage.needled(env={**healthy_root(stage), **env})
    stage.adopt()
    return sim


def doctor(stage):
    """{check: finding}, and the exit status, which must be that of the worst."""
    status, out, err = stage.ctl('doctor', '--json')
    findings = json.loads(out)['findings']
    for finding in findings:
        expect(set(finding), {'check', 'status', 'finding', 'remedy'}, 'what a finding is made of')
        expect(finding['status'] == 'ok', finding['remedy'] == '', f'a remedy where it is needed: {finding}')
    expect(status, 1 if any(f['status'] == 'fail' for f in findings) else 0, f'exit status ({err})')
    return {f['check']: f for f in findings}


def shell(stage, remedy):
    """Does what is printed."""
    if remedy.split()[0] not in ('busctl', 'needlectl'):
        raise Failure(f'not to be done on the stage: {remedy}')
    env = {**os.environ, **stage.env, 'PATH': f'{stage.binary("client")}:{os.environ["PATH"]}'}
    done = subprocess.run(['sh', '-c', remedy], env=env, capture_output=True, text=True, check=False, timeout=300)
    expect(done.returncode, 0, f'{remedy}: {done.stderr}')


def finds(stage, check, status, part):
    """Waits until the check says so. Returns its remedy."""
    def look():
        finding = doctor(stage).get(check)
        return finding if finding and finding['status'] == status and part in finding['finding'] else None
    return wait_for(f'{check}: {status}, "{part}"', look)['remedy']


def is_well(stage):
    """Waits until nothing is found but what the stage cannot have."""
    wait_for('nothing to be found', lambda: {c: f['status'] for c, f in doctor(stage).items() if f['status'] != 'ok'} == OF_THE_STAGE)


def test_all_is_well(stage):
    healthy(stage)
    is_well(stage)
    wait_for('streaming', stage.streaming)
    expect(list(doctor(stage)), [
        'service', 'bluetoothd', 'bluetoothd: EATT', 'bluetoothd: link loss', 'bus policy', 'rfkill', 'adapter hci0', 'auto-connection',
        'pen: state', 'pen: profile', 'pen: bond', 'pen: trust', 'pen: services', 'pen: notifications', 'pen: drops', 'pen: interference',
        'storage', 'space', 'clock', 'vendor profiles', 'sandbox', 'watchdog'], 'checks')
    status, out, err = stage.ctl('doctor')
    expect(status, 0, err)
    expect('0 of 22 checks fail, 2 could be better' in err, True, f'the sum: {err}')
    expect('ok    pen: bond' in out, True, f'the list: {out}')
    expect("→ Stop this needled, then run 'systemctl start needled'.\n" in out or '> Stop this' in out, True, f'a remedy: {out}')


def test_nothing_of_a_device_but_its_name(stage):
    """Everybody may ask: no serial number, no figures."""
    sim = healthy(stage)
    sim.control('start')
    wait_for('use', lambda: sim.status()['sent']['live'] > 20)
    serial = stage.device('pen').get('serial')
    said = json.dumps(doctor(stage))
    expect(bool(serial) and serial not in said, True, f'no serial number in {said}')
    expect('mN' in said or 'strokes' in said, False, f'no figures in {said}')


def test_adapter_off(stage):
    sim = healthy(stage)
    sim.control('adapter off')
    remedy = finds(stage, 'adapter hci0', 'fail', 'switched off')
    expect(finds(stage, 'pen: state', 'warn', 'waits for its adapter'), remedy, 'the same remedy')
    shell(stage, remedy)
    wait_for('streaming', stage.streaming)
    is_well(stage)


def test_no_adapter(stage):
    sim = healthy(stage)
    sim.control('adapter remove')
    finds(stage, 'adapter', 'fail', 'no Bluetooth adapter')
    finds(stage, 'pen: state', 'warn', 'adapter, which is not there')
    sim.control('adapter add')
    wait_for('streaming', stage.streaming)
    is_well(stage)


def test_no_bluetoothd(stage):
    stage.needled(env=healthy_root(stage))
    expect(finds(stage, 'bluetoothd', 'fail', 'does not run'), 'systemctl start bluetooth', 'remedy')
    stage.sim('--kind=pen')
    is_well(stage)


def test_blocked_by_rfkill(stage):
    healthy(stage)
    put(stage, 'sys/class/rfkill/rfkill0/soft', '1\n')
    expect(finds(stage, 'rfkill', 'fail', 'by software'), 'rfkill unblock bluetooth', 'remedy')
    put(stage, 'sys/class/rfkill/rfkill0/soft', '0\n')
    is_well(stage)


def test_eatt(stage):
    healthy(stage)
    config = put(stage, 'etc/bluetooth/main.conf', '[GATT]\n#Channels = 3\n')
    expect(finds(stage, 'bluetoothd: EATT', 'warn', 'several channels'), EATT_REMEDY, 'remedy')
    config.write_text('[GATT]\nChannels=1\n')
    is_well(stage)


def test_not_trusted_any_more(stage):
    healthy(stage)
    object_path, = [p for p, i in bluez_objects(stage).items() if 'org.bluez.Device1' in i]
    shell(stage, f'busctl set-property org.bluez {object_path} org.bluez.Device1 Trusted b false')
    shell(stage, finds(stage, 'pen: trust', 'warn', 'does not trust it'))
    is_well(stage)


def bluez_objects(stage):
    done = subprocess.run(['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', 'call', 'org.bluez', '/',
                           'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects'], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)['data'][0]


def live_path(stage):
    path, = [p for p, i in bluez_objects(stage).items()
             if i.get('org.bluez.GattCharacteristic1', {}).get('UUID', {}).get('data') == LIVE]
    return path


def test_notifications_held_by_another_program(stage):
    sim = healthy(stage)
    wait_for('streaming', stage.streaming)
    path = live_path(stage)
    sim.control('advertise off')
    sim.control('drop')
    wait_for('a waiting device', lambda: stage.device('pen')['state'] == 'waiting')
    holder = stage.start('holder', [stage.binary('tests/integration/hold-notify'), path, 'StartNotify'])
    wait_for('the holder', lambda: 'held' in holder.text())
    sim.control('advertise on')
    remedy = finds(stage, 'pen: notifications', 'fail', 'Another program')
    expect(remedy, 'systemctl restart bluetooth', 'remedy')
    sim.control('restart')
    wait_for('streaming', stage.streaming)
    is_well(stage)
    expect(holder.running(), True, 'the other program is not what ended')


def test_notifications_taken_by_another_program(stage):
    """StopNotify from anybody destroys our socket in BlueZ 5.66; it is taken again, and counted."""
    healthy(stage)
    wait_for('streaming', stage.streaming)
    shell(stage, f'busctl call org.bluez {live_path(stage)} org.bluez.GattCharacteristic1 StopNotify')
    finds(stage, 'pen: interference', 'warn', '1 time since')
    wait_for('streaming', stage.streaming)


def away(stage, sim):
    sim.control('advertise off')
    sim.control('drop')
    wait_for('a waiting device', lambda: stage.device('pen')['state'] == 'waiting')


def test_bond_lost(stage):
    """The device has been reset: its owner pairs it again, by one command."""
    sim = healthy(stage)
    away(stage, sim)
    sim.control('bond lost')
    sim.control('advertise on')
    remedy = finds(stage, 'pen: bond', 'fail', 'bond is lost')
    shell(stage, remedy)
    wait_for('streaming', stage.streaming)
    finds(stage, 'pen: bond', 'ok', 'bonded')


def test_bond_removed_from_bluetoothd(stage):
    sim = healthy(stage)
    away(stage, sim)
    object_path, = [p for p, i in bluez_objects(stage).items() if 'org.bluez.Device1' in i]
    shell(stage, f'busctl call org.bluez /org/bluez/hci0 org.bluez.Adapter1 RemoveDevice o {object_path}')
    sim.control('advertise on')
    shell(stage, finds(stage, 'pen: bond', 'fail', 'bond is lost'))
    wait_for('streaming', stage.streaming)
    finds(stage, 'pen: bond', 'ok', 'bonded')


def test_released(stage):
    """By its owner's will: nothing is wrong."""
    healthy(stage)
    expect(stage.ctl('release', 'pen')[0], 0, 'exit status')
    finds(stage, 'pen: state', 'ok', 'released')
    is_well(stage)


def test_vendor_profile_with_a_mistake(stage):
    folder = stage.dir / 'profiles'
    folder.mkdir()
    bad = folder / 'bad.mnprofile'
    bad.write_text('[Profile]\nId=bad\n')
    healthy(stage, NEEDLED_PROFILES_PATH=str(folder))
    remedy = finds(stage, 'vendor profiles', 'warn', '1 vendor profile was rejected')
    expect(remedy, f"Run 'needlectl profile lint {bad}', correct what it names, then run 'systemctl restart needled'.", 'remedy')
    status, out, err = stage.ctl('profile', 'lint', bad)
    expect((status, 'bad.mnprofile:1: [Profile] needs Format=1' in out + err), (1, True), f'what lint names: {out}{err}')
    bad.unlink()
    expect(stage.daemon.stop(), 0, 'exit status')
    stage.needled(env={**healthy_root(stage), 'NEEDLED_PROFILES_PATH': str(folder)})
    is_well(stage)


def test_storage(stage):
    stage.state_dir.mkdir()
    database = stage.state_dir / 'needled.db'
    database.mkdir()
    healthy(stage)
    finds(stage, 'storage', 'fail', 'needled.db')
    database.rmdir()
    is_well(stage)


def test_state_directory_is_not_there(stage):
    healthy(stage)
    shutil.rmtree(stage.state_dir)
    finds(stage, 'space', 'fail', 'No such file or directory')


def test_service_that_does_not_answer(stage):
    """There is no systemd on this bus either, which is said too."""
    status, out, err = stage.ctl('doctor')
    expect(status, 5, f'exit status ({err})')
    for words in ('fail  service', 'The service does not answer', 'systemctl start needled', 'warn  activation', 'systemctl reload dbus'):
        expect(words in out, True, f'"{words}" in {out}')
    status, out, _ = stage.ctl('doctor', '--json')
    expect((status, [f['status'] for f in json.loads(out)['findings']]), (5, ['fail', 'warn']), '--json')


def test_no_system_bus(stage):
    stage.env['DBUS_SYSTEM_BUS_ADDRESS'] = f'unix:path={stage.dir}/nobody'
    status, out, _ = stage.ctl('doctor', '--json')
    finding, = json.loads(out)['findings']
    expect((status, finding['check'], finding['status'], finding['remedy']), (5, 'system bus', 'fail', 'systemctl start dbus'), 'finding')
