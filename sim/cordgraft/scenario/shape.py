"""The shape of a document as a tree: maps with known keys, lists, and single values.

One tree serves two readers. `validator` turns it into a pydantic-core validator, which walks a document and
reports everything that does not fit; `json_schema` writes it out for editors. The tree holds functions in place
of finished texts, so that reading a scenario does not pay for hover texts that nobody sees.

pydantic-core is used without the class machinery of pydantic on top: a parameter may have any name, what comes
back holds only the keys that were written, and importing it takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, core_schema

#: Types of the errors that `validator` reports, beside those that a `Leaf` raises itself.
UNKNOWN_KEY, MISSING_KEY = "extra_forbidden", "missing"


@dataclass(frozen=True)
class Leaf:
    """A single value.

    Parameters
    ----------
    read : callable
        Returns the value that stands in the file as the code wants it, or raises `PydanticCustomError`.
    schema : callable
        Returns its JSON Schema.
    """

    read: Callable[[Any], Any]
    schema: Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Items:
    """A list of values of one kind; `check` refuses what is no list."""

    item: Leaf
    check: Callable[[Any], Any]


@dataclass(frozen=True)
class Map:
    """A map with these keys and no others.

    Parameters
    ----------
    keys : mapping
        Key -> `Leaf`, `Items` or `Map`.
    description : str
        Hover text.
    required : frozenset of str
        Keys that must be written. A map that requires none may be left empty.
    """

    keys: Mapping[str, Node]
    description: str = ""
    required: frozenset[str] = field(default_factory=frozenset)


Node = Leaf | Items | Map


def validator(shape: Node) -> SchemaValidator:
    """Return the validator of a document of this shape."""
    return SchemaValidator(_core(shape))


def _core(shape: Node) -> CoreSchema:
    if isinstance(shape, Leaf):
        return core_schema.no_info_plain_validator_function(shape.read)
    if isinstance(shape, Items):
        return core_schema.no_info_before_validator_function(
            shape.check, core_schema.list_schema(_core(shape.item))
        )
    fields = {
        key: core_schema.typed_dict_field(_core(inner), required=key in shape.required)
        for key, inner in shape.keys.items()
    }
    return core_schema.typed_dict_schema(fields, extra_behavior="forbid")


def json_schema(shape: Node) -> dict[str, Any]:
    """Return the JSON Schema of a shape, every part written out where it applies."""
    if isinstance(shape, Leaf):
        return shape.schema()
    if isinstance(shape, Items):
        item = shape.item.schema()
        return {"description": item["description"], "type": "array", "items": item}
    written = {
        "description": shape.description,
        # A section whose lines are all commented out is as good as absent.
        "type": "object" if shape.required else ["object", "null"],
        "additionalProperties": False,
        "properties": {key: json_schema(inner) for key, inner in shape.keys.items()},
    }
    if shape.required:
        written["required"] = [key for key in shape.keys if key in shape.required]
    return written
