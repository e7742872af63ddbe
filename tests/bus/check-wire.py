#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-wire.py: the check of what goes over the bus (tests/integration/wire.py) lets pass what is right and notices what is not.

The messages are made by GLib, so that the reader of the octets is proved by somebody else's writer."""
import pathlib
import re
import sys

from gi.repository import Gio, GLib

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(TOP / 'tests/integration'), str(TOP / 'dbus')]
from contract import Contract  # noqa: E402
from wire import UNITS, Checker, Message  # noqa: E402

CLIENT, SERVICE = ':1.7', ':1.3'
ROOT, DEVICE, SESSION = '/org/needled', '/org/needled/device/C0_FF_EE_12_34_56', '/org/needled/session/4'
V = GLib.Variant
contract = Contract()


def octets(message, sender, serial, body):
    message.set_sender(sender)
    message.set_serial(serial)
    if body is not None:
        message.set_body(body)
    return Message(message.to_blob(Gio.DBusCapabilityFlags.UNIX_FD_PASSING))


def call(path, interface, member, body=None, sender=CLIENT, destination='org.needled'):
    return octets(Gio.DBusMessage.new_method_call(destination, path, interface, member), sender, 9, body)


def answer(path, interface, member, arguments, body=None, error=None):
    """A call and its reply."""
    asked = Gio.DBusMessage.new_method_call('org.needled', path, interface, member)
    asked.set_sender(CLIENT)
    asked.set_serial(9)
    reply = Gio.DBusMessage.new_method_reply(asked)
    if error:
        reply.set_message_type(Gio.DBusMessageType.ERROR)
        reply.set_error_name(error)
    return [call(path, interface, member, arguments), octets(reply, SERVICE, 12, body)]


def signal(path, interface, member, body=None):
    return [octets(Gio.DBusMessage.new_signal(path, interface, member), SERVICE, 12, body)]


def figures(**values):
    return answer(SESSION, 'org.needled.Session1', 'GetFigures', None, V('(a{sv})', (values,)))


