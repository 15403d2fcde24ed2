//! Which minimum each point drains into.

use super::filtration::{Filtration, order};
use crate::metrics::field::Field;
use crate::surface::{Surface, Value};
use serde::{Deserialize, Serialize};

/// The basins of a surface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Basins {
    /// The minima by number of point, from the lowest.
    pub minima: Vec<usize>,
    /// Of each point in grid order, the place of its minimum in `minima`; `None` where no finite
    /// value is known.
    pub labels: Vec<Option<usize>>,
    /// Points of each basin.
    pub sizes: Vec<usize>,
}

impl Basins {
    /// Whether a point has a neighbour of another basin along one of the axes: the lines between
    /// basins in a figure.
    pub fn is_border(&self, surface: &Surface, flat: usize) -> bool {
        let Some(own) = self.labels.get(flat).copied().flatten() else {
            return false;
        };
        let field = Field::new(surface.grid(), Vec::new());
        let neighbours = field.along_axes().into_iter();
        let mut labels = neighbours.filter_map(|o| self.labels[field.neighbour(flat, o)?]);
        labels.any(|label| label != own)
    }
}

/// The basins of attraction: each point follows its lowest neighbour, diagonal ones included, down to
/// a minimum. Minima whose persistence is below `min_persistence` (in units of the value; 0 keeps all
/// of any height) are not basins of their own: theirs belong to the minimum that they join.
pub fn basins(surface: &Surface, value: Value, min_persistence: f64) -> Basins {
    let field = Field::new(surface.grid(), surface.values(value));
    let filtration = Filtration::of(&field);
    let kept = kept(&field, &filtration, min_persistence);
    let mut minimum = vec![usize::MAX; field.values.len()];
    let mut basins = Basins {
        minima: Vec::new(),
        labels: vec![None; field.values.len()],
        sizes: Vec::new(),
    };
    for &flat in &filtration.rising {
        minimum[flat] = match lowest_neighbour(&field, flat) {
            Some(next) => minimum[next],
            None => kept[flat],
        };
        let place = match minimum[flat] == flat {
            true => {
                basins.minima.push(flat);
                basins.sizes.push(0);
                basins.minima.len() - 1
            }
            false => basins.labels[minimum[flat]].expect("a minimum precedes its basin"),
        };
        basins.labels[flat] = Some(place);
        basins.sizes[place] += 1;
    }
    basins
}

/// The neighbour that is lowest and lower than the point itself.
fn lowest_neighbour(field: &Field, flat: usize) -> Option<usize> {
    let neighbours = field.around.iter();
    neighbours
        .filter_map(|&offset| field.neighbour(flat, offset))
        .filter(|&next| field.values[next].is_finite())
        .filter(|&next| order(&field.values, next, flat).is_lt())
        .min_by(|&a, &b| order(&field.values, a, b))
}

/// For each minimum the one whose basin it belongs to.
fn kept(field: &Field, filtration: &Filtration, min_persistence: f64) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..field.values.len()).collect();
    // A minimum joins one that ends later, so that going backwards meets those that are settled.
    for join in filtration.joins.iter().rev() {
        let height = field.values[join.saddle] - field.values[join.minimum];
        if height <= 0.0 || height < min_persistence {
            kept[join.minimum] = kept[join.into];
        }
    }
    kept
}
