# SPDX-License-Identifier: LGPL-2.1-or-later
"""What callgrind and strace count: user instructions and system calls for each notification, by thread. Neighbours change time,
not counts, so these are the gates."""
import collections
import contextlib
import pathlib
import re
import subprocess

from figure import Figure
from rig import Bench, Failure, VALUE_OCTETS, need

RATE = 400
RUNS = (4000, 12000)
BUS_INSTRUCTIONS = 200
STORE_INSTRUCTIONS = 1500
SYSCALL_COUNT = 4000
SYSCALL_FIRST = 400     # of the start, which reads who the device is
# To callgrind each octet of a "rep stosb" is an instruction, 4096 to clear a page; to the processor it is one. The C library takes
# its loop of 32 octets a step instead when told that its threshold for "rep" is out of reach.
NO_REP = {'GLIBC_TUNABLES': 'glibc.cpu.x86_rep_stosb_threshold=1073741824:glibc.cpu.x86_rep_movsb_threshold=1073741824'}
THREAD_FRAMES = ('clone', 'start_thread', 'writer_main')     # under which everything stands
ANNOTATED = re.compile(r'^\s*([\d,]+)\s+(?:\([^)]*\)\s+)?(\S+?):(.+?)(?: \[(.*)\])?$')


def annotate(path):
    """{function: instructions} with what it calls."""
    done = subprocess.run(['callgrind_annotate', '--inclusive=yes', '--threshold=100', '--auto=no', str(path)], text=True,
                          capture_output=True, check=True)
    costs = collections.defaultdict(int)
    for line in done.stdout.splitlines():
        match = ANNOTATED.match(line)
        if match:
            name = match[3].split("'")[0]       # name'2 is the recursion of name
            costs[name] = max(costs[name], int(match[1].replace(',', '')))
    return costs


def total(path):
    match = re.search(r'^(?:summary|totals): (\d+)', path.read_text(), re.M)
    if not match:
        raise Failure(f'callgrind wrote no sum into {path.name}')
    return int(match[1])


def callgrind_run(template, count):
    """(received, instructions of each thread, {function: instructions} of the loop's thread and of the others)."""
    with Bench(template, f'--flood={RATE}:{count}:{VALUE_OCTETS}') as bench:
        out = bench.dir / 'callgrind'
        bench.daemon_new('valgrind', '--tool=callgrind', '--separate-threads=yes', f'--callgrind-out-file={out}',
                         env=NO_REP)
        bench.flood_over(count)
        taken, counters = bench.received()
        if counters['received'] != taken:
            raise Failure(f'received {counters["received"]} of {taken}')
        bench.daemon_stop()
        files = sorted(bench.dir.glob('callgrind-*'))
        if len(files) < 2:
            raise Failure(f'callgrind wrote {len(files)} files: {bench.daemon.text()}')
        loop, *others = [annotate(path) for path in files]
        return taken, [total(path) for path in files], loop, others


def stages(each):
    """The loop's thread by what it does: inclusive costs, so each without what stands below it."""
    handler, recv = each('on_notification'), each('recv')
    frame = each('tracker_frame')
    decode = each('omp_live_decode') + each('omp_status_decode') + each('omp_event_decode')
    store = each('store_session_frame')
    return [('sd-event, the buses and timers', each(None) - handler),
            ('recv', recv), ('stamp and dispatch', handler - recv - frame), ('decode', decode),
            ('session', frame - decode - store), ('hand over to the store', store)]