def changed(interface, path, **values):
    return signal(path, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', V('(sa{sv}as)', (f'org.needled.{interface}', values, [])))


def refusal(member, error, text, path=SESSION, interface='Session1'):
    return answer(path, f'org.needled.{interface}', member, None, V('(s)', (text,)), error)


def search(**options):
    return answer(ROOT, 'org.needled.Manager1', 'Search', V('(a{sv})', (options,)))


def plan_properties():
    """All properties of Manager1, as GetAll gives them."""
    return {'Version': V('s', '1'), 'Features': V('as', ['omp1']), 'Bluetooth': V('s', 'ready'), 'Storage': V('s', 'ready'),
            'StorageReason': V('s', ''), 'Searching': V('b', False)}


def everything(properties):
    return answer(ROOT, 'org.freedesktop.DBus.Properties', 'GetAll', V('(s)', ('org.needled.Manager1',)), V('(a{sv})', (properties,)))


ALERT = {'code': V('s', 'depth'), 'level': V('s', 'notice'), 'raised': V('t', 5), 'text': V('s', 'Deep.')}
FIGURES = {'duration': V('t', 1_000_000), 'stroke_rate': V('d', 4800.0), 'force': V('i', -3), 'device_time_offset': V('x', -2 ** 50),
           'zone_time': V('a{st}', {'low': 1, 'over': 2}), 'areas': V('a{sa{sv}}', {'chin': {'strokes': V('t', 2), 'zone_time': V('a{st}', {'good': 3})}}),
           'alerts': V('aa{sv}', [ALERT]), 'clock_quality': V('s', 'none'), 'area': V('s', 'chin')}
ADDED = ('Added', V('(tu)', (4, 1000)))
BUSY = 'org.needled.Error.Busy'
NOT_READY = 'org.needled.Error.NotReady'

RIGHT = {
    'figures': figures(**FIGURES),
    'a battery that nobody knows': changed('Device1', DEVICE, Battery=V('y', 255)),
    'a full battery': changed('Device1', DEVICE, Battery=V('y', 100)),
    'a session': signal(ROOT, 'org.needled.History1', *ADDED),
    'all properties': everything(plan_properties()),
    'an option': search(seconds=V('u', 30)),
    'a refusal': refusal('Pause', NOT_READY, 'The session is over; start another.'),
    'the refusal of another method': refusal('Tare', BUSY, 'It is in use; wait.', DEVICE, 'Device1'),
    'a call that is too large': refusal('Pause', 'org.needled.Error.InvalidArgument', 'No call takes so much; pass less.'),
    'a call that does not fit, refused': answer(ROOT, 'org.needled.Manager1', 'Search', V('(s)', ('soon',)), V('(s)', ('Invalid arguments',)),
                                                'org.freedesktop.DBus.Error.InvalidArgs'),
    'digits': [call('/agent', 'org.needled.PairingAgent1', 'Confirm', V('(ou)', (DEVICE, 4711)), SERVICE, CLIENT)],
    'an array of structures': answer(ROOT, 'org.needled.History1', 'GetSeries', V('(tsttu)', (4, 'force', 0, 0, 5)),
                                     V('(a(tiii))', ([(1, -2, 3, 4), (2, 3, 4, 5)],))),
    'no entries at all': figures(),
}

WRONG = {
    'the signature of a reply': answer(SESSION, 'org.needled.Session1', 'GetFigures', None, V('(s)', ('none',))),
    'a reply where none is due': answer(SESSION, 'org.needled.Session1', 'Pause', None, V('(b)', (True,))),
    'a method that is not in the XML': answer(SESSION, 'org.needled.Session1', 'Rewind', None),
    'an interface that is not in the XML': answer(SESSION, 'org.needled.Session2', 'Pause', None),
    'a call that does not fit, and is taken': answer(ROOT, 'org.needled.Manager1', 'Search', V('(s)', ('soon',))),
    'an option that is not in the XML, and is taken': search(minutes=V('u', 3)),
    'an option out of its range, and taken': search(seconds=V('u', 31)),
    'the type of an option': search(seconds=V('t', 3)),
    'a key': figures(speed=V('u', 3)),
    'a key inside a dictionary': figures(zone_time=V('a{st}', {'best': 3})),
    'a key of an area': figures(areas=V('a{sa{sv}}', {'chin': {'speed': V('t', 2)}})),
    'a key of a dictionary of an area': figures(areas=V('a{sa{sv}}', {'chin': {'zone_time': V('a{st}', {'best': 3})}})),
    'a key of an alert': figures(alerts=V('aa{sv}', [{**ALERT, 'colour': V('s', 'red')}])),
    'the code of an alert': figures(alerts=V('aa{sv}', [{**ALERT, 'code': V('s', 'boredom')}])),
    'a key that belongs inside': figures(**{'zone_time.low': V('t', 3)}),
    'the type of a figure': figures(strokes=V('u', 3)),
    'a time in another unit': figures(duration=V('t', 1_790_000_000_000_000_000)),
    'a rate below zero': figures(stroke_rate=V('d', -1.0)),
    'a word': figures(clock_quality=V('s', 'splendid')),
    'a battery of 101': changed('Device1', DEVICE, Battery=V('y', 101)),
    'a battery of 254': changed('Device1', DEVICE, Battery=V('y', 254)),
    'the type of a property': changed('Device1', DEVICE, Battery=V('u', 50)),
    'a state': changed('Device1', DEVICE, State=V('s', 'asleep')),
    'no state': changed('Session1', SESSION, State=V('s', '')),
    'the reason of a state': changed('Device1', DEVICE, StateReason=V('s', 'rain')),
    'the reason of an end': changed('Session1', SESSION, EndReason=V('s', 'boredom')),
    'a capability': changed('Device1', DEVICE, Capabilities=V('as', ['force', 'flight'])),
    'a key of a property': changed('Device1', DEVICE, Sync=V('a{sv}', {'speed': V('u', 1)})),
    'a property': changed('Device1', DEVICE, Mood=V('s', 'good')),
    'a constant that changes': changed('Session1', SESSION, Id=V('t', 5)),
    'the path of a property': changed('Session1', DEVICE, Stage=V('s', 'numb')),
    'a property that is missing': everything({k: v for k, v in plan_properties().items() if k != 'Storage'}),
    'an interface that is added': signal(ROOT, 'org.freedesktop.DBus.ObjectManager', 'InterfacesAdded',
                                         V('(oa{sa{sv}})', (SESSION, {'org.needled.Session1': {'Id': V('t', 4)}}))),
    'a signal': signal(ROOT, 'org.needled.History1', 'Praised', V('(tu)', (4, 1000))),
    'the signature of a signal': signal(ROOT, 'org.needled.History1', 'Added', V('(t)', (4,))),
    'the path of a signal': signal(SESSION, 'org.needled.History1', *ADDED),
    'an error that nobody knows': refusal('Pause', 'org.needled.Error.Tired', 'It is tired; wait.'),
    'the error of another method': refusal('Pause', 'org.needled.Error.PairingFailed', 'The session is over; start another.'),
    'an error of the C library': refusal('Pause', 'System.Error.EINVAL', 'Invalid argument'),
    'an error without a sentence': refusal('Pause', NOT_READY, 'over'),
    'digits beyond six': [call('/agent', 'org.needled.PairingAgent1', 'Confirm', V('(ou)', (DEVICE, 1_000_000)), SERVICE, CLIENT)],
    'a question that is not in the XML': [call('/agent', 'org.needled.PairingAgent1', 'Guess', V('(o)', (DEVICE,)), SERVICE, CLIENT)],
    'a metric': answer(ROOT, 'org.needled.History1', 'GetSeries', V('(tsttu)', (4, 'weight', 0, 0, 5)), V('(a(tiii))', ([],))),
}


def said(messages):
    checker = Checker(contract)
    for message in messages:
        checker.take(message)
    return checker.found


def twice_the_same_key():
    """GLib makes a dictionary of pairs, too, if it is told to."""
    builder = GLib.VariantBuilder(GLib.VariantType('a{sv}'))
    for _ in range(2):
        builder.add_value(V('{sv}', ('strokes', V('t', 1))))
    return answer(SESSION, 'org.needled.Session1', 'GetFigures', None, V.new_tuple(builder.end()))


def documents():
    """Every dictionary has its keys, every unit is one, and Session1.GetFigures() is the table of the figures."""
    for name, interface in contract.interfaces.items():
        for member in (*interface.members.values(), *interface.properties.values()):
            for value in member.values():
                keys = contract.entries(name, value)
                if '{s' in (value.type or '') and not keys:
                    yield f'{name}.{member.name}: no keys of {value.name}'
                yield from (f'{name}.{member.name}: {entry.name}: {entry.unit} is no unit' for entry in value.entries.values()
                            if entry.unit and entry.unit not in UNITS)
                yield from (f'{name}.{member.name}: no text of {entry.name}' for entry in [value, *value.entries.values()] if not entry.text)
            if member.kind == 'method' and name != 'org.needled.PairingAgent1' and not member.find('Who may'):
                yield f'{name}.{member.name}: who may is not said'
    table = re.findall(r"X\(\w+,\s+\"([\w.]+)\",\s+'(\w)',\s+\"([^\"]+)\"\)", (TOP / 'include/needled/figures.h').read_text())
    units = {'us': 'µs', 'um': 'µm', '/min': 'strokes/min', '1': None}
    written = contract.member('org.needled.Session1', 'GetFigures').args[0].entries
    if len(table) < 32:
        yield 'the table of the figures cannot be read'
    for name, kind, unit in table:
        entry = written.get(name)
        if entry is None or (entry.type, entry.unit) != (kind, units.get(unit, unit)):
            yield f'{name}: {kind}, {unit} in the table of the figures, {entry and (entry.type, entry.unit)} in the XML'


def main():
    wrong = [f'{name} is right, and it says: {found}' for name, messages in RIGHT.items() if (found := said(messages))]
    cases = {**WRONG, 'a key that comes twice': twice_the_same_key()}
    wrong += [f'{name} is not noticed' for name, messages in cases.items() if not said(messages)]
    wrong += documents()
    print('\n'.join([*wrong, f'{len(RIGHT)} right, {len(cases)} planted differences, {len(wrong)} wrong']))
    return 1 if wrong else 0


sys.exit(main())
