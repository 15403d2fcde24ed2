//! Products of matrices, and sums over named axes.

use super::{Lowered, Lowering, Tensor, problem};
use landscape_core::Role;
use landscape_trace::{Binary, Unary};

impl Lowering {
    /// The product of vectors, matrices, or many of them, as `torch.matmul`.
    pub fn matmul(&mut self, a: &Tensor, b: &Tensor) -> Lowered {
        self.role(a, Role::Weight);
        self.role(b, Role::Weight);
        let (left, right) = (self.shape(a), self.shape(b));
        if left.is_empty() || right.is_empty() {
            return problem("a single number has no product of matrices");
        }
        let a = match left.len() {
            1 => self.unsqueeze(a, &[0])?,
            _ => a.clone(),
        };
        let b = match right.len() {
            1 => self.unsqueeze(b, &[-1])?,
            _ => b.clone(),
        };
        self.units_of_product(&a, &b);
        let value = self.builder.matmul(a.value, b.value)?;
        let product = Tensor {
            outer: a.outer.max(b.outer),
            ..Tensor::new(value, a.kind.max(b.kind))
        };
        let mut shape = self.shape(&product);
        let rank = shape.len();
        if right.len() == 1 {
            shape.remove(rank - 1);
        }
        if left.len() == 1 {
            shape.remove(rank - 2);
        }
        match shape.len() == self.rank(&product) {
            true => Ok(product),
            false => self.reshape_to(&product, &shape),
        }
    }

    /// Rows of weights make the units of a product from the left, columns those of one from the right.
    fn units_of_product(&mut self, a: &Tensor, b: &Tensor) {
        match (&a.origin, &b.origin) {
            (Some(_), _) => {
                let rank = self.rank(a);
                self.filters(a, rank - 2, &[rank - 1], 1);
            }
            (None, Some(_)) => {
                let rank = self.rank(b);
                self.filters(b, rank - 1, &[rank - 2], 1);
            }
            (None, None) => {}
        }
    }

