"""Jinja as model libraries have it: loop controls, `do`, and the `generation` block of Transformers."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, nodes
from jinja2.ext import Extension, do, loopcontrols
from jinja2.parser import Parser


class GenerationBlock(Extension):
    """`{% generation %}…{% endgeneration %}` marks what the assistant said (Transformers, "Chat templates")."""

    tags = {"generation"}  # noqa: RUF012 - as the base class has it

    def parse(self, parser: Parser) -> nodes.Node:
        """The block is its content, in a scope of its own."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


def parse_template(text: str) -> nodes.Template:
    """The syntax tree of a template. Raises `TemplateError`; nothing is compiled or rendered."""
    return _environment().parse(text)


@cache
def _environment() -> Environment:
    return Environment(  # noqa: S701 - parses only, never renders
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, do, GenerationBlock]
    )
