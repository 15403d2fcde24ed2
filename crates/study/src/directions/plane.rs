use super::derivatives::{eigen_directions, gradient_direction};
use super::file::load_directions;
use super::kind::{DirectionKind, SpectrumEnd};
use super::models::{Other, placed_networks};
use crate::StudyError;
use crate::problem::Problem;
use crate::record::{DirectionsSettings, PlacedNetwork};
use crate::report::Reporter;
use landscape_core::named;
use landscape_core::{
    BiasMode, Direction, Distribution, Normalization, Params, Pca, Plane, orthogonalize,
};
use landscape_storage::{Run, Store};
use landscape_trace::Target;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What of a network moves towards another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Moves {
    /// Weights, and the running statistics of BatchNorm: at 1 the network is the other one.
    #[default]
    States,
    /// Weights only; the statistics stay those of the network at 0.
    Weights,
}

named!(Moves, "part of a network", {
    States => "states": "Weights, and the running statistics of BatchNorm: at 1 the network is the other one",
    Weights => "weights": "Weights only; the statistics stay those of the network at 0",
});

/// Which directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlaneRequest {
    /// Files of other networks, at the coordinate 1 of the first axes.
    #[serde(with = "landscape_core::as_words::path::list")]
    pub to: Vec<PathBuf>,
    /// What moves towards them.
    #[serde(with = "landscape_core::as_words")]
    pub moves: Moves,
    /// Where the other directions come from.
    #[serde(with = "landscape_core::as_words")]
    pub direction: DirectionKind,
    /// How they are normalised; `filter` for random ones, not at all for others, where absent.
    pub norm: Option<Normalization>,
    /// How tensors of one dimension move.
    pub bias: BiasMode,
    /// Whether they are made orthogonal, after they are normalised.
    pub orthogonal: bool,
    /// What random values are drawn from.
    pub distribution: Distribution,
    /// Seed of random directions and vectors, and of the parameters where none are given.
    pub seed: u64,
}

impl Default for PlaneRequest {
    /// Random directions, seed 42.
    fn default() -> Self {
        PlaneRequest {
            to: Vec::new(),
            moves: Moves::default(),
            direction: DirectionKind::default(),
            norm: None,
            bias: BiasMode::Zero,
            orthogonal: false,
            distribution: Distribution::Gaussian,
            seed: 42,
        }
    }
}

/// A plane, and how it was made.
#[derive(Debug)]
pub struct Directions {
    /// The plane.
    pub plane: Plane,
    /// Everything that determines the directions.
    pub settings: DirectionsSettings,
    /// The network at the origin, and those that the directions lead to.
    pub models: Vec<PlacedNetwork>,
    /// How many directions lead to other networks; they come first.
    pub towards: usize,
}

impl Directions {
    /// The networks, for the provenance of a run; nothing where it goes through one alone.
    pub fn provenance(&self) -> Option<Vec<PlacedNetwork>> {
        (self.models.len() > 1).then(|| self.models.clone())
    }
}

impl PlaneRequest {
    /// The directions that are asked for, through the parameters of the problem. Derivatives are taken on `target`.
    ///
    /// # Errors
    /// Whatever is absent or does not fit.
    pub fn build(
        &self,
        dims: usize,
        problem: &Problem,
        store: Option<&Store>,
        target: &Target,
        reporter: &dyn Reporter,
    ) -> Result<Directions, StudyError> {
        let others = self.others(dims, problem, reporter)?;
        let mut directions = self.towards(&others, problem)?;
        let rest = dims - directions.len();
        if rest > 0 {
            directions.extend(self.asked(directions.len(), rest, problem, store, target)?);
        }
        let (plane, settings) = self.through(&problem.params, directions)?;
        Ok(Directions {
            models: placed_networks(problem, &plane, &others)?,
            towards: others.len(),
            settings,
            plane,
        })
    }

    /// The same through parameters of which nothing but the values is known: random directions, or those of a file. `name`
    /// is what messages call them.
    ///
    /// # Errors
    /// [`StudyError::NoDerivatives`] for other directions, and those of files and directions.
    pub fn build_through(
        &self,
        dims: usize,
        params: &Params,
        name: &str,
    ) -> Result<Directions, StudyError> {
        let directions = match (&self.direction, self.to.is_empty()) {
            (DirectionKind::Random, true) => self.random(0, dims, params)?,
            (DirectionKind::File(path), true) => {
                { load_directions(path, 0, dims, params, &name)?.into_iter() }
                    .map(|direction| self.scaled(direction, params))
                    .collect::<Result<_, _>>()?
            }
            (other, _) => {
                return Err(StudyError::NoDerivatives {
                    name: name.to_owned(),
                    direction: other.to_string(),
                });
            }
        };
        let (plane, settings) = self.through(params, directions)?;
        Ok(Directions {
            plane,
            settings,
            models: Vec::new(),
            towards: 0,
        })
    }

