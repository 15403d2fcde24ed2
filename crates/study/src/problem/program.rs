use super::trainee::TrainingTask;
use crate::StudyError;
use crate::record::DataSource;
use crate::report::Reporter;
use landscape_core::{Params, path_words};
use landscape_import::{Array, Element, Input, Loss, Penalty, Program, Size};
use landscape_models::{
    DataSpec, Dataset, LossKind, ModelsError, Regularizer, SuggestedLoss, Targets, TracedLoss,
};
use landscape_trace::Trace;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A program from a file, as a network that takes data.
#[derive(Debug, Clone)]
pub struct ProgramModel {
    program: Arc<Program>,
}

/// The same file holds the same network.
impl PartialEq for ProgramModel {
    fn eq(&self, other: &Self) -> bool {
        self.program.digest() == other.program.digest()
    }
}

/// How settings name it: by what is in the file, wherever that lies.
impl fmt::Display for ProgramModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "program:{}", &self.program.digest()[..32])
    }
}

impl ProgramModel {
    /// Reads a file.
    ///
    /// # Errors
    /// Those of [`Program::open`].
    pub fn open(path: &Path) -> Result<Self, StudyError> {
        let program = Arc::new(Program::open(path)?);
        Ok(ProgramModel { program })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.program.path()
    }

    /// What the user should know of it.
    pub fn notes(&self) -> &[String] {
        self.program.notes()
    }

    /// The program itself.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Its own parameters.
    pub fn params(&self) -> &Params {
        self.program.parameters()
    }

    /// Values in the first output of a sample; 1 where the file does not say it.
    pub fn outputs(&self) -> usize {
        fixed(self.output().unwrap_or_default())
    }

    /// Lengths of the axes of the first output.
    fn output(&self) -> Option<&[Size]> {
        self.program.outputs().first()?.shape.as_deref()
    }

