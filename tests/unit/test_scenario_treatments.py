"""Treatments before the run: times that are whole ticks, treatments that could change nothing, a solver by force."""

from __future__ import annotations

from pathlib import Path

import pytest

from cordgraft.core.problems import BadInput
from cordgraft.run.inspection import check_scenarios
from cordgraft.scenario import catalog
from cordgraft.scenario.document import parse
from cordgraft.scenario.load import from_document, load
from cordgraft.scenario.schema import treatment_types
from cordgraft.scenario.treatments import ON_TICKS, TIME_CONSTANTS, first_graft_h

INTACT = "subject.immune_system=intact"
HUMAN = "human_cervical_subacute_graft"
#: A lesion that a scaffold can fill, and room in host tissue for cells that are drawn.
CAVITY, ROOM = "parameters.remodelling.cavity_share=0.6", "geometry.voxel=50 um"


def off(*names: str) -> list[str]:
    return [f"parameters.{name}.enabled=false" for name in names]


def drug(kind: str, **keys: str) -> list[str]:
    return [
        f"treatments.drug.type={kind}",
        *(f"treatments.drug.{key}={value}" for key, value in keys.items()),
    ]


def cautions(*sets: str, name: str = "mouse_subacute_graft") -> list[str]:
    config = load(name, sets)
    text = catalog.to_yaml(config.resolved)
    again = from_document(parse(text, "a.yaml"), Path("a.yaml"))
    assert again.cautions == config.cautions, "a resolved scenario is cautioned as the one that was written"
    return [str(caution) for caution in config.cautions]


# ------------------------------------------------------------------------------------ whole ticks


@pytest.mark.parametrize(
    ("kind", "keys", "wrong", "beside"),
    [
        ("suicide_switch", {"duration": "50.5 h"}, "duration", "50 h or 51 h"),
        ("immunosuppression", {"duration": "79.5 h"}, "duration", "79 h or 80 h"),
        ("immunosuppression", {"duration": "0.25 h"}, "duration", "example 1 h"),
        ("anti_inflammatory", {"duration": "90 min"}, "duration", "1 h or 2 h"),
        ("matrix_factor", {"duration": "1.03 d"}, "duration", "1 d or 25 h"),
        ("chondroitinase", {"doses": "3", "interval": "36.4 h"}, "interval", "36 h or 37 h"),
        ("chondroitinase", {"at": "9.01 d"}, "at", "9 d or 217 h"),
    ],
)
def test_a_time_of_a_treatment_is_a_whole_number_of_ticks(
    kind: str, keys: dict[str, str], wrong: str, beside: str
) -> None:
    with pytest.raises(BadInput) as caught:
        load("mouse_subacute_graft", drug(kind, **keys))
    (problem,) = caught.value.problems
    assert problem.key == f"treatments.drug.{wrong}" and problem.value == keys[wrong]
    assert "not a whole number of ticks of 1 h" in problem.message and beside in problem.allowed


def test_what_is_no_date_may_be_any_time() -> None:
    config = load("mouse_subacute_graft", drug("chondroitinase", product="gel", release_time="36.4 h"))
    assert config.treatments["drug"][1].release_time == pytest.approx(36.4)
    # of one dose there is no interval
    load("mouse_subacute_graft", drug("chondroitinase", interval="36.4 h"))
    assert (
        load("mouse_subacute_graft", [*drug("suicide_switch", duration="1.5 h"), "tick=30 min"]).tick_h == 0.5
    )


def test_every_time_of_every_treatment_is_known_as_a_date_or_as_a_time_constant() -> None:
    """A new treatment with another time has to say which of both it is."""
    for word, kind in treatment_types().items():
        times = {name for name, spec in kind.Params.specs().items() if spec.unit in ("h", "d")}
        assert times <= {*ON_TICKS, *TIME_CONSTANTS}, f"{word}: put it into one of the two lists"


def test_a_preview_has_a_tick_that_all_times_of_a_treatment_meet() -> None:
    for keys, tick_h in (({"at": "12 h", "duration": "70 h"}, 2.0), ({"at": "12 h", "duration": "3 d"}, 6.0)):
        config = load("mouse_subacute_graft", ["resolution=preview", *drug("anti_inflammatory", **keys)])
        assert config.tick_h == tick_h
    # its default date counts as well
    assert load("mouse_subacute_graft", ["resolution=preview", *drug("anti_inflammatory")]).tick_h == 2.0


# -------------------------------------------------------------------------------- what cannot act


