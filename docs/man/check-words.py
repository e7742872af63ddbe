#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a page lists is what there is: check-words.py control|profile PAGE ROOT: the control words of needlesim, by its sources; the groups and
keys of a vendor profile, by docs/vendor-profiles.md, and the page's example, by needlectl."""
import pathlib
import re
import subprocess
import sys
import tempfile


def tagged(text):
    """The first line below each .TP, as plain text."""
    return [re.sub(r'^\.B[IR]? |"', '', line).replace('\\-', '-') for line in re.findall(r'^\.TP\n(\.B.*)$', text, re.M)]


def control_of_page(page):
    return {line.split()[0] for line in tagged(page.split('.SH CONTROL WORDS')[1].split('\n.SH ')[0])}


def control_of_sources(root):
    text = '\n'.join(path.read_text() for path in (root / 'simulator').glob('*.c'))
    return {*re.findall(r'(?:g_str_equal|strcmp)\(word, "([\w-]+)"\)', text), *re.findall(r'\{ "([\w-]+)", (?:control_|&p->mischief)', text)}


def profile_of_page(page):
    keys = set()
    for group, text in re.findall(r'^\.SH \[(\w+).*?\]\n(.*?)(?=^\.SH )', page, re.S | re.M):
        keys |= {(group, key) for line in tagged(text) for key in re.findall(r'(\w+)=', line)}
    return keys


def profile_of_document(root):
    keys = set()
    for group, text in re.findall(r'^### \[(\w+).*?\]\n(.*?)(?=^##)', (root / 'docs' / 'vendor-profiles.md').read_text(), re.S | re.M):
        keys |= {(group, key) for row in re.findall(r'^\| (`\w+`(?:, `\w+`)*) \|', text, re.M) for key in re.findall(r'\w+', row)}
    return keys


def differences(told, there):
    return [f'{word} is not in the page' for word in there - told] + [f'{word} is in the page alone' for word in told - there]


def lint(page, needlectl):
    """What needlectl has to say about the page's example."""
    example = re.search(r'^\.nf\n(\[Profile\].*?)^\.fi', page, re.S | re.M)[1].replace('\\-', '-')
    with tempfile.NamedTemporaryFile('w', suffix='.mnprofile') as file:
        file.write(example)
        file.flush()
        done = subprocess.run([needlectl, 'profile', 'lint', file.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return [] if done.returncode == 0 else [done.stdout]


def main(kind, page, root, needlectl):
    page, root = pathlib.Path(page).read_text(), pathlib.Path(root)
    if kind == 'control':
        told, there = control_of_page(page), control_of_sources(root)
    else:
        told, there = profile_of_page(page), profile_of_document(root)
    # It sees what it is there for.
    assert len(there) > 25 and differences(told - {min(told)}, there) and differences(told, there - {max(there)})
    wrong = differences(told, there)
    sys.exit('\n'.join(wrong + (lint(page, needlectl) if kind == 'profile' else [])) or 0)


if __name__ == '__main__':
    main(*sys.argv[1:])
