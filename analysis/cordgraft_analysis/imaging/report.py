"""A self-contained HTML report on one examination: pictures with bridges, measures, warnings, where it comes from.

Nothing on the page comes from outside it, and it works without scripts. That of several sessions is
`report_trial.trial_page`.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from cordgraft_analysis import palette
from cordgraft_analysis.imaging import report_parts as parts
from cordgraft_analysis.imaging import report_words
from cordgraft_analysis.imaging.examination import Examination
from cordgraft_analysis.page_parts import document, section


def page(examination: Examination, facts: Mapping[str, str]) -> str:
    """Return the page of one examination.

    Parameters
    ----------
    examination : Examination
    facts : mapping of str to str
        Versions, command and the like, for the section on provenance.
    """
    title = f"Lesion report: {examination.title}"
    body = "\n".join(
        [
            head(title, f"Voxels {parts.voxels(examination)}. Method mm, beside it the formulas of SCT where masks are "
                 "of whole voxels.", (("pictures", "pictures"), ("measures", "measures"), ("warnings", "warnings"),
                 ("files", "files"), ("provenance", "provenance")),
                 report_words.simulated([examination])),
            verdict(examination),
            parts.keys(examination),
            section("pictures", "Pictures", parts.pictures(examination)),
            section("measures", "Measures", how() + parts.measures_table(examination)
                    + parts.lesions_table(examination) + parts.profile_details(examination)),
            section("warnings", "Warnings and notes", parts.warnings([examination])),
            section("files", "Files", parts.files_table([examination])),
            section("provenance", "Where this comes from", parts.provenance(facts)),
        ]
    )  # fmt: skip
    return document(title, body, footer(facts), parts.STYLE)


def head(title: str, lead: str, links: tuple[tuple[str, str], ...], simulated: list[str]) -> str:
    """Return the top of a report: title, what it is and is not, where to look."""
    said = "".join(f'<p class="warning">{escape(sentence)}</p>\n' for sentence in simulated)
    nav = " ".join(f'<a href="#{anchor}">{word}</a>' for anchor, word in links)
    return (
        f'<h1>{escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>\n'
        f'<p class="research">{escape(report_words.RESEARCH)}</p>\n{said}<nav>{nav}</nav>'
    )


def verdict(examination: Examination) -> str:
    """Return in a sentence how many lesions the mask holds."""
    count = len(examination.table.lesions)
    if count == 0:
        return (
            "<p><strong>No lesion is present in the mask.</strong> This is a valid result; bridges stand for half of "
            "the cord's A-P diameter on each side.</p>"
        )
    return f"<p>The mask holds {count} lesion{'s, measured here as one' if count > 1 else ''}.</p>"


def how() -> str:
    """Return how it was measured and how sure it is."""
    return f"<p>{escape(report_words.METHOD)}</p>\n<p>{escape(report_words.UNCERTAINTY)}</p>\n"


def footer(facts: Mapping[str, str]) -> str:
    """Return the last line of a page."""
    version = facts.get("cordgraft", "")
    return escape(f"{palette.RESEARCH_SENTENCE} {report_words.RESEARCH} cordgraft {version}".strip())
