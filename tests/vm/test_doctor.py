# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the doctor says of the guest, and that its remedies work as they are printed."""

import json
import shlex

import lib
import product

NEEDS_PRODUCT = True

LIVE = '95840102-2319-423b-8a8e-ee1ffb8d13f8'
# Another client of bluetoothd that subscribes to a characteristic, and stays.
HOLDER = '''
import sys, time, dbus
bus = dbus.SystemBus()
dbus.Interface(bus.get_object('org.bluez', sys.argv[1]), 'org.bluez.GattCharacteristic1').StartNotify()
print('holds', flush=True)
while True:
        time.sleep(1000)
'''


def doctor(guest, user=None):
    """{check: finding}; the exit status must be that of the worst."""
    status, out, errors = product.ctl(guest, 'doctor', '--json', user=user)
    findings = json.loads(out)['findings']
    for finding in findings:
        assert (finding['status'] == 'ok') == (finding['remedy'] == ''), finding
    assert status == (1 if any(f['status'] == 'fail' for f in findings) else 0), (status, errors)
    return {f['check']: f for f in findings}


def finds(guest, check, part, status='fail'):
    """Wait until the check says so. Returns its remedy, as it is printed on a terminal's line too."""
    def look():
        finding = doctor(guest).get(check)
        return finding if finding and finding['status'] == status and part in finding['finding'] else None
    remedy = lib.wait_for(f'{check}: {status}, "{part}"', look)['remedy']
    assert f' {remedy}\n' in product.ctl(guest, 'doctor')[1], remedy
    return remedy


def is_well(guest):
    def look():
        return not {check for check, finding in doctor(guest).items() if finding['status'] != 'ok'}
    lib.wait_for('nothing to be found', look, product.LINK_SEC)


def test_healthy_guest(guest):
    """All is well with a bonded device that streams, until systemd-timesyncd has nobody to set the clock by; and everybody may know."""
    product.begin_with(guest, product.BONDED)
    is_well(guest)
    guest.check('mkdir /run/systemd/timesync')
    found = doctor(guest, user='nobody')
    assert {c for c, f in found.items() if f['status'] != 'ok'} == {'clock'}, found
    assert found['clock']['remedy'] == 'timedatectl set-ntp true', found['clock']
    assert 'version 5.66' in found['bluetoothd']['finding'], found['bluetoothd']
    for check in ('bluetoothd: EATT', 'rfkill', 'adapter hci0', 'adapter hci1', 'auto-connection', 'pen: bond', 'pen: trust',
                  'pen: services', 'pen: notifications', 'storage', 'space', 'sandbox', 'watchdog'):
        assert check in found, (check, found)


def test_adapter_off(guest):
    guest.check('systemctl start needled\n'
                'busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered b false\n'
                'busctl set-property org.bluez /org/bluez/hci1 org.bluez.Adapter1 Powered b false')
    remedies = [finds(guest, f'adapter {name}', 'switched off') for name in ('hci0', 'hci1')]
    for remedy in remedies:
        guest.check(remedy)
    is_well(guest)


def test_blocked_by_rfkill(guest):
    guest.check('systemctl start needled; rfkill block bluetooth')
    remedy = finds(guest, 'rfkill', 'by software')
    assert finds(guest, 'adapter hci0', 'switched off') == remedy
    guest.check(remedy)
    is_well(guest)


def test_bluetoothd_stopped(guest):
    guest.check('systemctl stop bluetooth; systemctl start needled')
    guest.check(finds(guest, 'bluetoothd', 'does not run'))
    is_well(guest)


def test_eatt(guest):
    """The remedy is an act here, done as the sentence says."""
    guest.check("systemctl start needled; sed -i 's/^Channels = 1$/#Channels = 3/' /etc/bluetooth/main.conf")
    remedy = finds(guest, 'bluetoothd: EATT', 'several channels', 'warn')
    assert '[GATT]' in remedy and remedy.endswith("'systemctl restart bluetooth'."), remedy
    guest.check("sed -i '/^\\[GATT\\]$/a Channels=1' /etc/bluetooth/main.conf; systemctl restart bluetooth")
    is_well(guest)


def test_notifications_held_by_another_client(guest):
    product.begin_with(guest, product.UNBONDED)
    guest.check('systemctl stop needled')

    def device():
        return next(((p, i['org.bluez.Device1']) for p, i in lib.managed_objects(guest, 'org.bluez').items()
                     if i.get('org.bluez.Device1', {}).get('Address') == product.PUBLIC_ADDRESS), None)
    lib.wait_for('the end of the link', lambda: not device() or not device()[1]['Connected'])
    path, _ = device()
    lib.call(guest, 'org.bluez', path, 'org.bluez.Device1', 'Connect')
    lib.wait_for('services', lambda: device()[1]['ServicesResolved'])
    held = next(p for p, i in lib.managed_objects(guest, 'org.bluez').items()
                if i.get('org.bluez.GattCharacteristic1', {}).get('UUID') == LIVE)
    lib.start(guest, 'holder', 'python3', '-c', HOLDER, held)
    lib.wait_for('the holder', lambda: 'holds' in lib.output_of(guest, 'holder'))

    guest.check('systemctl start needled')
    remedy = finds(guest, 'pen: notifications', 'Another program')
    assert not product.streaming(guest)
    guest.check(remedy)
    lib.wait_for('streaming device', lambda: product.streaming(guest), product.LINK_SEC)
    is_well(guest)


def not_reachable(guest, part):
    """What is said while the service does not answer. Returns the remedy."""
    status, out, errors = product.ctl(guest, 'doctor', '--json')
    found = {f['check']: f for f in json.loads(out)['findings']}
    assert status == 5 and found['service']['status'] == 'fail', (status, out, errors)
    assert part in found['service']['finding'], found
    assert found['activation']['status'] == 'ok', found
    return found['service']['remedy']


def test_service_that_does_not_answer(guest):
    """The unit is masked; then it cannot be started, and then it hangs."""
    guest.check('systemctl mask --now needled')
    guest.check(not_reachable(guest, 'is masked'))
    is_well(guest)

    drop_in = '/run/systemd/system/needled.service.d'
    guest.check(f'systemctl stop needled; mkdir -p {drop_in}\n'
                f"printf '[Service]\\nExecStart=\\nExecStart=/nowhere\\nRestart=no\\n' >{drop_in}/test.conf; systemctl daemon-reload")
    remedy = not_reachable(guest, 'has failed')
    guest.check(f'rm {drop_in}/test.conf; systemctl daemon-reload\n{remedy}')
    is_well(guest)


def test_a_remedy_can_be_copied(guest):
    """On a terminal of 80 columns the finding is broken between words, and the command is not."""
    guest.check('systemctl start needled; busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered b false')
    remedy = finds(guest, 'adapter hci0', 'switched off', doctor(guest)['adapter hci0']['status'])
    shown = guest.check('script -qec ' + shlex.quote('stty cols 80; needlectl doctor --color=never') + ' /dev/null || true')
    lines = [line.rstrip('\r') for line in shown.splitlines()]
    assert any(line.endswith(f' {remedy}') for line in lines), lines
    assert all(len(line) <= 80 for line in lines if remedy not in line), lines
