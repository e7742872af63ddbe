# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stand-in as another client of bluetoothd sees it, and one that holds on to what it asked for."""
import json
import subprocess

from stage import wait_for

ADDRESS = 'C0:FF:EE:12:34:56'
CHARACTERISTIC = 'org.bluez.GattCharacteristic1'
DEVICE = 'org.bluez.Device1'
OMP = '9584%s-2319-423b-8a8e-ee1ffb8d13f8'
LIVE = OMP % '0102'
STREAMS = [OMP % number for number in ('0102', '0103', '0104', '0105')]


def device_path(address=ADDRESS, adapter='hci0'):
    return f'/org/bluez/{adapter}/dev_{address.replace(":", "_")}'


def call(stage, path, interface, method, *args):
    """Returns what came, or the text of the error. The caller leaves the bus with the answer."""
    done = subprocess.run(['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', 'call', 'org.bluez', path,
                           interface, method, *map(str, args)], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        return done.stderr.strip()
    return json.loads(done.stdout)['data'] if done.stdout.strip() else None


def objects(stage):
    return call(stage, '/', 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')[0]


def characteristics(stage, device=None):
    """{UUID: (path, flags)} of a device, or of all."""
    return {interfaces[CHARACTERISTIC]['UUID']['data']: (path, interfaces[CHARACTERISTIC]['Flags']['data'])
            for path, interfaces in objects(stage).items()
            if CHARACTERISTIC in interfaces and path.startswith(device or '/')}


def shown(stage, name, path=None):
    """A property of Device1; None if bluetoothd does not know the device."""
    interfaces = objects(stage).get(path or device_path(), {})
    return interfaces[DEVICE][name]['data'] if DEVICE in interfaces else None


def hold(stage, how, uuid=LIVE):
    """A client that has the characteristic's notifications by AcquireNotify or StartNotify, until it is stopped."""
    path = characteristics(stage, device_path())[uuid][0]
    client = stage.start(f'holder{stage.count("holder")}', [stage.binary('tests/integration/hold-notify'), path, how])
    wait_for(f'{how} of another client', lambda: client.text() or not client.running())
    return client