def instructions(template, options):
    """Two runs of different length: what a start, an end and a GetCounters() cost is in both and falls out."""
    need('valgrind', 'callgrind_annotate')
    short, long = (callgrind_run(template, count) for count in RUNS)
    n = long[0] - short[0]

    def each(name):
        if name is None:
            return (long[1][0] - short[1][0]) / n
        return (long[2].get(name, 0) - short[2].get(name, 0)) / n

    for name in ('on_notification', 'tracker_frame', 'store_session_frame', 'omp_live_decode'):
        if name not in long[2]:
            raise Failure(f'callgrind saw no function {name}: was it renamed, or the program stripped?')
    costs = dict(stages(each))
    notes = [f'{name}: {cost:,.0f}' for name, cost in costs.items()]
    yield Figure('user instructions for each notification, loop', each(None), '', 6000, 3100, notes=notes, count=True)
    yield Figure('user instructions for each live value, session', costs['session'], '', 400, count=True)

    # Streamed to nobody, and announced where nobody listens. What calls another of these counts twice.
    bus = {name: each(name) for name in long[2] if name.startswith(('bus_stream_', 'bus_session_', 'bus_device_'))}
    # What costs as good as nothing may not be listed at all; a program that is stripped was noticed above.
    yield Figure('user instructions for each notification, bus part, without a client', sum(bus.values()), '', BUS_INSTRUCTIONS, None, True,
                 [f'{cost:,.1f} in {name}' for name, cost in sorted(bus.items(), key=lambda item: -item[1])[:6]])

    def of_threads():
        return (sum(long[1][1:]) - sum(short[1][1:])) / n

    # Neighbours make the threads wake more often, never less: the least of three counts. So it has no gate of 5 %.
    store = of_threads()
    for _ in range(2):
        if store > STORE_INSTRUCTIONS:
            short, long = (callgrind_run(template, count) for count in RUNS)
            store = min(store, of_threads())
    top = collections.Counter()
    for before, after in zip(short[3], long[3]):
        for name, cost in after.items():
            top[name] += (cost - before.get(name, 0)) / n
    named = [(name, cost) for name, cost in top.most_common() if not name.startswith('0x') and name not in THREAD_FRAMES]
    notes = [f'{cost:,.0f} in {name}' for name, cost in named[:12]]
    yield Figure("user instructions for each notification, store's threads", store, '', STORE_INSTRUCTIONS, None, True, notes)


def trace_calls(path):
    """[(time, name, the line)] of one thread."""
    calls = []
    for line in path.read_text(errors='replace').splitlines():
        match = re.match(r'(\d+\.\d+) (\w+)\(', line)
        if match:
            calls.append((float(match[1]), match[2], line))
    return calls


def notifications(call):
    """How many this call has received."""
    if call[1] == 'recvmmsg':
        answer = call[2].rpartition('= ')[2].split()[0]
        return max(int(answer), 0) if answer.lstrip('-').isdigit() else 0
    return call[1] in ('recvfrom', 'recvmsg', 'read') and call[2].endswith(f'= {VALUE_OCTETS}')


def trace(template):
    """{thread: its calls}, the loop's first."""
    with Bench(template, f'--flood={RATE}:{SYSCALL_COUNT}:{VALUE_OCTETS}') as bench:
        bench.daemon_new('strace', '-ff', '-ttt', '-s', '0', '-o', bench.dir / 'trace')
        bench.flood_over(SYSCALL_COUNT)
        pid = int(pathlib.Path(f'/proc/{bench.daemon.child.pid}/task/{bench.daemon.child.pid}/children').read_text().split()[0])
        with contextlib.suppress(ProcessLookupError):
            bench.daemon_stop(pid)
        files = sorted(bench.dir.glob('trace.*'), key=lambda path: int(path.suffix[1:]))
        return [trace_calls(path) for path in files]


def syscalls(template, options):
    """Between the 400th notification and the last: whole lines of strace, and the notifications among them."""
    need('strace')
    loop, *others = trace(template)
    at = [i for i, call in enumerate(loop) for _ in range(notifications(call))]
    if len(at) < SYSCALL_COUNT * 0.9:
        raise Failure(f'strace saw {len(at)} notifications of {SYSCALL_COUNT}')
    first, last = at[SYSCALL_FIRST], at[-1]
    n = len(at) - SYSCALL_FIRST - 1
    window = loop[first:last]
    names = collections.Counter(name for _, name, _ in window)
    notes = [f'{name}: {count / n:.3f}' for name, count in names.most_common(8)]
    yield Figure(f'syscalls for each notification at {RATE}/s, loop', len(window) / n, '', 2.5, 2.2, notes=notes, count=True)

    waits = sum(name.startswith('epoll_') and 'wait' in name for _, name, _ in window)
    yield Figure('wakeups for each notification, loop', waits / n, '', 1.05, None, True)

    others = [[call for call in calls if loop[first][0] <= call[0] <= loop[last][0]] for calls in others]
    names = collections.Counter(name for calls in others for _, name, _ in calls)
    notes = [f'{name}: {count / n:.3f}' for name, count in names.most_common(8)]
    yield Figure(f"syscalls for each notification at {RATE}/s, store's threads", sum(names.values()) / n, '', 0.5, None, True, notes)
