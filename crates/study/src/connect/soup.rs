//! Averages of several networks ('model soups'), and their losses.

use super::EvaluationContext;
use crate::StudyError;
use crate::words::{Align, Table, or_dash, or_dash_by, percent};
use landscape_core::json::float;
use landscape_core::{Params, Sample, short};
use serde::Serialize;
use std::fmt;

/// The averages of several networks, and the losses of all (Wortsman et al., *Model soups: averaging weights of multiple
/// fine-tuned models improves accuracy without increasing inference time*, ICML 2022).
///
/// All are measured on the same data, by which the greedy soup is chosen too: what it gains there is what was looked for, and its
/// gain on other data is less. Running statistics are averaged as weights are; where losses are not measured with statistics
/// of their own data, those of a soup are no network's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Soup {
    /// What was averaged.
    pub ingredients: Vec<Ingredient>,
    /// The average of all.
    pub uniform: Measured,
    /// The average of those that are marked in `ingredients`: from the best on, each is added where the average does not get worse
    /// by it, in accuracy where there is one, else in loss.
    pub greedy: Measured,
    /// The parameters of the average of all.
    #[serde(skip)]
    pub params: Params,
}

/// A network among others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ingredient {
    /// Its name.
    pub name: String,
    /// Its loss and accuracy.
    #[serde(flatten)]
    pub measured: Measured,
    /// Whether it is in the greedy soup.
    pub greedy: bool,
}

/// What a network is on the data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// The mean loss.
    #[serde(with = "float")]
    pub loss: f64,
    /// Its standard error over the samples.
    pub loss_se: Option<f64>,
    /// The share classified correctly.
    pub accuracy: Option<f64>,
}

impl From<Sample> for Measured {
    fn from(sample: Sample) -> Self {
        Measured {
            loss: sample.loss,
            loss_se: sample.loss_se,
            accuracy: sample.accuracy,
        }
    }
}

impl Measured {
    /// Whether it is at least as good as another.
    fn is_as_good_as(&self, other: &Measured) -> bool {
        match (self.accuracy, other.accuracy) {
            (Some(own), Some(other)) => own >= other,
            _ => self.loss <= other.loss,
        }
    }
}

/// The mean of parameters of one layout, summed in f64, running statistics too.
///
/// # Errors
/// [`StudyError::NothingToAverage`] without any; where layouts differ.
pub fn average(networks: &[&Params]) -> Result<Params, StudyError> {
    let Some(first) = networks.first() else {
        return Err(StudyError::NothingToAverage { given: 0 });
    };
    for other in &networks[1..] {
        first.same_layout(other)?;
    }
    let mut tensors = (*first).clone().into_inner();
    for (place, tensor) in tensors.iter_mut().enumerate() {
        let parts: Vec<&[f32]> = { networks.iter() }
            .map(|network| &network.iter().as_slice()[place].data[..])
            .collect();
        for (at, value) in tensor.data.iter_mut().enumerate() {
            let sum: f64 = parts.iter().map(|part| f64::from(part[at])).sum();
            *value = (sum / networks.len() as f64) as f32;
        }
    }
    Ok(Params::new(tensors)?)
}

impl EvaluationContext {
    /// The soups of networks that are named, with the statistics that points between networks are measured with.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use landscape_models::{LossKind, ModelSpec, Network, Split, load};
    /// use landscape_study::connect::EvaluationContext;
    ///
    /// let spec: ModelSpec = "mlp:2-8-1".parse()?;
    /// let data = load(&"moons:n=50".parse()?, None, Split::Train, None)?;
    /// let context = EvaluationContext::new(&spec, data, LossKind::BceWithLogits)?;
    /// let network = |seed| Network::init(&spec, seed, &Device::flex()).params();
    /// let networks = [("a".to_owned(), network(1)), ("b".to_owned(), network(2))];
    /// let soup = context.soup(&networks)?;
    /// let line = context.line(&networks[0].1, &networks[1].1, 3)?;
    /// assert!((soup.uniform.loss - line.losses()[1]).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StudyError::NothingToAverage`] of fewer than two; where layouts differ, or an evaluation fails.
    pub fn soup(&self, networks: &[(String, Params)]) -> Result<Soup, StudyError> {
        if networks.len() < 2 {
            let given = networks.len();
            return Err(StudyError::NothingToAverage { given });
        }
        let trace = self.between()?;
        let measure = |params: &Params| -> Result<Measured, StudyError> {
            Ok(trace.sample_at(params, self.targets())?.into())
        };
        let all: Vec<&Params> = networks.iter().map(|(_, params)| params).collect();
        let losses = all.iter().map(|params| measure(params));
        let losses: Vec<Measured> = losses.collect::<Result<_, _>>()?;
        let params = average(&all)?;
        let (chosen, greedy) = greedy(&all, &losses, &measure)?;
        let named = networks.iter().zip(losses).enumerate();
        Ok(Soup {
            ingredients: named
                .map(|(place, ((name, _), measured))| Ingredient {
                    name: name.clone(),
                    measured,
                    greedy: chosen.contains(&place),
                })
                .collect(),
            uniform: measure(&params)?,
            greedy,
            params,
        })
    }
}

/// Which networks the greedy soup is of, and what it is on the data.
fn greedy(
    networks: &[&Params],
    losses: &[Measured],
    measure: &dyn Fn(&Params) -> Result<Measured, StudyError>,
) -> Result<(Vec<usize>, Measured), StudyError> {
    let mut order: Vec<usize> = (0..networks.len()).collect();
    let worth = |place: usize| losses[place].accuracy.unwrap_or(-losses[place].loss);
    // Among equals the first comes first.
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)));
    let mut chosen = vec![order[0]];
    let mut best = losses[order[0]];
    for place in &order[1..] {
        let mut more = chosen.clone();
        more.push(*place);
        let of: Vec<&Params> = more.iter().map(|place| networks[*place]).collect();
        let measured = measure(&average(&of)?)?;
        if measured.is_as_good_as(&best) {
            (chosen, best) = (more, measured);
        }
    }
    Ok((chosen, best))
}

impl fmt::Display for Soup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new([
            ("NETWORK", Align::Left),
            ("LOSS", Align::Right),
            ("SE", Align::Right),
            ("ACCURACY", Align::Right),
        ]);
        for ingredient in &self.ingredients {
            let name = match ingredient.greedy {
                true => format!("{} *", ingredient.name),
                false => ingredient.name.clone(),
            };
            table.row(ingredient.measured.cells(name));
        }
        table.row(self.uniform.cells("average of all".to_owned()));
        table.row(self.greedy.cells("greedy average (*)".to_owned()));
        table.fmt(f)
    }
}

impl Measured {
    fn cells(&self, name: String) -> [String; 4] {
        [
            name,
            short(self.loss),
            or_dash(self.loss_se),
            or_dash_by(self.accuracy, percent),
        ]
    }
}
