"""Renders the answers as one self-contained HTML page."""

from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from bridgeboard import formats
from bridgeboard.model import periods
from bridgeboard.report import text
from bridgeboard.report.answers import Answers
from bridgeboard.report.svg_charts import HEIGHT, WIDTH, picture

TITLE: Final = "AI usage and spend"
_TEMPLATE: Final = "page.html"


def page(answers: Answers) -> str:
    """The page: the same for the same answers. Everything recorded in it is escaped."""
    return _template().render(
        title=TITLE,
        period=periods.words(answers.scope, answers.preset),
        days=periods.span(answers.scope),
        zone=answers.scope.zone,
        running=answers.running,
        filters=text.filters(answers.scope),
        compared=text.compared(answers),
        summary=text.summary(answers),
        warnings=list(text.warnings(answers)),
        card_groups=text.cards(answers),
        pictures=[picture(course, answers.scope.zone) for course in answers.courses],
        size=(WIDTH, HEIGHT),
        grids=text.grids(answers),
        presence=text.presence(answers),
        changes=text.changes(answers),
        definitions=text.definitions(answers),
        facts=text.facts(answers),
        dash=formats.DASH,
        least=formats.AT_LEAST.strip(),
        about=formats.ABOUT.strip(),
    )


@cache
def _template() -> Template:
    return Environment(
        autoescape=True,
        loader=FunctionLoader(_text),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    ).get_template(_TEMPLATE)


def _text(name: str) -> str:
    return files("bridgeboard.report").joinpath(name).read_text("utf-8")
