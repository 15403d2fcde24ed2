//! Losses of outputs and targets, with PyTorch's definitions: those of `landscape_models::loss`, for outputs of any shape.

use crate::array::Array;
use crate::error::ImportError;
use crate::lower::{Kind, LowerError, Lowered, Lowering, Tensor};
use landscape_core::Term;
use landscape_trace::{Binary, Reduction, TraceBuilder, TraceError, Unary, Value};

/// Which loss is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// Negative log likelihood of the class under the softmax of the outputs. Targets are labels, of which -100 is left out, or class
    /// probabilities in the shape of the outputs. Classes are axis 1, as in PyTorch, or the last axis where labels fit it alone.
    CrossEntropy,
    /// Binary cross-entropy of the sigmoid of the outputs.
    BceWithLogits,
    /// Binary cross-entropy of outputs that are probabilities already.
    Bce,
    /// Squared difference, averaged over the outputs.
    Mse,
    /// The first output is the loss: one number, or one for each sample. Targets are the last input.
    Program,
}

/// A term beside the loss, with its weight: a sum over all parameters, biases too, as PyTorch's weight decay has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Penalty {
    /// `sum |theta_i|`
    L1(f64),
    /// `sum theta_i^2`
    L2(f64),
}

impl Penalty {
    /// The term over these values.
    pub(crate) fn term(
        self,
        builder: &mut TraceBuilder,
        values: &[Value],
    ) -> Result<(Term, Value), TraceError> {
        let (name, weight, power) = match self {
            Penalty::L1(weight) => ("l1", weight, Unary::Abs),
            Penalty::L2(weight) => ("l2", weight, Unary::PowScalar(2.0)),
        };
        let mut sum = builder.constant(&[1], vec![0.0])?;
        for &value in values {
            let powers = builder.unary(power, value);
            let one = builder.reduce(Reduction::Sum, powers, None)?;
            sum = builder.binary(Binary::Add, sum, one)?;
        }
        let name = name.to_owned();
        Ok((Term { name, weight }, sum))
    }
}

/// The mark of labels that cross-entropy leaves out.
const IGNORED: f32 = -100.0;
/// The smallest logarithm that a binary cross-entropy uses.
const LOG_FLOOR: f64 = -100.0;

/// A loss, one number or some for each sample, and which samples are predicted correctly.
pub(crate) type Losses = (Tensor, Option<Tensor>);

/// Whether some labels are left out.
pub(crate) fn ignores(targets: &Array) -> bool {
    targets.data().contains(&IGNORED)
}

/// The loss of an output; `ignores`: whether labels may be left out.
pub(crate) fn loss(
    l: &mut Lowering,
    output: &Tensor,
    targets: &Array,
    loss: Loss,
    ignores: bool,
) -> Result<Losses, ImportError> {
    let shape = l.shape(output);
    if targets.shape().first() != Some(&l.samples) {
        return Err(ImportError::Targets(format!(
            "there are {} samples, and the targets have the shape {:?}",
            l.samples,
            targets.shape()
        )));
    }
    let made = match loss {
        Loss::CrossEntropy => return cross_entropy(l, output, targets, ignores),
        _ => {
            let y = values(l, &shape, targets)?;
            let x = l.reshape_to(output, &shape);
            x.and_then(|x| match loss {
                Loss::Mse => mse(l, &x, &y).map(|each| (each, None)),
                Loss::BceWithLogits => with_hits(l, &x, &y, 0.0, bce_with_logits),
                _ => with_hits(l, &x, &y, 0.5, bce),
            })
        }
    };
    made.map_err(wrong)
}

fn wrong(error: LowerError) -> ImportError {
    ImportError::Targets(error.to_string())
}

/// Targets in the shape of the outputs.
fn values(l: &mut Lowering, shape: &[usize], targets: &Array) -> Result<Tensor, ImportError> {
    let given = targets.shape();
    let count: usize = shape.iter().product();
    if targets.data().len() != count {
        return Err(ImportError::Targets(format!(
            "the outputs have the shape {shape:?} and the targets {given:?}; the numbers must be equal"
        )));
    }
    let y = data(l, targets, Kind::Float)?;
    l.reshape_to(&y, shape).map_err(wrong)
}

