"""Tables, links and the words for one parameter, shared by all written pages."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from tools.pages.prose import references

from cordgraft.core.contract import ArraySpec, Phase, Process, TransferSpec, matches, provisions
from cordgraft.core.parameters import PRESETS, ParameterSpec
from cordgraft.core.units import format_quantity
from cordgraft.processes import registry
from cordgraft.scenario.fields import in_words, quantity_in_words
from cordgraft.state.axons import AXON_COLUMNS
from cordgraft.state.cells import CELL_COLUMNS
from cordgraft.state.maps import FRACTION_SPECS, MAP_SPECS

#: First line of every written page.
NOTE = "<!-- Written from the code by `make docs`; what is changed here is overwritten. -->"
#: Longest number in a table; what is longer is rounded to four digits.
LONGEST = 9


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars in cells are escaped, line breaks become ``<br>``."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = (cell.replace("|", "\\|").replace("\n", "<br>") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(title: str, *parts: str) -> str:
    """Return a whole page: note, title, parts with a blank line between them."""
    return "\n\n".join([NOTE, f"# {title}", *(part for part in parts if part)]) + "\n"


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


# ---------------------------------------------------------------------------------------- mechanisms


def title_of(kind: type[Process]) -> str:
    """Return a mechanism as a title: its docstring's word for itself where that is its name, else the name."""
    first = document_of(kind).strip().split(":", 1)[0]
    if says_name(kind, first) and first[1:] == first[1:].lower():
        return first
    spaced = kind.name.replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def says_name(kind: type[Process], words: str) -> bool:
    """Whether some words are the name of a mechanism, perhaps with a little more: ``Anti-inflammatory drug``."""
    return re.sub("[^a-z]", "", words.lower()).startswith(kind.name.replace("_", ""))


def document_of(kind: type[Process]) -> str:
    """Return the docstring of the file of a mechanism."""
    return sys.modules[kind.__module__].__doc__ or ""


def file_of(kind: type[Process]) -> str:
    """Return the file of a mechanism, from the root of the repository."""
    return f"sim/{kind.__module__.replace('.', '/')}.py"


def section_of(kind: type[Process]) -> str:
    """Return the address under which the parameters of a mechanism stand."""
    if kind.section == "treatments":
        return f"treatments.{kind.treatment_type}"
    return "injury" if kind.section == "injury" else f"parameters.{kind.name}"


def period_of(kind: type[Process]) -> str:
    """Return how often a mechanism runs, in words."""
    return "every tick, for what is due" if kind.phase is Phase.TREAT else f"every {kind.period_h:g} h"


def link_to(kind: type[Process], folder: str = "") -> str:
    """Return a link to the page of a mechanism."""
    return f"[`{kind.name}`]({folder}{kind.name}.md)"


def linker(folder: str = "") -> Any:
    """Return a function from a word in backticks to Markdown: the name of a mechanism becomes a link."""

    def link(word: str) -> str:
        kind = registry().get(word)
        return f"`{word}`" if kind is None else link_to(kind, folder)

    return link


# -------------------------------------------------------------------------------------------- arrays


@cache
def declared() -> tuple[dict[str, ArraySpec], dict[str, TransferSpec]]:
    """Return every array and every transfer of a run in which every mechanism is active."""
    base = (*MAP_SPECS, *FRACTION_SPECS, *CELL_COLUMNS, *AXON_COLUMNS)
    arrays, transfers = provisions([_declaration(kind) for kind in registry().values()], base)
    return {spec.name: spec for spec in arrays}, {spec.name: spec for spec in transfers}


def _declaration(kind: type[Process]) -> Any:
    return kind  # `provisions` asks for `name` and `provides` alone, which belong to the class


def who(verb: str, name: str, folder: str = "") -> str:
    """Return links to the mechanisms that do this to an array: ``reads``, ``writes`` or ``deposits``."""
    found = [kind for kind in registry().values() if matches(getattr(kind, verb), name)]
    return ", ".join(link_to(kind, folder) for kind in found)


#: What ``GROUP.*`` means where the group is no table of agents.
WHOLE_GROUPS = {
    "field": "all fields",
    "source": "all deposits into fields",
    "lattice": "fields on lattices of their own",
    "transfer": "all requests to turn one tissue into another",
    "fraction": "all tissue fractions",
}


def describe(name: str) -> tuple[str, str]:
    """Return unit and meaning of an array, a deposit buffer or all columns of a table."""
    arrays, transfers = declared()
    group, _, short = name.partition(".")
    if name in arrays:
        return arrays[name].unit, arrays[name].meaning
    if name in transfers:
        asked = transfers[name]
        return "1", f"share of the voxel that is asked to turn from {asked.source} into {asked.target}"
    if short == "*":
        return "", WHOLE_GROUPS.get(group, f"all columns of the table `{group}`")
    field = arrays.get(f"field.{short}")
    if group == "source" and field is not None:
        return f"{field.unit}/h" if field.unit != "1" else "1/h", f"what is made of: {field.meaning}"
    if group == "lattice" and field is not None:
        return field.unit, f"{field.meaning}, on its own lattice"
    raise LookupError(f"no mechanism provides {name}")


# ---------------------------------------------------------------------------------------- parameters


