"""A recorded run as a piece of HTML: bars of plain elements, no script, readable in dark and light and on paper.

A page that shows it has the colours of `diagram.theme`, puts `STYLE` into its head once, and `timeline(run, before)`
where the bars are to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from awsdeploy.diagram.words import Words, words
from awsdeploy.progress.steps import spell
from awsdeploy.timeline.critical_path import UNFINISHED, Bar, Span, bars, critical_path, share, times
from awsdeploy.timeline.history import RecordedRun

STYLE = """\
.timeline table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.timeline th, .timeline td { padding: 1px 6px; text-align: left; font-weight: normal; overflow-wrap: anywhere; }
.timeline tbody th[scope=rowgroup] { padding-top: 10px; font-weight: bold; }
.timeline td.time { text-align: right; white-space: nowrap; }
.timeline td.before { color: var(--muted); text-align: right; white-space: nowrap; }
.timeline { margin-bottom: 20px; }
.timeline td.bars { width: 45%; vertical-align: middle; }
.timeline .track { position: relative; height: 10px; background: var(--box); outline: 1px solid var(--frame);
  print-color-adjust: exact; }
.timeline .track span { position: absolute; top: 0; bottom: 0; min-width: 2px; background: var(--line); }
.timeline .critical .track span { background: var(--differs); }
.timeline .failed .track span { background: var(--unhealthy); }
.timeline .critical th, .timeline .failed th { font-weight: bold; }
.timeline tr { break-inside: avoid; }
"""


def timeline(run: RecordedRun, before: RecordedRun | None = None, language: str = "en") -> str:
    """The bars of a run, step by step, with the critical path marked, beside the times of the run before."""
    return "\n".join(_parts(run, before, words(language)))


def _parts(run: RecordedRun, before: RecordedRun | None, t: Words) -> Iterator[str]:
    path = critical_path(run)
    longest = max(path, key=lambda leg: leg.seconds)
    on_path = {leg.bar for leg in path}
    yield '<div class="timeline">'
    said = t("Critical path (◆): {} {}, {} of the run.")
    yield f"<p>{said.format(escape(longest.name), spell(longest.seconds), share(longest.seconds, run))}</p>"
    yield "<table>"
    beside = f"<th>{t('In run {}').format(before.number)}</th>" if before else ""
    axis = t("0 to {}").format(spell(run.seconds))
    yield f"<thead><tr><th>{t('Resource')}</th><th>{axis}</th><th>{t('Time')}</th>{beside}</tr></thead>"
    earlier = times(before) if before else {}
    every = [bar for bar in bars(run) if bar.spans]
    for step in dict.fromkeys(bar.row.step for bar in every):
        yield f'<tbody><tr><th scope="rowgroup" colspan="{4 if before else 3}">{escape(step)}</th></tr>'
        for bar in (one for one in every if one.row.step == step):
            known = earlier.get(bar.name)
            beside = f'<td class="before">{spell(known) if known is not None else ""}</td>' if before else ""
            yield _row(bar, run, bar in on_path, beside, t)
        yield "</tbody>"
    yield "</table>"
    yield "</div>"


def _row(bar: Bar, run: RecordedRun, critical: bool, beside: str, t: Words) -> str:
    failed = bar.result in ("failed", UNFINISHED)
    kind = "failed" if failed else "critical" if critical else "other"
    mark = {"failed": "✗ ", "critical": "◆ ", "other": ""}[kind]
    word = f" ({t(bar.result)})" if failed else ""
    said = "; ".join(f"{span.name} {spell(span.end - span.begin)}" for span in bar.spans)
    return (
        f'<tr class="{kind}" title="{escape(said)}"><th scope="row">{mark}{escape(bar.name)}{word}</th>'
        f'<td class="bars"><div class="track"><span style="{_place(bar, run)}"></span></div></td>'
        f'<td class="time">{spell(bar.seconds)}</td>{beside}</tr>'
    )


def _place(one: Bar | Span, run: RecordedRun) -> str:
    whole = run.seconds or 1.0
    return f"left:{100 * one.begin / whole:.2f}%;width:{100 * (one.end - one.begin) / whole:.2f}%"
