#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML files are the contract: what the daemon introspects agrees with them, member by member, and so does needlectl's agent.

usage: check-interfaces.py INTROSPECT… FILE.xml…

Compares names, types, directions, names of arguments, access and annotations (the Privileged that libsystemd
adds for a method that not everybody may call is one). Every member of the XML is documented. The check proves
itself on planted differences first.
"""
import copy
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

EMITS = 'org.freedesktop.DBus.Property.EmitsChangedSignal'


def describe_member(member):
    """A member as a comparable value: (kind, name) and all there is to say about it."""
    annotations = {a.get('name'): a.get('value') for a in member.findall('annotation')}
    if member.tag == 'property':
        annotations.setdefault(EMITS, 'true')
    default = 'out' if member.tag == 'signal' else 'in'
    args = [(a.get('name'), a.get('type'), a.get('direction', default)) for a in member.findall('arg')]
    return (member.tag, member.get('name')), {
        'type': member.get('type'), 'access': member.get('access'), 'args': args, 'annotations': annotations}


def describe(root):
    """All our interfaces under an XML root."""
    kinds = ('method', 'signal', 'property')
    return {interface.get('name'): dict(describe_member(m) for m in interface if m.tag in kinds)
            for interface in root.iter('interface') if interface.get('name').startswith('org.needled.')}


def differences(written, live):
    found = []
    for name in sorted(written.keys() | live.keys()):
        if name not in live or name not in written:
            found.append(f'{name}: only in the {"XML" if name in written else "daemon"}')
            continue
        for key in sorted(written[name].keys() | live[name].keys()):
            a, b = written[name].get(key), live[name].get(key)
            if a is None or b is None:
                found.append(f'{name}: {key[0]} {key[1]} is only in the {"daemon" if a is None else "XML"}')
            elif a != b:
                found += [f'{name}.{key[1]}: {what} is {a[what]} in the XML, {b[what]} in the daemon'
                          for what in a if a[what] != b[what]]
    return found


def undocumented(path):
    """Members without a comment of their own, as gdbus-codegen takes it, or with an argument that it omits."""
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
    found, comment = [], ''
    for node in ET.parse(path, parser).getroot().iter():
        if node.tag is ET.Comment:
            comment = node.text
        elif node.tag in ('interface', 'method', 'signal', 'property'):
            if not re.match(rf'\s*{re.escape(node.get("name"))}:\n', comment):
                found.append(f'{path}: {node.tag} {node.get("name")} is not documented')
            found += [f'{path}: {node.get("name")}: the argument {a.get("name")} is not documented'
                      for a in node.findall('arg') if f'@{a.get("name")}:' not in comment]
            comment = ''
    return found


def plant(root):
    """Copies of a live tree with one thing changed in each; every one must be noticed."""
    def change(find, do):
        tree = copy.deepcopy(root)
        do(tree, tree.find(find))
        return tree

    def interface(tree):
        return next(i for i in tree.iter('interface') if i.get('name') == 'org.needled.Manager1')

    where = ".//interface[@name='org.needled.Manager1']/"
    yield 'type of a property', change(where + "property[@name='Bluetooth']", lambda t, m: m.set('type', 'u'))
    yield 'access', change(where + "property[@name='Bluetooth']", lambda t, m: m.set('access', 'readwrite'))
    yield 'const', change(where + "property[@name='Version']", lambda t, m: m.remove(m.find('annotation')))
    yield 'name of a method', change(where + "method[@name='Search']", lambda t, m: m.set('name', 'Seek'))
    yield 'type of an argument', change(where + "method[@name='Adopt']/arg", lambda t, m: m.set('type', 's'))
    yield 'name of an argument', change(where + "method[@name='Adopt']/arg",
                                        lambda t, m: m.set('name', 'thing'))
    yield 'privileged', change(where + "method[@name='Adopt']", lambda t, m: ET.SubElement(
        m, 'annotation', {'name': 'org.freedesktop.systemd1.Privileged', 'value': 'true'}))
    yield 'missing member', change(where + "method[@name='Forget']", lambda t, m: interface(t).remove(m))
    yield 'one more member', change(where + "method[@name='Forget']", lambda t, m: interface(t).append(
        ET.Element('signal', {'name': 'Rumour'})))
    yield 'name of a signal', change(".//signal[@name='Added']", lambda t, m: m.set('name', 'Appended'))
    yield 'missing interface', change(".//interface[@name='org.needled.History1']", lambda t, m: t.remove(m))


def main():
    files = [a for a in sys.argv[1:] if a.endswith('.xml')]
    output = ''.join(subprocess.run([a], check=True, stdout=subprocess.PIPE).stdout.decode()
                     for a in sys.argv[1:] if a not in files)
    documents = [ET.fromstring(text) for text in output.split('\0') if text.strip()]
    live, written, wrong = {}, {}, []
    for document in documents:
        live.update(describe(document))
    for path in files:
        written.update(describe(ET.parse(path).getroot()))
        wrong += undocumented(path)

    others = {name: members for name, members in live.items() if name not in describe(documents[0])}
    planted = 0
    for what, tree in plant(documents[0]):
        planted += 1
        if not differences(written, {**others, **describe(tree)}):
            wrong.append(f'the check does not notice a planted difference: {what}')

    wrong += differences(written, live)
    for line in wrong:
        print(line)
    print(f'{len(live)} interfaces, {sum(len(m) for m in live.values())} members compared, '
          f'{planted} differences planted, {len(wrong)} wrong')
    return 1 if wrong or not live or planted < 11 else 0


sys.exit(main())
