#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes one place of a layer at a time, and asks whether the layer's own unit tests notice.

A changed file lies in a folder of its own; its object is compiled and linked before the archive that has the right one, into those
programs of the layer's unit tests that run the function. A change is noticed (killed) when one of them fails, or takes many times as
long. What no program notices is compiled again with AddressSanitizer and UndefinedBehaviorSanitizer, as CI runs the tests. It survives
unless the optimiser makes the same code of it, or tools/mutate.same says why nobody can see it.
"""
import argparse
import collections
import concurrent.futures
import json
import math
import os
import pathlib
import queue
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import mutate_places

TOP = pathlib.Path(__file__).resolve().parent.parent
LAYERS = ('codec', 'session')
PROCESSES = 2
WALL_SEC = 300                  # of a program that waits; one that computes has CPU time
QUICK_SEC = 0.5                 # what takes longer is not run under the sanitizers, which would take many times as long
KILLED, HUNG, SURVIVES, BROKEN, SAME, LISTED = 'killed', 'hung', 'survives', 'does not compile', 'same code', 'listed'
SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']

Program = collections.namedtuple('Program', 'name cpu_sec reaches')       # reaches: (file, function) of all that it runs; '' for anything of a file


def programs_of(layer):
    return re.findall(r"^ *\['([a-z-]+)', \[", (TOP / 'daemon' / layer / 'meson.build').read_text(), re.M)


def run(args, **more):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, **more)


class Build:
    """A build with gcov's counters, whose objects and programs are used."""

    def __init__(self, folder):
        self.folder = folder
        self.compile = {}
        for entry in json.loads((folder / 'compile_commands.json').read_text()):
            self.compile[entry['output']] = (os.path.normpath(folder / entry['file']), self.without(shlex.split(entry['command'])))
        self.object_of = {}
        for output, (source, _) in self.compile.items():
            self.object_of.setdefault(source, output)
        self.links, self.includes = {}, {}

    @staticmethod
    def without(args):
        """The compiler's arguments but for input, output, dependencies and counters."""
        drop = {'ccache', '-MD', '-c', '--coverage', '-Winvalid-pch', '-Werror', '-g'}
        pairs = {'-MQ', '-MF', '-o'}
        kept = [a for i, a in enumerate(args) if a not in drop | pairs and (i == 0 or args[i - 1] not in pairs)]
        return [a for a in kept[:-1] if not re.match('-O|-W[a-z]', a)] + ['-w']

    def link_of(self, program):
        if program not in self.links:
            out = run(['ninja', '-C', self.folder, '-t', 'commands', '-s', f'tests/unit/test-{program}'], text=True).stdout
            self.links[program] = shlex.split([line for line in out.splitlines() if ' -o tests/unit/' in line][-1].split('] ')[-1])
        return self.links[program]

    def users_of(self, header):
        """Objects that include it."""
        if not self.includes:
            for block in run(['ninja', '-C', self.folder, '-t', 'deps'], text=True).stdout.split('\n\n'):
                name, *paths = block.splitlines() or ['']
                for path in paths:
                    self.includes.setdefault(os.path.normpath(self.folder / path.strip()), set()).add(name.split(':')[0])
        return self.includes.get(str(header), set())

    def reached(self, program):
        """Runs a program once as it is; returns what it runs, and how long it took."""
        with tempfile.TemporaryDirectory(prefix='needled-mutate-') as folder:
            args = [self.folder / f'tests/unit/test-{program}', '--tap']
            with subprocess.Popen(args, stdout=subprocess.DEVNULL, env=environment(GCOV_PREFIX=folder), cwd=self.folder) as process:
                status, usage = os.wait4(process.pid, 0)[1:]
                process.returncode = os.waitstatus_to_exitcode(status)
            if status != 0:
                sys.exit(f'test-{program} fails without any change; see to that first')
            data = list(pathlib.Path(folder).rglob('*.gcda'))
            for path in data:
                notes = path.with_suffix('.gcno')
                notes.symlink_to('/' / notes.relative_to(folder))
            reaches = set()
            for document in run(['gcov', '--json-format', '--stdout', *data], cwd=self.folder, text=True).stdout.splitlines():
                for entry in json.loads(document)['files'] if document.startswith('{') else []:
                    name = os.path.relpath(os.path.normpath(self.folder / entry['file']), TOP)
                    reaches |= {key for f in entry['functions'] if f['execution_count'] for key in ((name, f['name']), (name, ''))}
        if not reaches:
            sys.exit(f'gcov has counted nothing of test-{program}')
        return Program(program, usage.ru_utime + usage.ru_stime, reaches)


