# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether what goes over the bus is what dbus/*.xml says: every reply, error and signal of org.needled, and every call that it takes.

Wire reads messages as they are on the socket of a monitor (BecomeMonitor), by the D-Bus specification and with nothing but the standard library:
it is a thread of the test's own process, so that it costs no start of a program. Checker knows the contract and says what is wrong with a
message."""
import collections
import os
import pathlib
import re
import socket
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'dbus'))
from contract import Contract  # noqa: E402

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NAME = 'org.needled'
BUS = 'org.freedesktop.DBus'
END = 'org.needled.test.End'
PENDING_MAX = 10000
MESSAGE_MAX = 1 << 27
FIXED = {'y': 'B', 'b': 'I', 'n': 'h', 'q': 'H', 'i': 'i', 'u': 'I', 'x': 'q', 't': 'Q', 'd': 'd', 'h': 'I'}
FIELDS = {1: 'path', 2: 'interface', 3: 'member', 4: 'error', 5: 'reply_serial', 6: 'destination', 7: 'sender', 8: 'signature', 9: 'fds'}
MN_MAX = (1 << 31) - 1        # an int32_t: a parameter that nobody bounds
DAY_USEC = 24 * 3600 * 1_000_000

# What a number in this unit can be at all; a text may say less. Seconds for microseconds, or counts of a clock, are noticed by it.
UNITS = {
    'µs': (-366 * DAY_USEC, 366 * DAY_USEC), 'µs wall clock': (0, 200 * 366 * DAY_USEC), 's': (-31_622_400, 31_622_400), 'ms': (0, 86_400_000),
    'Hz': (0, 100_000), 'mN': (-MN_MAX, MN_MAX), 'µm': (0, 100_000), 'mm': (0, 1_000_000_000), 'mm²': (0, 100_000),
    'strokes/min': (0, 1_000_000), 'uid': (0, 4294967295),
}
# The times of a device's own clock, and of when this computer was started, have no such bounds.
BOUNDLESS = {'device_time_offset'}
# What sd-bus itself answers, and what org.freedesktop.DBus.Properties may.
STANDARD_ERRORS = {f'{BUS}.Error.{name}' for name in ('UnknownObject', 'UnknownInterface', 'UnknownMethod', 'UnknownProperty', 'InvalidArgs',
                                                     'PropertyReadOnly')}
# What a call of the standard interfaces is answered beyond its user's share, or with more than 16 KiB of arguments; of others the XML says so.
GATE_ERRORS = {f'{NAME}.Error.LimitReached', f'{NAME}.Error.InvalidArgument'}
Variant = collections.namedtuple('Variant', 'type value')


class Malformed(ValueError):
    """Not a D-Bus message."""


def complete_type(signature, at=0):
    """Where the complete type that begins there ends."""
    if signature[at] == 'a':
        return complete_type(signature, at + 1)
    if signature[at] not in '({':
        return at + 1
    at += 1
    while signature[at] not in ')}':
        at = complete_type(signature, at)
    return at + 1


def split(signature):
    """A signature as a list of complete types."""
    types = []
    while signature:
        end = complete_type(signature)
        types.append(signature[:end])
        signature = signature[end:]
    return types


class Reader:
    """Values of a message, one after the other. Dictionaries are lists of pairs, so that a key that comes twice is seen."""

    def __init__(self, data, order='<', at=0):
        self.data, self.order, self.at = data, order, at

    def align(self, size):
        self.at = (self.at + size - 1) // size * size

    def fixed(self, code):
        size = struct.calcsize(code)
        self.align(size)
        value = struct.unpack_from(self.order + code, self.data, self.at)[0]
        self.at += size
        return value

    def text(self, code):
        size = self.fixed(code)
        value = self.data[self.at:self.at + size].decode()
        if self.data[self.at + size] != 0:
            raise Malformed('a text without an end')
        self.at += size + 1
        return value

    def array(self, element):
        size = self.fixed('I')
        self.align(8 if element[0] in '({xtd' else 4 if element[0] in 'buihaso' else 2 if element[0] in 'nq' else 1)
        end, values = self.at + size, []
        while self.at < end:
            values.append(self.value(element))
        if self.at != end:
            raise Malformed('an array of another size')
        return values

    def value(self, signature):
        code = signature[0]
        if code in FIXED:
            return self.fixed(FIXED[code])
        if code in 'sog':
            return self.text('B' if code == 'g' else 'I')
        if code == 'a':
            return self.array(signature[1:])
        if code == 'v':
            inner = self.text('B')
            return Variant(inner, self.value(inner))
        if code not in '({':
            raise Malformed(f'the type {signature}')
        self.align(8)
        return tuple(self.value(t) for t in split(signature[1:-1]))


class Message:
    def __init__(self, data):
        order = '<' if data[0] == ord('l') else '>'
        self.type, self.flags = data[1], data[2]
        self.serial = struct.unpack_from(order + 'I', data, 8)[0]
        self.path = self.interface = self.member = self.error = self.destination = self.sender = None
        self.reply_serial, self.signature, self.fds = 0, '', 0
        reader = Reader(data, order, 12)
        for field, value in reader.array('(yv)'):
            setattr(self, FIELDS.get(field, 'other'), value.value)
        reader.align(8)
        reader = Reader(data[reader.at:], order)
        self.body = [reader.value(t) for t in split(self.signature)]
        if reader.at != len(reader.data):
            raise Malformed('octets behind the body')


class Checker:
    """Says what is wrong. What it has to remember is the calls that are not answered yet."""

    def __init__(self, contract):
        self.contract = contract
        self.calls = collections.OrderedDict()
        self.found = []
        self.checked = 0

    def say(self, where, what):
        self.found.append(f'{where}: {what}')

    # Values

    def value(self, where, interface, expected, value):
        """A value whose type is right, against what the text of an argument, a property or an entry promises."""
        if expected.type in 'so' and expected.words is not None and value not in expected.words:
            self.say(where, f'{value!r} is none of its words')
        if expected.type == 'as' and expected.words is not None and not set(value) <= set(expected.words):
            self.say(where, f'{sorted(set(value) - set(expected.words))} are none of its words')
        if expected.type in 'ynqiuxtd':
            self.number(where, expected, value)
        if expected.type in ('a{sv}', 'a{st}', 'aa{sv}', 'a{sa{sv}}'):
            for dictionary in value if expected.type == 'aa{sv}' else [value]:
                self.dictionary(where, interface, expected, '', dictionary, expected.type)

    def number(self, where, expected, value):
        bounds = expected.range
        if bounds and not bounds[0] <= value <= bounds[1] and value != bounds[2]:
            self.say(where, f'{value} is not within {bounds[0]} to {bounds[1]}')
        if expected.unit and expected.unit not in UNITS:
            self.say(where, f'{expected.unit} is no unit')
        elif expected.unit and expected.name not in BOUNDLESS and not UNITS[expected.unit][0] <= value <= UNITS[expected.unit][1]:
            self.say(where, f'{value} {expected.unit} cannot be')

    def dictionary(self, where, interface, holder, inside, pairs, signature):
        """The entries of a dictionary of the holder, or of the one inside it."""
        allowed = self.contract.entries(interface, holder, inside)
        keys = [key for key, _ in pairs]
        for key in {key for key in keys if keys.count(key) > 1}:
            self.say(where, f'"{key}" comes twice')
        for key, value in pairs:
            entry, there = allowed.get(key), f'{where}["{key}"]'
            if signature.endswith('a{sv}}'):
                self.dictionary(there, interface, holder, inside, value, 'a{sv}')
                continue
            if entry is None:
                self.say(where, f'"{key}" is not in the XML')
                continue
            found, value = value if isinstance(value, Variant) else (signature[3:-1], value)
            if found != entry.type:
                self.say(there, f'is of the type {found}, in the XML {entry.type}')
            elif found.startswith('a') and '{' in found:
                for dictionary in value if found.startswith('aa') else [value]:
                    self.dictionary(there, interface, holder, f'{inside}.{key}' if inside else key, dictionary, found)
            else:
                self.value(there, interface, entry, value)

    def arguments(self, where, interface, member, direction, message):
        """Returns whether the signature is right."""
        signature = member.signature(direction)
        if message.signature != signature:
            self.say(where, f'has the signature "{message.signature}", in the XML "{signature}"')
            return False
        for arg, value in zip(member.going(direction), message.body):
            self.value(f'{where} {arg.name}', interface, arg, value)
        return True

    def properties(self, where, interface, pairs, every=True):
        """Names and values of properties: all of the interface's, or some that have changed."""
        known = self.contract.interfaces.get(interface)
        if known is None:
            if interface.startswith(NAME) or not interface.startswith(BUS):
                self.say(where, f'{interface} is not in the XML')
            return
        for name, variant in pairs:
            there, member = f'{where} {interface}.{name}', known.properties.get(name)
            if member is None:
                self.say(there, 'is not in the XML')
            elif variant.type != member.value.type:
                self.say(there, f'is of the type {variant.type}, in the XML {member.value.type}')
            else:
                self.value(there, interface, member.value, variant.value)
            if member and every is False and member.annotations.get(f'{BUS}.Property.EmitsChangedSignal') == 'const':
                self.say(there, 'has changed, and is const')
        missing = set(known.properties) - {name for name, _ in pairs}
        if every and missing:
            self.say(where, f'{interface} without {sorted(missing)}')

    def path(self, where, interface, path):
        kinds = {'Device1': r'/org/needled/device/\w+', 'Session1': r'/org/needled/session/\d+'}
        if interface.startswith(NAME) and not re.fullmatch(kinds.get(interface.rpartition('.')[2], '/org/needled'), path):
            self.say(where, f'{interface} on {path}')

    # Messages

    def take(self, message):
        if BUS in (message.sender, message.destination):
            return              # between needled and the bus
        if message.type == CALL:
            self.remember(message)
        elif message.type == SIGNAL:
            self.signal(message)
        else:
            self.answer(message)
        self.checked += 1

    def remember(self, message):
        """A call, from or to needled."""
        member = self.contract.member(message.interface, message.member) if message.interface else None
        if message.interface == f'{NAME}.PairingAgent1':
            if member is None:
                self.say(f'call of {message.member}', f'{message.interface} has it not in the XML')
            else:
                self.arguments(f'call of {message.member}', message.interface, member, 'in', message)
        elif not message.flags & 1 and (message.interface or NAME).startswith((NAME, BUS)):
            self.calls[message.sender, message.serial] = message
            if len(self.calls) > PENDING_MAX:
                self.calls.popitem(last=False)

    def answer(self, message):
        call = self.calls.pop((message.destination, message.reply_serial), None)
        if call is None:
            return              # of somebody whom needled has asked
        where = f'{call.interface or ""}.{call.member}()'
        if message.type == ERROR:
            self.refused(where, call, message)
        elif call.interface and call.interface.startswith(BUS):
            self.standard(where, call, message)
        else:
            self.returned(where, call, message)

    def returned(self, where, call, message):
        interfaces = [call.interface] if call.interface else list(self.contract.interfaces)
        interface = next((i for i in interfaces if self.contract.member(i, call.member)), None)
        if interface is None:
            self.say(where, 'was answered, and is not in the XML')
            return
        member = self.contract.member(interface, call.member)
        if self.arguments(f'{where} answered a call that', interface, member, 'in', call):
            self.arguments(where, interface, member, 'out', message)

    def refused(self, where, call, message):
        allowed = STANDARD_ERRORS | GATE_ERRORS
        if self.contract.member(call.interface, call.member):
            allowed = STANDARD_ERRORS | {f'{BUS}.Error.{name}' if name.startswith('Interactive') else f'{NAME}.Error.{name}'
                                         for name in self.contract.errors(call.interface, call.member)}
        if message.error not in allowed:
            self.say(where, f'answered {message.error}, which is not in the XML for it')
        if message.error.startswith(NAME) and (message.signature != 's' or not re.fullmatch(r'[^\n]{8,}\.', message.body[0])):
            self.say(where, f'{message.error} without a sentence: {message.body}')

    def standard(self, where, call, message):
        """What the interfaces that every service has tell of ours."""
        kind = call.interface.removeprefix(BUS).lstrip('.'), call.member
        if kind == ('Properties', 'Get') and call.body[0] in self.contract.interfaces:
            self.properties(where, call.body[0], [(call.body[1], message.body[0])], every=None)
        elif kind == ('Properties', 'GetAll') and call.body[0] in self.contract.interfaces:
            self.properties(where, call.body[0], message.body[0])
        elif kind == ('ObjectManager', 'GetManagedObjects'):
            for path, interfaces in message.body[0]:
                self.interfaces(where, path, interfaces)

    def interfaces(self, where, path, interfaces):
        for interface, pairs in interfaces:
            self.path(where, interface, path)
            self.properties(f'{where} {path}', interface, pairs)

    def signal(self, message):
        where = f'{message.interface}.{message.member}'
        member = self.contract.member(message.interface, message.member)
        if member and member.kind == 'signal':
            self.path(where, message.interface, message.path)
            self.arguments(where, message.interface, member, 'out', message)
        elif where == f'{BUS}.Properties.PropertiesChanged':
            interface, changed, invalidated = message.body
            self.path(where, interface, message.path)
            self.properties(where, interface, changed, every=False)
            if invalidated:
                self.say(where, f'{invalidated} are invalidated, and have values')
        elif where == f'{BUS}.ObjectManager.InterfacesAdded':
            self.interfaces(where, *message.body)
        elif where == f'{BUS}.ObjectManager.InterfacesRemoved':
            for interface in message.body[1]:
                self.path(where, interface, message.body[0])
        else:
            self.say(where, 'is not in the XML')