def test_shipped_treatments_act_where_they_belong() -> None:
    sets = [INTACT, "duration=120 d"]
    for word in (
        "suicide_switch",
        "immunosuppression",
        "anti_inflammatory",
        "chondroitinase",
        "matrix_factor",
        "chemoattractant",
        "growth_stimulation",
        "inhibitor_block",
        "mtor_block",
        "rehabilitation",
    ):
        # places enough for cells that are drawn
        room = ["geometry.voxel=50 um"] if word == "chemoattractant" else []
        assert cautions(*sets, *room, *drug(word)) == [], word
    assert not [c for c in cautions(*drug("scaffold"), name=HUMAN) if c.startswith("treatments")]
    local = drug("inhibitor_block", route="local", volume="2e8 um3", position="1 mm", depth="0.5 mm")
    assert cautions(*sets, *local) == []
    assert cautions(*sets, *drug("inhibitor_block", penetration="0.5 mm")) == []
    gel = drug("chondroitinase", product="gel", release_time="5 d", doses="2", interval="7 d")
    assert cautions(*sets, *gel) == []


@pytest.mark.parametrize(
    ("sets", "key", "says", "acts"),
    [
        (["treatments.graft.dose=0 cells", *drug("suicide_switch")], "treatments.drug", "no grafted cells",
         "dose is more than 0"),
        ([INTACT, "treatments.graft.dose=0 cells", *drug("immunosuppression")], "treatments.drug",
         "no grafted cells", "cell_graft"),
        (drug("suicide_switch", at="2 d", duration="7 d"), "treatments.drug.duration",
         "ends on day 9, and the first cells are grafted on day 9", "beyond that"),
        ([INTACT, *drug("immunosuppression", at="1 d", duration="5 d")], "treatments.drug.duration",
         "ends on day 6", "beyond that"),
        (drug("immunosuppression"), "treatments.drug", "the immune system is deficient",
         "subject.immune_system: intact"),
        ([INTACT, *drug("immunosuppression"), *off("rejection")], "treatments.drug", "rejection is switched off",
         "parameters.rejection.enabled: true"),
        ([*drug("anti_inflammatory"), *off("inflammation")], "treatments.drug", "inflammation is switched off",
         "parameters.inflammation.enabled: true"),
        ([*drug("chondroitinase"), *off("digestion")], "treatments.drug", "only opens the nets",
         "parameters.digestion.enabled: true"),
        ([*drug("chondroitinase"), *off("digestion", "function_index")], "treatments.drug", "changes nothing",
         "parameters.digestion.enabled: true"),
        ([*drug("chondroitinase"), *off("scar")], "treatments.drug", "no more CSPG than intact tissue",
         "parameters.scar.enabled: true"),
        ([*drug("matrix_factor"), *off("axon_growth")], "treatments.drug", "changes no axon",
         "parameters.axon_growth.enabled: true"),
        ([*drug("scaffold"), *off("axon_growth"), CAVITY], "treatments.drug", "changes no axon",
         "parameters.axon_growth.enabled: true"),
        (drug("scaffold"), "treatments.drug", "5 % of the dead tissue becomes fluid",
         "higher parameters.remodelling.cavity_share"),
        ([*drug("scaffold"), *off("remodelling")], "treatments.drug", "dead tissue is not cleared",
         "parameters.remodelling.enabled: true"),
        ([*drug("scaffold", position="1 mm"), CAVITY], "treatments.drug.position", "1 mm is not used: without a length",
         "with a length"),
        ([*drug("chemoattractant", at="1 d", release_time="32 h"), ROOM], "treatments.drug.at",
         "99 % of the dose has come free on day 7.66667, and the first cells are grafted on day 9", "release_time"),
        ([*drug("chemoattractant", at="2 h", release_time="12 h"), ROOM], "treatments.drug.at",
         "come free after 62 h", "later"),
        ([*drug("chemoattractant", dose="0 ng"), ROOM], "treatments.drug.dose", "the depot is empty", "more than 0"),
        ([*drug("chemoattractant"), ROOM, "parameters.migration.attracted_speed=0 um/h"], "treatments.drug",
         "attracted_speed is 0", "more than 0"),
        (drug("chemoattractant"), "numerics.cells_per_agent", "has 1.5 places for simulated cells", "larger voxels"),
        ([*drug("matrix_factor"), *off("scar")], "treatments.drug", "never fades", "parameters.scar.enabled: true"),
        ([*drug("growth_stimulation"), *off("axon_growth")], "treatments.drug", "changes no axon",
         "parameters.axon_growth.enabled: true"),
        ([*drug("mtor_block"), *off("axon_growth")], "treatments.drug", "changes no axon",
         "parameters.axon_growth.enabled: true"),
        ([*drug("mtor_block", axons="graft"), "treatments.graft.dose=0 cells"], "treatments.drug",
         "no grafted cells", "cell_graft"),
        (drug("mtor_block", axons="graft", at="1 d", duration="8 d"), "treatments.drug.duration",
         "ends on day 9", "beyond that"),
        ([*drug("rehabilitation"), *off("function_index")], "treatments.drug", "changes nothing",
         "parameters.function_index.enabled: true"),
        ([*drug("inhibitor_block"), *off("axon_growth")], "treatments.drug", "changes no axon, only plasticity",
         "parameters.axon_growth.enabled: true"),
        ([*drug("inhibitor_block"), *off("axon_growth", "function_index")], "treatments.drug", "changes nothing",
         "parameters.axon_growth.enabled: true"),
        (drug("inhibitor_block", volume="2e8 um3"), "treatments.drug.volume", "by the intrathecal route",
         "route: local"),
        (drug("inhibitor_block", route="local", penetration="2 mm"), "treatments.drug.penetration",
         "by the local route", "route: intrathecal"),
        ([*drug("chemoattractant"), *off("migration")], "treatments.drug", "draws no cell",
         "parameters.migration.enabled: true"),
        ([*drug("chemoattractant"), "treatments.graft.dose=0 cells"], "treatments.drug", "no grafted cells",
         "cell_graft"),
        (drug("chondroitinase", at="100 d", doses="5", interval="5 d"), "treatments.drug.doses",
         "2 of 5 doses are never given: the last one is due on day 120, and the run ends on day 112", "interval"),
        (drug("chondroitinase", release_time="5 d"), "treatments.drug.release_time",
         "5 d is not used: the product is bare", "product: gel"),
        (drug("chondroitinase", interval="5 d"), "treatments.drug.interval", "there is one dose", "two doses"),
        (["parameters.transport.edge_permeability=0.5 um/s"], "parameters.transport.edge_permeability",
         "0.5 um/s is not used: the edge of the cord is closed", "parameters.transport.edge: exchange"),
        (["parameters.transport.edge_permeability=0.5 um/s", "parameters.transport.edge=fixed"],
         "parameters.transport.edge_permeability", "the edge of the cord is fixed", "exchange"),
    ],
)  # fmt: skip
def test_what_cannot_act_is_cautioned_with_what_would_make_it_act(
    sets: list[str], key: str, says: str, acts: str
) -> None:
    (caution,) = (
        found for found in cautions(*sets) if "cited range" not in found
    )  # no dose of cells is outside
    assert caution.startswith((f"{key}: ", f"{key} ")), caution
    assert says in caution and acts in caution


