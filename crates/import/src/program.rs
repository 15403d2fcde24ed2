//! A program from a file.

mod one_sample;

use crate::array::Array;
use crate::error::ImportError;
use crate::loss::{Loss, Penalty, ignores, loss};
use crate::lower::{Kind, LowerError, Lowering, Origin, Tensor};
use crate::source::{Element, Input, Operation, Output, Size, Source};
use crate::{onnx, pt2};
use landscape_core::{FilterAxes, Parameter, Params, Role};
use landscape_files::{Budget, FileError, product};
use landscape_trace::{Trace, TraceError};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A network from a file: what goes in and out, its parameters, and the operations between them.
pub struct Program {
    path: PathBuf,
    digest: String,
    bytes: u64,
    source: Source,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("path", &self.path)
            .field("inputs", &self.source.inputs)
            .field("outputs", &self.source.outputs)
            .field("parameters", &self.source.params.len())
            .finish_non_exhaustive()
    }
}

/// What parameters are for, and which of their axes count filters, by number.
type Learned = (HashMap<usize, Role>, HashMap<usize, FilterAxes>);

impl Program {
    /// Reads a file: a program of `torch.export.save` or an ONNX model, told by what is in it.
    ///
    /// # Errors
    /// [`ImportError::File`], [`ImportError::Kind`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ImportError> {
        Self::open_file(path.as_ref())
    }

    fn open_file(path: &Path) -> Result<Self, ImportError> {
        let file = |source: FileError| ImportError::File {
            path: path.to_owned(),
            source,
        };
        let bytes = landscape_files::read(path).map_err(|error| file(error.into()))?;
        let budget = Budget::new(bytes.len() as u64);
        let source = match pt2::is_archive(&bytes) {
            true => pt2::read(&bytes, &budget).map_err(file)?,
            false if onnx::is_model(&bytes) => {
                onnx::read(&bytes, Some(path), &budget).map_err(file)?
            }
            false => {
                return Err(ImportError::Kind {
                    path: path.to_owned(),
                    found: "neither a program of torch.export nor an ONNX model".into(),
                    remedy:
                        "export one: torch.export.save(torch.export.export(net, (x,)), \"net.pt2\")"
                            .into(),
                });
            }
        };
        let mut program = Self {
            path: path.to_owned(),
            digest: format!("{:x}", Sha256::digest(&bytes)),
            bytes: bytes.len() as u64,
            source,
        };
        program.learn(budget);
        Ok(program)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of the file, in hexadecimal: equal exactly where the files are.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The inputs, in order.
    pub fn inputs(&self) -> &[Input] {
        &self.source.inputs
    }

    /// The outputs, in order.
    pub fn outputs(&self) -> &[Output] {
        &self.source.outputs
    }

    /// Parameters and buffers of floating-point numbers, by their own names and in their own layout. What each is for follows from the
    /// operations that use it.
    pub fn parameters(&self) -> &Params {
        &self.source.params
    }

    /// Names of the parameters that training leaves as they are (PyTorch's `requires_grad=False`), as far as the file tells them from
    /// others.
    pub fn frozen(&self) -> &[String] {
        &self.source.frozen
    }

    /// The operations, by name.
    pub fn operations(&self) -> &[Operation] {
        &self.source.operations
    }

    /// What the user should know: weights that were converted, training flags that are overruled, names that are gone.
    pub fn notes(&self) -> &[String] {
        &self.source.notes
    }

    /// The number of samples that the program was exported for, where the export has fixed it. It runs on others too, where
    /// samples do not mix.
    pub fn samples(&self) -> Option<usize> {
        self.source.samples
    }

    /// The trace of a loss on data: inputs by their names, or in order where a name is empty, with the samples along axis 0.
    ///
    /// # Errors
    /// [`ImportError::Missing`], [`ImportError::Operation`], [`ImportError::Inputs`], [`ImportError::Targets`],
    /// [`ImportError::Trace`].
    pub fn trace(
        &self,
        params: &Params,
        inputs: &[(&str, Array)],
        targets: Option<&Array>,
        kind: Loss,
    ) -> Result<Trace, ImportError> {
        self.trace_with(params, inputs, targets, kind, &[])
    }

    /// The same with penalties as terms beside the loss.
    ///
    /// # Errors
    /// As [`Self::trace`].
    pub fn trace_with(
        &self,
        params: &Params,
        inputs: &[(&str, Array)],
        targets: Option<&Array>,
        kind: Loss,
        penalties: &[Penalty],
    ) -> Result<Trace, ImportError> {
        self.traced(params, (inputs, targets), (kind, penalties), None)
    }

    /// The same loss of `samples` samples of these data in training, where dropout drops, for
    /// [`landscape_trace::BatchGradients`]: which ones makes no difference.
    ///
    /// # Errors
    /// As [`Self::trace`].
    pub fn batch_trace(
        &self,
        params: &Params,
        inputs: &[(&str, Array)],
        targets: Option<&Array>,
        kind: Loss,
        samples: usize,
    ) -> Result<Trace, ImportError> {
        self.traced(params, (inputs, targets), (kind, &[]), Some(samples))
    }

    /// The trace of the first samples; of all where `size` is absent.
    fn traced(
        &self,
        params: &Params,
        (inputs, targets): (&[(&str, Array)], Option<&Array>),
        (kind, penalties): (Loss, &[Penalty]),
        size: Option<usize>,
    ) -> Result<Trace, ImportError> {
        self.check_operations()?;
        let all = self.arranged(inputs, targets.filter(|_| kind == Loss::Program))?;
        let ignores = targets.is_some_and(ignores);
        let (given, targets) = self.cut(&all, targets, size);
        let given: Vec<&Array> = given.iter().map(|array| &**array).collect();
        let targets = targets.as_deref();
        let samples = count(&given);
        if samples == 0 {
            return Err(ImportError::Inputs(
                "the first input has no samples: its first axis counts them".into(),
            ));
        }
        let read: usize = given.iter().map(|array| 4 * array.data().len()).sum();
        let budget = Budget::new(self.bytes.saturating_add(read as u64));
        let mut lowering = Lowering::new(samples, self.source.samples, budget);
        lowering.training = size.is_some();
        if samples > 1 {
            lowering.readings = self.readings(params, &all, count(&all))?;
        }
        let tensors = self.given(&mut lowering, &given)?;
        let params = self.parameter_values(&mut lowering, params)?;
        let outputs = self.source.graph.lower(&mut lowering, &params, &tensors);
        let outputs = outputs.map_err(|error| self.explained(error))?;
        let Some(output) = outputs.first() else {
            return Err(ImportError::Inputs("the program has no output".into()));
        };
        let (each, correct) = match (kind, targets) {
            (Loss::Program, _) => (output.clone(), None),
            (_, Some(targets)) => loss(&mut lowering, output, targets, kind, ignores)?,
            (_, None) => {
                return Err(ImportError::Targets(
                    "this loss compares the outputs with targets, and there are none".into(),
                ));
            }
        };
        let correct = correct.map(|correct| correct.value);
        let own = self.source.params.iter().zip(&params);
        let moving = own.filter(|(own, _)| own.role != Role::Buffer);
        let moving: Vec<_> = moving.map(|(_, value)| value.value).collect();
        let terms = { penalties.iter() }
            .map(|penalty| penalty.term(&mut lowering.builder, &moving))
            .collect::<Result<_, _>>()?;
        let made = lowering.builder.loss(each.value, correct, terms);
        made.map_err(|error| match error {
            TraceError::LossShape { shape, samples } if kind == Loss::Program => ImportError::Targets(format!(
                "the first output has the shape {shape:?}, which is not that of a loss: a loss is one number, or one (or equally many) for \
                 each of the {samples} samples"
            )),
            error => error.into(),
        })
    }

    /// So many samples of arrays that count them; all where `size` is absent.
    fn cut<'a>(
        &self,
        given: &[&'a Array],
        targets: Option<&'a Array>,
        size: Option<usize>,
    ) -> (Vec<Cow<'a, Array>>, Option<Cow<'a, Array>>) {
        let part = |array: &'a Array| match size {
            Some(size) => Cow::Owned(array.first(size)),
            None => Cow::Borrowed(array),
        };
        let inputs = self.source.inputs.iter().zip(given.iter().copied());
        let one = |(input, array): (&Input, &'a Array)| match self.counts_samples(input) {
            true => part(array),
            false => Cow::Borrowed(array),
        };
        (inputs.map(one).collect(), targets.map(part))
    }

    /// Unknown operations, all at once.
    fn check_operations(&self) -> Result<(), ImportError> {
        let missing = self
            .source
            .operations
            .iter()
            .filter(|operation| !operation.known);
        let operations: Vec<_> = missing.map(|o| (o.name.clone(), o.place.clone())).collect();
        match operations.is_empty() {
            true => Ok(()),
            false => Err(ImportError::Missing { operations }),
        }
    }

    /// The arrays in the order of the inputs.
    fn arranged<'a>(
        &self,
        inputs: &'a [(&str, Array)],
        last: Option<&'a Array>,
    ) -> Result<Vec<&'a Array>, ImportError> {
        let own = &self.source.inputs;
        let mut given: Vec<Option<&Array>> = vec![None; own.len()];
        for (position, (name, array)) in inputs.iter().enumerate() {
            let named = own.iter().position(|input| input.name == *name);
            let place = match name.is_empty() {
                true => Some(position).filter(|&p| p < own.len()),
                false => named,
            };
            let Some(place) = place else {
                return Err(ImportError::Inputs(format!(
                    "the program has no input `{}`; its inputs are {}",
                    if name.is_empty() {
                        position.to_string()
                    } else {
                        (*name).to_owned()
                    },
                    self.described()
                )));
            };
            given[place] = Some(array);
        }
        if let (Some(last), Some(place @ None)) = (last, given.last_mut()) {
            *place = Some(last);
        }
        let missing = own.iter().zip(&given).find(|(_, array)| array.is_none());
        if let Some((input, _)) = missing {
            return Err(ImportError::Inputs(format!(
                "input `{}` is not given; the program has the inputs {}",
                input.name,
                self.described()
            )));
        }
        Ok(given.into_iter().flatten().collect())
    }

    fn described(&self) -> String {
        let all = self
            .source
            .inputs
            .iter()
            .map(|input| format!("`{}` {}", input.name, shape_words(&input.shape)));
        all.collect::<Vec<_>>().join(", ")
    }

    /// The inputs as values, checked against what the file says of them.
    fn given(
        &self,
        lowering: &mut Lowering,
        arrays: &[&Array],
    ) -> Result<Vec<Tensor>, ImportError> {
        let mut free: HashMap<&str, usize> = HashMap::new();
        let mut tensors = Vec::new();
        for (input, array) in self.source.inputs.iter().zip(arrays) {
            let each = self.counts_samples(input);
            check_shape(input, array, each.then_some(lowering.samples), &mut free)?;
            check_numbers(input, array)?;
            let same = || array.data().to_vec();
            let value = match each {
                true => lowering
                    .builder
                    .shared_data(array.shape(), array.numbers())?,
                false if array.shape().is_empty() => lowering.builder.constant(&[1], same())?,
                false => lowering.builder.constant(array.shape(), same())?,
            };
            let kind = match input.element {
                Element::Float => Kind::Float,
                Element::Int => Kind::Int,
                Element::Bool => Kind::Bool,
            };
            tensors.push(Tensor {
                scalar: array.shape().is_empty(),
                ..Tensor::new(value, kind)
            });
        }
        Ok(tensors)
    }

    /// Whether the first axis of an input counts the samples: it is as that of the first input.
    fn counts_samples(&self, input: &Input) -> bool {
        let first = self
            .source
            .inputs
            .first()
            .and_then(|first| first.shape.first());
        !input.shape.is_empty() && input.shape.first() == first
    }

    fn parameter_values(
        &self,
        lowering: &mut Lowering,
        params: &Params,
    ) -> Result<Vec<Tensor>, ImportError> {
        let own = &self.source.params;
        let (mut missing, mut misshaped) = (Vec::new(), Vec::new());
        for parameter in own.iter() {
            match params.get(&parameter.name) {
                None => missing.push(parameter.name.clone()),
                Some(found) if found.shape != parameter.shape => {
                    misshaped.push((
                        parameter.name.clone(),
                        parameter.shape.clone(),
                        found.shape.clone(),
                    ));
                }
                Some(_) => {}
            }
        }
        if !missing.is_empty() || !misshaped.is_empty() {
            return Err(ImportError::Trace(TraceError::Layout {
                missing,
                unexpected: Vec::new(),
                misshaped,
            }));
        }
        let given = |parameter: &Parameter| {
            let found = params.get(&parameter.name).unwrap_or(parameter);
            Parameter {
                role: parameter.role,
                ..found.clone()
            }
        };
        place(lowering, own.iter().map(given))
    }

    /// Finds what the parameters are for, by lowering the program on the example that it was exported with.
    fn learn(&mut self, budget: Budget) {
        if self
            .source
            .operations
            .iter()
            .any(|operation| !operation.known)
        {
            return;
        }
        match self.example(budget) {
            Ok((roles, filters)) => {
                let mut params = std::mem::take(&mut self.source.params).into_inner();
                for (number, role) in roles {
                    if let Some(parameter) = params.get_mut(number)
                        && parameter.role != Role::Buffer
                    {
                        parameter.role = role;
                    }
                }
                for (number, axes) in filters {
                    if let Some(parameter) = params.get_mut(number) {
                        parameter.filter_axes = axes;
                    }
                }
                self.source.params = Params::new(params).unwrap_or_default();
            }
            Err(error) => self
                .source
                .notes
                .push(format!("it does not run as it was exported: {error}")),
        }
    }

    fn example(&self, budget: Budget) -> Result<Learned, ImportError> {
        let examples: HashMap<&str, usize> = { self.source.examples.iter() }
            .map(|(name, n)| (name.as_str(), *n))
            .collect();
        let length = |size: &Size| match size {
            Size::Fixed(n) => *n,
            Size::Free(name) => examples.get(name.as_str()).copied().unwrap_or(2),
        };
        let first = self
            .source
            .inputs
            .first()
            .and_then(|input| input.shape.first());
        let samples = first.map_or(1, length);
        let mut lowering = Lowering::new(samples, self.source.samples, budget);
        let mut inputs = Vec::new();
        for input in &self.source.inputs {
            let shape: Vec<usize> = input.shape.iter().map(length).collect();
            lowering
                .spend(&shape)
                .map_err(|error| self.explained(error))?;
            let count = product(&shape).unwrap_or(0);
            let value = match (self.counts_samples(input), shape.is_empty()) {
                (true, _) => lowering.builder.data(&shape, vec![0.0; count])?,
                (false, true) => lowering.builder.constant(&[1], vec![0.0])?,
                (false, false) => lowering.builder.constant(&shape, vec![0.0; count])?,
            };
            let kind = match input.element {
                Element::Float => Kind::Float,
                Element::Int => Kind::Int,
                Element::Bool => Kind::Bool,
            };
            inputs.push(Tensor {
                scalar: shape.is_empty(),
                ..Tensor::new(value, kind)
            });
        }
        let params = place(&mut lowering, self.source.params.iter().cloned())?;
        let lowered = self.source.graph.lower(&mut lowering, &params, &inputs);
        lowered.map_err(|error| self.explained(error))?;
        Ok((lowering.roles, lowering.filters))
    }

    /// An error of the lowering, with the remedy.
    fn explained(&self, error: LowerError) -> ImportError {
        let (operation, place, error) = match error {
            LowerError::Operation {
                operation,
                place,
                error,
            } => (operation, place, *error),
            error => ("the program".into(), String::new(), error),
        };
        let problem = match error {
            LowerError::Missing => {
                return ImportError::Missing {
                    operations: vec![(operation, place)],
                };
            }
            LowerError::Burnt(what) => format!("{what}; {}", self.free_samples()),
            other => other.to_string(),
        };
        ImportError::Operation {
            operation,
            place,
            problem,
        }
    }

    /// How the program is exported for any number of samples.
    fn free_samples(&self) -> String {
        let fixed = self
            .source
            .samples
            .map_or(String::new(), |n| format!(" to {n}"));
        let names: Vec<String> = { self.source.inputs.iter() }
            .filter(|input| self.counts_samples(input))
            .map(|input| format!("\"{}\": {{0: batch}}", input.name))
            .collect();
        format!(
            "the export fixed the number of samples{fixed}: export it with a dynamic one, batch = torch.export.Dim(\"batch\"); \
             torch.export.export(net, args, dynamic_shapes={{{}}})",
            names.join(", ")
        )
    }
}