def marshal(signature, *values):
    """Strings and arrays of strings, as calls to the bus need them, and dictionaries that are empty."""
    data = b''
    for kind, value in zip(split(signature), values):
        data += b'\0' * (-len(data) % 4)
        if kind in 'so':
            data += struct.pack('<I', len(value.encode())) + value.encode() + b'\0'
        elif kind == 'a{sv}':
            data += struct.pack('<I', 0)
            data += b'\0' * (-len(data) % 8)
        elif kind == 'as':
            inner = marshal('s' * len(value), *value)
            data += struct.pack('<I', len(inner)) + inner
        else:
            data += struct.pack('<I', value)
    return data


class Connection:
    """A connection to the bus, as small as it can be."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.sendall(b'\0AUTH EXTERNAL ' + str(os.geteuid()).encode().hex().encode() + b'\r\nBEGIN\r\n')
        self.data, self.serial = b'', 0
        while b'\r\n' not in self.data:
            self.more()
        if not self.data.startswith(b'OK '):
            raise Malformed(f'the bus does not take us: {self.data}')
        self.data = self.data.partition(b'\r\n')[2]
        self.send(CALL, 'Hello')

    def more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        self.data += data

    def send(self, kind, member, interface=BUS, signature='', *values, to=(BUS, '/org/freedesktop/DBus'), answer=True):
        self.serial += 1
        body = marshal(signature, *values)
        fields = b''
        for code, letter, value in ((1, 'o', to[1]), (2, 's', interface), (3, 's', member), (6, 's', to[0]), (8, 'g', signature)):
            if code == 6 and kind == SIGNAL:
                continue
            fields += b'\0' * (-len(fields) % 8) + bytes([code, 1]) + letter.encode() + b'\0'
            text = value.encode() + b'\0'
            fields += bytes([len(value)]) + text if letter == 'g' else struct.pack('<I', len(value)) + text
        head = struct.pack('<cBBBIII', b'l', kind, 0 if answer else 1, 1, len(body), self.serial, len(fields)) + fields
        self.socket.sendall(head + b'\0' * (-len(head) % 8) + body)

    def receive(self):
        """The next message's octets."""
        while len(self.data) < 16:
            self.more()
        order = '<' if self.data[0] == ord('l') else '>'
        body, _, fields = struct.unpack_from(order + 'III', self.data, 4)
        size = (16 + fields + 7) // 8 * 8 + body
        if size > MESSAGE_MAX:
            raise Malformed(f'a message of {size} octets')
        while len(self.data) < size:
            self.more()
        message, self.data = self.data[:size], self.data[size:]
        return message

    def close(self):
        self.socket.close()


