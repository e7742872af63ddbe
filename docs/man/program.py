#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""program.py VERSION FRAME PROGRAM: the manual page of a program, made of a frame and of what the program says with --help.

In the frame a line "@rows TITLE@" becomes the options that stand below that title; "@verbs@" becomes the verbs, each with what
"PROGRAM help VERB" says; and @version@ is the version.
"""
import os
import re
import subprocess
import sys


def quoted(text):
    """For roff: a hyphen is what one types, and no text is a request."""
    text = text.replace('\\', '\\e').replace('-', '\\-')
    return f'\\&{text}' if text[:1] in ".'" else text


def said(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, encoding='utf-8',
                          env={**os.environ, 'LC_ALL': 'C.UTF-8', 'NO_COLOR': '1'}).stdout.splitlines()


def sections(lines):
    """{title: lines below it}; what comes first has the title ''."""
    found, title = {'': []}, ''
    for line, following in zip(lines, [*lines[1:], '']):
        if re.fullmatch(r'[A-Z][A-Za-z ]+:?', line) and following.startswith('  '):
            title = line.rstrip(':')
            found[title] = []
        elif line:
            found[title].append(line)
        elif title:             # a blank line ends a section
            title = ''
    return found


def rows(lines):
    """[(what stands left, what stands right)]"""
    return [tuple(re.split(r' {2,}', line.strip(), maxsplit=1)) for line in lines]


def tagged(lines):
    page = []
    for left, *right in rows(lines):
        page += ['.TP', f'.B {quoted(left)}', *map(quoted, right)]
    return page


def verb_page(program, verb):
    parts = sections(said(program, 'help', verb))
    usage, *text = parts['']
    page = [f'.SS {quoted(usage.partition(" ")[2].replace("[OPTION...] ", ""))}']
    column = False
    for line in text:               # a row of columns stands on a line of its own
        was, column = column, re.search(r'\S {2,}\S', line)
        page += ['.br', quoted(line)] if was or column else [quoted(line)]
    return page + tagged(parts.get('Options', []))


def main():
    version, frame, program = sys.argv[1:]
    parts = sections(said(program, '--help'))
    for line in open(frame, encoding='utf-8').read().replace('@version@', version).splitlines():
        if line == '@verbs@':
            for left, _ in rows(parts['Verbs']):
                print('\n'.join(verb_page(program, left.split(' ')[0])))
        elif found := re.fullmatch(r'@rows (.+)@', line):
            print('\n'.join(tagged(parts[found[1]])))
        else:
            print(line)


if __name__ == '__main__':
    main()