fn data(l: &mut Lowering, array: &Array, kind: Kind) -> Result<Tensor, ImportError> {
    let value = l.builder.shared_data(array.shape(), array.numbers())?;
    Ok(Tensor::new(value, kind))
}

fn mse(l: &mut Lowering, x: &Tensor, y: &Tensor) -> Lowered {
    let d = l.binary(Binary::Sub, x, y)?;
    l.binary(Binary::Mul, &d, &d)
}

/// `relu(x) - x y + log(1 + exp(x - 2 relu(x)))`: nothing overflows, and small losses keep their digits.
fn bce_with_logits(l: &mut Lowering, x: &Tensor, y: &Tensor) -> Lowered {
    let positive = l.unary(Unary::Relu, x);
    let twice = l.unary(Unary::MulScalar(2.0), &positive);
    let folded = l.binary(Binary::Sub, x, &twice)?;
    let tail = l.unary(Unary::Exp, &folded);
    let tail = l.unary(Unary::Log1p, &tail);
    let product = l.binary(Binary::Mul, x, y)?;
    let rest = l.binary(Binary::Sub, &positive, &product)?;
    l.binary(Binary::Add, &rest, &tail)
}

/// `-(y log p + (1 - y) log(1 - p))`, each logarithm at least -100.
fn bce(l: &mut Lowering, p: &Tensor, y: &Tensor) -> Lowered {
    let floor = Unary::Clamp(LOG_FLOOR, f64::INFINITY);
    let yes = l.unary(Unary::Log, p);
    let yes = l.unary(floor, &yes);
    let less = l.unary(Unary::Neg, p);
    let no = l.unary(Unary::Log1p, &less);
    let no = l.unary(floor, &no);
    let first = l.binary(Binary::Mul, &yes, y)?;
    let rest = l.unary(Unary::Neg, y);
    let rest = l.unary(Unary::AddScalar(1.0), &rest);
    let second = l.binary(Binary::Mul, &no, &rest)?;
    let gain = l.binary(Binary::Add, &first, &second)?;
    Ok(l.unary(Unary::Neg, &gain))
}

/// A binary loss, and whether all outputs of a sample are on the right side of a threshold.
fn with_hits(
    l: &mut Lowering,
    x: &Tensor,
    y: &Tensor,
    threshold: f64,
    loss: impl Fn(&mut Lowering, &Tensor, &Tensor) -> Lowered,
) -> Lowered<Losses> {
    let each = loss(l, x, y)?;
    let said = l.unary(Unary::GreaterScalar(threshold), x);
    let wanted = l.unary(Unary::GreaterScalar(0.5), y);
    let hits = l.binary(Binary::Equal, &said, &wanted)?;
    let along: Vec<i64> = (1..l.rank(&hits) as i64).collect();
    let hits = match along.is_empty() {
        true => hits,
        false => l.reduce(Reduction::Min, &hits, &along, false)?,
    };
    Ok((each, Some(hits)))
}

fn cross_entropy(
    l: &mut Lowering,
    output: &Tensor,
    targets: &Array,
    ignores: bool,
) -> Result<Losses, ImportError> {
    let shape = l.shape(output);
    if shape.len() < 2 {
        return Err(ImportError::Targets(format!(
            "the output has the shape {shape:?}, and cross-entropy needs an axis of classes; for one output use bce-with-logits"
        )));
    }
    if targets.shape() == shape && shape[1] > 1 {
        let y = data(l, targets, Kind::Float)?;
        return of_probabilities(l, output, &y).map_err(wrong);
    }
    let Some(axis) = class_axis(&shape, targets.shape()) else {
        return Err(ImportError::Targets(format!(
            "labels of shape {:?} do not fit outputs of shape {shape:?}: one label is needed for each place, without the axis \
             of the classes",
            targets.shape()
        )));
    };
    check_labels(targets, shape[axis])?;
    let y = data(l, targets, Kind::Int)?;
    of_labels(l, output, &y, axis, ignores).map_err(wrong)
}

