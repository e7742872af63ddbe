# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command line in README.md and docs/*.md works as printed: those of blocks without a language are typed on a terminal,
in order, where the page says that one is; what cannot be typed here is in a list that says why. What stands within a
sentence has to be a verb with options that it has. Console blocks, which print what comes too, are those of test_docs.py and
test_admin.py."""
import contextlib
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import time

from printed import ROOT, blocks
from stage import DEADLINE_SEC, SANITIZER_WORDS, Failure, at_least, expect, wait_for
from test_export import session_with_device
from test_schema import every_verb

PAGES = [ROOT / 'README.md', ROOT / 'SECURITY.md', *sorted((ROOT / 'docs').glob('*.md'))]
PROGRAMS = ('needlectl', 'needled', 'needlesim', 'busctl', 'journalctl', 'systemctl', 'systemd-sysusers', 'meson', 'ninja',
            'apt', 'dpkg-buildpackage')
FOLDERS = ('tools/', 'tests/', 'build/')

# What is not typed here: how it begins, and why. Files of the tree have to be there.
ELSEWHERE = {
    'tools/': 'the suite is started by it, or it takes minutes',
    'tests/': 'the suite is started by it, or it takes a guest',
    'build/': 'programs of the tree, which the suites start',
    'NEEDLED_': 'variables before a program of the tree',
    'meson ': 'builds and installs; tools/test does',
    'dpkg-buildpackage': 'builds packages; tests/package/build does',
    'apt install': 'wants packages and root; test_package in the guest does',
    'systemd-sysusers': 'wants root and systemd; the guest is made so',
    'systemctl enable': 'wants root and systemd; the guest is made so',
    'systemctl disable': 'wants root and systemd, and takes an installation back',
    'systemctl daemon-reload': 'likewise',
    'ninja ': 'likewise',
    'rm -rf /var/lib/needled': 'likewise; and takes the record',
    'systemctl --user': 'wants a user\'s systemd, which a stage has not; the unit is in tests/data/installed.list',
    'needlectl report --since': 'wants a device and a past; test_report chooses so',
    'needlectl setup': 'a conversation; test_setup holds it',
    'needlectl record pen -o pen.tape': 'waits for a session; test_tape records',
    'needlectl profile try pen.mnprofile --tape 42.tape': 'wants a vendor\'s device; test_profile tries one',
    'needlectl erase --owner=anna': 'wants a user of this name; test_errors names one that there is not',
}
# Exit codes that are right beside 0.
ENDS = {
    'needlectl doctor': (1,),                       # a stage has no systemd
    'needlectl import': (2,),                       # what was exported is here still
    'needlectl acknowledge': (2,), 'needlectl release': (2,),
    'needlectl erase': (2,),
    'needlectl sessions --owner all': (0 if os.geteuid() == 0 else 4,),
    'journalctl': (1,),                             # nothing of needled in this journal, or no journal
}
TERMINAL = {'TERM': 'xterm', 'COLUMNS': '80', 'LINES': '24', 'LC_ALL': 'C.UTF-8', 'SYSTEMD_PAGER': 'cat', 'PAGER': 'cat'}


def reason(line):
    return next((begin for begin in ELSEWHERE if line.startswith(begin)), None)


def printed_lines(text):
    """(number, line without comment and sudo) of all blocks that are commands."""
    for begin, block in blocks(text, ''):
        lines = [(number, re.sub(r'\s+#.*', '', line).strip().removeprefix('sudo ')) for number, line in enumerate(block, begin)
                 if line.strip()]
        if lines and (lines[0][1].startswith((*FOLDERS, 'NEEDLED_')) or lines[0][1].split(' ')[0] in PROGRAMS):
            yield from lines


class Terminal:
    """Where somebody sits who answers what is asked, and leaves what does not end with q."""

    def __init__(self, cwd, env):
        self.cwd = cwd
        self.env = {**os.environ, **env, **TERMINAL}

    def type(self, line):
        """(exit code, what was on the screen)."""
        here, there = pty.openpty()
        child = subprocess.Popen(['bash', '--norc', '-c', line], stdin=there, stdout=there, stderr=there, cwd=self.cwd,
                                 env=self.env, start_new_session=True)
        os.close(there)
        seen, end = b'', time.monotonic() + DEADLINE_SEC
        answered = 0
        while child.poll() is None or select.select([here], [], [], 0)[0]:
            if time.monotonic() > end:
                os.killpg(child.pid, signal.SIGKILL)
                raise Failure(f'{line}: does not end; {seen.decode(errors="replace")}')
            if select.select([here], [], [], 0.1)[0]:
                try:
                    seen += os.read(here, 65536)
                except OSError:         # nobody has the terminal any more
                    break
            questions = seen.count(b'ype yes')
            if questions > answered:
                answered = questions
                os.write(here, b'yes\n')
            elif 'watch' in line and seen:
                with contextlib.suppress(OSError):
                    os.write(here, b'q')
        os.close(here)
        return child.wait(DEADLINE_SEC), seen.decode(errors='replace')


def type_page(path, terminal):
    """Types a page; returns (how many lines, the entries of ELSEWHERE that were of use)."""
    count, used = 0, set()
    for number, line in printed_lines(path.read_text()):
        where = f'{path.name}:{number}: {line}'
        elsewhere = reason(line)
        if elsewhere:
            used.add(elsewhere)
            for word in re.findall(r'(?<!\S)(?:tools|tests)/[\w./-]+', line):
                expect((ROOT / word).exists(), True, f'{where}: {word}')
            continue
        status, seen = terminal.type(line)
        allowed = next((codes for begin, codes in ENDS.items() if line.startswith(begin)), ())
        if status != 0 and status not in allowed or any(
                word in seen for word in (*SANITIZER_WORDS, 'invalid option', 'unrecognized option')):
            raise Failure(f'{where}\nstatus {status}:\n{seen}')
        count += 1
    return count, used


def page(stage):
    """A stage as a page supposes it, and a terminal in a folder of its own."""
    folder = stage.dir / 'home'
    folder.mkdir()
    (stage.dir / 'bin').mkdir()
    for program in ('client/needlectl', 'simulator/needlesim'):
        (stage.dir / 'bin' / program.split('/')[1]).symlink_to(stage.binary(program).resolve())
    stage.env['PATH'] = f'{stage.dir}/bin:{os.environ["PATH"]}'
    return folder, Terminal(folder, stage.env)


def sessions_from(stage, folder, session, first_id, n):
    """n that are as good as this one, with numbers from first_id on, and a tape of one more."""
    tape = folder / 'other.tape'
    expect(stage.ctl('export', session, '-o', tape)[0], 0, 'export')
    tape.write_text(re.sub(r'^session .*\n', '', tape.read_text(), flags=re.M))
    expect(stage.ctl('forget', 'pen')[0], 0, 'forget')     # or what it has stored would take numbers
    stage.daemon.stop()
    with contextlib.closing(sqlite3.connect(stage.state_dir / 'needled.db')) as db, db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'next_session_id'", (first_id,))
    stage.needled()
    for i in range(n):
        expect(stage.json('import', tape)['imported'][0]['session'], first_id + i, 'import')


USED = {}


def typed(name, path, terminal, least):
    count, USED[name] = type_page(path, terminal)
    at_least(count, least, f'lines of {name}')


def test_readme(stage):
    _, terminal = page(stage)
    stage.sim('--kind=pen', '--auto-start', '--procedure=5')
    stage.needled()
    stage.adopt()               # as setup does, which comes first

    def used_it():
        """Who reads uses the device, and then looks at what is kept."""
        return wait_for('a session in the record', stage.sessions)

    plain = terminal.type
    terminal.type = lambda line: (used_it() if line == 'needlectl report 1' else None, plain(line))[1]
    typed('README.md', ROOT / 'README.md', terminal, 12)


def test_pages_about_the_record(stage):
    session = session_with_device(stage, '--live-period=50', until=40)['id']
    folder, terminal = page(stage)
    sessions_from(stage, folder, session, 40, 4)
    for name, least in (('export.md', 4), ('report.md', 1), ('tape.md', 6), ('record.md', 16)):
        for left in (*folder.glob('42.*'), *folder.glob('needled-*')):
            left.unlink()
        typed(name, ROOT / 'docs' / name, terminal, least)


def test_the_other_pages(stage):
    """Whose lines, if they have any, want nothing."""
    _, terminal = page(stage)
    stage.needled()
    for path in PAGES:
        if path.name not in ('README.md', 'record.md', 'report.md', 'export.md',
                             'tape.md') or path == ROOT / 'docs' / 'README.md':
            typed(str(path.relative_to(ROOT)), path, terminal, 0)
    if len(USED) > len(PAGES) - 1:
        expect(set(ELSEWHERE) - set().union(*USED.values()), set(), 'entries of ELSEWHERE that no page prints')


def spans(text):
    """What stands in a sentence as code."""
    fenced = re.sub(r'^```.*?^```$', lambda block: '\n' * block[0].count('\n'), text, flags=re.M | re.S)
    for match in re.finditer(r'`(?:sudo )?(needlectl [^`]+)`', fenced):
        yield fenced.count('\n', 0, match.start()) + 1, match[1]


def manual_spans(text):
    """The same of a manual page: what is bold, one or more of them a line."""
    for number, line in enumerate(text.replace('\\-', '-').splitlines(), 1):
        bold = re.match(r'\.BR?\b(.*)', line)
        for match in re.finditer(r'(needlectl [a-z-][^";]*)', bold[1] if bold else ''):
            yield number, match[1].strip()


def catalog_spans(text):
    """The same of the journal's catalog: what is between quotation marks, over the end of a line too."""
    for match in re.finditer(r"'(needlectl [^']+)'", text):
        yield text.count('\n', 0, match.start()) + 1, match[1].replace('\n', ' ')