fn place(
    lowering: &mut Lowering,
    params: impl Iterator<Item = Parameter>,
) -> Result<Vec<Tensor>, ImportError> {
    let mut tensors = Vec::new();
    for (number, parameter) in params.enumerate() {
        let scalar = parameter.shape.is_empty();
        let origin = Origin::new(number, &parameter.shape);
        let mut value = lowering.builder.parameter(parameter)?;
        if scalar {
            value = lowering.builder.reshape(value, &[1])?;
        }
        tensors.push(Tensor {
            origin: Some(origin),
            scalar,
            ..Tensor::new(value, Kind::Float)
        });
    }
    Ok(tensors)
}

fn shape_words(shape: &[Size]) -> String {
    let word = |size: &Size| match size {
        Size::Fixed(n) => n.to_string(),
        Size::Free(name) => name.clone(),
    };
    format!(
        "[{}]",
        shape.iter().map(word).collect::<Vec<_>>().join(", ")
    )
}

/// The samples of the first of the inputs.
fn count(given: &[&Array]) -> usize {
    let first = given.first().and_then(|array| array.shape().first());
    first.copied().unwrap_or(0)
}

fn check_shape<'a>(
    input: &'a Input,
    array: &Array,
    samples: Option<usize>,
    free: &mut HashMap<&'a str, usize>,
) -> Result<(), ImportError> {
    let found = array.shape();
    let wrong = || {
        Err(ImportError::Inputs(format!(
            "input `{}` has the shape {} in the program, but {found:?} in the data",
            input.name,
            shape_words(&input.shape)
        )))
    };
    if found.len() != input.shape.len() {
        return wrong();
    }
    for (axis, (&n, size)) in found.iter().zip(&input.shape).enumerate() {
        let expected = match (size, samples.filter(|_| axis == 0)) {
            (_, Some(samples)) => samples,
            (Size::Fixed(n), None) => *n,
            (Size::Free(name), None) => *free.entry(name).or_insert(n),
        };
        if n != expected {
            return wrong();
        }
        if let (Size::Free(name), 0) = (size, axis) {
            free.insert(name, n);
        }
    }
    Ok(())
}

fn check_numbers(input: &Input, array: &Array) -> Result<(), ImportError> {
    let whole = input.element != Element::Float;
    match array.data().iter().find(|x| whole && x.fract() != 0.0) {
        Some(x) => Err(ImportError::Inputs(format!(
            "input `{}` takes whole numbers, and {x} is not one",
            input.name
        ))),
        None => Ok(()),
    }
}