def environment(**more):
    return {**os.environ, 'G_TEST_SRCDIR': str(TOP / 'tests'), 'G_DEBUG': 'fatal-criticals',
            'ASAN_OPTIONS': 'detect_leaks=1:strict_string_checks=1', 'UBSAN_OPTIONS': 'halt_on_error=1', **more}


class Bench:
    """A folder in which one change after another is tried."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder

    def compile(self, source, original, args, output, more):
        args = [*args, *more, '-iquote', self.folder / 'daemon', '-c', source, '-o', output]
        return run(args, cwd=self.build.folder).returncode == 0

    def objects(self, mutant, program, more, made):
        """Compiles what the change is in; returns the objects for a program, or None."""
        changed = TOP / mutant.file
        if mutant.file.endswith('.c'):
            wanted = {self.build.object_of[str(changed)]}
        else:
            linked = set(self.build.link_of(program))
            wanted = {o for o in self.build.users_of(changed) if o in linked or o.startswith('daemon/' + changed.parent.name)}
        for output in sorted(wanted - set(made)):
            original, args = self.build.compile[output]
            source = self.folder / mutant.file if mutant.file.endswith('.c') else original
            made[output] = self.folder / f'{len(made)}.o'
            if not self.compile(source, original, args, made[output], more):
                return None
        return {output: made[output] for output in wanted}

    def fails(self, program, objects, more):
        """Whether a program notices, and how."""
        link = self.build.link_of(program.name)
        exe = self.folder / 'program'
        args = [objects.get(a, a) for a in link]
        at = args.index('-o') + 1
        args[at] = exe
        args[at + 1:at + 1] = [path for output, path in objects.items() if output not in link]
        if run([*args, '-s', *more], cwd=self.build.folder).returncode != 0:
            return BROKEN           # what uses it cannot be linked
        limit = math.ceil(1 + program.cpu_sec * (20 if more else 6))
        try:
            done = run(['prlimit', '--core=0', f'--cpu={limit}', exe, '--tap'], cwd=self.folder, env=environment(GCOV_PREFIX=str(self.folder / 'counted')), timeout=WALL_SEC)
        except subprocess.TimeoutExpired:
            return HUNG
        # SIGXCPU, or SIGKILL behind it
        return None if done.returncode == 0 else HUNG if done.returncode in (-24, -9, 137, 152) else KILLED

    def attempt(self, mutant, programs, more):
        made = {}
        for program in programs:
            objects = self.objects(mutant, program.name, more, made)
            if objects is None:
                return BROKEN
            how = self.fails(program, objects, more)
            if how:
                return how
        return SURVIVES

    def same_code(self, mutant):
        """Whether the optimiser makes the same of the file with the change and without."""
        if not mutant.file.endswith('.c'):
            return False
        original, args = self.build.compile[self.build.object_of[str(TOP / mutant.file)]]
        results = []
        for text in (self.folder / mutant.file).read_bytes(), (TOP / mutant.file).read_bytes():
            (self.folder / 'same.c').write_bytes(text)
            self.compile(self.folder / 'same.c', original, args, self.folder / 'same.o', ['-O2'])
            results.append((self.folder / 'same.o').read_bytes())
        return results[0] == results[1]

    def judge(self, mutant, programs):
        path = self.folder / mutant.file
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (TOP / mutant.file).read_text()
        path.write_text(text[:mutant.start] + mutant.new + text[mutant.end:])
        try:
            how = self.attempt(mutant, programs, [])
            if how == SURVIVES and self.same_code(mutant):
                how = SAME
            if how != SURVIVES:
                return how
            how = self.attempt(mutant, [p for p in programs if p.cpu_sec < QUICK_SEC], SANITIZERS)
            return SURVIVES if how == BROKEN else how   # it compiles: nobody has noticed it
        finally:
            path.unlink()


def choose(mutant, programs):
    """Those that can notice: they run the function; of a table, anything of its file. First the one with the file's name, then the quick."""
    stem = pathlib.Path(mutant.file).stem
    able = [p for p in programs if (mutant.file, mutant.function) in p.reaches] or [p for p in programs if not mutant.function]
    return sorted(able, key=lambda p: (p.name != stem, p.cpu_sec))


def read_listed(path):
    """Changes that nobody can see: file, function, the line before and behind, and why; an empty line between two."""
    listed = {}
    for block in re.sub(r'^#.*\n', '', path.read_text(), flags=re.M).strip().split('\n\n') if path.exists() else []:
        place, before, after, why = block.splitlines()
        file, _, function = place.partition(' ')
        listed[(file, function, before.removeprefix('- '), after.removeprefix('+ '))] = why
    return listed


