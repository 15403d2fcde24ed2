use landscape_core::json::{float, float_list, float_option};
use landscape_core::{Grid, MergeTree, Persistence, Surface, Value, merge_tree};
use serde::Serialize;

/// Minima between which barriers are told.
const BARRIERS: usize = 5;

/// Minima of a surface, how much they stand out, and the barriers between them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Topology {
    /// See [`MergeTree::smad`].
    #[serde(with = "float_option")]
    pub smad: Option<f64>,
    /// See [`MergeTree::smad_first_saddle`].
    #[serde(with = "float_option")]
    pub smad_first_saddle: Option<f64>,
    /// The minima that are decided; those that join no deeper one first, then by descending persistence.
    pub minima: Vec<Minimum>,
    /// Numbers of the points that would be minima, were it not for points that are not measured.
    pub undecided: Vec<usize>,
    /// The lowest paths between the first five of them.
    pub passages: Vec<Passage>,
}

/// A minimum. What belongs to joining a deeper one is `None` where it joins none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Minimum {
    /// The number of its point.
    pub point: usize,
    /// Where it is.
    #[serde(serialize_with = "float_list::serialize")]
    pub at: Vec<f64>,
    /// Its value.
    #[serde(with = "float")]
    pub value: f64,
    /// The barrier out of it.
    #[serde(with = "float_option")]
    pub persistence: Option<f64>,
    /// The deeper minimum that it joins, by the number of its point.
    pub joins: Option<usize>,
    /// Where it does so, by the number of the point.
    pub saddle: Option<usize>,
    /// Where that is.
    pub saddle_at: Option<Vec<f64>>,
    /// The value there.
    #[serde(with = "float_option")]
    pub level: Option<f64>,
}

/// The lowest path from one minimum to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Passage {
    /// The first minimum, by the number of its point.
    pub from: usize,
    /// The second.
    pub to: usize,
    /// The highest point of the path, by its number.
    pub saddle: usize,
    /// Where that is.
    #[serde(serialize_with = "float_list::serialize")]
    pub saddle_at: Vec<f64>,
    /// The value there.
    #[serde(with = "float")]
    pub level: f64,
    /// The barrier from the first minimum, and from the second.
    #[serde(serialize_with = "float_list::serialize")]
    pub heights: [f64; 2],
}

impl Topology {
    /// That of one value of a surface.
    pub fn of(surface: &Surface, value: Value) -> Self {
        let (tree, grid) = (merge_tree(surface, value), surface.grid());
        let decided = tree.decided();
        Topology {
            smad: tree.smad(),
            smad_first_saddle: tree.smad_first_saddle(),
            minima: decided
                .iter()
                .map(|pair| minimum(pair, &tree, grid))
                .collect(),
            passages: passages(&decided, &tree, grid),
            undecided: tree.undecided,
        }
    }
}

fn at(grid: &Grid, flat: usize) -> Vec<f64> {
    grid.point(flat)[..grid.dims()].to_vec()
}

fn minimum(pair: &Persistence, tree: &MergeTree, grid: &Grid) -> Minimum {
    let merge = tree.merges.iter().find(|m| m.minimum == pair.minimum);
    Minimum {
        point: pair.minimum,
        at: at(grid, pair.minimum),
        value: pair.birth,
        persistence: merge.map(|m| m.persistence),
        joins: merge.map(|m| m.into),
        saddle: merge.map(|m| m.saddle),
        saddle_at: merge.map(|m| at(grid, m.saddle)),
        level: merge.map(|m| m.level),
    }
}

/// Between the minima that stand out most.
fn passages(minima: &[Persistence], tree: &MergeTree, grid: &Grid) -> Vec<Passage> {
    let most = &minima[..minima.len().min(BARRIERS)];
    let pairs = most.iter().enumerate();
    let pairs = pairs.flat_map(|(place, from)| most[place + 1..].iter().map(move |to| (from, to)));
    let passage = |(from, to): (&Persistence, &Persistence)| {
        let found = tree.passage(from.minimum, to.minimum)?;
        Some(Passage {
            from: from.minimum,
            to: to.minimum,
            saddle: found.saddle,
            saddle_at: at(grid, found.saddle),
            level: found.level,
            heights: found.heights,
        })
    };
    pairs.filter_map(passage).collect()
}
