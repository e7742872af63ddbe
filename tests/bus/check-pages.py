#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-pages.py XML… PAGE…: the manual pages, as man shows them, have each member, argument, key and error of the XML, and groff warns of nothing."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'dbus'))
from contract import Contract  # noqa: E402


def render(path):
    """What a wide terminal shows, and what groff warns of."""
    done = subprocess.run(['groff', '-man', '-ww', '-Tutf8', '-P-cbou', '-rLL=400n', path], capture_output=True, check=True)
    return re.sub(r'\s+', ' ', done.stdout.decode()), done.stderr.decode()


def expected(contract, interface):
    """All that a page must say."""
    yield from (interface.name, interface.short, *interface.paragraphs)
    for member in interface.of_kind('method') + interface.of_kind('signal') + interface.of_kind('property'):
        yield member.name
        yield from member.paragraphs
        if member.kind == 'property':
            yield f'readonly {member.value.type} {member.name};'
        for value in member.values():
            yield value.name
            yield value.text
            for entry in value.entries.values():
                yield f'"{entry.name}"'
                yield entry.text
    if not interface.name.endswith('PairingAgent1'):
        for method in interface.of_kind('method'):
            yield from (f'Error.{name}' for name in contract.errors(interface.name, method.name))


def missing(page, contract, interface):
    return [text for text in expected(contract, interface) if re.sub(r'\s+', ' ', text) not in page]


def main():
    xmls = [a for a in sys.argv[1:] if a.endswith('.xml')]
    pages = {pathlib.Path(a).stem: a for a in sys.argv[1:] if not a.endswith('.xml')}
    contract, wrong = Contract(xmls), []
    for name, interface in contract.interfaces.items():
        page, warnings = render(pages[name])
        wrong += [f'{name}: {line}' for line in warnings.splitlines()]
        wrong += [f'{name}.5 does not say: {text}' for text in missing(page, contract, interface)]
        planted = next(iter(interface.members.values()))
        if not missing(page.replace(planted.name, 'nothing'), contract, interface):
            wrong.append(f'{name}: the check does not notice that {planted.name} is missing')
    print('\n'.join([*wrong, f'{len(pages)} pages, {len(wrong)} wrong']))
    return 1 if wrong or len(pages) != len(xmls) else 0


sys.exit(main())
