# SPDX-License-Identifier: LGPL-2.1-or-later
"""A measured figure beside its target, and the four ways to print many: table, Markdown, JSON, TAP."""
import dataclasses
import json
import pathlib
import statistics

# What the counts were when they were last renewed (run --renew). A count that is more than the slack above it fails the suite, however far its
# target is: so what gets dearer is seen with the change that made it so.
MEASURED = pathlib.Path(__file__).resolve().parent / 'measured.json'
SLACK = 1.05


@dataclasses.dataclass
class Figure:
    name: str
    value: float
    unit: str = ''
    target: float = None        # at most; None: told, not judged
    stretch: float = None       # what we would like
    gate: bool = False          # does not depend on how busy the machine is: fails the suite
    notes: list = dataclasses.field(default_factory=list)
    spread: tuple = None        # the least and the largest of the rounds of which the value is the median
    quantiles: dict = None      # of single values, by name; the value is the one that is judged
    count: bool = False         # of instructions or calls: has a gate of its own in measured.json
    ceiling: float = None       # that gate: what was measured then, and the slack

    def __post_init__(self):
        if self.count:
            before = json.loads(MEASURED.read_text()).get(self.name)
            # What nobody has entered yet is a gate that would never close.
            self.ceiling = -1 if before is None else before * SLACK

    @property
    def judged(self):
        return self.gate or self.count

    @property
    def good(self):
        return all(limit is None or self.value <= limit for limit in (self.target, self.ceiling))

    @property
    def verdict(self):
        if not self.good:
            return 'MISSED' if self.target is not None and self.value > self.target else 'DEARER'
        if self.target is None:
            return ''
        return 'stretch' if self.stretch is not None and self.value <= self.stretch else 'ok'

    def shown(self):
        if self.quantiles:
            return ', '.join(f'{name} {number(value)}' for name, value in self.quantiles.items()) + f' {self.unit}'
        spread = f' ({number(self.spread[0])} to {number(self.spread[1])})' if self.spread else ''
        return f'{number(self.value)} {self.unit}'.strip() + spread

    def limits(self):
        return [number(self.target), number(self.stretch), number(self.ceiling)]


def middle(name, values, *args, **more):
    """Of rounds: their median, with the least and the largest."""
    values = list(values)
    return Figure(name, statistics.median(values), *args, spread=(min(values), max(values)), **more)


def number(value):
    if value is None:
        return ''
    if value == int(value):
        return f'{int(value):,}'
    return f'{value:,.0f}' if value >= 1000 else f'{value:,.2f}'


HEAD = ('figure', 'value', 'target', 'stretch', 'gate', '')


def rows_of(figures):
    return [HEAD] + [(f.name, f.shown(), *f.limits(), f.verdict) for f in figures]


def print_table(figures, machine):
    rows = rows_of(figures)
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    print('\n'.join(machine) + '\n')
    for figure, row in zip([None, *figures], rows):
        print('  '.join([f'{row[0]:<{widths[0]}}', *(f'{cell:>{width}}' for cell, width in zip(row[1:5], widths[1:5])), row[5]]).rstrip())
        for note in figure.notes if figure else []:
            print(f'    {note}')


def print_markdown(figures, machine):
    print('\n'.join(f'* {line}' for line in machine) + '\n')
    head, *rows = rows_of(figures)
    for row in (head, ('---', '--:', '--:', '--:', '--:', '---'), *rows):
        print(f'| {" | ".join(row)} |'.replace('|  |', '| |'))


def print_json(figures, machine):
    print(json.dumps({'machine': machine, 'figures': [{**dataclasses.asdict(f), 'good': f.good} for f in figures]}, indent=1))


def tap_line(index, f):
    limits = [number(limit) for limit in (f.target, f.ceiling) if limit is not None and limit >= 0]
    limits = f' (at most {", and ".join(limits)})' if limits else ''
    lines = [f'{"ok" if f.good else "not ok"} {index} - {f.name}: {number(f.value)} {f.unit}'.rstrip() + limits]
    if f.ceiling == -1:
        lines.append(f'# it is not in {MEASURED.name}: see docs/hacking.md, "Benchmarks"')
    return '\n'.join(lines + [f'# {note}' for note in f.notes])


def renew(figures):
    """Enters today's counts; what was not measured today stays as it is."""
    counts = json.loads(MEASURED.read_text()) | {f.name: round(f.value, 3) for f in figures if f.count}
    MEASURED.write_text(json.dumps(counts, indent=1, sort_keys=True, ensure_ascii=False) + '\n')
