//! What the outputs should be: class labels, or values.

use super::{LossKind, TokenTargets};
use crate::ModelsError;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// What the outputs of a network should be, on the host.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// The number of the right class of each sample, from 0.
    Classes(Vec<i64>),
    /// `width` values a sample, row-major.
    Values {
        /// The values; a multiple of `width` of them.
        data: Vec<f32>,
        /// Values a sample, at least 1.
        width: usize,
    },
    /// None, for so many samples: for losses that take none.
    None(usize),
}

impl Targets {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Targets::Classes(labels) => labels.len(),
            Targets::Values { data, width } => data.len() / (*width).max(1),
            Targets::None(samples) => *samples,
        }
    }

    /// Whole numbers, as class labels or token ids; `None` where there are others, or none.
    pub fn integers(&self) -> Option<Vec<i64>> {
        match self {
            Targets::Classes(labels) => Some(labels.clone()),
            Targets::Values { data, .. } => whole(data),
            Targets::None(_) => None,
        }
    }

    /// Numbers, row-major; empty where there are none.
    pub fn numbers(&self) -> Vec<f32> {
        match self {
            Targets::Classes(labels) => labels.iter().map(|&label| label as f32).collect(),
            Targets::Values { data, .. } => data.clone(),
            Targets::None(_) => Vec::new(),
        }
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether each sample is marked as one that cross-entropy leaves out ([`IGNORED`](super::IGNORED)).
    pub(crate) fn ignored(&self) -> Vec<bool> {
        match self {
            Targets::Classes(labels) => labels.iter().map(|&v| v == super::IGNORED).collect(),
            Targets::Values { data, width: 1 } => {
                data.iter().map(|&v| v == super::IGNORED as f32).collect()
            }
            Targets::Values { data, width } => {
                let ignored = |row: &[f32]| row.iter().all(|&v| v == super::IGNORED as f32);
                data.chunks_exact((*width).max(1)).map(ignored).collect()
            }
            Targets::None(samples) => vec![false; *samples],
        }
    }

    /// The samples that are kept.
    pub(crate) fn retain(&mut self, kept: &[bool]) {
        match self {
            Targets::Classes(labels) => retain(labels, 1, kept),
            Targets::Values { data, width } => retain(data, *width, kept),
            Targets::None(samples) => *samples = kept.iter().filter(|kept| **kept).count(),
        }
    }

    /// The first `n` samples.
    pub(crate) fn truncate(&mut self, n: usize) {
        match self {
            Targets::Classes(labels) => labels.truncate(n),
            Targets::Values { data, width } => data.truncate(n * *width),
            Targets::None(samples) => *samples = n.min(*samples),
        }
    }

    /// The targets in the form that a loss on `outputs` values a sample uses, checked.
    ///
    /// - `cross-entropy`: labels in `0..outputs`; a single whole number a sample is taken as a
    ///   label; `outputs` values a sample are taken as class probabilities;
    /// - the others: `outputs` values a sample, in [0, 1] for the binary cross-entropies; a label
    ///   becomes the value itself for one output (for a binary cross-entropy: 0 or 1), and the unit
    ///   vector of its class for several.
    ///
    /// `name` is the data set's, for messages.
    ///
    /// # Errors
    /// [`ModelsError::Label`] for a label outside the classes, [`ModelsError::Targets`] for
    /// anything else that does not suit.
    pub fn suited_to(
        &self,
        loss: LossKind,
        outputs: usize,
        name: &str,
    ) -> Result<Targets, ModelsError> {
        let fit = Fit {
            loss,
            outputs,
            name,
        };
        match (self, loss) {
            (_, LossKind::Program) => Err(fit.no_program()),
            (Targets::None(_), _) => Err(fit.unsuited(
                "there are no targets; name the array that holds them, y=ARRAY".to_owned(),
            )),
            (Targets::Classes(labels), LossKind::CrossEntropy) => fit.classes(labels.clone()),
            (Targets::Values { data, width: 1 }, LossKind::CrossEntropy) => fit.whole(data),
            (Targets::Values { data, width }, LossKind::CrossEntropy) => {
                fit.values(data, *width)?;
                fit.probabilities(data)?;
                Ok(self.clone())
            }
            (Targets::Classes(labels), _) => fit.numbers(labels),
            (Targets::Values { data, width }, _) => {
                fit.values(data, *width)?;
                if loss != LossKind::Mse {
                    fit.unit_interval(data)?;
                }
                Ok(self.clone())
            }
        }
    }

    /// The targets as a tensor on a device; none are a tensor without values.
    pub fn to_tensor(&self, device: &Device) -> TargetTensor {
        let n = self.len();
        match self {
            Targets::Classes(labels) => {
                let data = TensorData::new(labels.clone(), [n]);
                TargetTensor::Classes(Tensor::from_data(data, device))
            }
            Targets::Values { data, width } => {
                let data = TensorData::new(data.clone(), [n, *width]);
                TargetTensor::Values(Tensor::from_data(data, device))
            }
            Targets::None(_) => {
                let data = TensorData::new(Vec::<f32>::new(), [n, 0]);
                TargetTensor::Values(Tensor::from_data(data, device))
            }
        }
    }
}

