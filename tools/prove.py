#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""prove.py [--long] P1…P10 | --list: runs the tests that prove a promise, from the builds that tools/prove makes.

The table says which tests those are. Short is what tools/test runs too; long the same at full length, and what takes too long for every day.
"""
import argparse
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
SANITIZER = {'G_DEBUG': 'fatal-criticals', 'ASAN_OPTIONS': 'detect_leaks=1:abort_on_error=0:strict_string_checks=1',
             'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1'}
LONG = {'NEEDLED_LONG': '1'}
BOTH, ONLY_LONG, ONLY_SHORT = 'both', 'long', 'short'

PROMISES = {
    'P1': 'no notification is lost inside needled, at 400 a second, with whoever reads standing still and a disk that stalls',
    'P2': 'kill -9 at any moment leaves the database whole; 100 ms of a running session are gone at most, and nothing of a finished one',
    'P3': 'a power cut at any write leaves the database whole; 1 s of a running session is gone at most',
    'P4': 'whichever write, sync, open or allocation fails: no crash, no leak; recording goes on in memory and catches up',
    'P5': 'a device is back within 5 s of its return, or of what took it away (95 of 100); without a bond within 15 s',
    'P6': 'nothing wakes up but for the watchdog while nothing is connected; 1 % of a core at 400 a second; 8 and 16 MiB',
    'P7': 'READY within 200 ms with 10,000 sessions, whatever the database is like; a page of the list in 20 ms, the curve of an hour in 50 ms',
    'P8': 'one user calls 10,000 times a second: nothing is lost, and 99 of 100 calls of another return within 50 ms',
    'P9': 'no input breaks a parser; forged signals change nothing',
    'P10': 'systemd-analyze gives the unit an exposure of 0.3 at most',
}

# (promise, kind, what, which part of it, form, environment of the long form)
TESTS = [
    ('P1', 'integration', 'stopped', '', BOTH, LONG),
    ('P1', 'integration', 'pipeline', 'nothing_lost_at_800', BOTH, {}),
    ('P1', 'integration', 'stall', '', BOTH, {}),
    ('P1', 'gates', 'loss', '', BOTH, {}),
    ('P2', 'unit', 'store-killed', '', BOTH, {}),
    ('P2', 'unit', 'store-ring', '', BOTH, {}),
    ('P2', 'unit', 'store-aside', '/store-aside/killed-on-the-way', BOTH, {}),
    ('P2', 'integration', 'crash', 'nothing_is_lost_when_it_is_killed', BOTH, {'NEEDLED_TRIALS': '1000'}),
    ('P2', 'vm', 'test_crash.test_nothing_is_lost_when_it_is_killed', '', ONLY_LONG, {'NEEDLED_TRIALS': '100', 'NEEDLED_TEST_SEC': '9000'}),
    ('P3', 'unit', 'store-power', '', BOTH, {}),
    ('P3', 'vm', 'test_lifecycle.test_power_fails', '', ONLY_LONG, {}),
    ('P4', 'unit', 'store-faults', '', BOTH, {}),
    ('P4', 'sanitized', 'store-faults', '', BOTH, {}),
    ('P4', 'unit', 'store-erase', '', BOTH, {}),
    ('P4', 'unit', 'store-intake', '/store-intake/each-fault', BOTH, {}),
    ('P4', 'unit', 'store-record', '/store-record/each-fault', BOTH, {}),
    ('P4', 'integration', 'memory', '', BOTH, LONG),
    ('P4', 'vm', 'test_lifecycle.test_full_disk', '', ONLY_LONG, {}),
    ('P5', 'vm', 'test_trials', '', BOTH, {'NEEDLED_STRICT': '1', 'NEEDLED_TRIALS': '100', 'NEEDLED_RECONNECTS': '200', 'NEEDLED_TEST_SEC': '9000'}),
    ('P5', 'gates', 'reconnects', '', BOTH, {}),
    ('P6', 'bench', 'idle', '', BOTH, {}),
    ('P6', 'bench', 'stream', '', BOTH, {}),
    ('P6', 'unit', 'watchdog', '', BOTH, {}),
    ('P6', 'vm', 'test_lifecycle.test_wakeups', '', ONLY_LONG, {}),
    ('P6', 'vm', 'test_lifecycle.test_start_and_memory', '', ONLY_LONG, {}),
    ('P6', 'integration', 'day', '', BOTH, LONG),
    ('P7', 'gates', 'start', '', ONLY_SHORT, {}),
    ('P7', 'bench', 'store', '', BOTH, {}),
    ('P7', 'bench', 'ready', '', ONLY_LONG, {}),
    ('P7', 'integration', 'trouble', 'database_that', BOTH, {}),
    ('P7', 'vm', 'test_lifecycle.test_start_and_memory', '', ONLY_LONG, {}),
    ('P8', 'integration', 'fair', '', BOTH, LONG),
    ('P8', 'bus', 'fairness', '', BOTH, {}),
    ('P9', 'suite', 'fuzz', '', ONLY_SHORT, {}),
    ('P9', 'fuzz', '30', '', ONLY_LONG, {}),
    ('P9', 'integration', 'forged', '', BOTH, {}),
    ('P9', 'integration', 'fuzz', '', BOTH, LONG),
    ('P9', 'vm', 'test_interference.test_forged', '', BOTH, {}),
    ('P10', 'unit-file', 'needled.service', '', BOTH, {}),
    ('P10', 'vm', 'test_lifecycle.test_exposure', '', ONLY_LONG, {}),
]

# A line that says how a case went, of TAP and of the benchmarks' table.
GOOD = re.compile(r'^ok \d|^[^#].*\d.*\s(ok|stretch)$')
BAD = re.compile(r'^not ok|^Bail out|^ok.*# SKIP|^[^#].*\sMISSED$')
PLAN = re.compile(r'1\.\.\d+$')


# Of these one tells by its exit status alone how it went; all others print their cases.
WITHOUT_CASES = ('suite', 'fuzz', 'unit-file')


def build_of(kind):
    return {'sanitized': 'sanitize', 'suite': 'sanitize', 'fuzz': None}.get(kind, 'release')


def command(kind, what, part, long):
    build = TOP / 'build' / (build_of(kind) or '')
    programs = {'unit': 'unit', 'sanitized': 'unit', 'bus': 'bus'}
    if kind in programs:
        return [build / f'tests/{programs[kind]}/test-{what}', '--tap', '-k', *(['-p', part] if part else []), *(['-m', 'slow'] if long else [])]
    if kind == 'integration':
        return [TOP / 'tests/integration/run', TOP / f'tests/integration/test_{what}.py', *([part] if part else [])]
    if kind in ('bench', 'gates'):      # gates are what does not depend on the neighbours
        return [TOP / 'tests/bench/run', *([] if long and kind == 'bench' else ['--gates']), what]
    if kind == 'vm':
        return [TOP / 'tests/vm/run', '--build-dir', build, '--no-rebuild', '--jobs', '1', '--only', what]
    if kind == 'suite':
        return ['meson', 'test', '-C', build, '--no-rebuild', '--suite', what, '--print-errorlogs']
    if kind == 'fuzz':
        return [TOP / 'tools/fuzz', '--minutes', what]
    return ['python3', TOP / 'tests/check-unit.py', 'systemd-analyze', build / 'systemd' / what]


def run(words, env, has_cases):
    """Shows what it prints; returns (good cases, bad ones). A program without cases is one itself. One that should have some and ran none, since
    the part that it was asked for has another name by now, has proved nothing."""
    print(f'\n$ {" ".join(str(word).replace(str(TOP) + "/", "") for word in words)}', flush=True)
    child = subprocess.Popen([str(word) for word in words], env=env, cwd=TOP, stdout=subprocess.PIPE, text=True, errors='replace')
    good = bad = planned = 0
    for line in child.stdout:
        print(line, end='', flush=True)
        line = line.rstrip()
        planned += int(line[3:]) if PLAN.match(line) else 0
        wrong = bool(BAD.search(line))
        bad += wrong
        good += not wrong and bool(GOOD.search(line))
    bad += max(planned - good - bad, 0)     # it broke off
    if child.wait() != 0:
        bad = max(bad, 1)
    elif good + bad == 0:
        if has_cases:
            print('no case ran', flush=True)
        good, bad = int(not has_cases), int(has_cases)
    return good, bad


def output_of(*words):
    return subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False).stdout.strip()


def machine():
    cpuinfo = pathlib.Path('/proc/cpuinfo')
    model = re.search(r'^model name\s*: (.*)$', cpuinfo.read_text(), re.M) if cpuinfo.exists() else None
    virtual = output_of('systemd-detect-virt') or 'none'
    return f'{os.cpu_count()} cores, {model[1] if model else platform.machine()}, Linux {platform.release()}, virtualization: {virtual}'


def tests_of(promise, long):
    return [test for test in TESTS if test[0] == promise and test[4] != (ONLY_SHORT if long else ONLY_LONG)]


def prove(promise, long):
    """Returns whether it holds."""
    now = datetime.datetime.now(datetime.timezone.utc)
    print(f'{promise}: {PROMISES[promise]}\n{now:%Y-%m-%d %H:%M} UTC, {output_of("git", "describe", "--always", "--dirty") or "no version"}, '
          f'{"long" if long else "short"} form, {machine()}')
    good, failed = 0, []
    for _, kind, what, part, _, more in tests_of(promise, long):
        build = build_of(kind)
        env = {**os.environ, 'G_TEST_SRCDIR': str(TOP / 'tests'), **(SANITIZER if build == 'sanitize' else {}), **(more if long else {})}
        if build:
            env['NEEDLED_BUILD'] = str(TOP / 'build' / build)
        n_good, n_bad = run(command(kind, what, part, long), env, kind not in WITHOUT_CASES)
        good += n_good
        if n_bad:
            failed.append(f'{what} ({n_bad})')
    took_sec = int((datetime.datetime.now(datetime.timezone.utc) - now).total_seconds())
    print(f'\n{promise} {"FAILS: " + ", ".join(failed) if failed else "holds"}: {good} cases passed in {took_sec // 60} min {took_sec % 60} s')
    return not failed


def arguments():
    parser = argparse.ArgumentParser(prog='tools/prove', description='Runs the tests that prove a promise.')
    parser.add_argument('--long', action='store_true', help='at full length')
    parser.add_argument('--list', action='store_true', help='the promises and their tests')
    parser.add_argument('--builds', action='store_true', help=argparse.SUPPRESS)     # for tools/prove: which builds that takes
    parser.add_argument('promises', nargs='*', metavar='P1…P10')
    options = parser.parse_args()
    if unknown := [name for name in options.promises if name not in PROMISES]:
        parser.error(f'there is no promise {", ".join(unknown)}; they are P1 to P10')
    if not options.promises and not options.list:
        parser.error('which promise? P1 to P10, or --list')
    return options


def main():
    options = arguments()
    if options.builds:
        needed = {build_of(test[1]) for promise in options.promises for test in tests_of(promise, options.long)}
        print(*sorted(needed - {None}))
        return 0
    if options.list:
        for promise, text in PROMISES.items():
            print(f'{promise}: {text}')
            for _, kind, what, part, form, _ in tests_of(promise, True) + [t for t in tests_of(promise, False) if t[4] == ONLY_SHORT]:
                print(f'        {kind} {what} {part}'.rstrip() + ('' if form == BOTH else f' ({form})'))
        return 0
    return 0 if all([prove(promise, options.long) for promise in options.promises]) else 1


if __name__ == '__main__':
    sys.exit(main())