def all_mutants(layer, only):
    found = []
    for path in sorted((TOP / 'daemon' / layer).glob('*.[ch]')):
        name = str(path.relative_to(TOP))
        if not only or name in only or path.name in only:
            found += [m for m in mutate_places.mutants(name, path.read_text()) if m.function or name.endswith('.c')]
    return found


def interval(killed, n):
    """Wilson's, of 95 %, in per cent."""
    p, z = killed / n, 1.96
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [100 * max(0.0, min(1.0, (middle + s * half) / (1 + z * z / n))) for s in (-1, 1)]


def judge_all(build, mutants, programs, listed):
    """Yields each with what became of it, in order."""
    benches = queue.Queue()
    with tempfile.TemporaryDirectory(prefix='needled-mutate-') as folder, concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        for i in range(PROCESSES):
            benches.put(Bench(build, pathlib.Path(folder) / str(i)))

        def judge(mutant):
            if (mutant.file, mutant.function, mutant.before, mutant.after) in listed:
                return LISTED
            bench = benches.get()
            try:
                return bench.judge(mutant, choose(mutant, programs))
            finally:
                shutil.rmtree(bench.folder, ignore_errors=True)
                benches.put(bench)

        yield from zip(mutants, pool.map(judge, mutants))


def run_layer(build, layer, options, listed):
    mutants = all_mutants(layer, options.file)
    every = len(mutants)
    if options.sample and options.sample < every:
        mutants = sorted(random.Random(options.seed).sample(mutants, options.sample), key=lambda m: (m.file, m.start, m.end, m.new))
    if not mutants:
        return True
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        programs = list(pool.map(build.reached, programs_of(layer)))
    for p in programs:
        build.link_of(p.name)
    if any(m.file.endswith('.h') for m in mutants):
        build.users_of('')
    counts = collections.Counter()
    for mutant, how in judge_all(build, mutants, programs, listed):
        counts[how] += 1
        if how == SURVIVES or options.verbose:
            print(f'{mutant.file}:{mutant.line}: {mutant.function or "(table)"}: {how}\n  - {mutant.before}\n  + {mutant.after}', flush=True)
    killed, survive = counts[KILLED] + counts[HUNG], counts[SURVIVES]
    if not killed + survive:
        return True
    percent = 100 * killed / (killed + survive)
    low, high = interval(killed, killed + survive)
    print(f'{layer}: {len(mutants)} of {every} changes: {counts[BROKEN]} do not compile, {counts[SAME]} are the same code, {counts[LISTED]} nobody can see; '
          f'of the other {killed + survive}, {killed} killed ({counts[HUNG]} of them took too long), {survive} survive: '
          f'{percent:.1f} % killed (95 % confidence: {low:.1f} to {high:.1f})', flush=True)
    return percent >= options.least


def main():
    parser = argparse.ArgumentParser(prog='tools/mutate', description=__doc__.split('\n', 1)[0])
    parser.add_argument('--layer', choices=LAYERS, help='only this one')
    parser.add_argument('--file', action='append', help='only this file (again for more)')
    parser.add_argument('--sample', type=int, metavar='N', help='so many of a layer, at random (default: all)')
    parser.add_argument('--seed', type=int, default=1, help='of the sample (default: 1)')
    parser.add_argument('--least', type=float, default=90, metavar='PERCENT', help='fail if fewer are killed (default: 90)')
    parser.add_argument('--list', action='store_true', help='print the changes, try none')
    parser.add_argument('--verbose', action='store_true', help='print each change that was tried, not only those that survive')
    parser.add_argument('--programs', action='store_true', help=argparse.SUPPRESS)
    options = parser.parse_args()
    layers = [options.layer] if options.layer else LAYERS
    if options.programs:
        print(' '.join(f'tests/unit/test-{name}' for layer in LAYERS for name in programs_of(layer)))
        return 0
    if options.list:
        for mutant in (m for layer in layers for m in all_mutants(layer, options.file)):
            print(f'{mutant.file}:{mutant.line}: {mutant.function}\n  - {mutant.before}\n  + {mutant.after}')
        return 0
    build, listed = Build(TOP / 'build/coverage'), read_listed(TOP / 'tools/mutate.same')
    passed = [run_layer(build, layer, options, listed) for layer in layers]
    print('enough is killed' if all(passed) else f'less than {options.least:g} % killed')
    return 0 if all(passed) else 1


if __name__ == '__main__':
    sys.exit(main())
