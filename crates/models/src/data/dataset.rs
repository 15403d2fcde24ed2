//! Inputs and targets together.

use super::Input;
use crate::{LossKind, ModelSpec, ModelsError, TargetTensor, Targets};
use burn::tensor::{Device, Tensor, TensorData};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Samples with their targets, checked: at least one, as many targets as inputs, all finite.
///
/// Most networks have one input, which [`Dataset::x`] and [`Dataset::shape`] give; others ask for several by name
/// ([`Dataset::input`]).
///
/// ```
/// use landscape_models::{Dataset, Targets};
///
/// let data = Dataset::new(
///     "xor",
///     vec![4, 2],
///     vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0],
///     Targets::Classes(vec![0, 1, 1, 0]),
/// )?;
/// assert_eq!((data.len(), data.features()), (4, 2));
/// # Ok::<(), landscape_models::ModelsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    name: String,
    /// At least one.
    inputs: Vec<Input>,
    y: Targets,
    /// Lengths of the axes of one target.
    target_shape: Vec<usize>,
    notes: Vec<String>,
    /// How many tokens there are, where the inputs are ids and it is known.
    pub(super) vocabulary: Option<usize>,
}

impl Dataset {
    /// A data set of inputs of `shape` `[samples, ...]`, row-major, and as many targets.
    ///
    /// # Errors
    /// [`ModelsError::EmptyData`] without samples or with samples of no values,
    /// [`ModelsError::DataShape`] when shapes disagree, [`ModelsError::NotFinite`] for NaN or an
    /// infinity.
    pub fn new(
        name: impl Into<String>,
        shape: Vec<usize>,
        x: Vec<f32>,
        y: Targets,
    ) -> Result<Self, ModelsError> {
        Dataset::with_inputs(name, vec![Input::new("x", shape, x)], y)
    }

    /// The same with one or more named inputs, each with a value for every sample.
    ///
    /// # Errors
    /// As [`Dataset::new`], and [`ModelsError::DataShape`] where two have one name.
    pub fn with_inputs(
        name: impl Into<String>,
        inputs: Vec<Input>,
        y: Targets,
    ) -> Result<Self, ModelsError> {
        let target_shape = match &y {
            Targets::Values { width, .. } if *width != 1 => vec![*width],
            _ => Vec::new(),
        };
        let data = Dataset {
            name: name.into(),
            inputs,
            y,
            target_shape,
            notes: Vec::new(),
            vocabulary: None,
        };
        data.check()?;
        Ok(data)
    }

    /// Lengths of the axes of one target, where they are more than one axis.
    ///
    /// # Errors
    /// [`ModelsError::DataShape`] where a target has another number of values.
    pub fn with_target_shape(mut self, shape: Vec<usize>) -> Result<Self, ModelsError> {
        let width = match &self.y {
            Targets::Values { width, .. } => *width,
            Targets::Classes(_) | Targets::None(_) => 1,
        };
        if crate::files::product(&shape) != Some(width) {
            let reason = format!("targets of {width} values in shape {shape:?}");
            let name = self.name;
            return Err(ModelsError::DataShape { name, reason });
        }
        self.target_shape = shape;
        Ok(self)
    }

