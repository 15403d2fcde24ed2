//! Numbers that are known before the data are: computed here, on the host, in f64.

use super::{Kind, Lowering, Tensor};
use landscape_trace::{Binary, Unary};
use std::sync::Arc;

/// A function of one number; `None` of those that shapes and indices do not need.
pub(super) fn unary(f: Unary, x: f64) -> Option<f64> {
    let truth = |b: bool| Some(f64::from(u8::from(b)));
    match f {
        Unary::Identity | Unary::Detach => Some(x),
        Unary::Truncate => Some(x.trunc()),
        Unary::Floor => Some(x.floor()),
        Unary::Ceil => Some(x.ceil()),
        Unary::Round => Some(x.round_ties_even()),
        Unary::Neg => Some(-x),
        Unary::Abs => Some(x.abs()),
        Unary::Sqrt => Some(x.sqrt()),
        Unary::Recip => Some(1.0 / x),
        Unary::Exp => Some(x.exp()),
        Unary::Log => Some(x.ln()),
        Unary::Sin => Some(x.sin()),
        Unary::Cos => Some(x.cos()),
        Unary::Sign => Some(if x == 0.0 { 0.0 } else { x.signum() }),
        Unary::Not => truth(x == 0.0),
        Unary::IsNan => truth(x.is_nan()),
        Unary::IsInf => truth(x.is_infinite()),
        Unary::AddScalar(c) => Some(x + c),
        Unary::MulScalar(c) => Some(x * c),
        Unary::DivScalar(c) => Some(x / c),
        Unary::IntDivScalar(c) => Some((x / c).trunc()),
        Unary::RemainderScalar(c) => Some(remainder(x, c)),
        Unary::PowScalar(c) => Some(x.powf(c)),
        Unary::Clamp(low, high) if low <= high => Some(x.clamp(low, high)),
        Unary::GreaterScalar(c) => truth(x > c),
        Unary::GreaterEqualScalar(c) => truth(x >= c),
        Unary::LowerScalar(c) => truth(x < c),
        Unary::LowerEqualScalar(c) => truth(x <= c),
        Unary::EqualScalar(c) => truth(x == c),
        Unary::NotEqualScalar(c) => truth(x != c),
        _ => None,
    }
}

/// A function of two numbers.
pub(super) fn binary(f: Binary, a: f64, b: f64) -> Option<f64> {
    let truth = |b: bool| Some(f64::from(u8::from(b)));
    match f {
        Binary::Add => Some(a + b),
        Binary::Sub => Some(a - b),
        Binary::Mul => Some(a * b),
        Binary::Div => Some(a / b),
        Binary::Pow => Some(a.powf(b)),
        Binary::IntDiv => Some((a / b).trunc()),
        Binary::Remainder => Some(remainder(a, b)),
        Binary::Greater => truth(a > b),
        Binary::GreaterEqual => truth(a >= b),
        Binary::Lower => truth(a < b),
        Binary::LowerEqual => truth(a <= b),
        Binary::Equal => truth(a == b),
        Binary::NotEqual => truth(a != b),
        Binary::And => truth(a != 0.0 && b != 0.0),
        Binary::Or => truth(a != 0.0 || b != 0.0),
        _ => None,
    }
}

/// The remainder of the quotient towards minus infinity, as Python's `%`.
fn remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    match rest != 0.0 && (rest < 0.0) != (b < 0.0) {
        true => rest + b,
        false => rest,
    }
}

impl Lowering {
    /// A constant of numbers that were computed of known ones, in place of a value that computes them.
    pub(super) fn folded(
        &mut self,
        shape: &[usize],
        numbers: Option<Vec<f64>>,
        kind: Kind,
    ) -> Option<Tensor> {
        self.constant(shape, numbers?, kind).ok()
    }

    /// The known numbers of x in places that an operation moves them to: each the number of an element, or none for 0.
    pub(super) fn moved(
        &self,
        x: &Tensor,
        shape: &[usize],
        from: impl Fn(&[usize]) -> Option<usize>,
    ) -> Option<Arc<Vec<f64>>> {
        let known = x.known.as_ref()?;
        let count = landscape_files::product(shape).filter(|&n| n <= super::constants::KEPT)?;
        self.spend(shape).ok()?;
        let mut at = vec![0; shape.len()];
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(match from(&at) {
                Some(i) => *known.get(i)?,
                None => 0.0,
            });
            for axis in (0..shape.len()).rev() {
                at[axis] += 1;
                if at[axis] < shape[axis] {
                    break;
                }
                at[axis] = 0;
            }
        }
        Some(Arc::new(all))
    }
}

/// The steps from one element of a row-major shape to the next along each axis.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1].saturating_mul(shape[axis + 1]);
    }
    strides
}
