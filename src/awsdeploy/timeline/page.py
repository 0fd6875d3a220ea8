"""A recorded run as a piece of HTML: bars of plain elements, no script, readable in dark and light and on paper.

A page that shows it puts `STYLE` into its head once and `timeline(run, before)` where the bars are to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from awsdeploy.progress.steps import spell
from awsdeploy.timeline.critical_path import UNFINISHED, Bar, Span, bars, critical_path, share, times
from awsdeploy.timeline.history import RecordedRun

STYLE = """\
.timeline { --track: #e4e7ec; --bar: #98a2b3; --critical: #b54708; --failed: #b42318; --soft: #475467; }
@media (prefers-color-scheme: dark) {
  .timeline { --track: #344054; --bar: #667085; --critical: #fdb022; --failed: #f97066; --soft: #cfd4dc; }
}
.timeline table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.timeline th, .timeline td { padding: 1px 6px; text-align: left; font-weight: normal; overflow-wrap: anywhere; }
.timeline tbody th[scope=rowgroup] { padding-top: 10px; font-weight: bold; }
.timeline td.time { text-align: right; white-space: nowrap; }
.timeline td.before { color: var(--soft); text-align: right; white-space: nowrap; }
.timeline td.bars { width: 45%; }
.timeline .track { position: relative; height: 10px; background: var(--track); print-color-adjust: exact; }
.timeline .track span { position: absolute; top: 0; bottom: 0; min-width: 2px; background: var(--bar); }
.timeline .critical .track span { background: var(--critical); }
.timeline .failed .track span { background: var(--failed); }
.timeline .critical th, .timeline .failed th { font-weight: bold; }
.timeline tr { break-inside: avoid; }
"""


def timeline(run: RecordedRun, before: RecordedRun | None = None) -> str:
    """The bars of a run, step by step, with the critical path marked, beside the times of the run before."""
    return "\n".join(_parts(run, before))


def _parts(run: RecordedRun, before: RecordedRun | None) -> Iterator[str]:
    path = critical_path(run)
    longest = max(path, key=lambda leg: leg.seconds)
    on_path = {leg.bar for leg in path}
    yield '<div class="timeline">'
    took = f"{spell(longest.seconds)}, {share(longest.seconds, run)} of the run"
    yield f"<p>Critical path (◆): {escape(longest.name)} {took}.</p>"
    yield "<table>"
    yield f"<thead><tr><th>Resource</th><th>{_axis(run)}</th><th>Time</th>{_head(before)}</tr></thead>"
    earlier = times(before) if before else {}
    every = [bar for bar in bars(run) if bar.spans]
    for step in dict.fromkeys(bar.row.step for bar in every):
        yield f'<tbody><tr><th scope="rowgroup" colspan="{4 if before else 3}">{escape(step)}</th></tr>'
        for bar in (one for one in every if one.row.step == step):
            known = earlier.get(bar.name)
            beside = f'<td class="before">{spell(known) if known is not None else ""}</td>' if before else ""
            yield _row(bar, run, bar in on_path, beside)
        yield "</tbody>"
    yield "</table>"
    yield "</div>"


def _axis(run: RecordedRun) -> str:
    return f"0 to {spell(run.seconds)}"


def _head(before: RecordedRun | None) -> str:
    return f"<th>In run {before.number}</th>" if before else ""


def _row(bar: Bar, run: RecordedRun, critical: bool, beside: str) -> str:
    failed = bar.result in ("failed", UNFINISHED)
    kind = "failed" if failed else "critical" if critical else "other"
    mark = {"failed": "✗ ", "critical": "◆ ", "other": ""}[kind]
    word = f" ({bar.result})" if failed else ""
    said = "; ".join(f"{span.name} {spell(span.end - span.begin)}" for span in bar.spans)
    return (
        f'<tr class="{kind}" title="{escape(said)}"><th scope="row">{mark}{escape(bar.name)}{word}</th>'
        f'<td class="bars"><div class="track"><span style="{_place(bar, run)}"></span></div></td>'
        f'<td class="time">{spell(bar.seconds)}</td>{beside}</tr>'
    )


def _place(one: Bar | Span, run: RecordedRun) -> str:
    whole = run.seconds or 1.0
    return f"left:{100 * one.begin / whole:.2f}%;width:{100 * (one.end - one.begin) / whole:.2f}%"
