"""The sentences of the ODD description that no code can say; numbers in braces are filled in from the specs."""

from __future__ import annotations

HEAD = """\
This description follows the ODD protocol (Overview, Design concepts, Details) in its second update: Grimm et al.
2020, Journal of Artificial Societies and Social Simulation 23(2) 7,
[10.18564/jasss.4259](https://doi.org/10.18564/jasss.4259). Tables and equations are taken from the code; each
mechanism has [a page of its own](processes/README.md), and every number stands in [parameters](parameters.md)."""

PURPOSE = """\
The model is a laboratory for ideas about grafts in the injured spinal cord. It asks how many transplanted human
precursor cells survive, what they become and where they go; how far axons of host and graft grow, and what they
connect to; how the lesion changes; and what function the circuits that are left and made could carry. Above all it
asks how the answers depend on dose, date, cell line and lesion, and on what nobody has measured. It is built for
comparison of arms of one experiment (the same seed is the same subject), for {species}. **It predicts no patient.**

The model is fit for its purpose as far as it gives back patterns that were not put in. What has been measured as an
outcome (the size of the final lesion, the share of cells that survive, the distance that stumps die back, the fates
of a graft) is therefore never a parameter. Of {numbers} numbers {assumed} are assumed; {calibrated} were tuned, and
the patterns they were tuned to are no test."""

SCALES_WORDS = """\
Space is a regular lattice; axis x from right to left, y from back to front, z along the cord, rostral positive. By
default it is a *mid-sagittal section*: one voxel wide, as thick as `geometry.slab`, with the share of graft and
fibres that lies in it; outcomes are given both as simulated and as represented for the whole cord. With `section:
volume` it is the whole cord. Agents that grow (axons) have real coordinates; cells have a voxel. Time is an integer
number of ticks from the injury; a mechanism runs every whole number of ticks. What is smaller than a voxel or
faster than a tick is in the equations or not there at all."""

ORDER = """\
In every tick the phases run in the order below, within a phase the mechanisms in the order of the table; a
mechanism with a period of p ticks runs in the ticks that p divides, and advances by p ticks. Only scheduled
mechanisms know the date; all others see local state and the age of their own cell or axon. Each array has one
writer in a phase. What several mechanisms would change at once they ask for, and one mechanism grants: sources of
fields ([transport](processes/transport.md)), requests to turn tissue into tissue
([tissue_transfer](processes/tissue_transfer.md)), dangers, moves and births of cells
([cell_turnover](processes/cell_turnover.md)). Agents of one mechanism act at the same time, on the state as it was
before; who wins a place is drawn, not decided by the order of rows. `cordgraft plan NAME` prints the schedule of a
scenario with everything that is read and written."""

CONCEPTS: dict[str, str] = {
    "Basic principles": """\
Tissue as a medium with rates, agents as individuals. The host's immune cells, glia and vessels are densities that
follow ordinary differential equations in each voxel; signals obey diffusion with decay; oxygen is in balance
between supply and uptake. Grafted cells and axons are individuals, because their numbers are small, their histories
differ and their clones and paths matter. A mechanism stands in one file, declares what it reads and writes, and
never calls another, so that it can be looked at alone, and most can be switched off. None but the scheduled ones
reads the calendar: a peak on day 7 must come out of rates.""",
    "Emergence": """\
From rates and local rules come: the final lesion and its course, the times of immune peaks (tuned as a set, see
[inflammation](processes/inflammation.md)), survival and composition of the graft, its volume and its spread, reach
and crossings of axons, synapses, and the indices of function. Imposed are: what the blow itself destroys, where
tracts run, the leanings of cell lines, and the form of the curve from conducting fibres to function.""",
    "Adaptation": """\
Agents respond to what is around them by fixed rules. Cells commit to fates with odds tilted by crowding,
inflammation and white matter; they divide less where it is full and move down the pressure. Growth cones slow,
stop, turn and branch by substrate, inhibitors and cue. Spared circuits strengthen while a window of plasticity is
open.""",
    "Objectives": """\
None. No agent weighs alternatives against a goal; rules give rates and probabilities.""",
    "Learning": """\
None. Agents do not change their rules. The host's reactivity against a graft grows with exposure
([rejection](processes/rejection.md)), which is memory of the immune system and a state, not learning of an agent.""",
    "Prediction": """\
None. Agents respond to what is, not to what they expect.""",
    "Sensing": """\
An agent knows the values of its own voxel, and its own age and state; a growth cone also the gradient of the cue
over its width, with the noise of receptor binding, and a cell how full the voxels beside it are. Nobody sees the
whole cord.""",
    "Interaction": """\
Mostly through the medium: cells release factors, take up oxygen and fill room, and others read fields and room.
Directly: cells compete for places in a voxel, growth cones for the cross-section, cones connect to neurons in
reach, and an axon is lost with its neuron.""",
    "Stochasticity": """\
Chance stands for differences between subjects and for what happens to single agents. A draw is a pure function of
(seed, agent, tick, stream, block), by the counter-based generator Philox 4x32-10: the same for any number of
threads, after any restart, and in both arms of an experiment as long as the decision is the same. Each of the
{streams} streams belongs to one kind of decision. Densities and fields are deterministic, given the agents.""",
    "Collectives": """\
Deliveries (cells know which graft they came from), clones (cells know their mother), tracts (fibres of one kind,
with the same place and capacity) and the graft as tissue, which takes room and feeds function as a relay. They have
no rules of their own; what they do is the sum of their members.""",
    "Observation": """\
Observers read the state at recorded days and never change it. Counts are given as simulated and as represented for
the whole cord. Whoever leaves the lattice is counted as censored, not as stopped. Units, definitions and when a
value is missing stand in `data_dictionary.csv` of every run.""",
}

INITIAL = """\
The run begins in the minute before the injury with an intact cord: an ellipse of the species and level, scaled by
the subject's size, or the cord of a scan; a grey-matter butterfly with the share `geometry.grey_share`; the rest
white matter. There are no immune cells, no graft and no scar; oxygen is in balance. In the tick of the injury, the
first, the subject's factors are drawn, the blow kills and marks tissue, and a sample of fibres is laid out and
severed. Cells come with a treatment. Initial values that depend on species or level are presets, see
[parameters](parameters.md)."""

INPUT = """\
No series of outside data drives the model. A scenario file states who is injured, how, and what is done when; two
masks in NIfTI format may replace the shape of cord and lesion ([scans](scans.md)), and are read once."""
