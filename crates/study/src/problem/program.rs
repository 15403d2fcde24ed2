use crate::StudyError;
use landscape_core::Params;
use landscape_import::{Array, Input, Loss, Program, Size};
use landscape_models::{Dataset, LossKind, ModelsError, Regularizer, Targets};
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
        let shape = self
            .program
            .outputs()
            .first()
            .and_then(|output| output.shape.as_deref());
        fixed(shape.unwrap_or_default())
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
        if !terms.is_empty() {
            return Err(StudyError::NoTerms);
        }
        let inputs = self.inputs(data, loss)?;
        let targets = match loss {
            LossKind::Program => array(data.y())?,
            _ => array(&data.y().suited_to(loss, self.outputs(), data.name())?)?,
        };
        let trace = self
            .program
            .trace(params, &inputs, targets.as_ref(), kind(loss))?;
        Ok(trace)
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

fn kind(loss: LossKind) -> Loss {
    match loss {
        LossKind::CrossEntropy => Loss::CrossEntropy,
        LossKind::BceWithLogits => Loss::BceWithLogits,
        LossKind::Bce => Loss::Bce,
        LossKind::Mse => Loss::Mse,
        LossKind::Program => Loss::Program,
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
    /// The data as the program's inputs: those of a sample in the shape that the program says, where they are as many.
    fn inputs(&self, data: &Dataset, loss: LossKind) -> Result<Vec<(&str, Array)>, StudyError> {
        let inputs = self.program.inputs();
        let taken = match loss {
            // Its last input are the targets, where it has several.
            LossKind::Program if inputs.len() > 1 => &inputs[..inputs.len() - 1],
            _ => inputs,
        };
        let [input] = taken else {
            return Err(StudyError::SeveralInputs {
                path: self.path().to_owned(),
                inputs: taken.iter().map(|input| input.name.clone()).collect(),
            });
        };
        let shape = self.shape_of(input, data)?;
        Ok(vec![(
            input.name.as_str(),
            Array::new(shape, data.x().to_vec())?,
        )])
    }

    fn shape_of(&self, input: &Input, data: &Dataset) -> Result<Vec<usize>, StudyError> {
        let own = &data.shape()[1..];
        let wanted = input.shape.get(1..).unwrap_or_default();
        let fits = |(size, &n): (&Size, &usize)| match size {
            Size::Fixed(fixed) => *fixed == n,
            Size::Free(_) => true,
        };
        if wanted.len() == own.len() && wanted.iter().zip(own).all(fits) {
            return Ok(data.shape().to_vec());
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