def test_what_is_used_after_all_is_not_cautioned() -> None:
    assert (
        cautions("parameters.transport.edge_permeability=0.5 um/s", "parameters.transport.edge=exchange")
        == []
    )
    # it goes on into the time of the graft, or there is a second graft
    assert cautions(INTACT, *drug("immunosuppression", at="1 d", duration="193 h")) == []
    early = ["treatments.first.type=cell_graft", "treatments.first.at=7 d"]
    assert cautions(*early, *drug("suicide_switch", at="8 d", duration="1 d")) == []


def test_a_depot_that_still_holds_something_may_come_before_the_graft() -> None:
    assert cautions(*drug("chemoattractant", at="5 d"), ROOM) == []
    assert cautions(*drug("scaffold", position="1 mm", length="2 mm"), CAVITY, name=HUMAN) == cautions(
        name=HUMAN
    )


def test_an_enzyme_is_no_graft() -> None:
    """Its dose is one of activity: bounds of safety and the time of a run count from the cells."""
    config = load("mouse_subacute_graft", drug("chondroitinase", at="3 d"))
    assert first_graft_h(config) == first_graft_h(config, with_cells=True) == 9 * 24.0
    none = load("mouse_subacute_graft", ["treatments.graft.dose=0 cells"])
    assert first_graft_h(none) == 9 * 24.0 and first_graft_h(none, with_cells=True) is None
    assert first_graft_h(load("mouse_contusion_untreated")) is None


def test_an_intrathecal_product_has_no_place_that_could_lie_outside_the_cord() -> None:
    shallow = [
        "geometry.cord_depth=0.65 mm",
        "geometry.length=6 mm",
        "geometry.slab=50 um",
        "treatments.graft=none",
    ]
    load("mouse_subacute_graft", [*shallow, *drug("inhibitor_block", position="4 mm")])
    for keys, wrong in (({}, "depth"), ({"depth": "0.3 mm", "position": "4 mm"}, "position")):
        with pytest.raises(BadInput) as caught:
            load("mouse_subacute_graft", [*shallow, *drug("inhibitor_block", route="local", **keys)])
        assert [problem.key for problem in caught.value.problems] == [f"treatments.drug.{wrong}"]


