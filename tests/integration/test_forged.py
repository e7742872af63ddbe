# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signals and calls as bluetoothd would send them, from somebody else (nobody, where root runs the suite): nothing changes."""
import json
import os
import signal
import subprocess
import threading

from stage import Failure, expect, wait_for
from test_crowd import counters, none_lost

SOMEBODY = 65534 if os.geteuid() == 0 else None
ADAPTER = '/org/bluez/hci0'
DEVICE = f'{ADAPTER}/dev_C0_FF_EE_12_34_56'
STRANGER = f'{ADAPTER}/dev_5A_00_00_00_00_01'
PROPERTIES = 'org.freedesktop.DBus.Properties'
MANAGER = 'org.freedesktop.DBus.ObjectManager'
BUS = ('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus')
OMP = '95840001-2319-423b-8a8e-ee1ffb8d13f8'
LIVE = '95840102-2319-423b-8a8e-ee1ffb8d13f8'


def busctl(stage, *args, user=None, check=True):
    done = subprocess.run(['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', *map(str, args)], user=user,
                          capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode != 0:
        raise Failure(f'busctl {" ".join(map(str, args))}: {done.stderr}')
    return done


def connections(stage, process=None):
    """The unique names of a process, by default needled's: the one for bluetoothd and the one for its own interface."""
    def is_own(name):
        done = busctl(stage, 'call', *BUS, 'GetConnectionUnixProcessID', 's', name, check=False)    # it may have left
        return done.returncode == 0 and json.loads(done.stdout)['data'] == [(process or stage.daemon).child.pid]

    names = json.loads(busctl(stage, 'call', *BUS, 'ListNames').stdout)['data'][0]
    return [name for name in names if name.startswith(':') and is_own(name)]


def characteristic(stage, uuid):
    objects = json.loads(busctl(stage, 'call', 'org.bluez', '/', MANAGER, 'GetManagedObjects').stdout)['data'][0]
    return next(path for path, interfaces in objects.items()
                if interfaces.get('org.bluez.GattCharacteristic1', {}).get('UUID', {}).get('data') == uuid)


def changed(path, interface, *properties):
    return [path, PROPERTIES, 'PropertiesChanged', 'sa{sv}as', interface, len(properties), *(word for words in properties for word in words), 0]


def forged_signals(live):
    """PATH INTERFACE MEMBER SIGNATURE ARGUMENT…"""
    adapter, device, char = 'org.bluez.Adapter1', 'org.bluez.Device1', 'org.bluez.GattCharacteristic1'
    for name in ('Connected', 'ServicesResolved', 'Paired', 'Bonded', 'Trusted'):
        yield changed(DEVICE, device, (name, 'b', 'false'))
    yield changed(DEVICE, device, ('ServicesResolved', 'b', 'false'), ('Connected', 'b', 'false'))
    yield changed(DEVICE, device, ('Address', 's', 'C0:FF:EE:00:00:00'), ('AddressType', 's', 'public'), ('Name', 's', 'Forged'))
    yield changed(DEVICE, device, ('UUIDs', 'as', 0))
    yield changed(DEVICE, device, ('RSSI', 'n', -1))
    yield changed(DEVICE, 'org.bluez.Battery1', ('Percentage', 'y', 1))
    yield changed(ADAPTER, adapter, ('Powered', 'b', 'false'))
    yield changed(ADAPTER, adapter, ('Address', 's', '00:00:00:00:00:00'))
    yield changed(live, char, ('Value', 'ay', 3, 1, 2, 3))
    yield changed(live, char, ('NotifyAcquired', 'b', 'false'), ('Notifying', 'b', 'false'))
    yield ['/', MANAGER, 'InterfacesAdded', 'oa{sa{sv}}', STRANGER, 1, device, 4, 'Address', 's', '5A:00:00:00:00:01', 'Adapter', 'o', ADAPTER,
           'RSSI', 'n', -40, 'UUIDs', 'as', 1, OMP]
    yield ['/', MANAGER, 'InterfacesAdded', 'oa{sa{sv}}', '/org/bluez/hci1', 1, adapter, 2, 'Address', 's', '00:AA:01:00:00:01', 'Powered', 'b',
           'true']
    yield ['/', MANAGER, 'InterfacesAdded', 'oa{sa{sv}}', DEVICE, 1, device, 1, 'Connected', 'b', 'false']
    yield ['/', MANAGER, 'InterfacesRemoved', 'oas', live, 1, char]
    yield ['/', MANAGER, 'InterfacesRemoved', 'oas', DEVICE, 2, device, 'org.bluez.Battery1']
    yield ['/', MANAGER, 'InterfacesRemoved', 'oas', ADAPTER, 2, adapter, 'org.bluez.GattManager1']
    bus = ['/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameOwnerChanged', 'sss', 'org.bluez']
    yield [*bus, ':1.0', '']
    yield [*bus, '', ':1.999']
    yield [*bus, ':1.0', ':1.999']
    yield ['/org/freedesktop/DBus/Local', 'org.example.Local', 'Disconnected']


def forged_calls():
    agent = ['/org/needled/agent', 'org.bluez.Agent1']
    yield [*agent, 'Release']
    yield [*agent, 'Cancel']
    yield [*agent, 'RequestAuthorization', 'o', DEVICE]
    yield [*agent, 'RequestConfirmation', 'ou', DEVICE, 123456]
    yield [*agent, 'RequestPasskey', 'o', DEVICE]
    yield [*agent, 'RequestPinCode', 'o', DEVICE]
    yield [*agent, 'DisplayPasskey', 'ouq', DEVICE, 123456, 0]
    yield [*agent, 'DisplayPinCode', 'os', DEVICE, '1234']
    yield [*agent, 'AuthorizeService', 'os', DEVICE, OMP]
    yield ['/org/needled/application/profile0/services', 'org.bluez.GattProfile1', 'Release']
    yield ['/org/needled/application/profile0', 'org.bluez.GattProfile1', 'Release']


# Of those that ask for something: an answer that is none.
ASKING = ('RequestAuthorization', 'RequestConfirmation', 'RequestPasskey', 'RequestPinCode', 'AuthorizeService')


def settle(stage, names):
    """An answer comes after all that was sent before was taken."""
    for name in names:
        busctl(stage, 'call', name, '/', 'org.freedesktop.DBus.Peer', 'Ping')


def forge(stage, names, live):
    stage.dir.chmod(0o711)
    for forged in forged_signals(live):
        busctl(stage, 'emit', '--', *forged, user=SOMEBODY)
        for name in names:
            busctl(stage, 'emit', f'--destination={name}', '--', *forged, user=SOMEBODY)
    for call in forged_calls():
        for name in names:
            done = busctl(stage, 'call', name, *call, user=SOMEBODY, check=False)
            if call[2] in ASKING:
                expect(done.returncode != 0, True, f'a refusal of {call[2]}')
    settle(stage, names)


def picture(stage):
    """All that could have changed."""
    status, device = stage.json('status'), stage.device('pen')
    return ([status[key] for key in ('bluetooth', 'storage', 'searching')], device, stage.json('devices')['devices'])


def test_nothing_changes_while_it_streams(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt()
    wait_for('the battery', lambda: stage.device('pen').get('battery', -1) >= 0)
    wait_for('the end of what is taken over', lambda: stage.ctl('sync')[0] == 2)
    names = connections(stage)
    expect(len(names), 2, 'connections of needled')
    sim.control('start')
    wait_for('a session', stage.live_session)
    before = picture(stage)
    forge(stage, names, characteristic(stage, LIVE))
    expect(picture(stage), before, 'all that needled knows')
    sim.control('stop')
    wait_for('a stored session', stage.sessions)
    none_lost(stage, sim)
    sim.control('drop 08')
    wait_for('streaming again', lambda: counters(stage)['reconnects'] == 1 and stage.streaming())


def test_who_records_believes_the_bus_alone(stage):
    """That needled has gone: told to needlectl itself by somebody who is not the bus."""
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt()
    sim.control('start')
    wait_for('a session', stage.live_session)
    tape = stage.dir / 'a.tape'
    recorder = stage.start('record', [stage.binary('client/needlectl'), 'record', '-o', tape])
    wait_for('frames on the tape', lambda: tape.exists() and ' < live ' in tape.read_text())
    names = connections(stage, recorder)
    expect(len(names), 1, 'connections of needlectl')
    stage.dir.chmod(0o711)
    for owners in ((':1.0', ''), ('', ':1.999')):
        busctl(stage, 'emit', f'--destination={names[0]}', '--', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameOwnerChanged', 'sss',
               'org.needled', *owners, user=SOMEBODY)
    settle(stage, names)
    sim.control('stop')
    wait_for('the end of the recording', lambda: not recorder.running())
    expect(recorder.child.returncode, 0, f'exit status ({recorder.text()})')
    expect('broke off' in tape.read_text(), False, 'a stream that broke off')
    expect(tape.read_text().splitlines()[-1].endswith(' = device'), True, 'the end on the tape')


def test_no_device_is_found_that_is_not_there(stage):
    stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    live = characteristic(stage, LIVE)
    search = subprocess.Popen([str(stage.binary('client/needlectl')), 'search', '--seconds=30', '-q'], env={**os.environ, **stage.env})
    wait_for('the search', lambda: stage.json('status')['searching'])
    forge(stage, connections(stage), live)
    expect(len(stage.json('devices')['devices']), 1, 'devices')
    search.terminate()
    search.wait()


def test_pairing_listens_to_bluetoothd_alone(stage):
    """While needled pairs, its agent is there, and says yes to nobody else. bluetoothd is held up meanwhile, so that the pairing lasts
    as long as the forger needs."""
    sim = stage.sim('--kind=pen')
    stage.needled()
    wait_for('a found device', lambda: stage.ctl('search', '--seconds=1', '-q') and stage.device())
    sim.control('fault Pair delay 10000')
    answer = []
    adopting = threading.Thread(target=lambda: answer.append(stage.ctl('adopt', stage.device()['address'], '--alias=pen')))
    adopting.start()
    wait_for('the pairing', lambda: stage.device()['state'] == 'bonding')
    live = characteristic(stage, LIVE)
    sim.child.send_signal(signal.SIGSTOP)
    try:
        forge(stage, connections(stage), live)
        expect(stage.device()['state'], 'bonding', 'state after forged calls')
    finally:
        sim.child.send_signal(signal.SIGCONT)
    adopting.join()
    expect(answer[0][0], 0, f'the adoption ({answer[0][2]})')
    expect(wait_for('streaming', stage.streaming)['bonded'], True, 'bonded')


def test_whoever_takes_the_name_after_bluetoothd_is_the_bus_policys_affair(stage):
    """A forged owner does not speak for org.bluez, even while there is none."""
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    live, names = characteristic(stage, LIVE), connections(stage)
    expect(sim.stop(), 0, 'exit status')
    wait_for('its absence', lambda: stage.json('status')['bluetooth'] == 'absent')
    before = picture(stage)
    forge(stage, names, live)
    expect(picture(stage), before, 'all that needled knows')