    /// The data with the arrays that have the names of its inputs, where it takes several and none are named.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn named_inputs(
        &self,
        mut source: DataSource,
        loss: Option<LossKind>,
        reporter: &dyn Reporter,
    ) -> Result<DataSource, StudyError> {
        let inputs = self.program.inputs();
        let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        let DataSpec::File(file) = &mut source.spec else {
            return Ok(source);
        };
        let is_loss = loss == Some(LossKind::Program)
            || loss.is_none() && self.output().is_some_and(|output| output.len() < 2);
        if names.len() > 1 && file.take_named(&names, is_loss)? {
            reporter.note(format_args!(
                "{}: the arrays with the names of the program's inputs are taken",
                path_words(&file.path)
            ));
        }
        Ok(source)
    }

    pub(crate) fn takes_integers(&self) -> bool {
        let first = self.program.inputs().first();
        first.is_some_and(|input| input.element == Element::Int)
    }

    /// An output that is a number, or one a sample where the targets are an input that the data do not have, is the loss;
    /// labels for each place of the outputs are classes; all else is as for networks with an output a class.
    pub(crate) fn suggested_loss(&self, data: &Dataset) -> SuggestedLoss {
        let suggest = |kind, reason| SuggestedLoss {
            kind,
            reason,
            usual: false,
        };
        let inputs = self.program.inputs();
        let rank = self.output().map(<[Size]>::len);
        let takes_targets = inputs.len() > data.named_inputs().len();
        let labels = data.y().integers().is_some() && rank == Some(data.target_shape().len() + 2);
        match rank {
            Some(0) => suggest(LossKind::Program, "an output that is one number"),
            Some(1) if takes_targets => suggest(
                LossKind::Program,
                "one number a sample, of targets that are an input",
            ),
            Some(3..) if labels => suggest(
                LossKind::CrossEntropy,
                "a label for each place of the outputs",
            ),
            _ => LossKind::suggested(self.outputs(), data.y()),
        }
    }

    /// The loss on samples of zeros: how it runs, without data.
    ///
    /// # Errors
    /// [`StudyError::FreeSizes`] where more than the number of samples is chosen with the data, and those of
    /// [`Program::trace`].
    pub fn on_zeros(&self, samples: usize) -> Result<Trace, StudyError> {
        let zeros = |shape: &[Size]| -> Result<Array, StudyError> {
            let mut sizes = vec![samples];
            for size in shape.iter().skip(1) {
                match size {
                    Size::Fixed(n) => sizes.push(*n),
                    Size::Free(name) => {
                        return Err(StudyError::FreeSizes {
                            path: self.path().to_owned(),
                            size: name.clone(),
                        });
                    }
                }
            }
            let count = sizes.iter().product();
            Ok(Array::new(sizes, vec![0.0; count])?)
        };
        let inputs = self.program.inputs().iter();
        let inputs = inputs.map(|input| Ok((input.name.as_str(), zeros(&input.shape)?)));
        let mut inputs: Vec<(&str, Array)> = inputs.collect::<Result<_, StudyError>>()?;
        let (targets, loss) = match self.output() {
            // The output is the loss, and the last input are the targets.
            Some(shape) if shape.len() < 2 => {
                let several = inputs.len() > 1;
                (
                    several.then(|| inputs.pop()).flatten().map(|(_, y)| y),
                    Loss::Program,
                )
            }
            Some(shape) => (Some(zeros(shape)?), Loss::Mse),
            None => (
                Some(Array::new([samples, 1], vec![0.0; samples])?),
                Loss::Mse,
            ),
        };
        Ok(self
            .program
            .trace(self.params(), &inputs, targets.as_ref(), loss)?)
    }

    /// The loss on some data.
    ///
    /// # Errors
    /// Where the data do not suit the program, and those of [`Program::trace`].
    pub fn trace(
        &self,
        params: &Params,
        data: &Dataset,
        loss: LossKind,
        terms: &[Regularizer],
    ) -> Result<Trace, StudyError> {
        let inputs = self.inputs(data, loss)?;
        let targets = self.targets(data, loss)?;
        let penalties: Vec<Penalty> = terms.iter().map(|&term| penalty(term)).collect();
        let (targets, loss) = (targets.as_ref(), kind(loss));
        Ok(self
            .program
            .trace_with(params, &inputs, targets, loss, &penalties)?)
    }

    /// The loss as traces, of all the data and of the batches of a training.
    pub(crate) fn traced_loss(
        &self,
        params: &Params,
        task: TrainingTask,
    ) -> Result<TracedLoss, StudyError> {
        let TrainingTask { data, loss, config } = task;
        let inputs = self.inputs(data, loss)?;
        let targets = self.targets(data, loss)?;
        let (targets, loss) = (targets.as_ref(), kind(loss));
        let program = &self.program;
        let whole = program.trace(params, &inputs, targets, loss)?;
        let sized = |size| program.batch_trace(params, &inputs, targets, loss, size);
        let sizes = config.batch_sizes(data.len()).into_iter();
        Ok(TracedLoss {
            whole,
            sized: sizes.map(sized).collect::<Result<_, _>>()?,
            image: self.image(data),
        })
    }

    fn targets(&self, data: &Dataset, loss: LossKind) -> Result<Option<Array>, StudyError> {
        match loss {
            // What the program takes as its last input, or compares place by place.
            _ if loss == LossKind::Program
                || self.output().is_some_and(|output| output.len() > 2) =>
            {
                given(data)
            }
            _ => array(&data.y().suited_to(loss, self.outputs(), data.name())?),
        }
    }

    /// Channels, height and width of the images that its only input of data is, where it takes some, with the channels in
    /// front as PyTorch has them.
    fn image(&self, data: &Dataset) -> Option<[usize; 3]> {
        let [_] = data.named_inputs() else {
            return None;
        };
        let first = self.program.inputs().first()?;
        let given = self.shape_of(first, data.named_inputs().first()?, data);
        match given.ok()?[..] {
            [_, channels, height, width] if channels <= height && channels <= width => {
                Some([channels, height, width])
            }
            _ => None,
        }
    }
}

/// Values of a sample, whose number does not depend on the data.
fn fixed(shape: &[Size]) -> usize {
    let sizes = shape.iter().skip(1).map(|size| match size {
        Size::Fixed(n) => *n,
        Size::Free(_) => 1,
    });
    sizes.product()
}

fn penalty(term: Regularizer) -> Penalty {
    match term {
        Regularizer::L1(weight) => Penalty::L1(weight),
        Regularizer::L2(weight) => Penalty::L2(weight),
    }
}