def words(spec: ParameterSpec, value: Any) -> str:
    """Return a value as a scenario would write it, long numbers rounded."""
    if value is None:
        return "not given"
    if spec.kind == "switch":
        return "true" if value else "false"
    if spec.kind == "text":
        return value or "empty"
    if spec.kind == "quantity":
        return rounded(float(value), spec.unit)
    return str(in_words(spec, value))


def rounded(value: float, unit: str) -> str:
    """Return a quantity in words, with at most `LONGEST` letters of number."""
    text = str(quantity_in_words(value, unit))
    if unit == "1" or len(text.split(" ")[0]) > LONGEST:
        text = format_quantity(value, unit, 4)
    # 1e-06 is written 1e-6
    return re.sub(r"e([+-])0*(\d)", lambda found: f"e{found[1].strip('+')}{found[2]}", text)


def values(spec: ParameterSpec) -> str:
    """Return the default and, line by line, where a preset has another."""
    lines = [words(spec, spec.default)]
    for preset in PRESETS:
        if preset in spec.presets:
            general = preset.split("_", maxsplit=1)[0]
            parent = spec.default_for(general) if general != preset else spec.default
            if spec.presets[preset] != parent:
                lines.append(f"{preset.replace('_', ' ')}: {words(spec, spec.presets[preset])}")
    return "\n".join(lines)


def span(spec: ParameterSpec, ends: tuple[float, float] | None) -> str:
    """Return a range in words, the unit once where both ends have the same."""
    if ends is None:
        return ""
    low, high = (rounded(end, spec.unit) for end in ends)
    if low == high:
        return low
    low_number, _, low_unit = low.partition(" ")
    return f"{low_number if low_unit == high.partition(' ')[2] else low} to {high}"


def possible(spec: ParameterSpec) -> str:
    """Return what is allowed: bounds, options, or true and false."""
    if spec.kind in ("quantity", "count") and spec.bounds is not None:
        return span(spec, spec.bounds)
    if spec.kind == "choice":
        return ", ".join(f"`{option}`" for option in spec.options)
    return {"switch": "true, false", "text": "text"}.get(spec.kind, "")


def by_preset(spec: ParameterSpec, say: Any, nothing: str = "none") -> str:
    """Return what `say` says of a spec and, line by line, where it differs under a preset."""
    general = say(spec)
    lines = [general] if general else []
    for preset in PRESETS:
        if preset in spec.variants or preset in spec.presets:
            parent = preset.split("_", maxsplit=1)[0]
            before = say(spec.under(parent)) if parent != preset else general
            text = say(spec.under(preset))
            if text != before:
                lines.append(f"{preset.replace('_', ' ')}: {text or nothing}")
    return "\n".join(lines)


def cited(spec: ParameterSpec) -> str:
    """Return the published range, and where a preset has another."""
    return by_preset(spec, lambda under: span(under, under.cited))


def is_number(spec: ParameterSpec) -> bool:
    """Whether a value is a number, not a word, a switch or a file."""
    return spec.kind in ("quantity", "count")


def source_of(spec: ParameterSpec) -> str:
    """Return where a value comes from, with its reference, as Markdown; empty where nobody is named."""
    reference = spec.doi if spec.doi and spec.doi not in spec.source else ""
    return ", ".join(references(part) for part in (spec.source, reference) if part)


def origin(spec: ParameterSpec, notes: Mapping[str, int]) -> str:
    """Return evidence, source and reference, and where a preset has others; `notes` are sources with a number."""

    def say(under: ParameterSpec) -> str:
        source = source_of(under)
        if source in notes:
            return f"{under.evidence}: note {notes[source]}"
        return f"{under.evidence}: {source}" if source else under.evidence

    return by_preset(spec, say) if is_number(spec) or source_of(spec) else ""


#: Columns of a table of parameters.
PARAMETER_HEAD = ("key", "meaning", "value", "possible", "cited range", "evidence and source")
#: Keys that every mechanism has; how often it is advanced is a matter of accuracy, not of evidence.
COMMON = ("enabled", "period")
#: Rows in which a source is repeated before it becomes a note under the table.
OFTEN = 3


def parameter_table(specs: Mapping[str, ParameterSpec], *, evidence: bool = True, prefix: str | None = None) -> str:
    """Return the table of some parameters; a source that is repeated stands once, under it.

    Without `evidence` the values are what the user decides, such as what is recorded. With a `prefix` each row is an
    anchor with the address of its value.
    """
    counts = Counter(source for source in map(source_of, specs.values()) if source)
    often = [source for source, times in counts.items() if times >= OFTEN]
    notes = {source: number for number, source in enumerate(often, 1)}
    rows = []
    for key, spec in specs.items():
        mark = "" if prefix is None else f'<a id="{prefix}{key}"></a>'
        row = (f"{mark}`{key}`", _plain(spec.meaning), values(spec), possible(spec))
        where_from = "" if key in COMMON else origin(spec, notes)
        rows.append((*row, cited(spec), where_from) if evidence else row)
    below = [f"Note {number}: {source}." for source, number in notes.items()]
    return "\n\n".join([table(PARAMETER_HEAD if evidence else PARAMETER_HEAD[:4], rows), *below])


def _plain(text: str) -> str:
    return text[:1].lower() + text[1:] if text[:2] != text[:2].upper() else text
