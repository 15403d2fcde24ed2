//! Functions of single elements.

use super::{Kind, Lowered, Lowering, Operand, Tensor, known};
use landscape_trace::{Binary, Unary};

/// What a function of one number gives for elements of a kind.
fn kind_of(f: Unary, x: Kind) -> Kind {
    match f {
        Unary::Identity
        | Unary::Detach
        | Unary::Neg
        | Unary::Abs
        | Unary::Sign
        | Unary::Floor
        | Unary::Ceil
        | Unary::Round
        | Unary::Truncate
        | Unary::Relu => x,
        Unary::IntDivScalar(_) => x,
        Unary::AddScalar(c)
        | Unary::MulScalar(c)
        | Unary::RemainderScalar(c)
        | Unary::PowScalar(c)
            if x != Kind::Float && c.fract() == 0.0 =>
        {
            Kind::Int
        }
        Unary::Clamp(low, high) if x != Kind::Float => {
            let whole = |c: f64| c.is_infinite() || c.fract() == 0.0;
            if whole(low) && whole(high) {
                x
            } else {
                Kind::Float
            }
        }
        Unary::Not
        | Unary::IsNan
        | Unary::IsInf
        | Unary::GreaterScalar(_)
        | Unary::GreaterEqualScalar(_)
        | Unary::LowerScalar(_)
        | Unary::LowerEqualScalar(_)
        | Unary::EqualScalar(_)
        | Unary::NotEqualScalar(_) => Kind::Bool,
        _ => Kind::Float,
    }
}

/// What a function of two numbers gives for elements of two kinds.
fn kind_of_two(f: Binary, a: Kind, b: Kind) -> Kind {
    match f {
        Binary::Greater
        | Binary::GreaterEqual
        | Binary::Lower
        | Binary::LowerEqual
        | Binary::Equal
        | Binary::NotEqual
        | Binary::And
        | Binary::Or => Kind::Bool,
        Binary::Div | Binary::Atan2 | Binary::Hypot => Kind::Float,
        _ => a.max(b),
    }
}

impl Lowering {
    /// A function of one number.
    pub fn unary(&mut self, f: Unary, x: &Tensor) -> Tensor {
        let kind = kind_of(f, x.kind);
        if let Some(known) = &x.known {
            let numbers = known.iter().map(|&x| known::unary(f, x)).collect();
            let shape = self.shape(x);
            if let Some(folded) = self.folded(&shape, numbers, kind) {
                let exported = x.exported.clone();
                return Tensor { exported, ..folded };
            }
        }
        let value = self.builder.unary(f, x.value);
        Tensor {
            scalar: x.scalar,
            exported: x.exported.clone(),
            outer: x.outer,
            ..Tensor::new(value, kind)
        }
    }

    /// A function of two numbers, which broadcast as in NumPy.
    pub fn binary(&mut self, f: Binary, a: &Tensor, b: &Tensor) -> Lowered {
        let kind = kind_of_two(f, a.kind, b.kind);
        if let Some(folded) = self.both_known(f, a, b, kind) {
            return Ok(folded);
        }
        let value = self.builder.binary(f, a.value, b.value)?;
        Ok(Tensor {
            scalar: a.scalar && b.scalar,
            outer: a.outer.max(b.outer),
            ..Tensor::new(value, kind)
        })
    }

    fn both_known(&mut self, f: Binary, a: &Tensor, b: &Tensor, kind: Kind) -> Option<Tensor> {
        let (left, right) = (a.known.clone()?, b.known.clone()?);
        let shape = self.common(&[a, b]).ok()?;
        let (from_a, from_b) = (self.repeated(a, &shape), self.repeated(b, &shape));
        let left = self.moved(
            &Tensor {
                known: Some(left),
                ..a.clone()
            },
            &shape,
            |at| Some(from_a(at)),
        )?;
        let right = self.moved(
            &Tensor {
                known: Some(right),
                ..b.clone()
            },
            &shape,
            |at| Some(from_b(at)),
        )?;
        let numbers = left.iter().zip(right.iter());
        let numbers = numbers.map(|(&a, &b)| known::binary(f, a, b)).collect();
        self.folded(&shape, numbers, kind)
    }

