# SPDX-License-Identifier: LGPL-2.1-or-later
"""What another user may have collected (collect.py): states. Each thing must be on the list here, with one of its values; a new property
or signal is put on it by hand, when somebody has thought about who reads it."""

import json
import re

OMP = '-2319-423b-8a8e-ee1ffb8d13f8'
# Live, waveform, event, status, control point, session data: what is measured, or said of it.
MEASURING = {f'9584010{digit}{OMP}' for digit in '234578'}
# Numbers that may be anything (a battery, a strength, a uid, an id) are small; a figure that is larger shows up nowhere.
SMALL = 300
FIGURES = ('strokes', 'force', 'force_mean', 'force_p95', 'force_peak', 'contact_time', 'duration', 'distance', 'punctures', 'lead_in')
ENOUGH = 10
# What the owner of the tests' sessions says of them, and what the device does.
WORDS = {'rosebud', 'violet', 'Mallory', 'arnica', 'cheek-left'}
SECRETS = WORDS | {'overpressure'}


def one_of(*words):
    return lambda value: value in words


def boolean(value):
    return isinstance(value, bool)


def number(low, high):
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def text(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def words(pattern):
    return lambda value: isinstance(value, list) and all(re.fullmatch(pattern, word) for word in value)


def sync(value):
    known = {'phase': text('[a-z-]*'), 'done': number(0, SMALL), 'total': number(0, SMALL), 'error': text('[^0-9]*')}
    return all(name in known and known[name](v) for name, v in value.items())


ADDRESS, UID = text('([0-9A-F]{2}:){5}[0-9A-F]{2}'), number(0, 2 ** 32 - 1)
TIME = lambda value: value == 0 or value > 1_500_000_000_000_000     # noqa: E731  (since the epoch, or never)
NAME = text('[A-Za-z][A-Za-z ]*|')
OF_NEEDLED = {
    'Manager1': {
        'Version': text(r'[0-9.]+\S*'), 'Features': words('[a-z0-9-]+'), 'Bluetooth': one_of('absent', 'no-adapter', 'off', 'ready'),
        'Storage': one_of('ready', 'degraded', 'unavailable'), 'StorageReason': one_of(''), 'Searching': boolean,
    },
    'Device1': {
        'Address': ADDRESS, 'AddressType': one_of('public', 'random'), 'Adapter': ADDRESS, 'Name': text('.{0,8}'), 'Alias': NAME,
        'Owner': UID, 'Kind': one_of('unknown', 'roller', 'stamp', 'pen', 'rf-pen', 'other'), 'Manufacturer': NAME, 'Model': NAME,
        'Serial': text('P[0-9]{6}|'), 'Firmware': text('[0-9.]*'), 'Profile': one_of('omp1', ''), 'Capabilities': words('[a-z0-9-]+'),
        'Adopted': boolean, 'Bonded': boolean, 'AutoConnect': boolean, 'Rssi': number(-128, 127), 'State': text('[a-z-]+'),
        'StateReason': text('[a-z-]*'), 'StateSince': TIME, 'RetryAt': TIME, 'Battery': number(0, 255),
        'Session': text('/|/org/needled/session/[0-9]+'), 'Sync': sync,
    },
    'Session1': {
        'Id': number(1, SMALL), 'Uuid': text('[0-9a-f-]{36}'), 'Device': text('/org/needled/device/[0-9A-Za-z_]+'), 'Owner': UID,
        'State': one_of('open', 'running', 'paused', 'interrupted', 'finished'),
        'EndReason': one_of('', 'device', 'user', 'idle', 'window', 'shutdown'),
        'Stage': one_of('', 'cleanse', 'numb', 'needling', 'aftercare'), 'StartedAt': TIME,
    },
    'History1': {}, 'Plan1': {},
}
OF_BLUEZ = {
    'Adapter1': 'Address AddressType Name Alias Class Powered Discoverable DiscoverableTimeout Pairable PairableTimeout Discovering UUIDs '
                'Modalias Roles ExperimentalFeatures PowerState',
    'Device1': 'Address AddressType Name Alias Appearance Icon Class Paired Bonded Trusted Blocked LegacyPairing RSSI Connected UUIDs Modalias '
               'Adapter ManufacturerData ServiceData TxPower ServicesResolved WakeAllowed AdvertisingFlags AdvertisingData',
    'GattService1': 'UUID Primary Device Includes Handle',
    'GattCharacteristic1': 'UUID Service Value Flags Handle Notifying NotifyAcquired WriteAcquired MTU',
    'GattDescriptor1': 'UUID Characteristic Value Flags Handle',
    'Battery1': 'Percentage Source',
    'LEAdvertisingManager1': 'ActiveInstances SupportedInstances SupportedIncludes SupportedSecondaryChannels SupportedCapabilities '
                             'SupportedFeatures',
    'Media1': 'SupportedUUIDs SupportedFeatures', 'AdvertisementMonitorManager1': 'SupportedMonitorTypes SupportedFeatures',
}
# What a device can measure, and how bluetoothd and the radio work.
UNTOLD = {'Capabilities', 'MTU', 'Handle', 'Class', 'Appearance', 'DiscoverableTimeout', 'PairableTimeout', 'SupportedCapabilities'}
HISTORY_SIGNALS = ('Added', 'Changed', 'Removed')
REFUSALS = {'org.needled.Error.NotFound', 'org.needled.Error.NotAuthorized', 'org.needled.Error.LimitReached',
            'org.needled.Error.NotReady',                       # the device is not adopted, or was never there
            'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired',
            'org.freedesktop.DBus.Error.UnknownObject'}         # it has gone meanwhile
# What there is of the device itself, and of the caller.
INFO = {'needles', 'full_scale', 'area_mm2', 'sample_rate', 'max_depth', 'capacity'}
PLAN = {'next_earliest', 'reason', 'reason_code', 'rest', 'rules', 'depth', 'week_count', 'week_limit', 'course_weeks', 'contraindications',
        'contraindications_version'}


def numbers_in(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers_in(key)
            yield from numbers_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers_in(inner)
    elif isinstance(value, str):
        yield from (int(digits) for digits in re.findall(r'(?<![0-9a-zA-Z_:-])[0-9]+(?![0-9a-zA-Z_:-])', value))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def measured(entries):
    """The figures in what the owner was told: by needlectl show, and by needlectl watch."""
    both = [*entries, *(entry['figures'] for entry in entries if 'figures' in entry)]
    return {entry[name] for entry in both for name in FIGURES if isinstance(entry.get(name), int)}


def check_journal(text, figures):
    """What was measured is not in it, even with NEEDLED_DEBUG=1, and neither is what the owner said."""
    assert 'session' in text, 'the journal says nothing'
    large = {figure for figure in figures if figure > SMALL}
    for line in text.splitlines():
        untold = re.sub(r'\bMTU [0-9]+', '', line)      # a property of bluetoothd's, see above: a figure can be the same by chance
        assert not large & set(numbers_in(untold)) and not any(word in line for word in WORDS), f'not for the journal: {line}'


def check_overheard(text):
    """What dbus-monitor prints, which asks for what is sent to others where it may not be a monitor."""
    assert 'org.needled.Session1' in text, 'it has not even heard the signals'
    own = re.search('member=NameAcquired\n +string "(:[0-9.]+)"', text)[1]
    for line in text.splitlines():
        if line.startswith(('method ', 'error ')):
            assert f'destination={own} ' in line or f'sender={own} ' in line, f'for somebody else: {line}'


def telling(value):
    """Without what has nothing to tell of a session, but words and numbers of that kind."""
    if isinstance(value, dict):
        named = value.get('name') in UNTOLD
        return {key: telling(v) for key, v in value.items() if key not in UNTOLD and not (named and key == 'value')}
    return [telling(v) for v in value] if isinstance(value, list) else value


class Judge:
    """`figures`: numbers that were measured; `secrets`: words that the owner has said of the session."""

    def __init__(self, items, figures, secrets, owner_is_other=True):
        self._figures, self._secrets, self._other = {f for f in figures if f > SMALL}, secrets, owner_is_other
        self._uuids = {i['path']: i['value'] for i in items if i['way'] == 'property' and i['name'] == 'UUID'}
        self.kinds = set()
        for item in items:
            self._judge(item)

    def check_seen(self):
        """There was something to see, and figures to look for."""
        for kind in (('Session1', 'State', 'interrupted'), ('Session1', 'State', 'finished'), ('Session1', 'Stage', 'needling'),
                     ('Device1', 'State', 'streaming'), *(('org.needled.History1', member, None) for member in HISTORY_SIGNALS),
                     ('org.freedesktop.DBus.Properties', 'PropertiesChanged', None)):
            assert kind in self.kinds, f'{kind} was not seen'
        assert len(self._figures) > ENOUGH, f'{len(self._figures)} figures to look for'

    def _judge(self, item):
        allowed = getattr(self, f'_{item["way"]}')(item)
        assert allowed, f'not on the list: {item}'
        if item['way'] in ('round', 'user', 'monitor') or item.get('method', '').endswith('.GetInfo'):
            return
        said = json.dumps(telling(item))
        for word in self._secrets:
            assert word not in said, f'"{word}" is not for others: {item}'
        found = self._figures & set(numbers_in({key: v for key, v in telling(item).items() if key != 'path'}))
        assert not found, f'{found} was measured: {item}'

    def _round(self, _item):
        return True

    def _user(self, _item):
        return True

    def _monitor(self, item):
        return item['error'] == 'org.freedesktop.DBus.Error.AccessDenied' or not self._other

    def _may(self, path, interface, name, value=None):
        """Whether a property may be shown; with None its name."""
        service, _, kind = interface.rpartition('.')
        if service == 'org.needled':
            self.kinds.add((kind, name, value if isinstance(value, str) else None))
            known = OF_NEEDLED.get(kind, {}).get(name)
            return known is not None and (value is None or known(value))
        if service == 'org.bluez':
            if name == 'Value':
                self.kinds.add((kind, name, self._uuids.get(path, '')[:8]))
                # A descriptor's says whether somebody subscribes; of a characteristic that nobody names there must be none.
                return kind == 'GattDescriptor1' or self._uuids.get(path, next(iter(MEASURING))) not in MEASURING
            return name in OF_BLUEZ.get(kind, '').split()
        return False

    def _property(self, item):
        # An empty value is that of a characteristic of which none is known.
        return self._may(item['path'], item['interface'], item['name'], item['value']) or (item['name'] == 'Value' and item['value'] == [])

    def _signal(self, item):
        arguments, member = item['arguments'], item['member']
        self.kinds.add((item['interface'], member, None))
        if member == 'PropertiesChanged':
            interface, changed, invalidated = arguments
            return all(self._may(item['path'], interface, *pair) for pair in changed.items()) and \
                all(self._may(item['path'], interface, name) for name in invalidated)
        if member == 'InterfacesAdded':
            path, interfaces = arguments
            # The values of characteristics come with their UUIDs.
            uuids = {path: p['UUID'] for p in interfaces.values() if 'UUID' in p}
            self._uuids.update(uuids)
            return all(self._may(path, interface, *pair) for interface, properties in interfaces.items()
                       for pair in properties.items() if pair != ('Value', []))
        if item['interface'] == 'org.needled.History1':
            return member in HISTORY_SIGNALS and number(0, SMALL)(arguments[0]) and UID(arguments[1]) and len(arguments) == 2
        return (item['interface'], member) == ('org.freedesktop.DBus.ObjectManager', 'InterfacesRemoved')

    def _error(self, item):
        return item['error'] in REFUSALS

    def _reply(self, item):
        method, value = item['method'].rpartition('.')[2], item['value'][0]
        if not self._other:
            return True
        return {'Doctor': True, 'List': value == [], 'Get': item['method'].startswith('org.needled.Plan1') and set(value) <= PLAN,
                'GetInfo': method == 'GetInfo' and set(value) <= INFO}.get(method, False)
