#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A manual page that groff has nothing to say about, and that fits a terminal: check-page.py GROFF PAGE. It proves itself on broken pages first."""
import pathlib
import subprocess
import sys

COLUMNS = 80


def complaints(groff, text):
    made = subprocess.run([groff, '-man', '-ww', '-z', '-Tutf8', '-Kutf8'], input=text, capture_output=True, text=True)
    return made.stderr + ('' if made.returncode == 0 else f'status {made.returncode}\n')


def wide(groff, text):
    made = subprocess.run([groff, '-man', '-Tutf8', '-Kutf8', '-P-cbou', f'-rLL={COLUMNS - 2}n'], input=text, capture_output=True, text=True,
                          encoding='utf-8', check=False)
    return ''.join(f'wider than {COLUMNS} columns: {line}\n' for line in made.stdout.splitlines() if len(line) > COLUMNS)


groff, page = sys.argv[1:]
text = pathlib.Path(page).read_text(encoding='utf-8')
assert wide(groff, text + '.nf\n' + 'x' * COLUMNS + '\n'), 'a line that is too long is not seen'
assert complaints(groff, text + '.NOSUCHMACRO\n'), 'groff -ww says nothing of an unknown macro'
said = complaints(groff, text)
said += wide(groff, text)
said += ''.join(f'@{word}@ was not filled in\n' for word in ('version', 'confdir', 'statedir', 'libexecdir', 'events', 'reload') if f'@{word}@' in text)
sys.exit(said or 0)
