"""Parameter specs: every number a process uses has a unit, bounds, a source and an evidence tag.

Two ranges are kept apart on purpose. Outside ``bounds`` a value is impossible and refused. Outside
``cited`` it is possible but nobody has published it: it is run, and the caution travels into every result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from cordgraft.core.units import format_quantity, parse_unit

Evidence = Literal["read", "recalled", "derived", "assumed", "calibrated"]
EVIDENCE: tuple[str, ...] = ("read", "recalled", "derived", "assumed", "calibrated")

#: Presets, from the general to the particular: a default is looked up from the right.
PRESETS: tuple[str, ...] = ("mouse", "rat", "human", "human_cervical", "human_thoracic", "human_thoracolumbar")


@dataclasses.dataclass(frozen=True)
class ParameterSpec:
    """What is known of one parameter.

    Parameters
    ----------
    kind : {"quantity", "choice", "switch", "count", "text"}
    meaning : str
        One sentence; hover text in editors and a row of the parameter page.
    unit : str
        Unit in which the code receives the value (quantities).
    bounds : (low, high) or None
        Physical limits, inclusive; outside is an error.
    cited : (low, high) or None
        Range supported by the source; outside is a caution. What is assumed without a source has none.
    options : tuple of str
        Allowed words of a choice.
    source, doi : str
        Where the value comes from; empty means nobody, and then the tag must say ``assumed``.
    evidence : str
        One of `EVIDENCE`.
    presets : mapping
        Values that replace the default for a preset of `PRESETS` (``human`` serves all human presets).
    row : str
        Name of the row of the project's parameter table that holds the value, if any.
    variants : mapping
        What else differs under a preset: name of the preset -> attributes of the spec (`cited`, `source`,
        `doi`, `evidence`, `row`). A dose is cited for mice by one paper and for people by another.
    """

    kind: Literal["quantity", "choice", "switch", "count", "text"]
    meaning: str
    default: Any
    unit: str = "1"
    bounds: tuple[float, float] | None = None
    cited: tuple[float, float] | None = None
    options: tuple[str, ...] = ()
    source: str = ""
    doi: str = ""
    evidence: str = "assumed"
    presets: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    row: str = ""
    variants: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    def default_for(self, preset: str) -> Any:
        """Return the default under a preset such as ``mouse`` or ``human_cervical``."""
        for name in (preset, preset.split("_", maxsplit=1)[0]):
            if name in self.presets:
                return self.presets[name]
        return self.default

    def under(self, preset: str) -> ParameterSpec:
        """Return the spec as it stands under a preset: its default, cited range, source and evidence there.

        A cited range that leaves out the preset's own default was cited for something else, and is dropped.
        """
        default = self.default_for(preset)
        for name in (preset, preset.split("_", maxsplit=1)[0]):
            if name in self.variants:
                return dataclasses.replace(
                    self, default=default, presets={}, variants={}, **self.variants[name]
                )
        cited = self.cited
        if cited is not None and default is not None and not cited[0] <= default <= cited[1]:
            cited = None
        return dataclasses.replace(self, default=default, presets={}, variants={}, cited=cited)

    def allowed(self) -> str:
        """Return the permitted values in words, with the unit."""
        if self.kind == "choice":
            return ", ".join(self.options)
        if self.bounds is None:
            return {"switch": "true or false", "text": "text"}.get(self.kind, f"a number in {self.unit}")
        low, high = (format_quantity(limit, self.unit) for limit in self.bounds)
        return f"{low} to {high}"

    def cited_text(self) -> str:
        """Return the cited range in words, or an empty string."""
        if self.cited is None:
            return ""
        low, high = (format_quantity(limit, self.unit) for limit in self.cited)
        return f"{low} to {high}"

    def faults(self, name: str) -> list[str]:
        """Return what is wrong with the spec itself (an empty list is what tests want)."""
        wrong = []
        if not self.meaning:
            wrong.append(f"{name}: no meaning")
        if self.evidence not in EVIDENCE:
            wrong.append(f"{name}: evidence tag '{self.evidence}' is none of {', '.join(EVIDENCE)}")
        if self.evidence == "read" and not (self.source or self.doi):
            wrong.append(f"{name}: tagged read, but without a source")
        if self.kind in ("quantity", "count"):
            parse_unit(self.unit)
            if self.bounds is None:
                wrong.append(f"{name}: no bounds")
            values = [self.default, *self.presets.values()]
            for value in values:
                if value is None:
                    continue
                if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
                    wrong.append(f"{name}: default {value} lies outside the bounds {self.bounds}")
            if self.cited is not None and not (self.source or self.doi or self.row):
                if self.evidence == "assumed":
                    wrong.append(f"{name}: a cited range that nobody has published")
            if self.cited is not None and self.bounds is not None:
                if self.cited[0] < self.bounds[0] or self.cited[1] > self.bounds[1]:
                    wrong.append(f"{name}: the cited range {self.cited} leaves the bounds {self.bounds}")
        if self.kind == "choice":
            for value in (self.default, *self.presets.values()):
                if value not in self.options:
                    wrong.append(f"{name}: default {value!r} is none of the options")
        unknown = (set(self.presets) | set(self.variants)) - set(PRESETS)
        if unknown:
            wrong.append(f"{name}: unknown presets {sorted(unknown)}")
        for preset in self.variants:
            wrong.extend(self.under(preset).faults(f"{name} ({preset})"))
        return wrong


def quantity(
    default: float | None,
    unit: str,
    meaning: str,
    *,
    bounds: tuple[float, float],
    cited: tuple[float, float] | None = None,
    evidence: Evidence,
    source: str = "",
    doi: str = "",
    presets: Mapping[str, Any] | None = None,
    row: str = "",
    variants: Mapping[str, Mapping[str, Any]] | None = None,
) -> Any:
    """Declare a number with a unit as a field of a `Params` dataclass; see `ParameterSpec`."""
    return _field(
        ParameterSpec(
            "quantity",
            meaning,
            default,
            unit=unit,
            bounds=bounds,
            cited=cited,
            evidence=evidence,
            source=source,
            doi=doi,
            presets=presets or {},
            row=row,
            variants=variants or {},
        )
    )


def count(
    default: int,
    meaning: str,
    *,
    bounds: tuple[int, int],
    evidence: Evidence = "assumed",
    unit: str = "1",
    presets: Mapping[str, int] | None = None,
) -> Any:
    """Declare a whole number as a field of a `Params` dataclass."""
    return _field(
        ParameterSpec(
            "count", meaning, default, unit=unit, bounds=bounds, evidence=evidence, presets=presets or {}
        )
    )


def choice(
    default: str,
    options: tuple[str, ...],
    meaning: str,
    *,
    evidence: Evidence = "assumed",
    source: str = "",
    presets: Mapping[str, Any] | None = None,
) -> Any:
    """Declare a word out of a list as a field of a `Params` dataclass."""
    return _field(
        ParameterSpec(
            "choice",
            meaning,
            default,
            options=options,
            evidence=evidence,
            source=source,
            presets=presets or {},
        )
    )


def switch(default: bool, meaning: str, *, evidence: Evidence = "assumed") -> Any:
    """Declare a switch as a field of a `Params` dataclass."""
    return _field(ParameterSpec("switch", meaning, default, evidence=evidence))


def text(default: str, meaning: str) -> Any:
    """Declare free text as a field of a `Params` dataclass."""
    return _field(ParameterSpec("text", meaning, default))


def _field(spec: ParameterSpec) -> Any:
    return dataclasses.field(default=spec.default, metadata={"spec": spec})


@dataclasses.dataclass(frozen=True)
class Params:
    """Base of every parameter set; all fields are declared with `quantity`, `choice`, `switch`, `count`, `text`."""

    _specs: ClassVar[dict[str, ParameterSpec] | None] = None

    @classmethod
    def specs(cls) -> dict[str, ParameterSpec]:
        """Return field name -> spec, in order of declaration.

        Raises
        ------
        TypeError
            If a field was declared without a spec.
        """
        found: dict[str, ParameterSpec] = {}
        for field in dataclasses.fields(cls):
            spec = field.metadata.get("spec")
            if spec is None:
                raise TypeError(f"{cls.__qualname__}.{field.name} has no unit and no evidence tag")
            found[field.name] = spec
        return found

    @classmethod
    def for_preset(cls, preset: str, **values: Any) -> Any:
        """Return a parameter set with the defaults of `preset`, changed by `values` (in the specs' units)."""
        defaults = {name: spec.default_for(preset) for name, spec in cls.specs().items()}
        return cls(**{**defaults, **values})
