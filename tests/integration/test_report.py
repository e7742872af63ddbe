# SPDX-License-Identifier: LGPL-2.1-or-later
"""A page about a session, and about a course: what it shows is what `show` says, and what cannot be written is not half there."""
import html.parser
import json
import math
import os
import random
import struct
import signal
import subprocess
import time

from stage import Failure, at_least, expect, wait_for
from test_sessions import used

FEATURE = '01 00 ff 0e 0a 00 03 10 00 20 4e ae 1e e8 03 c4 09 c8 00 ff ff'
STATUS = '03 1f 39 00 00 00 38 01 e4 70 00 00 f4 01 58 1b 01 00'
LIMITS = 'limits overpressure=3000 hysteresis=500 zone-low=300 zone-high=2000 time-limit=900 depth-max=0'
CONTACT, LIFTED, OVER = 0x1b01, 0x1201, 0x1f01      # a session; the motor and contact, neither, overpressure too
MAX_OCTETS, MAX_SEC = 300 * 1024, 1.0
VOID = ('meta', 'br', 'hr')


class Tape:
    """A session of a pen, as a story: what the hand does, from one moment to the next."""

    def __init__(self, start, seed=1, waveform=False):
        self.lines = ['needled-tape 1', 'profile omp1', 'device pen', f'clock {start}', '0 ! up', f'0 < feature {FEATURE}', f'0.01 < status {STATUS}',
                      f'0.02 % {LIMITS}']
        self.random, self.waveform = random.Random(seed), waveform
        self.sec, self.strokes, self.number = 0.05, 0, 0

    def say(self, words):
        self.lines.append(f'{self.sec:.6f} {words}')

    def use(self, seconds, force, flags=CONTACT, depth=500):
        """20 values a second; a force in mN that sways a little."""
        for _ in range(int(seconds * 20)):
            self.sec += 0.05
            tick = int(self.sec * 10000)
            self.strokes += 6 if flags != LIFTED else 0
            mean = int(force * (1 + 0.25 * math.sin(self.sec / 3)) + self.random.randint(-60, 60)) if flags != LIFTED else self.random.randint(0, 20)
            octets = struct.pack('<HHIhhIHH', flags, self.number & 0xffff, tick, mean, mean + 300, self.strokes, tick & 0xffff, depth)
            self.say(f'< live {octets.hex()}')
            if self.waveform:
                samples = [self.random.randint(mean - 200, mean + 200) for _ in range(50)]
                self.say(f'< waveform {struct.pack("<HIHBB50h", self.number & 0xffff, tick, 1000, 0, 50, *samples).hex()}')
            self.number += 1
        return self

    def huge(self, words):
        self.say(words)
        return self

    def lost(self, seconds):
        self.say('! lost')
        self.sec += seconds
        self.number = 0
        self.say('! up')
        return self

    def write(self, path, how='device'):
        path.write_text('\n'.join(self.lines) + f'\n{self.sec:.6f} = {how}\n')
        return path


def story(start, minutes=1, force=900, seed=1, waveform=False):
    """Stages, areas, a mark, too much force, and a loss of the link."""
    tape, second = Tape(start, seed, waveform), minutes * 60 / 20
    tape.say('% stage cleanse')
    tape.use(second, 300, LIFTED)
    tape.say('% stage needling')
    tape.say('% area cheek-left')
    tape.use(6 * second, force).use(2, 3600, OVER).use(3 * second, force * 1.2)
    tape.say('* the hand <slipped> & here')
    tape.lost(second / 2)
    tape.say('% area chin')
    tape.use(6 * second, force * 0.7).use(second, 300, LIFTED)
    tape.say('% stage aftercare')
    return tape.use(2 * second, 300, LIFTED)


def service(stage):
    """With a record that can be read."""
    stage.needled()
    expect(stage.sessions(), [], 'an empty record')


def taken_in(stage, name, tape):
    return stage.json('import', tape.write(stage.dir / name))['imported'][0]['session']


