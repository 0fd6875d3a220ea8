"""One page in the CloudWatch console with what the application is doing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    TIMELESS,
    UNKNOWN,
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
)
from awsdeploy.resources.database.instance import Database
from awsdeploy.resources.monitoring.log_group import place_of
from awsdeploy.resources.monitoring.metric import Metric

LONGEST_NAME = 255
WIDTH, HEIGHT, COLUMNS = 8, 6, 3  # of CloudWatch's grid of 24


@dataclass(frozen=True)
class Graph:
    """Some metrics over time: what each line is called → the metric and its statistic."""

    title: str
    lines: Mapping[str, tuple[Metric, str]]
    period: int = 300


@dataclass(frozen=True)
class Search:
    """The newest lines of one of a database's logs."""

    title: str
    database: Database
    kind: str
    query: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Dashboard(Resource):
    """Graphs and searches, three in a row. It has no tags: its name says whose it is."""

    widgets: tuple[Graph | Search, ...]

    idempotency = Idempotency.NAME
    immediate = True
    deletion = Deletion(immediate=True)
    arns = (":dashboard/",)
    ignorable = {"widgets"}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        cloudwatch, prefix = aws.client("cloudwatch"), f"{aws.stack.slug}-"
        for one in cloudwatch.pages("list_dashboards", "DashboardEntries", DashboardNamePrefix=prefix):
            name = one["DashboardName"]
            key = f"monitoring/{name.removeprefix(prefix).rpartition('-')[0]}"
            if name == aws.stack.called(key, TIMELESS, LONGEST_NAME):
                with tolerate("ResourceNotFound", "DashboardNotFoundError"):
                    body = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
                    yield Observed(cls, key, name, TIMELESS, raw={"Body": body}, region=aws.region)

    def generation(self, of: Mapping[Resource, str], counter: int = 0) -> str:
        """Constant: no setting needs a replacement."""
        return TIMELESS

    def create(self, aws: Aws) -> str | Observed:
        name, body = aws.name(self, LONGEST_NAME), json.dumps(self._body(aws))
        aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
        return aws.made(self, name, {"Body": body})

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        wanted = self._body(aws)
        if _meaning(observed.raw["Body"]) != wanted:

            def put() -> None:
                aws.client("cloudwatch").put_dashboard(DashboardName=observed.id, DashboardBody=json.dumps(wanted))

            yield Change("widgets", "other ones", "as declared", put)

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        place = f"https://{aws.region}.console.aws.amazon.com/cloudwatch/home"
        return {"page": f"{place}?region={aws.region}#dashboards:name={observed.id}"}

    def _body(self, aws: Aws) -> dict[str, Any]:
        placed = enumerate(self.widgets)
        return {"widgets": [_widget(aws, widget, *divmod(number, COLUMNS)) for number, widget in placed]}

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("ResourceNotFound", "DashboardNotFoundError"):
            aws.client("cloudwatch").delete_dashboards(DashboardNames=[observed.id])


def _widget(aws: Aws, widget: Graph | Search, row: int, column: int) -> dict[str, Any]:
    """AWS: CloudWatch, dashboard body structure and syntax."""
    properties: dict[str, Any] = {"title": widget.title, "region": aws.region}
    if isinstance(widget, Graph):
        metrics = [_line(aws, label, *line) for label, line in widget.lines.items()]
        properties |= {"view": "timeSeries", "period": widget.period, "metrics": metrics}
    else:
        database = aws[widget.database].id
        source = UNKNOWN if database is UNKNOWN else f"SOURCE '{place_of(database)}/{widget.kind}' | {widget.query}"
        properties |= {"view": "table", "query": source}
    return {
        "type": "metric" if isinstance(widget, Graph) else "log",
        "x": column * WIDTH,
        "y": row * HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "properties": properties,
    }


def _line(aws: Aws, label: str, metric: Metric, statistic: str) -> list[Any]:
    dimensions = [part for pair in metric.dimensions(aws).items() for part in pair]
    return [metric.namespace, metric.name, *dimensions, {"label": label, "stat": statistic}]


def _meaning(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None
