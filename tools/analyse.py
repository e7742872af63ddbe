#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""analyse.py [--short] [--jobs N] PART TOP BUILD: one part of tools/analyse. Each C file is looked at as BUILD compiles it, or programs of BUILD are
run and watched. Prints each finding once, and last "PART: N files clean, N findings, N s of CPU". Exits with 1 if there is a finding, or if something was not
looked at."""
import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

FOLDERS = ['daemon', 'client', 'simulator']

# gcc 12 follows paths through functions: memory that is used after it was freed or freed twice, descriptors and streams, NULL, and what
# signal handlers call. Without optimisation, which splits functions and takes the parts for functions that anybody calls. Off is what it says wrongly: it does
# not know __attribute__((cleanup)), so each g_autofree is a leak to it; and it does not know that GLib's allocators, and functions of other files
# that returned no error, did not leave NULL behind; and it takes a number that memcpy() was told to make of another type for not initialised.
# scan-build looks for NULL too, valgrind for what is not initialised, and the sanitizers for leaks.
GCC = ['-O0', '-U_FORTIFY_SOURCE', '-fanalyzer', '-fdiagnostics-path-format=none', '-fdiagnostics-color=never',
       '-Wno-analyzer-malloc-leak', '-Wno-analyzer-file-leak', '-Wno-analyzer-null-argument', '-Wno-analyzer-use-of-uninitialized-value',
       '-Wno-analyzer-possible-null-argument', '-Wno-analyzer-possible-null-dereference']

# What scan-build runs, without the build around it. Off is the advice to use Annex K's functions, which glibc does not have.
CLANG = ['--analyze', '--analyzer-output', 'text', '-fno-color-diagnostics',
         '-Xclang', '-analyzer-checker=core,deadcode,nullability,security,unix,optin.portability',
         '-Xclang', '-analyzer-disable-checker=security.insecureAPI.DeprecatedOrUnsafeBufferHandling']
# It does not know __attribute__((cleanup)) either; what it says of memory that was freed too early or twice comes from the same checker.
CLANG_WRONG = re.compile(r'Potential leak of memory .*\[unix\.Malloc\]')

CPPCHECK = ['--enable=warning,portability,performance', '--inline-suppr', '--error-exitcode=1', '--quiet', '--std=c11', '--library=posix,gtk',
            '--library=tools/analysis/cppcheck.cfg', '--suppressions-list=tools/analysis/cppcheck.suppressions', '-D_GNU_SOURCE',
            '-Iinclude', '-Idaemon', '-I.', '--template={file}:{line}:0: warning: {message} [{id}]']

VALGRIND = ['valgrind', '--quiet', '--error-exitcode=99', '--leak-check=full', '--errors-for-leak-kinds=definite', '--show-leak-kinds=definite',
            '--child-silent-after-fork=yes', '--num-callers=30']

# More than one thread: the store's, and what asks it. Streams have none of their own: they are here to stay so.
THREADS = re.compile(r'unit/test-(store.*|export.*|import|scan|ring|stream|hub-ask|hub-sync|hub-sample|watchdog)|bus/test-(follow|readers|past)')
# Left out by --short: what starts and kills stores by the hundred, or computes for long, the same code as in the others; and under valgrind all but
# what parses octets, which is where something that was never set would come from outside.
LONG = {'tsan': re.compile(r'test-(store-(killed|faults|power|erase|aside|intake|readers|files)|export.*)$'),
        'valgrind': re.compile(r'test-(?!(area|body|char|control|crc|event|feature|live|note|parameter|racp|record|segment|sequence|'
                               r'session|status|sums|tally|text|tick|trace|translate|vendor|waveform|word)$)')}
# It starts itself anew, with a library of its own before cairo's: under valgrind that is valgrind.
NOT_UNDER_VALGRIND = re.compile(r'test-chart-without-cairo$')

FINDING = re.compile(r'^(/?[^:\s][^:]*):(\d+):\d+: (?:warning|error): (.*)$')


def commands(build, top):
    """Each file once, however many targets it is compiled for."""
    files = {}
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        path = (pathlib.Path(entry['directory']) / entry['file']).resolve()
        if any(path.is_relative_to(top / folder) for folder in FOLDERS):
            files.setdefault(path, entry['command'])
    return sorted(files.items())


def compiler_arguments(command):
    """What decides how the file is read, and nothing of where the output goes."""
    words = itertools.dropwhile(lambda word: not word.startswith('-'), shlex.split(command))    # gcc, or ccache gcc
    kept = []
    for word in words:
        if word in ('-MQ', '-MF', '-o'):
            next(words)
        elif word not in ('-MD', '-c', '-fdiagnostics-color=always'):
            kept.append(word)
    return kept[:-1]


def run(command, **options):
    """Returns what it printed, its status, and the seconds of CPU that it took."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace', **options)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return output, process.returncode, usage.ru_utime + usage.ru_stime