class Page(html.parser.HTMLParser):
    """Its elements and tables, by what a reader meets."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.headings, self.tables, self.pairs, self.tags, self.ids, self.open = [], {}, {}, [], [], []
        self.caption, self.row, self.cell, self.term = None, [], None, None
        self.feed(text)
        self.close()
        expect(self.open, [], 'elements that are left open')
        expect(len(self.ids), len(set(self.ids)), 'ids')

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for key, value in attrs if key == 'id']
        if tag not in VOID:
            self.open.append(tag)
        if tag in ('h1', 'h2', 'h3', 'caption', 'th', 'td', 'dt', 'dd'):
            self.cell = ''

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for key, value in attrs if key == 'id']

    def handle_endtag(self, tag):
        expect(self.open.pop(), tag, 'what ends')
        if tag in ('h1', 'h2', 'h3'):
            self.headings.append((tag, self.cell))
        elif tag == 'caption':
            self.caption = self.cell
            self.tables[self.caption] = []
        elif tag in ('th', 'td'):
            self.row.append(self.cell)
        elif tag == 'tr':
            self.tables[self.caption].append(self.row)
            self.row = []
        elif tag == 'dt':
            self.term = self.cell
        elif tag == 'dd':
            self.pairs.setdefault(self.term, self.cell)

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data

    def count(self, tag):
        return sum(found == tag for found, _ in self.tags)

    def table(self, start):
        """The rows of the table whose caption begins so, without its head."""
        return next(rows[1:] for caption, rows in self.tables.items() if caption.startswith(start))


def written(stage, *args):
    """Runs the verb in a folder of the stage; the page, and its path."""
    status, out, err = stage.ctl('report', *args)
    expect((status, err), (0, ''), f'report {args}')
    path = stage.dir / out.strip()
    return path.read_text(), path


def newton(mn):
    return f'{mn / 1000:.2f} N'


def check_structure(page, n_charts):
    levels = [tag for tag, _ in page.headings]
    expect((levels[0], levels.count('h1'), set(levels)), ('h1', 1, {'h1', 'h2'}), 'the order of headings')
    expect(page.count('caption'), page.count('table'), 'tables with a caption')
    expect(all('scope' in attributes for tag, attributes in page.tags if tag == 'th'), True, 'heads with a scope')
    expect((page.count('svg'), page.count('figcaption')), (n_charts, n_charts), 'drawings')
    expect([tag for tag, _ in page.tags if tag in ('script', 'link', 'img', 'iframe', 'object')], [], 'nothing from outside')
    expect([(tag, key) for tag, attributes in page.tags for key in attributes if key in ('src', 'href', 'style') or key.startswith('on')], [],
           'nothing from outside in attributes')


def test_the_page_says_what_show_says(stage):
    service(stage)
    first = taken_in(stage, 'a.tape', story('2026-02-03T14:05:00Z', force=800))
    second = taken_in(stage, 'b.tape', story('2026-03-03T14:05:00Z', seed=2))
    for number in (first, second):
        stage.ctl('annotate', number, 'subject=anna', 'note=</style><script>alert(1)</script>')
    shown = stage.json('show', second)

    os.chdir(stage.dir)
    text, path = written(stage, second)
    expect((path.name, path.stat().st_mode & 0o777), (f'needled-session-{second}.html', 0o600), 'the file')
    page = Page(text)
    check_structure(page, 3)
    expect(page.headings[0], ('h1', f'Session {second}'), 'the title')
    expect((page.pairs['Strokes'], page.pairs['Mean force'], page.pairs['95 % of the force'], page.pairs['Peak force']),
           (str(shown['strokes']), newton(shown['force_mean']), newton(shown['force_p95']), newton(shown['force_peak'])), 'figures')
    expect((page.pairs['Subject'], page.pairs['Note']), ('anna', '</style><script>alert(1)</script>'), 'labels, escaped')
    expect([row[0] for row in page.table('Time in contact by zone')], ['low', 'good', 'high', 'over'], 'zones')
    expect([row[1] for row in page.table('Time in contact by zone')][1], '0.30 to below 2.00 N', 'their limits')
    expect({row[0]: row[2] for row in page.table('Figures by area')},
           {name: str(area['strokes']) for name, area in shown['areas'].items() if area}, 'strokes by area')
    expect([row[3] for row in page.table('Alerts')], [alert['text'] for alert in shown['alerts']], 'alerts')
    expect([(event['level'], event['text'].endswith(' N at its highest')) for event in shown['events'] if event['kind'] == 'alert' and event['name'] == 'overpressure'],
           [('warning', False), ('alarm', False), ('alarm', True)], 'what is raised is not yet the highest')
    expect([row[2] for row in page.table('Alerts') if 'Force' in row[3]], ['alarm'], 'a warning that became an alarm is one')
    expect('the hand <slipped> & here' in [row[2] for row in page.table('Events')], True, 'the mark')
    expect(page.pairs['Record'].startswith('whole: '), True, f'what verify says: {page.pairs["Record"]}')
    expect({row[0]: row[3] for row in page.table(f'Session {first} of ')}['Mean force'],
           f'{newton(abs(shown["force_mean"] - stage.json("show", first)["force_mean"]))} more', 'the difference')
    expect(('Why' in page.pairs, page.pairs['Next earliest']), (True, 'the minimum rest is over'), 'the plan')

    facts = stage.json('report', second)
    expect(facts['session'], shown, 'the same facts')
    expect((facts['previous']['id'], facts['verified']['ok'], len(facts['force']) > 100), (first, True, True), 'what is known besides')
    expect(sum(facts['session']['force_time']), sum(shown['zone_time'].values()), 'the histogram has all the time in contact')

    text, _ = written(stage, second, '--redact', '-o', 'for-others.html')
    expect([word for word in ('anna', 'pen,', shown['uuid'], 'slipped', 'alert(1)') if word in text], [], 'what is left out')
    expect('anna' in json.dumps(stage.json('report', second, '--redact')), False, 'in JSON too')


def test_text_that_wants_to_be_more(stage):
    """What a device and a hand say of themselves is words, on every way to a page: markup, a turned direction, control characters, and far too much."""
    service(stage)
    evil = '\u202e</title></style></desc></svg><script>alert(1)</script><b onclick="x">&lt;\u2066'
    ids = []
    for month in (2, 3):
        tape = Tape(f'2026-0{month}-03T14:05:00Z').use(2, 900)
        tape.lines[2] = f'device {evil}'
        tape.say(f'* {evil}')
        tape.use(1, 900)
        tape.say(f'* {(evil + "W" * 255)[:250]}')
        ids.append(taken_in(stage, f'{month}.tape', tape.use(2, 900)))
    for number in ids:
        expect(stage.ctl('annotate', number, f'subject={evil[:64]}', f'product={evil[-64:]}', f'note={(evil + "W" * 1024)[:1024]}')[0], 0, 'labels')
    os.chdir(stage.dir)
    for args, n_charts in ((ids[1:], 3), (ids, 5)):
        text, _ = written(stage, *args)
        page = Page(text)
        check_structure(page, n_charts)
        expect([tag for tag, _ in page.tags if tag in ('b', 'script')], [], 'no element of theirs')
        expect([c for c in '\u202e\u2066\x1b' if c in text], [], 'no character that turns or controls')
        expect(len(text) < MAX_OCTETS, True, 'its size')
        for kind in ('png', 'pdf'):
            expect(stage.ctl('report', *args, f'--format={kind}', '--force')[0], 0, kind)
    expect([row[2][:20] for row in page_marks(stage, ids[1])], [('\ufffd' + evil[1:])[:20]] * 2, 'the marks, as words')
    status, out, _ = stage.ctl('import', Tape('2026-04-03T14:05:00Z').huge('* ' + 'W' * 65536).write(stage.dir / 'huge.tape'))
    expect((status, out), (1, ''), 'a mark of 64 KiB')


def page_marks(stage, number):
    return [row for row in Page(stage.ctl('report', number, '-o', '-')[1]).table('Events') if row[1] == 'mark']


def test_a_course(stage):
    service(stage)
    ids = [taken_in(stage, f'{month}.tape', story(f'2026-0{month}-03T14:05:00Z', force=600 + 100 * month, seed=month)) for month in (3, 1, 2)]
    os.chdir(stage.dir)
    text, path = written(stage, *ids)
    page = Page(text)
    expect(path.name, 'needled-course.html', 'its name')
    check_structure(page, 5)
    rows = page.table('Sessions, the oldest first')
    expect([row[0] for row in rows], [str(ids[1]), str(ids[2]), str(ids[0])], 'by their dates')
    expect([row[4] for row in rows], [newton(stage.json('show', row[0])['force_mean']) for row in rows], 'mean forces')
    expect([row[3] for row in page.table('Intervals')], ['–', 'as long or longer', 'as long or longer'], 'rests')
    text, _ = written(stage, '--since=2026-02-01', '-o', 'two.html')
    expect(Page(text).headings[0][1], 'Course of 2 sessions', 'chosen by time')
    text, _ = written(stage, ids[0], ids[0], '-o', 'one.html')
    expect(Page(text).headings[0][1], 'Course of 1 session', 'named twice')
    expect([session['id'] for session in stage.json('report', '--limit=2')['sessions']], [ids[2], ids[0]], 'the newest two as JSON')
    expect(stage.ctl('report', '--since=2030-01-01')[0], 2, 'none')


def test_a_course_that_is_cut(stage):
    """Who has more sessions than go into it is told, unless the number was their own."""
    service(stage)
    path = Tape('2026-02-03T14:05:00Z').use(2, 600).write(stage.dir / 'a.tape')
    for _ in range(51):
        stage.json('import', path)
    os.chdir(stage.dir)
    for args, n, said in (['--since=2026-01-01'], 50, True), (['--limit=50'], 50, False), (['--limit=51'], 51, False), (['--all'], 51, False):
        status, out, err = stage.ctl('report', *args, '-o', '-')
        expect((status, Page(out).headings[0][1]), (0, f'Course of {n} sessions'), f'{args}')
        expect(err.count('\n') == 1 and 'the newest 50 are' in err if said else not err, True, f'{args}: {err}')


def test_drawings_alone(stage):
    service(stage)
    number = taken_in(stage, 'a.tape', story('2026-02-03T14:05:00Z'))
    other = taken_in(stage, 'b.tape', story('2026-04-03T14:05:00Z'))
    os.chdir(stage.dir)
    for ids, stem in ([number], f'needled-session-{number}'), ([number, other], 'needled-course'):
        for kind, magic in ('png', b'\x89PNG\r\n\x1a\n'), ('pdf', b'%PDF-'):
            status, out, err = stage.ctl('report', *ids, f'--format={kind}')
            expect((status, out, err), (0, f'{stem}.{kind}\n', ''), kind)
            expect((stage.dir / f'{stem}.{kind}').read_bytes()[:len(magic)], magic, 'what it is')


def test_what_goes_wrong(stage):
    service(stage)
    number = taken_in(stage, 'a.tape', story('2026-02-03T14:05:00Z'))
    os.chdir(stage.dir)
    path = stage.dir / 'page.html'

    def refused(status, words, *args):
        found, out, err = stage.ctl('report', *args)
        expect((found, out, err.count('\n')), (status, '', 1), f'{args}: {err}')
        expect(words in err, True, f'{args}: {err}')

    refused(3, 'no session', 4711)
    refused(3, 'no session', 'yesterday')
    refused(64, 'Of which session', )
    refused(64, 'not both', number, '--limit=3')
    refused(64, "no format 'docx'", number, '--format=docx')
    refused(64, '--json', number, '--json', '-o', '-')
    refused(1, 'cannot be written', number, '-o', stage.dir / 'nowhere' / 'page.html')
    refused(1, 'No space left', number, '-o', '/dev/full', '--force')
    path.write_text('mine')
    refused(1, 'exists already', number, '-o', path)
    expect(path.read_text(), 'mine', 'nothing was written over')
    expect(written(stage, number, '-o', path, '--force')[0].startswith('<!DOCTYPE html>'), True, 'with --force')

    status, out, err = stage.ctl('report', number, '-o', '-')
    expect((status, out.startswith('<!DOCTYPE html>'), err), (0, True, ''), 'to stdout')
    for stdout, ends, sentences in (os.open('/dev/full', os.O_WRONLY), 1, 1), (closed_pipe(), -signal.SIGPIPE, 0):
        done = subprocess.run([stage.binary('client/needlectl'), 'report', str(number), '-o', '-'], env={**os.environ, **stage.env},
                              stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
        os.close(stdout)
        expect((done.returncode, done.stderr.count('\n')), (ends, sentences), f'stdout that takes nothing: {done.stderr}')
    stage.daemon.stop()
    refused(5, 'needled', number)
    expect([file.name for file in stage.dir.glob('*.html*')], ['page.html'], 'no file that is half a page')


def closed_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_a_live_session(stage):
    used(stage)
    live = wait_for('a session', stage.live_session)
    wait_for('use', lambda: stage.json('show', live['id']).get('strokes', 0) > 50)
    page, _ = written(stage, live['id'], '-o', stage.dir / 'live.html')
    expect('This session is not over' in page, True, 'it says so')
    check_structure(Page(page), 3)


def test_an_hour_at_1_khz(stage):
    """What a page costs: its size always; its time on a build without sanitizers, which slow it down many times."""
    service(stage)
    minutes = 60 if os.environ.get('NEEDLED_LONG') else 4
    number = taken_in(stage, 'hour.tape', story('2026-02-03T14:05:00Z', minutes, waveform=True))
    began = time.monotonic()
    text, _ = written(stage, number, '-o', stage.dir / 'hour.html')
    took = time.monotonic() - began
    at_least(MAX_OCTETS, len(text.encode()), 'octets of the page')
    at_least(len(stage.json('report', number)['force']), 600, 'points of the curve')
    print(f'# {minutes} min: {took:.2f} s, {len(text.encode()) / 1024:.0f} KiB')
    if os.environ.get('NEEDLED_LONG') and took > MAX_SEC:
        raise Failure(f'a page of an hour took {took:.2f} s')