/// The axis of the classes of outputs whose labels have a given shape.
fn class_axis(output: &[usize], labels: &[usize]) -> Option<usize> {
    let without = |axis: usize| {
        let mut shape = output.to_vec();
        shape.remove(axis);
        shape
    };
    let trimmed =
        |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|&n| n != 1).collect() };
    let last = output.len() - 1;
    let fits = |axis: &usize| trimmed(&without(*axis)) == trimmed(labels);
    let folded = output.len() == 2 && labels.iter().product::<usize>() == output[0];
    [1, last].into_iter().find(fits).or(folded.then_some(1))
}

fn check_labels(targets: &Array, classes: usize) -> Result<(), ImportError> {
    let fits = |&label: &f32| {
        label == IGNORED || label.fract() == 0.0 && label >= 0.0 && (label as usize) < classes
    };
    match targets.data().iter().position(|label| !fits(label)) {
        None => Ok(()),
        Some(at) => Err(ImportError::Targets(format!(
            "target {} of sample {} is not a label of {classes} classes, 0 to {}",
            targets.data()[at],
            at / (targets.data().len() / targets.shape()[0].max(1)).max(1),
            classes.saturating_sub(1)
        ))),
    }
}

fn of_labels(
    l: &mut Lowering,
    x: &Tensor,
    labels: &Tensor,
    axis: usize,
    ignored: bool,
) -> Lowered<Losses> {
    let mut shape = l.shape(x);
    shape[axis] = 1;
    let labels = l.reshape_to(labels, &shape)?;
    let kept = ignored.then(|| l.unary(Unary::NotEqualScalar(f64::from(IGNORED)), &labels));
    let index = match &kept {
        None => labels,
        Some(kept) => l.unless(&labels, kept, 0.0)?,
    };
    let place = axis as i64;
    let logs = l.softmax(x, place, true)?;
    let found = l.gather(&logs, place, &index)?;
    let each = l.unary(Unary::Neg, &found);
    let best = l.place_of_extreme(x, Some(place), true, true)?;
    let hits = l.binary(Binary::Equal, &best, &index)?;
    let Some(kept) = kept else {
        let each = l.squeeze(&each, Some(&[place]))?;
        let hits = l.squeeze(&hits, Some(&[place]))?;
        return Ok((each, Some(hits)));
    };
    let total = l.sum(&kept, &[], false)?;
    let mut mean = |each: &Tensor| {
        let own = l.binary(Binary::Mul, each, &kept)?;
        let sum = l.sum(&own, &[], false)?;
        l.binary(Binary::Div, &sum, &total)
    };
    Ok((mean(&each)?, Some(mean(&hits)?)))
}