def known(top, part):
    """What a part says wrongly of one place, "FILE: MESSAGE" a line: whoever wrote it there has said why."""
    path = top / 'tools' / 'analysis' / f'{part}.known'
    lines = path.read_text().splitlines() if path.exists() else []
    return {line for line in lines if line and not line.startswith('#')}


def look(part, build, top, path, command):
    """Lets one analyser read one file."""
    with tempfile.TemporaryDirectory() as scratch:
        if part == 'fanalyzer':
            line = ['gcc', *compiler_arguments(command), '-Wno-error', *GCC, '-S', '-o', f'{scratch}/output', str(path)]
        elif part == 'scan-build':
            line = ['clang', *compiler_arguments(command), '-Wno-error', *CLANG, '-o', f'{scratch}/output', str(path)]
        elif part == 'clang-tidy':
            line = ['clang-tidy', '--quiet', str(path), '--', *compiler_arguments(command), '-Wno-error']
        else:
            line = ['cppcheck', *CPPCHECK, str(path.relative_to(top))]
        output, status, seconds = run(line, cwd=top if part == 'cppcheck' else build, env=dict(os.environ, LC_ALL='C'))    # no curly quotes
    wrongly, found, noise = known(top, part), [], False
    for match in filter(None, map(FINDING.match, output.splitlines())):
        name = os.path.relpath(os.path.normpath((top if part == 'cppcheck' else build) / match[1]), top)
        if f'{name}: {match[3]}' in wrongly or part == 'scan-build' and CLANG_WRONG.search(match[3]):
            noise = True
        else:
            found.append(f'{name}:{match[2]}: {match[3]}')
    if status != 0 and not found and not noise:
        found.append(f'{path.relative_to(top)}: not looked at\n{output}')
    return str(path.relative_to(top)), found, seconds


def watch(part, build, top, program):
    """Runs one test program under ThreadSanitizer, or under valgrind."""
    environment = dict(os.environ, G_TEST_SRCDIR=str(top / 'tests'), G_DEBUG='fatal-criticals')
    if part == 'tsan':
        environment['TSAN_OPTIONS'] = 'halt_on_error=0:exitcode=99:second_deadlock_stack=1'
        line = [str(program), '--tap', '-k']
    else:
        environment['G_SLICE'] = 'always-malloc'
        line = [*VALGRIND, f'--suppressions={top}/tools/analysis/valgrind.supp', str(program), '--tap', '-k']
    output, status, seconds = run(line, cwd=program.parent, env=environment)
    name = str(program.relative_to(build))
    wrong = status != 0 or re.search(r'^not ok|^==\d+== ERROR|WARNING: ThreadSanitizer', output, re.M) or not re.search(r'^ok ', output, re.M)
    return name, [f'{name}: exit status {status}\n{output}'] if wrong else [], seconds


def work_of(part, short, build, top):
    """What is called for each thing that is looked at, and with what."""
    if part in ('fanalyzer', 'scan-build', 'clang-tidy', 'cppcheck'):
        return look, [(part, build, top, *one) for one in commands(build, top)]
    programs = [build / folder / path.stem for folder in ('tests/unit', 'tests/bus') for path in sorted((top / folder).glob('test-*.c'))]
    if part == 'tsan':
        programs = [path for path in programs if THREADS.search(str(path))]
    else:
        programs = [path for path in programs if path.parent.name == 'unit' and not NOT_UNDER_VALGRIND.search(str(path))]
    if short:
        programs = [path for path in programs if not LONG[part].search(str(path))]
    return watch, [(part, build, top, path) for path in programs]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--short', action='store_true')
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--targets', action='store_true', help='print the programs that would be run, and run none')
    parser.add_argument('part')
    parser.add_argument('top', type=lambda word: pathlib.Path(word).resolve())
    parser.add_argument('build', type=lambda word: pathlib.Path(word).resolve())
    args = parser.parse_args()

    function, work = work_of(args.part, args.short, args.build, args.top)
    if args.targets:
        print(*(str(one[-1].relative_to(args.build)) for one in work))
        return 0
    found, cpu, n_clean = {}, 0, 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(function, *one) for one in work]):
            name, findings, seconds = done.result()
            cpu += seconds
            n_clean += not findings
            for finding in findings:
                if finding not in found:
                    found[finding] = True
                    print(finding, flush=True)
            if os.environ.get('NEEDLED_COSTS'):
                print(f'# {seconds:6.1f} s {name}', flush=True)
    what = 'programs' if function is watch else 'files'
    print(f'{args.part}: {n_clean} {what} clean, {len(found)} findings, {cpu:.0f} s of CPU')
    return 1 if found or not work else 0


if __name__ == '__main__':
    sys.exit(main())