    /// From an index in a shape that x repeats to, to the element of x.
    pub(super) fn repeated(
        &self,
        x: &Tensor,
        shape: &[usize],
    ) -> impl Fn(&[usize]) -> usize + use<> {
        let own = self.shape(x);
        let strides = known::strides(&own);
        let lead = shape.len() - own.len();
        move |at: &[usize]| {
            let along = own.iter().zip(&strides).zip(&at[lead..]);
            along
                .map(|((&n, &stride), &i)| if n == 1 { 0 } else { i * stride })
                .sum()
        }
    }

    /// The shape that all repeat to.
    pub fn common(&self, all: &[&Tensor]) -> Lowered<Vec<usize>> {
        let shapes: Vec<Vec<usize>> = all.iter().map(|x| self.shape(x)).collect();
        let rank = shapes.iter().map(Vec::len).max().unwrap_or(0);
        let mut common = vec![1; rank];
        for shape in &shapes {
            let own = common[rank - shape.len()..].iter_mut();
            for (common, &n) in own.zip(shape) {
                match (*common, n) {
                    (a, b) if a == b || b == 1 => {}
                    (1, b) => *common = b,
                    _ => {
                        return super::problem(format!(
                            "the shapes {shapes:?} cannot be broadcast together"
                        ));
                    }
                }
            }
        }
        Ok(common)
    }

    /// A function of two operands, of which one may be a plain number.
    pub fn arithmetic(&mut self, f: Binary, a: &Operand, b: &Operand) -> Lowered<Operand> {
        match (a, b) {
            (Operand::Tensor(a), Operand::Tensor(b)) => self.binary(f, a, b).map(Operand::from),
            (Operand::Tensor(x), _) => {
                let (c, whole) = (b.number()?, !matches!(b, Operand::Float(_)));
                let kind = kind_of_two(f, x.kind, if whole { Kind::Int } else { Kind::Float });
                self.with_number(f, x, c, kind).map(Operand::from)
            }
            (_, Operand::Tensor(x)) => {
                let (c, whole) = (a.number()?, !matches!(a, Operand::Float(_)));
                let kind = kind_of_two(f, if whole { Kind::Int } else { Kind::Float }, x.kind);
                self.number_with(f, c, x, kind).map(Operand::from)
            }
            _ => numbers(f, a, b),
        }
    }

    /// `f(x, c)`
    pub fn with_number(&mut self, f: Binary, x: &Tensor, c: f64, kind: Kind) -> Lowered {
        let own = match f {
            Binary::Add => Some(Unary::AddScalar(c)),
            Binary::Sub => Some(Unary::AddScalar(-c)),
            Binary::Mul => Some(Unary::MulScalar(c)),
            Binary::Div => Some(Unary::DivScalar(c)),
            Binary::IntDiv => Some(Unary::IntDivScalar(c)),
            Binary::Remainder => Some(Unary::RemainderScalar(c)),
            Binary::Pow => Some(Unary::PowScalar(c)),
            Binary::Greater => Some(Unary::GreaterScalar(c)),
            Binary::GreaterEqual => Some(Unary::GreaterEqualScalar(c)),
            Binary::Lower => Some(Unary::LowerScalar(c)),
            Binary::LowerEqual => Some(Unary::LowerEqualScalar(c)),
            Binary::Equal => Some(Unary::EqualScalar(c)),
            Binary::NotEqual => Some(Unary::NotEqualScalar(c)),
            _ => None,
        };
        let made = match own {
            Some(Unary::AddScalar(0.0))
            | Some(Unary::MulScalar(1.0))
            | Some(Unary::PowScalar(1.0)) => x.clone(),
            Some(own) => self.unary(own, x),
            None => {
                let number = self.number(c, kind)?;
                self.binary(f, x, &number)?
            }
        };
        Ok(made.of_kind(kind))
    }

