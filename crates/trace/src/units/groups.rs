//! From sets of indices to groups of units.

use crate::ir::graph::{Graph, Source, ValueId};
use crate::ir::ties::{Axes, PINNED};
use crate::passes::dependence::Analysis;
use landscape_core::alignment::{AxisRef, Group, PermutationSpec};
use std::collections::{BTreeMap, HashMap};

/// An axis of a value that carries a group's units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub value: ValueId,
    pub axis: usize,
    /// First index of the first unit, and consecutive indices a unit; one where the units are
    /// repeated.
    pub runs: Vec<Run>,
}

/// Units side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub start: usize,
    pub repeat: usize,
}

/// An axis of a value.
type Axis = (ValueId, usize);

/// Indices of one unit along every axis it lies on.
type Unit = BTreeMap<Axis, Vec<usize>>;

/// Groups of at least two units that occur in the same places, among them parameters; and where layers
/// read each group.
pub(super) fn groups(
    graph: &Graph,
    analysis: &Analysis,
    mut axes: Axes,
) -> (PermutationSpec, Vec<Vec<Reading>>) {
    let mut alike: HashMap<Vec<(Axis, usize)>, Vec<Unit>> = HashMap::new();
    for unit in units(graph, &mut axes) {
        let counts = unit.iter().map(|(place, indices)| (*place, indices.len()));
        alike.entry(counts.collect()).or_default().push(unit);
    }
    let order = order_of_use(graph);
    let found = alike.into_values().filter_map(|units| {
        let found = OrderedGroup::new(graph, &order, &units)?;
        let readings = readings(&axes, analysis, &units);
        Some((found, readings))
    });
    let mut found: Vec<(OrderedGroup, Vec<Reading>)> = found.collect();
    found.sort_by_key(|(group, _)| group.first);
    let (groups, readings): (Vec<OrderedGroup>, Vec<_>) = found.into_iter().unzip();
    let groups = named_apart(groups.into_iter().map(|found| found.group).collect());
    (PermutationSpec { groups }, readings)
}

/// The sets that may move.
fn units(graph: &Graph, axes: &mut Axes) -> Vec<Unit> {
    let mut units: BTreeMap<usize, Unit> = BTreeMap::new();
    for (value, of) in graph.values.iter().enumerate() {
        for (axis, &length) in of.shape.iter().enumerate() {
            for i in 0..length {
                let index = axes.index(value, axis, i);
                if index == PINNED {
                    break;
                }
                let set = axes.sets.find(index);
                if set != PINNED {
                    let unit = units.entry(set).or_default();
                    unit.entry((value, axis)).or_default().push(i);
                }
            }
        }
    }
    units.into_values().collect()
}

/// When a value is first an input: the node, and which input.
fn order_of_use(graph: &Graph) -> HashMap<ValueId, (usize, usize)> {
    let mut order = HashMap::new();
    for (node, of) in graph.nodes.iter().enumerate() {
        for (input, &value) in of.inputs.iter().enumerate() {
            order.entry(value).or_insert((node, input));
        }
    }
    order
}

/// A group and when it first occurs.
struct OrderedGroup {
    first: ((usize, usize), usize),
    group: Group,
}

impl OrderedGroup {
    /// `None` where there is nothing to permute, or the units do not lie side by side.
    fn new(
        graph: &Graph,
        order: &HashMap<ValueId, (usize, usize)>,
        units: &[Unit],
    ) -> Option<Self> {
        let parameter = |place: &Axis| match graph.values[place.0].source {
            Source::Parameter(slot) => Some((*order.get(&place.0)?, place.1, slot)),
            _ => None,
        };
        let mut places = Vec::new();
        for place in units[0].keys() {
            if let Some((when, axis, slot)) = parameter(place) {
                let slot = &graph.parameters[slot];
                let axis = if slot.transposed { 1 - axis } else { axis };
                places.push(((when, axis), *place, slot.name.as_str()));
            }
        }
        places.sort_unstable();
        let (first, ..) = *places.first()?;
        let mut axes = Vec::new();
        for ((_, axis), place, name) in &places {
            let length = graph.values[place.0].shape[place.1];
            axes.extend(references(
                name,
                *axis,
                length,
                &runs(units, place)?,
                units.len(),
            ));
        }
        let group = Group {
            name: name(&axes),
            units: units.len(),
            axes,
        };
        (units.len() > 1).then_some(OrderedGroup { first, group })
    }
}

fn references(
    tensor: &str,
    axis: usize,
    length: usize,
    runs: &[Run],
    units: usize,
) -> Vec<AxisRef> {
    let reference = |run: &Run| AxisRef {
        repeat: run.repeat,
        part: (run.repeat * units != length).then_some(run.start),
        ..AxisRef::new(tensor, axis)
    };
    runs.iter().map(reference).collect()
}

/// How the units lie along an axis: unit after unit, a few indices each; several times where they are
/// repeated. `None` where they do not. Units come in the order of their sets, which is that of the
/// first axis on which they lie.
fn runs(units: &[Unit], place: &Axis) -> Option<Vec<Run>> {
    let first = &units[0][place];
    let consecutive = first.windows(2).take_while(|pair| pair[1] == pair[0] + 1);
    let most = consecutive.count() + 1;
    // Two repetitions of a single unit's indices may touch.
    let mut repeats = (1..=most).rev().filter(|r| first.len().is_multiple_of(*r));
    repeats.find_map(|repeat| {
        let starts: Vec<usize> = first.chunks(repeat).map(|chunk| chunk[0]).collect();
        let fits = units.iter().enumerate().all(|(number, unit)| {
            let shift = number * repeat;
            let expected = starts
                .iter()
                .flat_map(|&s| (0..repeat).map(move |k| s + shift + k));
            unit[place].iter().copied().eq(expected)
        });
        let runs = starts.iter().map(|&start| Run { start, repeat });
        fits.then(|| runs.collect())
    })
}

/// The layer that makes the units.
fn name(axes: &[AxisRef]) -> String {
    let makes = |axis: &&AxisRef| axis.axis == 0 && axis.tensor.ends_with(".weight");
    let maker = axes.iter().find(makes).unwrap_or(&axes[0]);
    let tensor = maker.tensor.as_str();
    tensor.strip_suffix(".weight").unwrap_or(tensor).to_owned()
}

/// Several groups of one layer are numbered.
fn named_apart(mut groups: Vec<Group>) -> Vec<Group> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for group in &mut groups {
        let times = seen.entry(group.name.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            group.name = format!("{} ({times})", group.name);
        }
    }
    groups
}

/// Where layers read the units of a group, sample by sample.
fn readings(axes: &Axes, analysis: &Analysis, units: &[Unit]) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    for place in &axes.reads {
        let (value, axis) = *place;
        let known = readings.iter().any(|r| (r.value, r.axis) == *place);
        if !analysis.samples[value] || known || !units[0].contains_key(place) {
            continue;
        }
        if let Some(runs) = runs(units, place) {
            readings.push(Reading { value, axis, runs });
        }
    }
    readings
}