class Wire(threading.Thread):
    """Watches a bus from before anybody is there, until finish()."""

    def __init__(self, bus):
        super().__init__(daemon=True)
        self.bus = bus
        self.checker = Checker(contract())
        self.connection = Connection(bus)
        rules = [f"sender='{NAME}'", f"destination='{NAME}',type='method_call'", f"interface='{END}'"]
        self.connection.send(CALL, 'BecomeMonitor', f'{BUS}.Monitoring', 'asu', rules, 0)
        while True:
            reply = Message(self.connection.receive())
            if reply.reply_serial == self.connection.serial:
                break
        if reply.type != RETURN:
            raise Malformed(f'the bus lets nobody watch: {reply.body}')
        self.start()

    def run(self):
        try:
            while True:
                message = Message(self.connection.receive())
                if message.interface == END:
                    return
                self.checker.take(message)
        except EOFError:
            pass                # the bus has gone first
        except Exception as error:
            self.checker.say('the watch of the bus', f'{type(error).__name__}: {error}')

    def finish(self):
        """All that was sent until now is checked. Returns what was wrong, each once."""
        try:
            marker = Connection(self.bus)
            marker.send(SIGNAL, 'Ended', END)
        except OSError:
            marker = None       # no bus any more: the thread has seen its end
        self.join()
        if marker:
            marker.close()
        self.connection.close()
        return list(dict.fromkeys(self.checker.found))


def contract(read=[]):
    """Read once in a process."""
    if not read:
        read.append(Contract())
    return read[0]
