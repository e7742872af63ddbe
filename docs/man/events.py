#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes needled-events(7) of its frame and the journal's catalog, so that the two cannot differ.

    events.py FRAME CATALOG VERSION >needled-events.7
"""
import pathlib
import re
import sys

LEVELS = {'err': 3, 'warning': 4, 'notice': 5, 'info': 6}
ENTRY = re.compile(r'^-- ([0-9a-f]{32})\n# Event: (\w+)\n# Level: ([a-z ]+)\n# Fields:([A-Z_ ]*)\nSubject: (.+)\nDefined-By: needled\n'
                   r'Documentation: man:needled-events\(7\)\n\n(.+?)\n*\Z', re.S)


def read(path):
    """The events of a catalog, in its order: dictionaries of id, name, levels, fields, subject, happened, remedy."""
    events = []
    for text in re.split(r'\n(?=-- )', pathlib.Path(path).read_text())[1:]:
        match = ENTRY.match(text)
        if not match:
            sys.exit(f'{path}: this entry is not of the form that the others have:\n{text}')
        paragraphs = match.group(6).split('\n\n')
        if len(paragraphs) < 2:
            sys.exit(f'{path}: {match.group(2)} does not say what to do')
        events.append({'id': match.group(1), 'name': match.group(2), 'levels': match.group(3).split(), 'fields': match.group(4).split(),
                       'subject': match.group(5), 'happened': paragraphs[:-1], 'remedy': paragraphs[-1]})
        unknown = set(events[-1]['levels']) - set(LEVELS)
        if unknown:
            sys.exit(f'{path}: {match.group(2)} has the level {unknown.pop()}, of which nobody knows')
    return events


def roff(text):
    """Plain text as roff. What the catalog fills in is a name here: DEVICE for @NEEDLED_DEVICE@."""
    text = re.sub(r'@NEEDLED_(\w+)@', r'\1', text).replace('\\', '\\e').replace('-', '\\-')
    text = re.sub(r"'([^'\n]+(?:\n[^'\n]+)?)'", r'\\(lq\1\\(rq', text)
    return re.sub(r"^([.'])", r'\\&\1', text, flags=re.M)


def render(event):
    fields = event['fields']
    return '\n'.join([
        f'.SS {roff(event["subject"])}',
        '.PP',
        f'MESSAGE_ID={event["id"]}',
        '.br',
        f'Level: {" or ".join(event["levels"])}',
        *(['.br', f'Fields: {roff(", ".join(fields))}'] if fields else []),
        *(line for paragraph in event['happened'] for line in ('.PP', roff(paragraph))),
        '.PP',
        '.I What to do:',
        roff(event['remedy']),
    ])


def main(frame, catalog, version):
    text = pathlib.Path(frame).read_text().replace('@version@', version)
    sys.stdout.write(text.replace('@events@', '\n'.join(render(event) for event in read(catalog))))


if __name__ == '__main__':
    main(*sys.argv[1:])
