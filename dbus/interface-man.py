#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""interface-man.py VERSION FILE.xml: prints the manual page of the interface, in section 5.

Nothing is in the page that is not in the XML, so that they cannot differ."""
import itertools
import sys
import textwrap

from contract import Contract, read

COLUMNS = 80 - 7                # of a terminal, beside the margin of a page
JOINT = '\0'                    # a blank at which a line is not broken
BUS_ERROR = 'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired'


def escape(text):
    """Text for troff, the same on every terminal."""
    text = text.replace('\\', '\\e').replace('-', '\\-').replace('^', '\\(ha').replace('~', '\\(ti').replace('`', '\\(ga').replace("'", '\\(aq')
    text = ''.join(c if ord(c) < 128 else f'\\[u{ord(c):04X}]' for c in text)
    return f'\\&{text}' if text.startswith('.') else text


def quoted(text):
    """An argument of a macro."""
    return '"' + escape(text).replace('"', '\\(dq') + '"'


def paragraph(text):
    return ['.PP', escape(text)]


def item(head, text):
    return ['.TP', head, escape(text) or '\\&']


def bold(text):
    return f'\\fB{escape(text)}\\fP'


def shape(member):
    """A member as in the synopsis."""
    if member.kind == 'property':
        return f'readonly {member.value.type} {member.name};'
    args = ', '.join((f'{arg.direction} ' if member.kind == 'method' else '') + f'{arg.type} {arg.name}' for arg in member.args)
    return f'{member.name}({args});'


def signature(member):
    """The same in lines of a terminal, broken between arguments."""
    text = f'    {shape(member)}'
    if len(text) <= COLUMNS:
        return [text]
    head, _, args = text.partition('(')
    return textwrap.wrap(f'{head}({args.replace(" ", JOINT).replace("," + JOINT, ", ")}', COLUMNS, subsequent_indent=' ' * (len(head) + 1),
                         drop_whitespace=True)


def synopsis(interface):
    lines = ['.SH SYNOPSIS', '.nf', escape(f'interface {interface.name} {{')]
    for kind, title in (('method', 'methods'), ('signal', 'signals'), ('property', 'properties')):
        members = interface.of_kind(kind)
        if members:
            lines.append(f'  {title}:')
        for member in members:
            if member.annotations.get('org.freedesktop.DBus.Property.EmitsChangedSignal') == 'const':
                lines.append('    @org.freedesktop.DBus.Property.EmitsChangedSignal("const")')
            lines += [escape(line.replace(JOINT, ' ')) for line in signature(member)]
    return [*lines, '};', '.fi']


def entries(value):
    """The keys of a dictionary, indented below what they belong to."""
    lines = []
    for (kind, unit, text), group in itertools.groupby(value.entries.values(), lambda entry: (entry.type, entry.unit, entry.text)):
        names = ', '.join(bold(f'"{entry.name}"') for entry in group)
        lines += item(f'{names} ({escape(f"{kind}, {unit}" if unit else kind)})', text)
    for inside, interface, member, text in value.references:
        where = 'Inside ' + bold(f'"{inside}"') + ': the' if inside else 'The'
        name = f'{interface}.{member}()' if interface else f'{member}()'
        lines += item(f'{where} keys of {bold(name)}', text)
    return ['.RS', *lines, '.RE'] if lines else []


def member_text(member):
    lines = [f'.SS {quoted(member.name + ("()" if member.kind == "method" else ""))}']
    if member.kind == 'property':
        changes = {'const': ', constant'}.get(member.annotations.get('org.freedesktop.DBus.Property.EmitsChangedSignal'), '')
        lines += paragraph(f'Type {member.value.type}, read-only{changes}.')
    for arg in member.args:
        direction = f', {arg.direction}' if member.kind == 'method' else ''
        lines += item(f'\\fI{escape(arg.name)}\\fP ({escape(arg.type)}{direction})', arg.text) + entries(arg)
    for text in member.paragraphs:
        lines += paragraph(text)
    return lines + (entries(member.value) if member.value else [])


def errors(contract, interface):
    names = {name for member in interface.of_kind('method') for name in contract.errors(interface.name, member.name)}
    lines = ['.SH ERRORS', *paragraph('Each comes with one sentence: what happened, and what to do. Methods name those that they can answer; '
                                      'org.needled.Manager1(5) those that every method can.')]
    for name in sorted(names):
        lines += ['.br', bold(BUS_ERROR if name.startswith('Interactive') else f'org.needled.Error.{name}')]
    return lines


def page(contract, interface, version):
    lines = ['.\\" Made from the XML of the interface. SPDX-License-Identifier: LGPL-2.1-or-later',
             f'.TH {quoted(interface.name.upper())} 5 "" "needled {escape(version)}" "D\\-Bus interfaces"', '.nh', '.ad l', '.SH NAME',
             f'{escape(interface.name)} \\- {escape(interface.short)}', *synopsis(interface), '.SH DESCRIPTION']
    for text in interface.paragraphs:
        lines += paragraph(text)
    for kind, title in (('method', 'METHODS'), ('signal', 'SIGNALS'), ('property', 'PROPERTIES')):
        members = interface.of_kind(kind)
        lines += [f'.SH {title}'] if members else []
        for member in members:
            lines += member_text(member)
    if not interface.name.endswith('PairingAgent1'):
        lines += errors(contract, interface)
    others = [f'.BR {escape(name)} (5)' for name in contract.interfaces if name != interface.name]
    lines += ['.SH SEE ALSO', *(f'{line},' for line in others), '.BR busctl (1),', '.BR gdbus (1)']
    return '\n'.join(lines) + '\n'


def main():
    sys.stdout.reconfigure(encoding='utf-8')
    sys.stdout.write(page(Contract(), read(sys.argv[2]), sys.argv[1]))


if __name__ == '__main__':
    main()