/// The largest whole number up to which f32 has them all.
const EXACT: f32 = 16_777_216.0;

/// Values as the whole numbers that they are.
pub(crate) fn whole(values: &[f32]) -> Option<Vec<i64>> {
    let exact = |&value: &f32| value.fract() == 0.0 && value.abs() <= EXACT;
    let all = values.iter().all(exact);
    all.then(|| values.iter().map(|&value| value as i64).collect())
}

/// The rows that are kept.
pub(crate) fn retain<T: Copy>(data: &mut Vec<T>, width: usize, kept: &[bool]) {
    let rows = data.chunks_exact(width.max(1)).zip(kept);
    let rows = rows
        .filter(|(_, kept)| **kept)
        .flat_map(|(row, _)| row.iter().copied());
    *data = rows.collect();
}

/// What rows of as many numbers as there are outputs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// A 1 in each, and zeros.
    OneHot,
    /// Numbers in [0, 1] that sum to 1.
    Probabilities,
    /// Anything else.
    Values,
}

pub(super) fn rows(data: &[f32], width: usize) -> Rows {
    let sums_to_one = |row: &[f32]| {
        let sum: f64 = row.iter().map(|&p| f64::from(p)).sum();
        row.iter().all(|p| (0.0..=1.0).contains(p)) && (sum - 1.0).abs() <= SUM
    };
    let mut all = data.chunks_exact(width);
    if !all.clone().all(sums_to_one) {
        return Rows::Values;
    }
    match all.all(|row| row.iter().all(|&p| p == 0.0 || p == 1.0)) {
        true => Rows::OneHot,
        false => Rows::Probabilities,
    }
}

/// How far class probabilities may be from a sum of 1.
const SUM: f64 = 1e-3;

/// The checks of [`Targets::suited_to`].
struct Fit<'a> {
    loss: LossKind,
    outputs: usize,
    name: &'a str,
}

impl Fit<'_> {
    fn no_program(&self) -> ModelsError {
        self.unsuited(
            "it is an output of a program from a file; networks of the built-in families have outputs from \
             which a loss is computed"
                .into(),
        )
    }

    fn unsuited(&self, reason: String) -> ModelsError {
        ModelsError::Targets {
            name: self.name.to_owned(),
            loss: self.loss.name(),
            reason,
        }
    }

    /// Labels inside the classes.
    fn classes(&self, labels: Vec<i64>) -> Result<Targets, ModelsError> {
        if self.outputs < 2 {
            return Err(self.unsuited(
                "the network has one output, and the softmax of one output is always 1; \
                 use bce-with-logits, or a network with one output per class"
                    .into(),
            ));
        }
        self.inside(&labels, self.outputs)?;
        Ok(Targets::Classes(labels))
    }

    fn inside(&self, labels: &[i64], classes: usize) -> Result<(), ModelsError> {
        let (first, last) = (labels.iter().min(), labels.iter().max());
        if first.is_some_and(|&first| first == 1) && last == i64::try_from(classes).ok().as_ref() {
            return Err(ModelsError::OneBased {
                name: self.name.to_owned(),
                classes,
            });
        }
        let outside = |&label: &i64| usize::try_from(label).map_or(true, |label| label >= classes);
        match labels.iter().position(outside) {
            None => Ok(()),
            Some(sample) => Err(ModelsError::Label {
                name: self.name.to_owned(),
                sample,
                label: labels[sample],
                classes,
            }),
        }
    }

    /// One whole number a sample, as a label.
    fn whole(&self, data: &[f32]) -> Result<Targets, ModelsError> {
        if let Some(sample) = data.iter().position(|v| v.fract() != 0.0) {
            return Err(self.unsuited(format!(
                "target {} of sample {sample} is not a class; give whole numbers, or use mse",
                data[sample]
            )));
        }
        self.classes(data.iter().map(|&v| v as i64).collect())
    }

    /// Labels as values.
    fn numbers(&self, labels: &[i64]) -> Result<Targets, ModelsError> {
        if self.outputs == 1 {
            if self.loss != LossKind::Mse {
                self.inside(labels, 2)?;
            }
            let data = labels.iter().map(|&label| label as f32).collect();
            return Ok(Targets::Values { data, width: 1 });
        }
        self.inside(labels, self.outputs)?;
        let mut data = vec![0.0; labels.len() * self.outputs];
        for (row, &label) in data.chunks_exact_mut(self.outputs).zip(labels) {
            row[label as usize] = 1.0;
        }
        Ok(Targets::Values {
            data,
            width: self.outputs,
        })
    }

    /// As many values as outputs.
    fn values(&self, data: &[f32], width: usize) -> Result<(), ModelsError> {
        if width == self.outputs {
            return Ok(());
        }
        let samples = data.len() / width.max(1);
        Err(self.unsuited(format!(
            "its {samples} samples have {width} target values each, but the network has {} outputs; \
             the numbers must be equal",
            self.outputs
        )))
    }

    /// Rows of probabilities.
    fn probabilities(&self, data: &[f32]) -> Result<(), ModelsError> {
        self.unit_interval(data)?;
        let sum = |row: &[f32]| row.iter().map(|&p| f64::from(p)).sum::<f64>();
        let off = |row: &[f32]| (sum(row) - 1.0).abs() > SUM;
        match data.chunks_exact(self.outputs).position(off) {
            None => Ok(()),
            Some(sample) => Err(self.unsuited(format!(
                "the class probabilities of sample {sample} do not sum to 1"
            ))),
        }
    }

    fn unit_interval(&self, data: &[f32]) -> Result<(), ModelsError> {
        match data.iter().position(|v| !(0.0..=1.0).contains(v)) {
            None => Ok(()),
            Some(at) => Err(self.unsuited(format!(
                "target {} of sample {} is outside [0, 1]; use mse for other values",
                data[at],
                at / self.outputs
            ))),
        }
    }
}