def all_spans():
    for paths, read in ((PAGES, spans), (sorted((ROOT / 'docs/man').glob('*.in')), manual_spans),
                        ([ROOT / 'systemd/needled.catalog.in'], catalog_spans)):
        for path in paths:
            found = list(read(path.read_text()))
            at_least(len(found), 10 if read == catalog_spans else 0, f'commands of {path.name}')
            yield from ((f'{path.name}:{number}: {span}', span) for number, span in found)


def test_within_sentences(stage):
    verbs, helps = set(every_verb(stage)), {}
    count = 0
    for where, span in all_spans():
        words = [word for word in re.split(r'[ |\[\]]+', span)[1:] if word]
        verb = next((word for word in words if not word.startswith('-')), 'status')
        count += 1
        if verb in ('VERB', '…', '...'):
            continue
        expect(verb in verbs, True, where)
        if verb not in helps:
            helps[verb] = stage.ctl('help', verb)[1]
        for option in re.findall(r'(?<!\S)--[a-z-]+', span):
            expect(bool(re.search(rf'{option}\b', helps[verb])), True, f'{where}: {option}')
    at_least(count, 60, 'commands within sentences')
    expect([*spans('a `needlectl status` b\n```\n`needlectl x`\n```\n`sudo needlectl erase --owner`')],
           [(1, 'needlectl status'), (5, 'needlectl erase --owner')], 'spans')
    expect([*manual_spans('.B needlectl search; needlectl adopt PEN \\-\\-alias=pen\nneedlectl x\n.RB ( "needlectl y" )\n.BR "needlectl start" .')],
           [(1, 'needlectl search'), (1, 'needlectl adopt PEN --alias=pen'), (4, 'needlectl start')], 'spans of a manual page')
    expect([*catalog_spans("a 'needlectl log\n5' b")], [(1, 'needlectl log 5')], 'spans of the catalog')


