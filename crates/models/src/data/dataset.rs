//! Inputs and targets together.

use crate::{LossKind, ModelSpec, ModelsError, TargetTensor, Targets};
use burn::tensor::{Device, Tensor, TensorData};
use sha2::{Digest, Sha256};

/// Samples with their targets, checked: at least one, as many targets as inputs, all finite.
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
    shape: Vec<usize>,
    x: Vec<f32>,
    y: Targets,
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
        let data = Dataset {
            name: name.into(),
            shape,
            x,
            y,
        };
        data.check()?;
        Ok(data)
    }

    fn check(&self) -> Result<(), ModelsError> {
        let disagree = |reason: String| {
            let name = self.name.clone();
            Err(ModelsError::DataShape { name, reason })
        };
        if crate::files::product(&self.shape) != Some(self.x.len()) {
            return disagree(format!("{} inputs in shape {:?}", self.x.len(), self.shape));
        }
        if self.x.is_empty() || self.shape.is_empty() {
            return Err(ModelsError::EmptyData {
                name: self.name.clone(),
            });
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
        self.check_finite("x", &self.x, self.features())?;
        match &self.y {
            Targets::Values { data, width } => self.check_finite("y", data, *width),
            Targets::Classes(_) => Ok(()),
        }
    }

    fn check_finite(
        &self,
        tensor: &'static str,
        values: &[f32],
        width: usize,
    ) -> Result<(), ModelsError> {
        match values.iter().position(|v| !v.is_finite()) {
            None => Ok(()),
            Some(at) => Err(ModelsError::NotFinite {
                name: self.name.clone(),
                tensor,
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
        self.shape[0]
    }

    /// Lengths of the axes of the inputs, samples first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Values in one input sample.
    pub fn features(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// The inputs, row-major.
    pub fn x(&self) -> &[f32] {
        &self.x
    }

    /// The targets.
    pub fn y(&self) -> &Targets {
        &self.y
    }

    /// Checks that a network takes these inputs: as many values, and images channels first, since
    /// their axes would be mistaken for others otherwise.
    ///
    /// # Errors
    /// [`ModelsError::Inputs`].
    pub fn check_inputs(&self, spec: &ModelSpec) -> Result<(), ModelsError> {
        let sample = &self.shape[1..];
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
        self.x.truncate(n * self.features());
        self.y.truncate(n);
        self.shape[0] = n;
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
            let features = self.features();
            crate::loss::retain(&mut self.x, features, &kept);
            self.y.retain(&kept);
            self.shape[0] = left;
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
        header(&mut hash, b"x f4", &self.shape);
        update(&mut hash, &self.x, |v| v.to_le_bytes());
        match &self.y {
            Targets::Classes(labels) => {
                header(&mut hash, b"y i8", &[labels.len()]);
                update(&mut hash, labels, |v| v.to_le_bytes());
            }
            Targets::Values { data, width } => {
                header(&mut hash, b"y f4", &[self.len(), *width]);
                update(&mut hash, data, |v| v.to_le_bytes());
            }
        }
        let digest = hash.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The inputs on a device, one flattened sample a row: `[samples, features]`.
    pub fn inputs(&self, device: &Device) -> Tensor<2> {
        let data = TensorData::new(self.x.clone(), [self.len(), self.features()]);
        Tensor::from_data(data, device)
    }

    /// The targets on a device, checked and converted for a loss on `outputs` values a sample; see
    /// [`Targets::suited_to`].
    ///
    /// # Errors
    /// [`ModelsError::Label`] and [`ModelsError::Targets`].
    pub fn targets(
        &self,
        loss: LossKind,
        outputs: usize,
        device: &Device,
    ) -> Result<TargetTensor, ModelsError> {
        let suited = self.y.suited_to(loss, outputs, &self.name)?;
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