fn of_probabilities(l: &mut Lowering, x: &Tensor, y: &Tensor) -> Lowered<Losses> {
    let logs = l.softmax(x, 1, true)?;
    let product = l.binary(Binary::Mul, &logs, y)?;
    let sum = l.sum(&product, &[1], false)?;
    let each = l.unary(Unary::Neg, &sum);
    let said = l.place_of_extreme(x, Some(1), false, true)?;
    let wanted = l.place_of_extreme(y, Some(1), false, true)?;
    let hits = l.binary(Binary::Equal, &said, &wanted)?;
    Ok((each, Some(hits)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::Kind;
    use burn::tensor::{Device, Tensor as Burn, TensorData};
    use landscape_core::{Parameter, Rng, Role};
    use landscape_files::Budget;
    use landscape_models::{LossKind, TargetTensor, Targets};
    use landscape_trace::Target;

    const SAMPLES: usize = 9;
    const CLASSES: usize = 4;

    /// The loss of outputs `[samples, classes]`.
    fn found(kind: Loss, outputs: &[f32], targets: &Array) -> f64 {
        let mut l = Lowering::new(SAMPLES, None, Budget::new(0));
        let x = l
            .builder
            .data(&[SAMPLES, CLASSES], outputs.to_vec())
            .unwrap();
        let w = Parameter::new("w", [1, 1], vec![1.0], Role::Weight).unwrap();
        let w = l.builder.parameter(w).unwrap();
        let output = l.builder.binary(Binary::Mul, x, w).unwrap();
        let output = Tensor::new(output, Kind::Float);
        let (each, correct) = loss(&mut l, &output, targets, kind, ignores(targets)).unwrap();
        let params = l.builder.params().unwrap();
        let trace = l
            .builder
            .loss(each.value, correct.map(|c| c.value), vec![])
            .unwrap();
        let curvature = trace.curvature(&params, &Target::default()).unwrap();
        curvature.gradient().unwrap().loss
    }

    /// The same by the families' definition.
    fn expected(kind: LossKind, outputs: &[f32], targets: &Targets) -> f64 {
        let device = Device::flex();
        let rows = outputs.len() / CLASSES;
        let outputs = TensorData::new(outputs.to_vec(), [rows, CLASSES]);
        let outputs = Burn::<2>::from_data(outputs, &device);
        let targets: TargetTensor = targets.to_tensor(&device);
        let each = kind.per_sample(outputs, &targets).into_data();
        each.iter::<f64>().sum::<f64>() / rows as f64
    }

    #[test]
    fn losses_are_those_of_the_families() {
        let mut rng = Rng::new(5, 0);
        let outputs: Vec<f32> = (0..SAMPLES * CLASSES)
            .map(|_| 3.0 * rng.normal() as f32)
            .collect();
        let shares: Vec<f32> = outputs.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
        let labels: Vec<i64> = (0..SAMPLES)
            .map(|_| rng.below(CLASSES as u64) as i64)
            .collect();
        let close =
            |a: f64, b: f64| assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{a}, not {b}");
        let of_labels = |labels: &[i64]| {
            let numbers = labels.iter().map(|&x| x as f32).collect();
            Array::new([SAMPLES], numbers).unwrap()
        };
        let wanted = expected(
            LossKind::CrossEntropy,
            &outputs,
            &Targets::Classes(labels.clone()),
        );
        close(
            found(Loss::CrossEntropy, &outputs, &of_labels(&labels)),
            wanted,
        );
        // The first two are left out.
        let kept = Targets::Classes(labels[2..].to_vec());
        let wanted = expected(LossKind::CrossEntropy, &outputs[2 * CLASSES..], &kept);
        let marked = [&[-100, -100], &labels[2..]].concat();
        close(
            found(Loss::CrossEntropy, &outputs, &of_labels(&marked)),
            wanted,
        );
        let mut unit = vec![0.0; SAMPLES * CLASSES];
        for (row, &label) in unit.chunks_exact_mut(CLASSES).zip(&labels) {
            row[label as usize] = 0.75;
            row[(label as usize + 1) % CLASSES] = 0.25;
        }
        let values = Targets::Values {
            data: unit.clone(),
            width: CLASSES,
        };
        let rows = Array::new([SAMPLES, CLASSES], unit).unwrap();
        for (own, kind, outputs) in [
            (Loss::CrossEntropy, LossKind::CrossEntropy, &outputs),
            (Loss::BceWithLogits, LossKind::BceWithLogits, &outputs),
            (Loss::Bce, LossKind::Bce, &shares),
            (Loss::Mse, LossKind::Mse, &outputs),
        ] {
            close(found(own, outputs, &rows), expected(kind, outputs, &values));
        }
    }

    #[test]
    fn classes_are_where_labels_have_none() {
        assert_eq!(class_axis(&[7, 10], &[7]), Some(1));
        assert_eq!(class_axis(&[7, 10], &[7, 1]), Some(1));
        assert_eq!(class_axis(&[7, 3, 5, 5], &[7, 5, 5]), Some(1));
        assert_eq!(class_axis(&[7, 16, 33], &[7, 16]), Some(2));
        assert_eq!(class_axis(&[112, 33], &[7, 16]), Some(1));
        assert_eq!(class_axis(&[7, 10], &[7, 2]), None);
    }
}
