//! Layers that are told by their shapes and their order, whatever they are called.
//!
//! The tensors of a layer are those whose names differ in the last word alone. Layers of the file and of the network
//! are paired where their tensors have the same last words and shapes. Of several such, the numbers in their names tell
//! the order, or the order of the file, which is that in which `torch.save` meets them, where all layers stand as those
//! of the network do.

use super::choice::is_harmless;
use super::source::{Contents, Tensor};
use super::words::{pattern, without_wrappers};
use landscape_core::Params;
use std::collections::{BTreeMap, HashMap};

/// Words of a name, beyond which no prefix of it is tried.
const DEPTH: usize = 24;

/// The tensors behind a prefix that are those of a network.
pub(super) struct Ordered<'c> {
    pub(super) prefix: String,
    /// In the order of the layout.
    pub(super) own: Vec<Option<&'c Tensor>>,
}

/// Layers whose shapes are the same and whose order nothing tells.
pub(super) struct Unordered(pub(super) Vec<String>);

/// Everything that fits, and where something would but for the order, what is in question.
pub(super) fn by_order<'c>(
    contents: &'c Contents,
    layout: &Params,
) -> (Vec<Ordered<'c>>, Option<Unordered>) {
    let mut groups: BTreeMap<&str, Vec<&Tensor>> = BTreeMap::new();
    for tensor in contents.tensors.iter().filter(|t| !is_harmless(t)) {
        let points = tensor.name.match_indices('.').map(|(at, _)| at + 1);
        for at in std::iter::once(0).chain(points.take(DEPTH)) {
            groups.entry(&tensor.name[..at]).or_default().push(tensor);
        }
    }
    let wanted = Layers::of_layout(layout);
    let (mut found, mut unordered) = (Vec::<Ordered>::new(), None);
    for (prefix, tensors) in groups {
        if tensors.len() != wanted.tensors {
            continue;
        }
        let layers = Layers::of_tensors(prefix, &tensors);
        match layers.paired(&wanted, contents.in_order) {
            Ok(Some(places)) => {
                let own = wanted.own(layout, &tensors, &layers, &places);
                found.push(Ordered {
                    prefix: prefix.to_owned(),
                    own,
                });
            }
            Ok(None) => {}
            Err(names) => unordered = unordered.or(Some(names)),
        }
    }
    (found, unordered)
}

/// The last word of a name and a shape, and which tensor it is.
type Part<'t> = (&'t str, &'t [usize], usize);

struct Layer<'t> {
    name: String,
    /// In alphabetical order.
    parts: Vec<Part<'t>>,
}

impl Layer<'_> {
    fn same(&self, other: &Layer) -> bool {
        self.parts.len() == other.parts.len() && { self.parts.iter().zip(&other.parts) }
            .all(|(a, b)| a.0 == b.0 && a.1 == b.1)
    }
}

struct Layers<'t> {
    /// In the order in which they begin.
    layers: Vec<Layer<'t>>,
    tensors: usize,
}

impl<'t> Layers<'t> {
    fn new(parts: impl Iterator<Item = (String, Part<'t>)>) -> Self {
        let mut layers: Vec<Layer> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut tensors = 0;
        for (name, part) in parts {
            tensors += 1;
            let place = *places.entry(name.clone()).or_insert_with(|| {
                layers.push(Layer {
                    name,
                    parts: Vec::new(),
                });
                layers.len() - 1
            });
            layers[place].parts.push(part);
        }
        layers.iter_mut().for_each(|layer| layer.parts.sort());
        Layers { layers, tensors }
    }

    fn of_layout(layout: &'t Params) -> Self {
        Layers::new(layout.iter().enumerate().map(|(place, t)| {
            let (layer, word) = t.name.rsplit_once('.').unwrap_or(("", &t.name));
            (layer.to_owned(), (word, &t.shape[..], place))
        }))
    }

    fn of_tensors(prefix: &str, tensors: &[&'t Tensor]) -> Self {
        Layers::new(tensors.iter().enumerate().map(|(place, t)| {
            let rest = &t.name[prefix.len()..];
            let (layer, word) = rest.rsplit_once('.').unwrap_or(("", rest));
            (without_wrappers(layer), (word, &t.shape[..], place))
        }))
    }

    /// For each layer that is wanted the place of the one that is it; nothing where they do not fit.
    fn paired(&self, wanted: &Layers, in_order: bool) -> Result<Option<Vec<usize>>, Unordered> {
        if self.layers.len() != wanted.layers.len() {
            return Ok(None);
        }
        let count = |layers: &Layers, one: &Layer| {
            layers.layers.iter().filter(|layer| layer.same(one)).count()
        };
        let as_many = |one: &Layer| count(self, one) == count(wanted, one);
        if !wanted.layers.iter().all(as_many) {
            return Ok(None);
        }
        let same = |pair: (&Layer, &Layer)| pair.0.same(pair.1);
        let stands_so = in_order && self.layers.iter().zip(&wanted.layers).all(same);
        let mut places = vec![None; wanted.layers.len()];
        for (place, layer) in wanted.layers.iter().enumerate() {
            if places[place].is_some() {
                continue;
            }
            let alike = |layers: &Layers| -> Vec<usize> {
                let all = layers.layers.iter().enumerate();
                all.filter(|(_, l)| l.same(layer))
                    .map(|(at, _)| at)
                    .collect()
            };
            let (theirs, own) = (alike(self), alike(wanted));
            for (own, theirs) in own.into_iter().zip(self.ordered(theirs, stands_so)?) {
                places[own] = Some(theirs);
            }
        }
        Ok(places.into_iter().collect())
    }

    /// Layers of the same shapes in the order that the numbers in their names tell, or that of the file.
    fn ordered(&self, mut places: Vec<usize>, stands_so: bool) -> Result<Vec<usize>, Unordered> {
        let named = |place: &usize| pattern(&self.layers[*place].name);
        let mut of: BTreeMap<String, Vec<Vec<u64>>> = BTreeMap::new();
        for (pattern, numbers) in places.iter().map(named) {
            of.entry(pattern).or_default().push(numbers);
        }
        let by_number = of.len() == 1;
        let rises = of.values().all(|numbers| numbers.is_sorted());
        match () {
            () if places.len() < 2 || stands_so && rises => Ok(places),
            () if by_number && (rises || !stands_so) => {
                places.sort_by_key(|place| named(place).1);
                Ok(places)
            }
            () => Err(Unordered(
                places
                    .iter()
                    .map(|p| self.layers[*p].name.clone())
                    .collect(),
            )),
        }
    }

    fn own<'c>(
        &self,
        layout: &Params,
        tensors: &[&'c Tensor],
        theirs: &Layers,
        places: &[usize],
    ) -> Vec<Option<&'c Tensor>> {
        let mut own = vec![None; layout.len()];
        for (layer, place) in self.layers.iter().zip(places) {
            for (wanted, found) in layer.parts.iter().zip(&theirs.layers[*place].parts) {
                own[wanted.2] = Some(tensors[found.2]);
            }
        }
        own
    }
}