    /// `f(c, x)`
    fn number_with(&mut self, f: Binary, c: f64, x: &Tensor, kind: Kind) -> Lowered {
        let made = match f {
            Binary::Add | Binary::Mul | Binary::Equal | Binary::NotEqual => {
                return self.with_number(f, x, c, kind);
            }
            Binary::Greater => return self.with_number(Binary::Lower, x, c, kind),
            Binary::GreaterEqual => return self.with_number(Binary::LowerEqual, x, c, kind),
            Binary::Lower => return self.with_number(Binary::Greater, x, c, kind),
            Binary::LowerEqual => return self.with_number(Binary::GreaterEqual, x, c, kind),
            Binary::Sub => {
                let less = self.unary(Unary::Neg, x);
                self.unary(Unary::AddScalar(c), &less)
            }
            Binary::Div => {
                let inverse = self.unary(Unary::Recip, x);
                match c == 1.0 {
                    true => inverse,
                    false => self.unary(Unary::MulScalar(c), &inverse),
                }
            }
            _ => {
                let number = self.number(c, kind)?;
                self.binary(f, &number, x)?
            }
        };
        Ok(made.of_kind(kind))
    }

    /// `yes` where `mask` is not 0, else `no`.
    pub fn choose(&mut self, mask: &Tensor, yes: &Tensor, no: &Tensor) -> Lowered {
        let kind = yes.kind.max(no.kind);
        if let (Some(_), Some(_), Some(_)) = (&mask.known, &yes.known, &no.known) {
            let shape = self.common(&[mask, yes, no])?;
            let parts: Vec<_> = [mask, yes, no]
                .iter()
                .filter_map(|x| {
                    let from = self.repeated(x, &shape);
                    self.moved(x, &shape, |at| Some(from(at)))
                })
                .collect();
            if let [mask, yes, no] = &parts[..] {
                let chosen = |i: usize| if mask[i] != 0.0 { yes[i] } else { no[i] };
                let numbers = (0..mask.len()).map(chosen).collect();
                return self.constant(&shape, numbers, kind);
            }
        }
        let value = self.builder.choose(mask.value, yes.value, no.value)?;
        Ok(Tensor {
            scalar: mask.scalar && yes.scalar && no.scalar,
            outer: mask.outer.max(yes.outer).max(no.outer),
            ..Tensor::new(value, kind)
        })
    }

    /// The greater of two, or the lower; NaN where one is NaN.
    pub fn extreme(&mut self, a: &Tensor, b: &Tensor, greatest: bool) -> Lowered {
        let comparison = if greatest {
            Binary::Greater
        } else {
            Binary::Lower
        };
        let beyond = self.binary(comparison, a, b)?;
        let missing = self.binary(Binary::NotEqual, a, a)?;
        let first = self.binary(Binary::Or, &beyond, &missing)?;
        self.choose(&first, a, b)
    }

    /// x within limits. Below 0 it is a ReLU, which layers compute as they store their results, and whose derivative at 0 is PyTorch's.
    pub fn hardtanh(&mut self, x: &Tensor, low: f64, high: f64) -> Lowered {
        if low != 0.0 {
            return Ok(self.unary(Unary::Clamp(low, high), x));
        }
        let positive = self.unary(Unary::Relu, x);
        Ok(self.unary(Unary::Clamp(f64::NEG_INFINITY, high), &positive))
    }

    /// x within limits, of which either may be a tensor.
    pub fn clamp(&mut self, x: &Tensor, low: &Operand, high: &Operand) -> Lowered {
        if let (Operand::Tensor(Tensor { known: None, .. }), _)
        | (_, Operand::Tensor(Tensor { known: None, .. })) = (low, high)
        {
            let mut x = x.clone();
            for (limit, greatest) in [(low, true), (high, false)] {
                let limit = match limit {
                    Operand::None => continue,
                    Operand::Tensor(limit) => limit.clone(),
                    number => self.number(number.number()?, x.kind)?,
                };
                x = self.extreme(&limit, &x, greatest)?;
            }
            return Ok(x);
        }
        let limit = |limit: &Operand, open: f64| match limit {
            Operand::None => Ok(open),
            number => number.number(),
        };
        let (low, high) = (limit(low, f64::NEG_INFINITY)?, limit(high, f64::INFINITY)?);
        match low <= high {
            true => Ok(self.unary(Unary::Clamp(low, high), x)),
            // As PyTorch: the upper limit counts.
            false => {
                let none = self.unary(Unary::MulScalar(0.0), x);
                Ok(self.unary(Unary::AddScalar(high), &none))
            }
        }
    }

    /// `x f(x)`
    pub fn gated(&mut self, f: Unary, x: &Tensor) -> Lowered {
        let gate = self.unary(f, x);
        self.binary(Binary::Mul, x, &gate)
    }

