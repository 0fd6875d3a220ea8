"""A run as Chrome's trace and as HTML."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

from awsdeploy.timeline import page
from awsdeploy.timeline.trace import FIRST, trace
from tests.timeline.made_up import LEGS, run

NUMBERS = ("pid", "tid", "ts", "dur")


def test_the_trace_has_the_fields_of_the_format() -> None:
    """The fields that "Trace Event Format" demands of complete events (X) and of metadata (M)."""
    document = json.loads(json.dumps(trace(run(), "shop-prod")))
    for event in document["traceEvents"]:
        assert event["ph"] in ("X", "M")
        assert all(isinstance(event[name], int) for name in NUMBERS if event["ph"] == "X" or name in ("pid", "tid"))
        assert event.get("dur", 0) >= 0
    assert min(event["pid"] for event in document["traceEvents"]) == FIRST
    names = {event["name"] for event in document["traceEvents"] if event["ph"] == "M"}
    assert names == {"process_name", "process_sort_index", "thread_name", "thread_sort_index"}


def test_the_trace_has_the_critical_path_and_the_statuses_inside_the_bars() -> None:
    events = [event for event in trace(run(), "shop-prod")["traceEvents"] if event["ph"] == "X"]
    path = [(event["name"], event["dur"] / 1_000_000) for event in events if event["pid"] == FIRST]
    assert path == LEGS
    (database,) = [event for event in events if event["name"] == "database/mysql" and event["pid"] != FIRST]
    inside = [event for event in events if event["tid"] == database["tid"] and event["cat"] == "status"]
    assert [event["name"] for event in inside] == ["creating", "backing-up"]
    assert sum(event["dur"] for event in inside) == database["dur"]
    assert database["args"]["critical path"] is True


def test_events_of_a_thread_lie_inside_each_other() -> None:
    """Complete events of one thread, as viewers demand them: one ends before another begins, or contains it."""
    threads: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in trace(run(), "shop-prod")["traceEvents"]:
        if event["ph"] == "X":
            threads.setdefault((event["pid"], event["tid"]), []).append((event["ts"], -event["dur"]))
    for events in threads.values():
        open_until: list[int] = []
        for begin, minus in sorted(events):
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            assert not open_until or begin - minus <= open_until[-1]
            open_until.append(begin - minus)


class Tags(HTMLParser):
    """Counts the open elements: well-formed HTML ends with none."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_marks_the_critical_path_by_sign_and_word_and_names_nothing_outside() -> None:
    made = page.timeline(run(2), run(1))
    assert "Critical path (◆): database/mysql 41 s, 68 % of the run." in made
    assert set(re.findall(r'"row">◆ ([^<]+)<', made)) == {name for name, _ in LEGS[1:-1]}
    assert "<th>In run 1</th>" in made
    assert "http" not in made + page.STYLE
    tags = Tags()
    tags.feed(made)
    assert tags.open == []


def test_names_in_a_file_that_was_edited_are_no_markup() -> None:
    made = run()
    made.moments[0] = type(made.moments[0])(1.0, "<script>alert(1)</script>", "creating", '"><b>')
    assert "<script" not in page.timeline(made)
    assert "<b>" not in page.timeline(made)
