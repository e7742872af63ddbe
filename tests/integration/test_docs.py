# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/api.md says what is so: its lines work as printed, its tables are the headers, its programs follow a session."""
import os
import re
import signal
import subprocess

from printed import ROOT, blocks, run_document, run_text
from stage import DEADLINE_SEC, Failure, at_least, expect, wait_for

API = (ROOT / 'docs' / 'api.md').read_text()
EXAMPLES = ROOT / 'docs' / 'examples'
FORCE = r' s  (-?\d+) mN  peak'
TYPES = {'uint8_t': 'u8', 'uint16_t': 'u16', 'uint32_t': 'u32', 'uint64_t': 'u64', 'int32_t': 'i32', 'double': 'f64'}


def test_lines_work_as_printed(stage):
    at_least(run_document(stage, 'api.md'), 40, 'commands')


def console(*lines):
    return '\n'.join(['```console', *lines, '```'])


def test_wrong_lines_are_noticed(stage):
    right = [console('$ a=$(echo one)', '$ echo $a two three', 'one … three'), console('$ echo $a; seq 5', 'one', '1', '…', '5'),
             console('$ false; echo no', 'no'), console('$ for i in 1 2; do', '> echo $i', '> done', '1', '2'), console('$ cat', '$ printf x', 'x')]
    expect(run_text(stage, 'right', '\n'.join(right), stage.dir), 7, 'commands of right ones')
    for wrong in (['$ echo one', 'two'], ['$ echo one'], ['$ true', 'one'], ['$ seq 3', '1', '3'], ['$ seq 3', '1', '…', '4'], ['$ false'],
                  ['$ no-such-command'], ['$ echo one two', 'one…three'], ['$ echo "', 'one'], ['$ exit']):
        try:
            run_text(stage, 'wrong', console(*wrong), stage.dir)
        except Failure:
            continue
        raise Failure(f'not noticed: {wrong}')


def quoted(text):
    """(name of the example, excerpts) of each block that stands behind a link to one; … on a line divides excerpts."""
    lines = text.splitlines()
    for language in ('python', 'c'):
        for begin, block in blocks(text, language):
            names = re.findall(r'\(examples/([\w.-]+)\)', lines[begin - 4] + lines[begin - 3])
            if not names:
                raise Failure(f'line {begin}: a block without a link to its example before it')
            yield names[-1], [part.strip('\n') for part in re.split(r'^…$', '\n'.join(block), flags=re.M)]


def is_in(excerpt, source):
    return f'\n{excerpt}\n' in f'\n{source}'


def test_what_is_quoted_is_in_the_examples(stage):
    seen = set()
    for name, excerpts in quoted(API):
        source = (EXAMPLES / name).read_text()
        seen.add(name)
        for excerpt in excerpts:
            if not is_in(excerpt, source) or is_in(excerpt + ' planted', source):
                raise Failure(f'{name} does not have\n{excerpt}')
    expect(sorted(seen), sorted(path.name for path in EXAMPLES.glob('follow*')), 'examples that are quoted')
    whole = next(excerpts for name, excerpts in quoted(API) if name == 'follow.py')
    expect(whole, ['\n'.join((EXAMPLES / 'follow.py').read_text().splitlines()[3:])], 'follow.py, less its first lines')


def without_comments(header):
    return re.sub(r'/\*.*?\*/', '', (ROOT / 'include' / 'needled' / header).read_text(), flags=re.S)


def code_names(text, heading):
    """The names in `code` of the first column of the tables behind a heading."""
    chapter = text.split(f'{heading}\n', 1)[1].split('\n#', 1)[0]
    return {name for row in re.findall(r'^\| (`[^|]*`) \|', chapter, re.M) for name in re.findall(r'`([^`]+)`', row)}


def in_c(path, begin):
    """The strings of a table of the source."""
    return set(re.findall(r'"([^"]+)"', (ROOT / path).read_text().split(begin, 1)[1].split('};', 1)[0]))


def test_names_are_those_of_the_code(stage):
    features = in_c('daemon/bus/manager.c', 'static const char *const features[] = {')
    expect(code_names(API, '### Features'), features, 'features')
    at_least(len(features), 14, 'features')
    xml = (ROOT / 'dbus' / 'org.needled.History1.xml').read_text().split('Verify:\n', 1)[1].split('-->', 1)[0]
    expect({'ok', 'damaged', 'differs', 'figures_version'} <= code_names(API, '## The record'), True, 'keys of Verify in the page')
    expect(set(re.findall(r'- "(\w+)"', xml)) <= code_names(API, '## The record'), True, 'keys of Verify that are missing in the page')
    limits = dict(re.findall(r'^\| ([^|`]+) \| ([^|]+) \|$', API.split('## Limits\n', 1)[1].split('\n## ', 1)[0], re.M))
    for what, path, names in (('streams', 'daemon/bus/stream.h', ['STREAMS_MAX_PER_USER', 'STREAMS_MAX', 'STREAMS_PAST_MAX_PER_USER']),
                              ('adopted devices', 'daemon/bus/manager.c', ['ADOPTED_MAX_PER_USER', 'ADOPTED_MAX', 'ADOPTED_MAX_PER_USER']),
                              ('questions to polkit', 'daemon/bus/authority.h', ['AUTHORITY_CHECKS_MAX_PER_USER'])):
        numbers = [re.search(rf'#define {name} (\d+)u?\b', (ROOT / path).read_text()).group(1) for name in names]
        expect(re.findall(r'\d+', limits[what]), numbers, what)