def test_the_index_has_every_page(stage):
    index = (ROOT / 'docs' / 'README.md').read_text()
    pages = [f'({path.name})' for path in (*PAGES, *(ROOT / 'docs').glob('*.json')) if path.parent == ROOT / 'docs'
             and path.name != 'README.md']
    manual = [re.sub(r'\.(\d)\.in$', r'(\1)', path.name) for path in (ROOT / 'docs' / 'man').glob('*.in')]
    interfaces = [f'{path.stem}(5)' for path in (ROOT / 'dbus').glob('*.xml')]
    at_least(len(pages) + len(manual) + len(interfaces), 20, 'pages')
    expect([name for name in (*pages, *manual, *interfaces) if name not in index], [], 'pages that docs/README.md does not name')
    targets = [(path, target) for path in PAGES for target in re.findall(r'\]\((?!https?:|#)([^)#\s]+)', path.read_text())]
    at_least(len(targets), 50, 'links')
    expect([(str(path), target) for path, target in targets if not (path.parent / target).exists()], [],
           'links to what is not there')


def test_wrong_lines_are_noticed(stage):
    folder, terminal = page(stage)
    path = folder / 'x.md'
    for wrong in ('needlectl statsu', 'needlectl status --no-such', 'systemctl lunch', 'needlectl show 1'):
        path.write_text(f'```\n{wrong}   # a comment\n```\n')
        expect(list(printed_lines(path.read_text())), [(2, wrong)], 'lines')
        expect(reason(wrong), None, wrong)
        try:
            type_page(path, terminal)
        except Failure:
            continue
        raise Failure(f'{wrong} was taken for right')