    /// `x` where it is above 0, else `scale (exp(x / width) - 1) width`.
    pub fn elu(&mut self, x: &Tensor, alpha: f64, scale: f64, input_scale: f64) -> Lowered {
        // Bounded from above, so that no infinity is chosen away whose derivative is NaN.
        let low = self.unary(Unary::Clamp(f64::NEG_INFINITY, 0.0), x);
        let low = self.unary(Unary::MulScalar(input_scale), &low);
        let grown = self.unary(Unary::Exp, &low);
        let grown = self.unary(Unary::AddScalar(-1.0), &grown);
        let below = self.unary(Unary::MulScalar(alpha * scale), &grown);
        let above = self.unary(Unary::MulScalar(scale), x);
        let positive = self.unary(Unary::GreaterScalar(0.0), x);
        self.choose(&positive, &above, &below)
    }

    /// `log(1 + exp(beta x)) / beta`, and x itself where `beta x` is above the threshold.
    pub fn softplus(&mut self, x: &Tensor, beta: f64, threshold: f64) -> Lowered {
        let scaled = self.unary(Unary::MulScalar(-beta), x);
        let log = self.unary(Unary::LogSigmoid, &scaled);
        let smooth = self.unary(Unary::MulScalar(-1.0 / beta), &log);
        let beyond = self.unary(Unary::GreaterScalar(threshold / beta), x);
        self.choose(&beyond, x, &smooth)
    }

    /// GELU, or its approximation by tanh.
    pub fn gelu(&mut self, x: &Tensor, tanh: bool) -> Lowered {
        if !tanh {
            return Ok(self.unary(Unary::Gelu, x));
        }
        let cube = self.unary(Unary::PowScalar(3.0), x);
        let cube = self.unary(Unary::MulScalar(0.044715), &cube);
        let sum = self.binary(Binary::Add, x, &cube)?;
        let scaled = self.unary(Unary::MulScalar((2.0 / std::f64::consts::PI).sqrt()), &sum);
        let gate = self.unary(Unary::Tanh, &scaled);
        let gate = self.unary(Unary::AddScalar(1.0), &gate);
        let half = self.unary(Unary::MulScalar(0.5), x);
        self.binary(Binary::Mul, &half, &gate)
    }

    /// `x` where it is above 0, else `slope x`, with a slope for each channel (axis 1) or one.
    pub fn prelu(&mut self, x: &Tensor, slope: &Tensor) -> Lowered {
        let rank = self.rank(x);
        let slope = match self.count(slope) {
            1 => self.reshape_to(slope, &[1])?,
            channels if self.rank(slope) == 1 && rank > 1 => {
                let mut shape = vec![1; rank];
                shape[1] = channels;
                self.reshape_to(slope, &shape)?
            }
            _ => slope.clone(),
        };
        let scaled = self.binary(Binary::Mul, x, &slope)?;
        let positive = self.unary(Unary::GreaterScalar(0.0), x);
        self.choose(&positive, x, &scaled)
    }

    /// Whole numbers of floats, truth values of anything.
    pub fn cast(&mut self, x: &Tensor, kind: Kind) -> Tensor {
        match (x.kind, kind) {
            (a, b) if a == b => x.clone(),
            (Kind::Float, Kind::Int) => self.unary(Unary::Truncate, x).of_kind(kind),
            (_, Kind::Bool) => self.unary(Unary::NotEqualScalar(0.0), x),
            _ => x.of_kind(kind),
        }
    }
}

/// A function of two plain numbers.
fn numbers(f: Binary, a: &Operand, b: &Operand) -> Lowered<Operand> {
    let whole = !matches!(a, Operand::Float(_)) && !matches!(b, Operand::Float(_));
    let (x, y) = (a.number()?, b.number()?);
    let Some(number) = known::binary(f, x, y) else {
        return super::problem("it is not supported for plain numbers");
    };
    Ok(match kind_of_two(f, Kind::Int, Kind::Int) {
        Kind::Bool => Operand::Bool(number != 0.0),
        Kind::Int if whole && number.fract() == 0.0 => Operand::Int(number as i64),
        _ => Operand::Float(number),
    })
}