    /// With what is worth knowing of how it was read.
    #[must_use]
    pub fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes.extend(notes);
        self
    }

    fn check(&self) -> Result<(), ModelsError> {
        let disagree = |reason: String| {
            let name = self.name.clone();
            Err(ModelsError::DataShape { name, reason })
        };
        if self.inputs.is_empty() {
            return Err(ModelsError::EmptyData {
                name: self.name.clone(),
            });
        }
        for (at, input) in self.inputs.iter().enumerate() {
            let twice = self.inputs[..at]
                .iter()
                .any(|other| other.name == input.name);
            if twice {
                return disagree(format!("two inputs are named `{}`", input.name));
            }
            let (count, shape) = (input.values.len(), &input.shape);
            if crate::files::product(shape) != Some(count) {
                return disagree(format!("{count} inputs in shape {shape:?}"));
            }
            if count == 0 || shape.is_empty() {
                return Err(ModelsError::EmptyData {
                    name: self.name.clone(),
                });
            }
            if shape[0] != self.len() {
                let (first, name) = (&self.inputs[0].name, &input.name);
                let (samples, others) = (self.len(), shape[0]);
                return disagree(format!(
                    "{samples} samples of input `{first}` and {others} of `{name}`; each needs one"
                ));
            }
        }
        if let Targets::Values { data, width } = &self.y
            && (*width == 0 || data.len() % width != 0)
        {
            return disagree(format!("{} target values in rows of {width}", data.len()));
        }
        if self.y.len() != self.len() {
            let (inputs, targets) = (self.len(), self.y.len());
            return disagree(format!(
                "{inputs} samples x and {targets} targets y; each needs one"
            ));
        }
        for input in &self.inputs {
            self.check_finite(&input.name, &input.values, input.features())?;
        }
        match &self.y {
            Targets::Values { data, width } => self.check_finite("y", data, *width),
            Targets::Classes(_) | Targets::None(_) => Ok(()),
        }
    }

    fn check_finite(&self, tensor: &str, values: &[f32], width: usize) -> Result<(), ModelsError> {
        match values.iter().position(|v| !v.is_finite()) {
            None => Ok(()),
            Some(at) => Err(ModelsError::NotFinite {
                name: self.name.clone(),
                tensor: tensor.to_owned(),
                sample: at / width,
                value: values[at],
            }),
        }
    }

    /// Where the data comes from, for messages and reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of samples, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a data set is never empty")]
    pub fn len(&self) -> usize {
        self.inputs[0].shape[0]
    }

    /// All inputs; most data have one.
    pub fn named_inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// An input by its name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// Lengths of the axes of the first input, samples first.
    pub fn shape(&self) -> &[usize] {
        &self.inputs[0].shape
    }

    /// Values in one sample of the first input.
    pub fn features(&self) -> usize {
        self.inputs[0].features()
    }

    /// The first input, row-major.
    pub fn x(&self) -> &[f32] {
        &self.inputs[0].values
    }

    /// Lengths of the axes of one target; none where it is one number.
    pub fn target_shape(&self) -> &[usize] {
        &self.target_shape
    }

    /// What is worth knowing of how the data were read, in sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The targets.
    pub fn y(&self) -> &Targets {
        &self.y
    }

    /// Checks that a network takes these inputs: as many values, and images channels first, since
    /// their axes would be mistaken for others otherwise; or ids of tokens that it knows, up to as many as its context.
    ///
    /// # Errors
    /// [`ModelsError::Inputs`]; [`ModelsError::SeveralInputs`] where there are several; [`ModelsError::Tokens`] where
    /// there are no tokens, or others, or tokens for a network that takes values.
    pub fn check_inputs(&self, spec: &ModelSpec) -> Result<(), ModelsError> {
        if let [_, _, ..] = &self.inputs[..] {
            return Err(ModelsError::SeveralInputs {
                model: spec.to_string(),
                name: self.name.clone(),
                inputs: self.inputs.iter().map(|input| input.name.clone()).collect(),
            });
        }
        match (spec.tokens(), self.vocabulary) {
            (Some(tokens), _) => return self.check_tokens(spec, tokens),
            (None, Some(_)) => {
                return Err(self.no_tokens(
                    spec,
                    "its inputs are ids of tokens, which name things and measure nothing; use a language model, such \
                     as gpt:dim=64,depth=2,heads=2"
                        .to_owned(),
                ));
            }
            (None, None) => {}
        }
        let sample = self.inputs[0].sample_shape();
        let image = spec.image();
        let fits = match &image {
            Some(image) if sample.len() > 1 => without_ones(sample) == without_ones(image),
            _ => self.features() == spec.inputs(),
        };
        if fits {
            return Ok(());
        }
        Err(ModelsError::Inputs {
            model: spec.to_string(),
            name: self.name.clone(),
            expected: image.map_or(vec![spec.inputs()], Vec::from),
            found: sample.to_vec(),
        })
    }

    /// The first `n` samples, in order.
    ///
    /// # Errors
    /// [`ModelsError::EmptyData`] for none, [`ModelsError::TooFewSamples`] when there are fewer.
    pub fn take(mut self, n: usize) -> Result<Self, ModelsError> {
        if n == 0 {
            return Err(ModelsError::EmptyData { name: self.name });
        }
        if n > self.len() {
            return Err(ModelsError::TooFewSamples {
                available: self.len(),
                asked: n,
                name: self.name,
            });
        }
        for input in &mut self.inputs {
            let values = n * input.features();
            Arc::make_mut(&mut input.values).truncate(values);
            input.shape[0] = n;
        }
        self.y.truncate(n);
        Ok(self)
    }

    /// The samples that a loss counts, and how many it leaves out: `cross-entropy` leaves out those whose label is
    /// -100, PyTorch's `ignore_index`, and its mean is that of the others.
    ///
    /// # Errors
    /// [`ModelsError::EmptyData`] where none is left.
    pub fn counted_by(mut self, loss: LossKind) -> Result<(Self, usize), ModelsError> {
        if loss != LossKind::CrossEntropy {
            return Ok((self, 0));
        }
        let kept: Vec<bool> = self
            .y
            .ignored()
            .into_iter()
            .map(|ignored| !ignored)
            .collect();
        let left = kept.iter().filter(|kept| **kept).count();
        let ignored = kept.len() - left;
        if left == 0 {
            return Err(ModelsError::EmptyData { name: self.name });
        }
        if ignored > 0 {
            for input in &mut self.inputs {
                let features = input.features();
                crate::loss::retain(Arc::make_mut(&mut input.values), features, &kept);
                input.shape[0] = left;
            }
            self.y.retain(&kept);
        }
        Ok((self, ignored))
    }

    /// [`Dataset::take`] of some number, all for `None`.
    pub(crate) fn first(self, samples: Option<usize>) -> Result<Self, ModelsError> {
        match samples {
            Some(n) => self.take(n),
            None => Ok(self),
        }
    }

    /// SHA-256 of shapes and values, in hexadecimal: equal exactly when every number is. The name
    /// does not count.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for input in &self.inputs {
            // The name of the only one does not matter.
            if self.inputs.len() > 1 {
                header(&mut hash, b"name", &[input.name.len()]);
                hash.update(&input.name);
            }
            header(&mut hash, b"x f4", &input.shape);
            update(&mut hash, &input.values, |v| v.to_le_bytes());
        }
        match &self.y {
            Targets::Classes(labels) => {
                header(&mut hash, b"y i8", &[labels.len()]);
                update(&mut hash, labels, |v| v.to_le_bytes());
            }
            Targets::Values { data, width } => {
                header(&mut hash, b"y f4", &[self.len(), *width]);
                update(&mut hash, data, |v| v.to_le_bytes());
            }
            Targets::None(samples) => header(&mut hash, b"none", &[*samples]),
        }
        let digest = hash.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The first input on a device, one flattened sample a row: `[samples, features]`.
    pub fn inputs(&self, device: &Device) -> Tensor<2> {
        let data = TensorData::new(self.x().to_vec(), [self.len(), self.features()]);
        Tensor::from_data(data, device)
    }

    /// The targets on a device, checked and converted for a loss on the outputs of a network, see
    /// [`Targets::suited_to`]; for a language model the token that follows each.
    ///
    /// # Errors
    /// [`ModelsError::Label`], [`ModelsError::Targets`] and [`ModelsError::Tokens`].
    pub fn targets(
        &self,
        loss: LossKind,
        spec: &ModelSpec,
        device: &Device,
    ) -> Result<TargetTensor, ModelsError> {
        if let Some(tokens) = spec.tokens() {
            return self.token_targets(loss, spec, tokens.vocab, device);
        }
        let suited = self.y.suited_to(loss, spec.outputs(), &self.name)?;
        Ok(suited.to_tensor(device))
    }
}

/// A shape without the axes of length 1 that it begins with: `[28, 28]` is an image of one channel.
fn without_ones(shape: &[usize]) -> &[usize] {
    let ones = shape.iter().take_while(|&&length| length == 1).count();
    &shape[ones..]
}

fn header(hash: &mut Sha256, tag: &[u8; 4], shape: &[usize]) {
    hash.update(tag);
    update(hash, &[shape.len()], |n| (n as u64).to_le_bytes());
    update(hash, shape, |n| (n as u64).to_le_bytes());
}

/// Hashes values as bytes, some at a time so that nothing is held twice.
fn update<T: Copy, const N: usize>(hash: &mut Sha256, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
    let mut buffer = Vec::with_capacity(N * 4096);
    for some in values.chunks(4096) {
        buffer.clear();
        buffer.extend(some.iter().flat_map(|&value| bytes(value)));
        hash.update(&buffer);
    }
}
