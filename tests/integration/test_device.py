# SPDX-License-Identifier: LGPL-2.1-or-later
"""The device in software as a bus client sees it: its characteristics, what can be written and how it is refused."""
from bluez import CHARACTERISTIC, OMP, call, characteristics, device_path, objects
from stage import expect, wait_for

DEVICE = device_path()
RACP = '00002a52-0000-1000-8000-00805f9b34fb'
FLAGS = {
    OMP % '0101': ['read'],
    OMP % '0102': ['notify'],
    OMP % '0103': ['notify'],
    OMP % '0104': ['notify', 'indicate'],
    OMP % '0105': ['read', 'notify'],
    OMP % '0106': ['read', 'write'],
    OMP % '0107': ['write', 'notify', 'indicate'],
    OMP % '0108': ['notify'],
    RACP: ['write', 'indicate'],
}


def octets(hex_text):
    values = bytes.fromhex(hex_text)
    return [len(values), *values]


class Gatt:
    """The device, found by a search of needled and connected, without a bond."""

    def __init__(self, stage, *options, connect=True):
        self.stage = stage
        self.sim = stage.sim('--no-bond', *options, fast=False)
        stage.needled()
        wait_for('a found device', lambda: stage.ctl('search', '--seconds=1', '-q') and DEVICE in self.objects())
        if connect:
            self.connect()

    def connect(self):
        call(self.stage, DEVICE, 'org.bluez.Device1', 'Connect')
        wait_for('its characteristics', lambda: self.objects()[DEVICE]['org.bluez.Device1']['ServicesResolved']['data'])

    def objects(self):
        return objects(self.stage)

    def characteristics(self):
        return characteristics(self.stage)

    def call(self, uuid, method, *args):
        return call(self.stage, self.characteristics()[uuid][0], CHARACTERISTIC, method, *args)

    def write(self, uuid, hex_text, *options):
        return self.call(uuid, 'WriteValue', 'aya{sv}', *octets(hex_text), len(options) // 3, *options)

    def read(self, uuid):
        value = self.call(uuid, 'ReadValue', 'a{sv}', 0)
        return bytes(value[0]).hex() if isinstance(value, list) else value


def test_a_control_word_that_is_wrong_changes_nothing(stage):
    sim = stage.sim('--no-bond')
    for line in ('advertise perhaps', 'advertise', 'mute of', 'near hci7', 'drop 100', 'eatt 0', 'cache', 'such a word'):
        sim.child.stdin.write(f'{line}\n'.encode())
        sim.child.stdin.flush()
    wait_for('eight refusals', lambda: sim.text().count('error: ') == 8)
    stage.needled()
    wait_for('a found device', lambda: stage.ctl('search', '--seconds=1', '-q') and stage.device())


def test_all_characteristics_of_the_profile(stage):
    gatt = Gatt(stage)
    found = {uuid: flags for uuid, (_, flags) in gatt.characteristics().items() if uuid in FLAGS}
    expect(found, FLAGS, 'the characteristics')


def test_a_device_without_storage_has_no_records(stage):
    gatt = Gatt(stage, '--capacity=0')
    found = set(gatt.characteristics()) & set(FLAGS)
    expect(found, set(FLAGS) - {RACP, OMP % '0108'}, 'the characteristics')


def test_the_clock_is_written_and_read(stage):
    gatt = Gatt(stage)
    expect(gatt.read(OMP % '0106')[8:10], '0d', 'a clock that counts ticks')
    expect(gatt.write(OMP % '0106', '32 28a71c320000 01 08'), None, 'the write')
    expect(gatt.read(OMP % '0106')[8:10], '32', 'a clock that is set')


def test_writes_are_refused_as_bluetoothd_says_it(stage):
    gatt = Gatt(stage)
    refusals = [
        (OMP % '0106', '33 28a71c320000 01 08', (), 'Operation failed with ATT error: 0x83'),
        (OMP % '0106', '32 28a71c320000 07 08', (), 'Operation failed with ATT error: 0x82'),
        (OMP % '0106', '32 28a71c320000 01 08', ('type', 's', 'command'), 'Operation is not supported'),
        (OMP % '0107', '03', (), 'Operation failed with ATT error: 0xfd'),
        (OMP % '0107', '', (), 'Invalid Length'),
        (OMP % '0107', '03' * 513, (), 'Invalid Length'),
        (RACP, '0101', (), 'Operation failed with ATT error: 0xfd'),
        (OMP % '0102', '00', (), 'Operation is not supported'),
    ]
    for uuid, value, options, text in refusals:
        answer = gatt.write(uuid, value, *options)
        if text not in str(answer):
            expect(answer, text, f'the answer to {value[:20]} at {uuid}')


def test_an_indicated_value_has_no_socket(stage):
    """BlueZ 5.66 gives none for a characteristic that only indicates; StartNotify is the way."""
    gatt = Gatt(stage)
    expect(gatt.call(RACP, 'AcquireNotify', 'a{sv}', 0), 'Call failed: Operation is not supported', 'AcquireNotify')
    expect(gatt.call(RACP, 'StartNotify'), None, 'StartNotify')


def test_a_reboot_drops_the_link_and_the_clock(stage):
    gatt = Gatt(stage)
    gatt.write(OMP % '0106', '32 28a71c320000 01 08')
    gatt.sim.control('reboot')
    wait_for('the link to go', lambda: not gatt.objects()[DEVICE]['org.bluez.Device1']['Connected']['data'])
    expect('Not connected' in str(gatt.read(OMP % '0106')), True, 'a read without a link')
    gatt.connect()
    expect(gatt.read(OMP % '0106')[8:10], '0d', 'the clock after the reboot')
