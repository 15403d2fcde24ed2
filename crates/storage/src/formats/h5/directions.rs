//! Directions: a group of datasets `0`, `1`, ... for each, one dataset a tensor.
//!
//! What is a direction of the kind `weights` has the parameters in PyTorch's order. One of the kind
//! `states` has the whole state, with the statistics of BatchNorm and its counters
//! `num_batches_tracked`, which are not kept here: they are passed over when read and written as 0.

use super::hdf5::{Group, Node, Values};
use super::{at, open, save};
use crate::error::{Error, Place};
use landscape_core::{Parameter, Params, Role};
use std::path::Path;

/// The groups; the programs that this layout comes from know the first two.
pub(super) const NAMES: [&str; 3] = ["xdirection", "ydirection", "zdirection"];
/// The shares of a path's variance along principal components.
pub(super) const EXPLAINED: &str = "explained_variance_ratio_";

/// Writes up to three directions of one layout.
pub(crate) fn write(directions: &[&Params], explained: &[f64], path: &Path) -> Result<(), Error> {
    let moving = |tensor: &Parameter| {
        tensor.role == Role::Buffer && tensor.data.iter().any(|&value| value != 0.0)
    };
    let states = directions.iter().any(|tensors| tensors.iter().any(moving));
    let mut entries: Vec<(String, Node)> = NAMES
        .iter()
        .zip(directions)
        .map(|(name, tensors)| ((*name).to_owned(), list(tensors, states)))
        .collect();
    if !explained.is_empty() {
        let shares = Node::f64(vec![explained.len()], explained);
        entries.push((EXPLAINED.to_owned(), shares));
    }
    save(&Node::Group(entries), path)
}

fn list(tensors: &Params, states: bool) -> Node<'_> {
    let mut nodes = Vec::new();
    for tensor in tensors {
        if tensor.role == Role::Buffer && !states {
            continue;
        }
        nodes.push(Node::Array {
            shape: tensor.shape.clone(),
            values: Values::F32(tensor.data.as_slice().into()),
        });
        if tensor.name.ends_with("running_var") {
            nodes.push(Node::Array {
                shape: Vec::new(),
                values: Values::I64(vec![0].into()),
            });
        }
    }
    let numbered = nodes.into_iter().enumerate();
    Node::Group(numbered.map(|(n, node)| (n.to_string(), node)).collect())
}

/// Reads directions and gives their tensors the names, shapes and roles of `layout`.
pub(crate) fn read(path: &Path, layout: &Params) -> Result<Vec<Params>, Error> {
    let file = open(path)?;
    let root = file.root().map_err(at(path, "/"))?;
    let mut directions = Vec::new();
    for name in NAMES {
        let Some(group) = root.group(name).map_err(at(path, name))? else {
            break;
        };
        let list = List { path, name, group };
        directions.push(list.read(layout)?);
    }
    match directions.is_empty() {
        true => {
            let held = super::holds(&root);
            let reason =
                format!("there is no such group of tensors 0, 1, ...; the file holds {held}");
            Err(Error::malformed(path, Place::column(NAMES[0]), reason))
        }
        false => Ok(directions),
    }
}

struct List<'a> {
    path: &'a Path,
    name: &'a str,
    group: Group<'a>,
}

impl List<'_> {
    fn read(&self, layout: &Params) -> Result<Params, Error> {
        let shapes = self.shapes()?;
        let parameters = layout.iter().filter(|t| t.role != Role::Buffer);
        let parameters: Vec<&Parameter> = parameters.collect();
        let all: Vec<&Parameter> = layout.iter().collect();
        // Which dataset holds which tensor; states when there is one for each buffer too.
        let counters = |tensors: &[&Parameter]| shapes.len() > tensors.len();
        let places = match shapes.len() > parameters.len() {
            false => self.places(&shapes, &parameters, false)?,
            true => self.places(&shapes, &all, counters(&all))?,
        };
        let mut tensors = Vec::with_capacity(all.len());
        for tensor in layout {
            let data = match places.iter().find(|(name, _)| *name == tensor.name) {
                Some(&(_, number)) => self.values(number)?,
                None => vec![0.0; tensor.numel()],
            };
            tensors.push(Parameter {
                data,
                ..tensor.clone()
            });
        }
        Ok(Params::new(tensors)?)
    }

    fn wrong(&self, number: usize, reason: String) -> Error {
        let place = Place::column(format!("{}/{number}", self.name));
        Error::malformed(self.path, place, reason)
    }

    fn shapes(&self) -> Result<Vec<Vec<usize>>, Error> {
        let shape = |number: usize| {
            let dataset = self.group.dataset(&number.to_string());
            let dataset = dataset.map_err(|flaw| self.wrong(number, flaw.to_string()))?;
            let missing = || self.wrong(number, "there is no such dataset".to_owned());
            Ok(dataset.ok_or_else(missing)?.shape)
        };
        (0..self.group.names().len()).map(shape).collect()
    }

    /// The dataset of each tensor, by order. Numbers without axes where no tensor has that shape
    /// are counters, when `counters` may be there.
    fn places<'t>(
        &self,
        shapes: &[Vec<usize>],
        tensors: &[&'t Parameter],
        counters: bool,
    ) -> Result<Vec<(&'t str, usize)>, Error> {
        let mut places = Vec::with_capacity(tensors.len());
        let mut left = tensors.iter();
        for (number, shape) in shapes.iter().enumerate() {
            let next = left.clone().next();
            match next {
                Some(tensor) if tensor.shape == *shape => {
                    places.push((tensor.name.as_str(), number));
                    left.next();
                }
                _ if counters && shape.is_empty() => {}
                Some(tensor) => {
                    let (name, wanted) = (&tensor.name, &tensor.shape);
                    let reason = format!("the shape is {shape:?}, `{name}` has {wanted:?}");
                    return Err(self.wrong(number, reason));
                }
                None => {
                    let reason =
                        format!("one tensor more than the network has ({})", tensors.len());
                    return Err(self.wrong(number, reason));
                }
            }
        }
        match left.next() {
            None => Ok(places),
            Some(tensor) => {
                let reason = format!("there is no such dataset, for `{}`", tensor.name);
                Err(self.wrong(shapes.len(), reason))
            }
        }
    }

    fn values(&self, number: usize) -> Result<Vec<f32>, Error> {
        let wrong = |flaw: super::Flaw| self.wrong(number, flaw.to_string());
        let dataset = self.group.dataset(&number.to_string()).map_err(wrong)?;
        let dataset = dataset.ok_or_else(|| self.wrong(number, "it is gone".to_owned()))?;
        let numbers = dataset.numbers().map_err(wrong)?;
        Ok(numbers.into_iter().map(|value| value as f32).collect())
    }
}