/// What the outputs of a network should be, on a device.
#[derive(Debug, Clone)]
pub enum TargetTensor {
    /// The right class of each sample, `[samples]`.
    Classes(Tensor<1, Int>),
    /// Values, `[samples, width]`.
    Values(Tensor<2>),
    /// The token that follows each, for language models.
    Tokens(TokenTargets),
}

impl TargetTensor {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            TargetTensor::Classes(labels) => labels.dims()[0],
            TargetTensor::Values(y) => y.dims()[0],
            TargetTensor::Tokens(tokens) => tokens.len(),
        }
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples at the given places.
    pub fn select(&self, indices: Tensor<1, Int>) -> Self {
        match self {
            TargetTensor::Classes(labels) => {
                TargetTensor::Classes(labels.clone().select(0, indices))
            }
            TargetTensor::Values(y) => TargetTensor::Values(y.clone().select(0, indices)),
            TargetTensor::Tokens(tokens) => {
                TargetTensor::Tokens(tokens.with_ids(tokens.ids().select(0, indices)))
            }
        }
    }

    /// The samples from `start` up to `end`.
    pub fn slice(&self, start: usize, end: usize) -> Self {
        match self {
            TargetTensor::Classes(labels) => {
                TargetTensor::Classes(labels.clone().slice_dim(0, start..end))
            }
            TargetTensor::Values(y) => TargetTensor::Values(y.clone().slice_dim(0, start..end)),
            TargetTensor::Tokens(tokens) => {
                TargetTensor::Tokens(tokens.with_ids(tokens.ids().slice_dim(0, start..end)))
            }
        }
    }

    /// Labels, of tokens one after the other; of several values the place of the largest.
    pub(crate) fn classes(&self) -> Tensor<1, Int> {
        match self {
            TargetTensor::Classes(labels) => labels.clone(),
            TargetTensor::Values(y) if y.dims()[1] == 1 => y.clone().squeeze_dim::<1>(1).int(),
            TargetTensor::Values(y) => y.clone().argmax(1).squeeze_dim::<1>(1),
            TargetTensor::Tokens(tokens) => tokens.flat(),
        }
    }

    /// Values, `[samples, width]`; labels as themselves for one value, else as unit vectors.
    pub(crate) fn values(&self, width: usize) -> Tensor<2> {
        match self {
            TargetTensor::Values(y) => y.clone(),
            TargetTensor::Classes(labels) if width == 1 => {
                labels.clone().float().unsqueeze_dim::<2>(1)
            }
            TargetTensor::Classes(labels) => labels.clone().one_hot::<2>(width).float(),
            TargetTensor::Tokens(tokens) => tokens.flat().one_hot::<2>(width).float(),
        }
    }
}
