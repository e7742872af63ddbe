# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contract of dbus/*.xml as data: members, their texts, and what the texts promise. The manual pages, and the check of what goes over the
bus, are made from it.

A member's comment is "NAME:", then "@ARGUMENT: text" for each argument, then paragraphs. Entries of dictionaries are lines of a list below the
argument or in the property's text:

    - "seconds" (u, s): how long, 1 to 30; 15 if not given       name (type, unit): text
    - "lost.live", "lost.event" (t): packets                      two entries of the dictionary "lost"
    - as Session1.GetFigures(): those that are numbers            what is listed there may be here, too
    - "areas.*" as Session1.GetFigures()                          and here for each entry inside "areas"

A text with numbers "1 to 30" gives a range, with ", or 255" behind it one more value; a text with `one of "a", "b" or "c"` gives
the words that there are, and if it says "empty" before that, no word too. The paragraph "Who may: …. Errors: …" names the errors; "as Identify()" there
means those of that method too."""
import pathlib
import re
import xml.etree.ElementTree as ET

NUMBERS = 'ynqiuxtd'
ERRORS = ('NotFound', 'Exists', 'NotReady', 'NotConnected', 'Busy', 'NotAuthorized', 'InvalidArgument', 'NotSupported', 'LimitReached', 'Timeout',
          'Cancelled', 'PairingFailed', 'BondLost', 'Degraded', 'Failed', 'InteractiveAuthorizationRequired')
WORD = r'"[^"]*"(?: \([^()]*\))?'
ONE_OF = re.compile(rf'[Oo]ne of ({WORD}(?:(?:, or |, | or ){WORD})*)')
NUMBER = r'-?\d+(?:,\d{3})*'
RANGE = re.compile(rf'(?<![\d.])({NUMBER}) to ({NUMBER})(?:, or (\d+))?')
ENTRY = re.compile(r'- ((?:"[^"]+"(?:, )?)+) \(([^(),]+)(?:, ([^()]+))?\): (.*)')
REFERENCE = re.compile(r'- (?:"([^"*]+)\.\*" )?as (?:(\w+)\.)?(\w+)\(\)(?:: (.*))?')


def flow(text):
    return re.sub(r'\s+', ' ', text).strip()


class Value:
    """An argument, a property, or an entry of a dictionary: its type, and what its text promises."""

    def __init__(self, name, signature, unit=None):
        self.name, self.type, self.unit = name, signature, unit
        self.direction = None
        self.text = ''
        self.entries = {}       # of a dictionary, by name; those of dictionaries inside with a dot
        self.references = []    # (dictionary inside or '', interface or None, member, text)

    @property
    def words(self):
        """The words that there are, or None."""
        found = ONE_OF.search(self.text)
        if not found:
            return None
        words = re.findall(r'"([^"]*)"', re.sub(r' \([^()]*\)', '', found[1]))
        return words + [''] * ('empty' in self.text[:found.start()].lower())

    @property
    def range(self):
        """(least, most, one more or None), or None."""
        found = RANGE.search(self.text) if self.type in NUMBERS else None
        return found and tuple(number and int(number.replace(',', '')) for number in found.groups())

    def add(self, item):
        """Takes a line of a list."""
        entry, reference = ENTRY.fullmatch(item), REFERENCE.fullmatch(item)
        if entry:
            for name in re.findall(r'"([^"]+)"', entry[1]):
                value = self.entries[name] = Value(name, entry[2], entry[3])
                value.text = entry[4]
        elif reference:
            self.references.append(tuple(part or '' for part in reference.groups()))
        else:
            raise ValueError(f'{self.name}: this line of a list has another form: {item}')


class Member:
    def __init__(self, kind, node):
        self.kind, self.name = kind, node.get('name')
        self.args = []
        self.value = Value(self.name, node.get('type')) if kind == 'property' else None
        self.annotations = {a.get('name'): a.get('value') for a in node.findall('annotation')}
        self.paragraphs = []
        for arg in node.findall('arg'):
            value = Value(arg.get('name'), arg.get('type'))
            value.direction = arg.get('direction', 'out' if kind == 'signal' else 'in')
            self.args.append(value)

    def values(self):
        return self.args + ([self.value] if self.value else [])

    def going(self, direction):
        return [arg for arg in self.args if arg.direction == direction]

    def signature(self, direction):
        return ''.join(arg.type for arg in self.going(direction))

    def find(self, kind):
        """What the last paragraph says behind "Who may:" or "Errors:"."""
        text = ' '.join(self.paragraphs)
        found = re.search(rf'(?:{kind}|Who may and errors): (.*?)(?: Errors: |$)', text)
        return found[1] if found else ''

    def names_of_errors(self):
        """(names, names of the methods whose errors there can be too)"""
        text = self.find('Errors')
        return [name for name in ERRORS if re.search(rf'\b{name}\b', text)], re.findall(r'^as (?:of )?(\w+)\(\)', text)


class Interface:
    def __init__(self, node, comment):
        self.name = node.get('name')
        self.short = flow(re.search(r'@short_description:(.*)', comment)[1])
        self.paragraphs = paragraphs_of(re.sub(r'.*@short_description:[^\n]*\n', '', comment, flags=re.S))
        self.properties = {}
        self.members = {}       # methods and signals

    def of_kind(self, kind):
        return [member for member in (*self.members.values(), *self.properties.values()) if member.kind == kind]


def paragraphs_of(text):
    return [flow(part) for part in re.split(r'\n[ \t]*\n', text) if part.strip()]


def blocks_of(text):
    """The text as (paragraph or '- item' or '@argument: text'), in order."""
    for part in re.split(r'\n[ \t]*\n|\n(?=\s*(?:@\w+: |- ["a]))', text):
        if part.strip():
            yield flow(part)


def document(member, comment):
    """Gives a member what its comment says."""
    into = member.value
    for block in blocks_of(comment.partition(f'{member.name}:')[2]):
        argument = re.match(r'@(\w+): (.*)', block)
        if argument:
            into = next(arg for arg in member.args if arg.name == argument[1])
            into.text = argument[2]
        elif block.startswith('- '):
            into.add(block)
        else:
            member.paragraphs.append(block)
    if member.value:
        member.value.text = ' '.join(member.paragraphs)


def read(path):
    """The interface of a file."""
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
    interface, comment = None, ''
    for node in ET.parse(path, parser).getroot().iter():
        if node.tag is ET.Comment:
            comment = node.text
        elif node.tag == 'interface':
            interface = Interface(node, comment)
        elif node.tag in ('method', 'signal', 'property'):
            member = Member(node.tag, node)
            (interface.properties if node.tag == 'property' else interface.members)[member.name] = member
            document(member, comment)
    return interface


class Contract:
    def __init__(self, paths=None):
        paths = paths or sorted(pathlib.Path(__file__).parent.glob('*.xml'))
        self.interfaces = {interface.name: interface for interface in map(read, paths)}

    def member(self, interface, name):
        found = self.interfaces.get(interface)
        return found.members.get(name) if found else None

    def entries(self, interface, value, inside=''):
        """What may be in a dictionary, or in the one inside it: names to Values, with all that is referred to."""
        prefix = f'{inside}.' if inside else ''
        found = {name[len(prefix):]: entry for name, entry in value.entries.items()
                 if name.startswith(prefix) and '.' not in name[len(prefix):]}
        for there, other, member, _ in value.references:
            if there and f'{inside}.'.startswith(f'{there}.') or not there:
                other = f'org.needled.{other}' if other else interface
                further = self.referred(other, member, value.direction)
                found = {**self.entries(other, further, inside[len(there):].lstrip('.')), **found}
        return found

    def referred(self, interface, member, direction):
        """The argument with the dictionary that another one is like, one of the same direction if there is one."""
        args = self.interfaces[interface].members[member].args
        return next(arg for arg in sorted(args, key=lambda arg: arg.direction != direction) if arg.entries or arg.references)

    def errors(self, interface, name):
        """The errors that a method may answer: its own, and what every method may."""
        member = self.member(interface, name)
        names, others = member.names_of_errors()
        for other in others:
            names += self.errors(interface, other)
        if not re.match('every', member.find('Who may')) or 'polkit' in member.find('Who may'):
            names += ['NotAuthorized', 'InteractiveAuthorizationRequired']
        everywhere = next(p for p in self.interfaces['org.needled.Manager1'].paragraphs if p.startswith('Each method can also'))
        everywhere = everywhere.partition('. ')[0]
        return list(dict.fromkeys(names + [name for name in ERRORS if re.search(rf'\b{name}\b', everywhere)]))