def test_the_shares_of_the_myelin_inhibitors_are_shares_of_one_whole() -> None:
    def shares(nogo: str, mag: str, omgp: str) -> list[str]:
        named = {"nogo": nogo, "mag": mag, "omgp": omgp}
        return [f"parameters.axon_growth.{name}_share={value}" for name, value in named.items()]

    growth = load("mouse_subacute_graft", shares("70 %", "20 %", "10 %")).parameters["axon_growth"]
    assert (growth.nogo_share, growth.mag_share, growth.omgp_share) == pytest.approx((0.7, 0.2, 0.1))
    with pytest.raises(BadInput) as caught:
        load("mouse_subacute_graft", shares("70 %", "25 %", "25 %"))
    (problem,) = caught.value.problems
    assert problem.key == "parameters.axon_growth.nogo_share"
    assert (
        "do not add up to 1" in problem.message
        and "nogo_share + mag_share + omgp_share = 1" in problem.allowed
    )


# ------------------------------------------------------------------------------------- examination


@pytest.mark.parametrize(
    ("sets", "key", "says", "allowed"),
    [
        (["first_day=60 d"], "first_day", "moved to another day", "1 to 30 d"),
        (["first_day=0 d"], "first_day", "moved to another day", "1 to 30 d"),
        (["first_day_earliest=40 d"], "first_day_latest", "before the earliest", "at least 40 d"),
        (["grade_3=0.07"], "grade_3", "easier to reach than grade 2", "0.083 to 1"),
        (["grade_1=0.5", "grade_2=0.5", "grade_3=0.5", "grade_4=0.5"], "grade_5", "than grade 4", "0.5 to 1"),
    ],
)
def test_days_and_thresholds_of_the_examination_fit_together(
    sets: list[str], key: str, says: str, allowed: str
) -> None:
    with pytest.raises(BadInput) as caught:
        load(HUMAN, [f"parameters.examination.{text}" for text in sets])
    (problem,) = caught.value.problems
    assert problem.key == f"parameters.examination.{key}"
    assert says in problem.message and allowed in problem.allowed
    later = ["parameters.examination.first_day=60 d", "parameters.examination.first_day_latest=90 d"]
    equal = ["parameters.examination.grade_3=0.09", "parameters.examination.grade_2=0.09"]
    assert load(HUMAN, [*later, *equal]).parameters["examination"].first_day == 60.0


# ------------------------------------------------------------------------------- a solver by force

SMALL = ["duration=2 d", "record.maps=[2 d]", "geometry.length=3.2 mm", "treatments=none", "safety={}"]
SPECTRAL = [*SMALL, "parameters.transport.solver=spectral"]


@pytest.mark.parametrize(
    "sets",
    [
        [],
        ["parameters.transport.contrast=false", "parameters.transport.edge=exchange"],
        ["parameters.transport.contrast=false", "geometry.section=volume", "geometry.voxel=100 um"],
    ],
)
def test_a_solver_that_cannot_serve_the_cord_is_refused_before_anything_is_built(
    sets: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cordgraft.scenario import build

    def nothing(_: object) -> None:
        raise AssertionError("built")

    monkeypatch.setattr(build, "build", nothing)
    assert check_scenarios(["mouse_subacute_graft"], [*SPECTRAL, *sets], False, False) == 2
    said = capsys.readouterr().err
    assert "parameters.transport.solver: the spectral solver needs a cord that fills the lattice" in said
    assert "auto, sdirk2 or rkl2" in said


def test_blocks_that_do_not_fill_the_lattice_are_refused_by_the_check_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a section without contrast it depends on the blocks: three voxels of 25 um are no whole share of a cord."""
    plain = [*SPECTRAL, "parameters.transport.contrast=false", "parameters.subject.variation=0"]
    fits = [*plain, "parameters.transport.coarsening=2"]
    assert check_scenarios(["mouse_subacute_graft"], fits, False, True) == 0
    assert "spectral" not in capsys.readouterr().err
    assert (
        check_scenarios(["mouse_subacute_graft"], [*plain, "parameters.transport.coarsening=3"], False, True)
        == 2
    )
    assert "the spectral solver needs a cord that fills the lattice" in capsys.readouterr().err