    /// `x W^T + b`, of weights `[outputs, inputs]`.
    pub fn linear(&mut self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Lowered {
        self.role(weight, Role::Weight);
        let product = match self.rank(weight) {
            1 => self.matmul(x, weight)?,
            _ => {
                let turned = self.transpose(weight, -1, -2)?;
                self.matmul(x, &turned)?
            }
        };
        match bias {
            None => Ok(product),
            Some(bias) => {
                self.role(bias, Role::Bias);
                self.binary(Binary::Add, &product, bias)
            }
        }
    }

    /// `beta c + alpha a b`
    pub fn sum_with_product(
        &mut self,
        c: &Tensor,
        a: &Tensor,
        b: &Tensor,
        [beta, alpha]: [f64; 2],
    ) -> Lowered {
        self.role(c, Role::Bias);
        let product = self.matmul(a, b)?;
        let product = match alpha == 1.0 {
            true => product,
            false => self.unary(Unary::MulScalar(alpha), &product),
        };
        if beta == 0.0 {
            return Ok(product);
        }
        let c = match beta == 1.0 {
            true => c.clone(),
            false => self.unary(Unary::MulScalar(beta), c),
        };
        self.binary(Binary::Add, &product, &c)
    }

    /// Sums of products over named axes, as `torch.einsum`: letters, of which `...` stands for axes that all share.
    pub fn einsum(&mut self, equation: &str, values: &[Tensor]) -> Lowered {
        let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
        let (inputs, output) = match equation.split_once("->") {
            Some((inputs, output)) => (inputs.to_owned(), Some(output.to_owned())),
            None => (equation, None),
        };
        let terms: Vec<&str> = inputs.split(',').collect();
        if terms.len() != values.len() {
            return problem(format!("{} terms for {} values", terms.len(), values.len()));
        }
        let mut named = Vec::new();
        for (term, x) in terms.iter().zip(values) {
            named.push(self.named(term, x)?);
        }
        let output = output.map(|o| letters(&o, shared(&named))).transpose()?;
        let output = output.unwrap_or_else(|| implied(&named));
        let mut named = named.into_iter();
        let Some(mut sum) = named.next() else {
            return problem("there are no values");
        };
        let mut rest: Vec<Named> = named.collect();
        while !rest.is_empty() {
            let next = rest.remove(0);
            let kept =
                |axis: &char| output.contains(axis) || rest.iter().any(|n| n.axes.contains(axis));
            let kept: Vec<char> = { sum.axes.iter().chain(&next.axes) }
                .copied()
                .filter(kept)
                .collect();
            sum = self.contracted(&sum, &next, &kept)?;
        }
        self.arranged(&sum, &output)
    }

    /// A value whose axes have names, each once.
    fn named(&mut self, term: &str, x: &Tensor) -> Lowered<Named> {
        let rank = self.rank(x);
        let own = term.replace("...", "").chars().count();
        let Some(open) = rank.checked_sub(own) else {
            return problem(format!("`{term}` names more axes than there are"));
        };
        if open > 0 && !term.contains("...") {
            return problem(format!("`{term}` names fewer axes than there are"));
        }
        let axes = letters(term, open)?;
        let (mut tensor, mut axes) = (x.clone(), axes);
        // A name twice: its diagonal.
        while let Some((a, b)) = twice(&axes) {
            tensor = self.diagonal(&tensor, 0, a as i64, b as i64)?;
            let name = axes[a];
            axes.remove(b);
            axes.remove(a);
            axes.push(name);
        }
        Ok(Named { tensor, axes })
    }

    /// The sum of products of two values over the axes that are not kept.
    fn contracted(&mut self, a: &Named, b: &Named, kept: &[char]) -> Lowered<Named> {
        let only =
            |own: &Named, other: &Named, c: &char| own.axes.contains(c) && !other.axes.contains(c);
        let gone = |own: &Named, other: &Named| {
            let gone = own
                .axes
                .iter()
                .filter(|c| only(own, other, c) && !kept.contains(c));
            gone.copied().collect::<Vec<char>>()
        };
        let (a, b) = (self.without(a, &gone(a, b))?, self.without(b, &gone(b, a))?);
        let both: Vec<char> = a
            .axes
            .iter()
            .copied()
            .filter(|c| b.axes.contains(c))
            .collect();
        let outer: Vec<char> = both.iter().copied().filter(|c| kept.contains(c)).collect();
        let inner: Vec<char> = both.iter().copied().filter(|c| !kept.contains(c)).collect();
        let left: Vec<char> = a
            .axes
            .iter()
            .copied()
            .filter(|c| !both.contains(c))
            .collect();
        let right: Vec<char> = b
            .axes
            .iter()
            .copied()
            .filter(|c| !both.contains(c))
            .collect();
        let sizes = |own: &Named, names: &[char], this: &Self| -> Vec<usize> {
            let shape = this.shape(&own.tensor);
            names
                .iter()
                .map(|c| own.axes.iter().position(|a| a == c).map_or(1, |i| shape[i]))
                .collect()
        };
        let (outer_a, outer_b) = (sizes(&a, &outer, self), sizes(&b, &outer, self));
        let (left_sizes, right_sizes) = (sizes(&a, &left, self), sizes(&b, &right, self));
        if sizes(&a, &inner, self) != sizes(&b, &inner, self) {
            return problem("axes of one name have different lengths");
        }
        let first = self.ordered(&a, &[&outer[..], &left, &inner].concat())?;
        let second = self.ordered(&b, &[&outer[..], &inner, &right].concat())?;
        let joined = |sizes: &[usize]| sizes.iter().product::<usize>();
        let inner_size = joined(&sizes(&a, &inner, self));
        let first = self.reshape_to(
            &first,
            &[&outer_a[..], &[joined(&left_sizes), inner_size]].concat(),
        )?;
        let second = self.reshape_to(
            &second,
            &[&outer_b[..], &[inner_size, joined(&right_sizes)]].concat(),
        )?;
        let product = self.matmul(&first, &second)?;
        let made = self.shape(&product);
        let shape = [&made[..outer.len()], &left_sizes, &right_sizes].concat();
        Ok(Named {
            tensor: self.reshape_to(&product, &shape)?,
            axes: [outer, left, right].concat(),
        })
    }

    fn without(&mut self, x: &Named, gone: &[char]) -> Lowered<Named> {
        if gone.is_empty() {
            return Ok(x.clone());
        }
        let places: Vec<i64> = (0..x.axes.len() as i64)
            .filter(|&i| gone.contains(&x.axes[i as usize]))
            .collect();
        Ok(Named {
            tensor: self.sum(&x.tensor, &places, false)?,
            axes: x
                .axes
                .iter()
                .copied()
                .filter(|c| !gone.contains(c))
                .collect(),
        })
    }

    fn ordered(&mut self, x: &Named, names: &[char]) -> Lowered {
        let place = |c: &char| x.axes.iter().position(|a| a == c).map(|i| i as i64);
        let order: Option<Vec<i64>> = names.iter().map(place).collect();
        match order {
            Some(order) => self.permute(&x.tensor, &order),
            None => problem("the result names an axis that no value has"),
        }
    }

    fn arranged(&mut self, x: &Named, output: &[char]) -> Lowered {
        let gone: Vec<char> = x
            .axes
            .iter()
            .copied()
            .filter(|c| !output.contains(c))
            .collect();
        let x = self.without(x, &gone)?;
        self.ordered(&x, output)
    }

    /// `sum_ij a_i W_kij b_j + bias_k`
    pub fn bilinear(
        &mut self,
        a: &Tensor,
        b: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Lowered {
        self.role(weight, Role::Weight);
        self.filters(weight, 0, &[1, 2], 1);
        let all = [a.clone(), weight.clone(), b.clone()];
        let sum = self.einsum("...i,kij,...j->...k", &all)?;
        match bias {
            None => Ok(sum),
            Some(bias) => {
                self.role(bias, Role::Bias);
                self.binary(Binary::Add, &sum, bias)
            }
        }
    }

    /// The outer product of vectors.
    pub fn outer(&mut self, a: &Tensor, b: &Tensor) -> Lowered {
        let a = self.unsqueeze(a, &[-1])?;
        self.binary(Binary::Mul, &a, b)
    }

    /// Distances `(sum |a - b|^p)^(1/p)` of all rows of two tables.
    pub fn distances(&mut self, a: &Tensor, b: &Tensor, p: f64) -> Lowered {
        let (a, b) = (self.unsqueeze(a, &[-2])?, self.unsqueeze(b, &[-3])?);
        let difference = self.binary(Binary::Sub, &a, &b)?;
        self.norm(&difference, p, &[-1], false)
    }
}

/// A value whose axes have names.
#[derive(Clone)]
struct Named {
    tensor: Tensor,
    axes: Vec<char>,
}

/// The names of a term, with so many axes in the place of `...`.
fn letters(term: &str, open: usize) -> Lowered<Vec<char>> {
    /// Names of axes that have none: private characters.
    const OPEN: u32 = 0xE000;
    let name = |i: usize| char::from_u32(OPEN + i as u32).unwrap_or('?');
    let mut names = Vec::new();
    let mut rest = term;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("...") {
            // The last ones of all, as shapes align.
            names.extend((0..open).map(|i| name(8 - open.min(8) + i)));
            rest = after;
        } else if c.is_ascii_alphabetic() {
            names.push(c);
            rest = &rest[1..];
        } else {
            return problem(format!("`{term}` is not a term of an einsum"));
        }
    }
    match open > 8 {
        true => problem("a value has more than 8 axes"),
        false => Ok(names),
    }
}

/// The number of axes without a name, of the value that has most.
fn shared(named: &[Named]) -> usize {
    let open = |n: &Named| n.axes.iter().filter(|c| !c.is_ascii()).count();
    named.iter().map(open).max().unwrap_or(0)
}

/// The axes of a result that is not given: those without names, then those that occur once, in order.
fn implied(named: &[Named]) -> Vec<char> {
    let all: Vec<char> = named.iter().flat_map(|n| n.axes.iter().copied()).collect();
    let mut open: Vec<char> = all.iter().copied().filter(|c| !c.is_ascii()).collect();
    open.sort_unstable();
    open.dedup();
    let once = |c: &char| c.is_ascii() && all.iter().filter(|a| *a == c).count() == 1;
    let mut once: Vec<char> = all.iter().copied().filter(once).collect();
    once.sort_unstable();
    [open, once].concat()
}

fn twice(axes: &[char]) -> Option<(usize, usize)> {
    let later = |a: usize| {
        (a + 1..axes.len())
            .find(|&b| axes[b] == axes[a])
            .map(|b| (a, b))
    };
    (0..axes.len()).find_map(later)
}