    fn through(
        &self,
        params: &Params,
        mut directions: Vec<Direction>,
    ) -> Result<(Plane, DirectionsSettings), StudyError> {
        if self.orthogonal {
            orthogonalize(&mut directions)?;
        }
        let settings = DirectionsSettings::new(&directions, self.orthogonal);
        Ok((Plane::new(params.clone(), directions)?, settings))
    }

    /// The networks that directions lead to.
    fn others(
        &self,
        dims: usize,
        problem: &Problem,
        reporter: &dyn Reporter,
    ) -> Result<Vec<Other>, StudyError> {
        if self.to.len() > dims {
            return Err(StudyError::TooManyNetworks {
                networks: self.to.len(),
                directions: dims,
            });
        }
        let one = |(axis, path): (usize, &PathBuf)| -> Result<_, StudyError> {
            Ok(Other {
                file: path.clone(),
                params: problem.other(path, reporter)?,
                exact: problem.selection.is_none()
                    && self.norm.is_none()
                    && (axis == 0 || !self.orthogonal),
            })
        };
        self.to.iter().enumerate().map(one).collect()
    }

    fn towards(&self, others: &[Other], problem: &Problem) -> Result<Vec<Direction>, StudyError> {
        let one = |other: &Other| -> Result<_, StudyError> {
            let both = Direction::between(&problem.params, &other.params)?;
            let path = || other.file.clone();
            if other.params == problem.params {
                return Err(StudyError::SameNetwork { path: path() });
            }
            if !both.moves() && problem.selection.is_some() {
                return Err(StudyError::OnlyFixed { path: path() });
            }
            let direction = match self.moves {
                Moves::States => both,
                Moves::Weights if !both.clone().without_buffers().moves() => {
                    return Err(StudyError::OnlyStatistics { path: path() });
                }
                Moves::Weights => both.without_buffers(),
            };
            self.scaled(direction, &problem.params)
        };
        others.iter().map(one).collect()
    }

    /// Directions that are given are used as they are unless a normalisation is asked for.
    fn scaled(&self, direction: Direction, origin: &Params) -> Result<Direction, StudyError> {
        match self.norm {
            None => Ok(direction),
            Some(norm) => Ok(direction.normalize(origin, norm, self.bias)?),
        }
    }

    fn asked(
        &self,
        first: usize,
        count: usize,
        problem: &Problem,
        store: Option<&Store>,
        target: &Target,
    ) -> Result<Vec<Direction>, StudyError> {
        let given = match &self.direction {
            DirectionKind::Random => return self.random(first, count, &problem.params),
            DirectionKind::Pca => principal(problem, store, count)?,
            DirectionKind::File(path) => {
                load_directions(path, first, count, &problem.params, &problem.model)?
            }
            DirectionKind::Hessian(ends) => {
                eigen_directions(problem, &ends_of(ends, count)?, target, self.seed)?
            }
            DirectionKind::Gradient => vec![gradient_direction(problem, target)?],
        };
        let scale = |direction| self.scaled(direction, &problem.params);
        let mut directions = given
            .into_iter()
            .map(scale)
            .collect::<Result<Vec<_>, _>>()?;
        // There is one gradient.
        let known = directions.len();
        directions.extend(self.random(first + known, count - known, &problem.params)?);
        Ok(directions)
    }

    fn random(
        &self,
        first: usize,
        count: usize,
        origin: &Params,
    ) -> Result<Vec<Direction>, StudyError> {
        let norm = self.norm.unwrap_or(Normalization::Filter);
        let draw = |stream: usize| -> Result<_, StudyError> {
            let drawn = Direction::random(origin, self.distribution, self.seed, stream as u64);
            Ok(drawn.normalize(origin, norm, self.bias)?)
        };
        (first..first + count).map(draw).collect()
    }
}

/// The end that each direction belongs to: the top where nothing is said.
fn ends_of(given: &[SpectrumEnd], count: usize) -> Result<Vec<SpectrumEnd>, StudyError> {
    match given.len() {
        0 => Ok(vec![SpectrumEnd::Top; count]),
        n if n == count => Ok(given.to_vec()),
        ends => Err(StudyError::Ends {
            ends,
            directions: count,
        }),
    }
}

fn principal(
    problem: &Problem,
    store: Option<&Store>,
    count: usize,
) -> Result<Vec<Direction>, StudyError> {
    let (Some(store), Some(run)) = (store, &problem.trained) else {
        return Err(StudyError::NoPath);
    };
    let rows = path(store, run)?;
    let rows: Vec<&Params> = rows.iter().collect();
    Ok(Pca::fit(&rows, &problem.params, count)?.components)
}

fn path(store: &Store, run: &Run) -> Result<Vec<Params>, StudyError> {
    let checkpoints = store.checkpoints(run)?;
    let params = checkpoints.map(|checkpoint| Ok::<_, StudyError>(checkpoint?.params));
    params.collect()
}