def records_of_header():
    """{name: (number, size, [(offset, type, member)])}; sizes and offsets are those that the compiler has asserted."""
    text = without_comments('stream.h')
    numbers = dict(re.findall(r'NEEDLED_STREAM_(\w+) = (\d+)', text))
    sizes = dict(re.findall(r'NEEDLED_STREAM_SIZE\((\w+), (\d+)\)', text))
    at = {(record, member): offset for record, member, offset in re.findall(r'NEEDLED_STREAM_AT\((\w+), (\w+), (\d+)\)', text)}
    records = {}
    for name, body in re.findall(r'struct needled_stream_(\w+) \{(.*?)\};', text, re.S):
        members = [(kind, *re.match(r'(\w+)(.*)', one.strip()).groups()) for kind, all_of in re.findall(r'(\w+)\s+([\w\[\], ]+);', body)
                   for one in all_of.split(',')]
        records[name.upper()] = (numbers.get(name.upper()), sizes[name],
                                 [(at[name, member], TYPES[kind] + array, member) for kind, member, array in members])
    expect(sorted(set(numbers) - set(records)), [], 'types without a struct')
    return records


def records_of_page(text):
    records = {}
    for name, number, size, table in re.findall(r'^\*\*(\w+)\*\*(?: \((\d+)\))?, (\d+) octets.*\n\n((?:\|.*\n)+)', text, re.M):
        records[name] = (number or None, size, re.findall(r'^\| (\d+) \| ([\w\[\]]+) \| `(\w+)` \|', table, re.M))
    return records


def test_tables_are_the_header(stage):
    expect(records_of_page(API), records_of_header(), 'records')
    for right, wrong in (('| 36 | u8 | `area`', '| 35 | u8 | `area`'), ('| u32 | `lost`', '| u64 | `lost`'), ('**END** (11)', '**END** (12)'),
                         ('**GAP** (8), 24', '**GAP** (8), 16')):
        expect(API.count(right), 1, right)
        if records_of_page(API.replace(right, wrong)) == records_of_header():
            raise Failure(f'not noticed: {wrong}')


def test_figures_are_the_header(stage):
    unit = {'us': 'µs', 'um': 'µm'}
    figures = re.findall(r'X\(\w+,\s*"([\w.]+)",\s*\'(\w)\',\s*"([^"]*)"\)', without_comments('figures.h'))
    at_least(len(figures), 32, 'figures')
    expect(re.findall(r'^\| (\d+) \| `([\w.]+)` \| (\S+) \|$', API, re.M),
           [(str(bit), name, unit.get(of, of)) for bit, (name, _, of) in enumerate(figures)], 'figures')
    expect([name for name, kind, _ in figures if kind == 'd'], ['stroke_rate'], 'figures that are no integers')


def following(stage):
    """The three programs, each seen at work."""
    programs = [stage.start(f'follow-{name}', [path], env={'PYTHONUNBUFFERED': '1'})
                for name, path in (('py', EXAMPLES / 'follow.py'), ('sdbus', stage.binary('docs/examples/follow-sdbus')),
                                   ('gdbus', stage.binary('docs/examples/follow-gdbus')))]
    for program in programs:
        wait_for(f'{program.name} to follow', lambda p=program: p.text().count('peak') >= 10 or not p.running())
    return programs


def test_examples_follow_a_session(stage):
    sim = stage.sim('--kind=pen', '--live-period=50', '--procedure=3600')
    stage.needled()
    stage.adopt()
    expect(subprocess.run([EXAMPLES / 'follow.py'], env={**os.environ, **stage.env}, capture_output=True, timeout=DEADLINE_SEC,
                          check=False).returncode, 1, 'without a session')
    sim.control('start')
    wait_for('a session', stage.live_session)
    programs = following(stage)
    sim.control('drop 08')
    for program in programs:
        wait_for(f'what comes behind the gap in {program.name}',
                 lambda p=program: re.search(FORCE, p.text().partition('gap of')[2]) or not p.running())
    sim.control('stop')
    counts, behind = [], []
    for program in programs:
        wait_for(f'the end of {program.name}', lambda p=program: not p.running())
        expect(program.child.returncode, 0, program.name)
        lines = program.text().splitlines()
        expect(lines[-1], 'end, reason 1', f'last line of {program.name}')
        if not any(re.fullmatch(r'[\d.]+ s  gap of [\d.]+ s, 0 packets lost', line) for line in lines):
            raise Failure(f'{program.name}: no gap of the link: {lines}')
        forces = [int(force) for force in re.findall(FORCE, program.text())]
        expect(all(-500 < force < 10000 for force in forces), True, f'forces of {program.name}')
        counts.append(len(forces))
        behind.append(re.findall(FORCE, program.text().partition('gap of')[2]))
    at_least(min(counts), 10, 'records')
    expect(behind, [behind[0]] * len(programs), 'what each of them tells behind the gap, when all have begun')


def test_examples_tell_what_they_missed(stage):
    sim = stage.sim('--kind=pen', '--flood=800:0:20')
    stage.needled()
    stage.adopt()
    sim.control('start')
    wait_for('a session', stage.live_session)
    programs = following(stage)
    for program in programs:
        program.child.send_signal(signal.SIGSTOP)
    stopped = sim.status()['sent']['live']
    wait_for('more than there is room for', lambda: sim.status()['sent']['live'] > stopped + 3200)
    for program in programs:
        program.child.send_signal(signal.SIGCONT)
    expect(stage.ctl('finish')[0], 0, 'finish')
    for program in programs:
        wait_for(f'the end of {program.name}', lambda p=program: not p.running())
        expect((program.child.returncode, program.text().splitlines()[-1]), (0, 'end, reason 2'), program.name)
        missed = sum(map(int, re.findall(r'^(\d+) records missed$', program.text(), re.M)))
        at_least(missed, 100, f'records that {program.name} missed')