fn kind(loss: LossKind) -> Loss {
    match loss {
        LossKind::CrossEntropy => Loss::CrossEntropy,
        LossKind::BceWithLogits => Loss::BceWithLogits,
        LossKind::Bce => Loss::Bce,
        LossKind::Mse => Loss::Mse,
        LossKind::Program => Loss::Program,
    }
}

/// The targets as they are in the data; none where there are none.
fn given(data: &Dataset) -> Result<Option<Array>, StudyError> {
    let numbers = data.y().numbers();
    match numbers.is_empty() {
        true => Ok(None),
        false => {
            let shape = [&[data.len()], data.target_shape()].concat();
            Ok(Some(Array::new(shape, numbers)?))
        }
    }
}

/// Targets as numbers, `[samples]` for labels, else `[samples, values]`; none where there are none.
fn array(targets: &Targets) -> Result<Option<Array>, StudyError> {
    let array = match targets {
        Targets::None(_) => return Ok(None),
        Targets::Classes(labels) => Array::new(
            [labels.len()],
            labels.iter().map(|&label| label as f32).collect(),
        ),
        Targets::Values { data, width } => Array::new([targets.len(), *width], data.clone()),
    };
    Ok(Some(array?))
}

impl ProgramModel {
    /// The data as the program's inputs, by their names, or as they are where there is one: the values of a sample in the
    /// shape that the program says, where they are as many.
    fn inputs(&self, data: &Dataset, loss: LossKind) -> Result<Vec<(&str, Array)>, StudyError> {
        let (inputs, named) = (self.program.inputs(), data.named_inputs());
        let targets = loss == LossKind::Program && inputs.len() > 1;
        let is_target = |place: usize| targets && place + 1 == inputs.len();
        let mut found = Vec::new();
        for (place, input) in inputs.iter().enumerate() {
            let own = data.input(&input.name).or(match named {
                [one] if place == 0 && inputs.len() - usize::from(targets) == 1 => Some(one),
                _ => None,
            });
            let own = match own {
                Some(own) => own,
                None if is_target(place) => continue,
                None => {
                    return Err(StudyError::NoInput {
                        path: self.path().to_owned(),
                        input: input.name.clone(),
                        given: named.iter().map(|own| own.name().to_owned()).collect(),
                    });
                }
            };
            let shape = self.shape_of(input, own, data)?;
            found.push((input.name.as_str(), Array::shared(shape, own.shared())?));
        }
        Ok(found)
    }

    fn shape_of(
        &self,
        input: &Input,
        given: &landscape_models::data::Input,
        data: &Dataset,
    ) -> Result<Vec<usize>, StudyError> {
        let own = &given.shape()[1..];
        let wanted = input.shape.get(1..).unwrap_or_default();
        let fits = |(size, &n): (&Size, &usize)| match size {
            Size::Fixed(fixed) => *fixed == n,
            Size::Free(_) => true,
        };
        if wanted.len() == own.len() && wanted.iter().zip(own).all(fits) {
            return Ok(given.shape().to_vec());
        }
        let fixed = wanted.iter().map(|size| match size {
            Size::Fixed(n) => Some(*n),
            Size::Free(_) => None,
        });
        let fixed: Option<Vec<usize>> = fixed.collect();
        match fixed {
            Some(fixed) if may_reshape(own, &fixed) => Ok([&[data.len()], &fixed[..]].concat()),
            fixed => Err(ModelsError::Inputs {
                model: landscape_core::path_words(self.path()).to_string(),
                name: data.name().to_owned(),
                expected: fixed.unwrap_or_default(),
                found: own.to_vec(),
            }
            .into()),
        }
    }
}

/// Whether values of one shape mean the same in another: axes of length 1 come and go, and rows of plain numbers have no
/// shape of their own. Images with other axes have.
fn may_reshape(from: &[usize], to: &[usize]) -> bool {
    let without_ones =
        |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|&n| n != 1).collect() };
    let same = without_ones(from) == without_ones(to);
    let (given, wanted): (usize, usize) = (from.iter().product(), to.iter().product());
    same || given == wanted && (from.len() == 1 || to.len() == 1)
}
