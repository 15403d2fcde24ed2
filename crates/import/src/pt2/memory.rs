//! Values by name, where some are parts of others and are written in place.
//!
//! A program of `torch.export` may write into a tensor, and all views of it change. Here each name has a value of its own: a
//! write makes a new one, puts it into what it is a view of, and makes the other views of that anew.

use super::call::Call;
use crate::lower::{Lowered, Lowering, Operand, Tensor, problem};
use std::collections::HashMap;

/// How a view is put back into what it is one of.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// The same elements in another shape, or in the same.
    Reshape,
    /// Axes in another order.
    Permute(Vec<i64>),
    /// Elements of an axis, of which there is one less where the axis is gone.
    Part { axis: i64, start: i64, step: i64 },
    /// It can't be written to.
    Fixed,
}

/// A view: of what, by which node.
#[derive(Debug, Clone)]
struct Link {
    base: String,
    name: String,
    node: usize,
    way: Way,
}

/// The values of a program while it is lowered.
#[derive(Default)]
pub(super) struct Memory {
    values: HashMap<String, Operand>,
    links: Vec<Link>,
    /// The link of every view, and those of all views of a name.
    of: HashMap<String, usize>,
    views: HashMap<String, Vec<usize>>,
}

/// What lowers a node again, for a view of something that was written to.
pub(super) type Again<'a> = &'a dyn Fn(&Memory, &mut Lowering, usize, &str) -> Lowered<Tensor>;

impl Memory {
    pub fn get(&self, name: &str) -> Option<&Operand> {
        self.values.get(name)
    }

    pub fn set(&mut self, name: &str, value: Operand) {
        self.values.insert(name.to_owned(), value);
    }

    /// Notes that a value is a view.
    pub fn link(&mut self, base: &str, name: &str, node: usize, way: Way) {
        self.of.insert(name.to_owned(), self.links.len());
        self.views
            .entry(base.to_owned())
            .or_default()
            .push(self.links.len());
        self.links.push(Link {
            base: base.to_owned(),
            name: name.to_owned(),
            node,
            way,
        });
    }

    /// Writes to a value: to what it is a view of too, and to all views of that.
    pub fn write(
        &mut self,
        lowering: &mut Lowering,
        name: &str,
        value: Tensor,
        again: Again,
    ) -> Lowered<()> {
        self.spread(lowering, name, value, None, again)
    }

    fn spread(
        &mut self,
        lowering: &mut Lowering,
        name: &str,
        value: Tensor,
        from: Option<usize>,
        again: Again,
    ) -> Lowered<()> {
        self.set(name, value.clone().into());
        // Neither names nor views form circles: a view is made after its base.
        if let Some(&up) = self.of.get(name).filter(|&&up| Some(up) != from) {
            let link = self.links[up].clone();
            let base = self.tensor(&link.base)?;
            let base = put_back(lowering, &base, &value, &link.way)?;
            self.spread(lowering, &link.base, base, Some(up), again)?;
        }
        for down in self.views.get(name).cloned().unwrap_or_default() {
            if Some(down) != from {
                let link = self.links[down].clone();
                let view = again(self, lowering, link.node, &link.name)?;
                self.spread(lowering, &link.name, view, Some(down), again)?;
            }
        }
        Ok(())
    }

    fn tensor(&self, name: &str) -> Lowered<Tensor> {
        match self.get(name) {
            Some(operand) => operand.tensor().cloned(),
            None => problem(format!("`{name}` is used before it is computed")),
        }
    }
}

fn put_back(lowering: &mut Lowering, base: &Tensor, view: &Tensor, way: &Way) -> Lowered {
    let own = lowering.shape(base);
    let made = match way {
        Way::Reshape => lowering.reshape_to(view, &own)?,
        Way::Permute(order) => {
            let mut back = vec![0; order.len()];
            for (i, &axis) in order.iter().enumerate() {
                let axis = crate::lower::axis(axis, order.len())?;
                back[axis] = i as i64;
            }
            lowering.permute(view, &back)?
        }
        &Way::Part { axis, start, step } => {
            let axis = crate::lower::axis(axis, own.len())?;
            let length = own.get(axis).copied().unwrap_or(1) as i64;
            let start = if start < 0 {
                start.saturating_add(length)
            } else {
                start
            };
            let start = start.clamp(0, length) as usize;
            let part = match lowering.rank(view) < own.len() {
                true => lowering.unsqueeze(view, &[axis as i64])?,
                false => view.clone(),
            };
            if own.is_empty() || lowering.rank(&part) != own.len() {
                return problem("the values written have a different number of axes");
            }
            let size = |x: &Tensor| x.exported.as_ref().and_then(|e| e.get(axis).copied());
            let whole = start == 0 && lowering.rank(view) == own.len() && size(base) == size(view);
            if whole && size(base).is_some() && own[axis] == 1 {
                // All of them, of which there may be more now.
                return Ok(Tensor {
                    exported: base.exported.clone(),
                    ..part
                });
            }
            // A value that was one for all now differs.
            let mut shape = lowering.shape(&part);
            shape[axis] = match own[axis] {
                1 => size(base).unwrap_or(1),
                n => n,
            };
            let base = lowering.expand_to(base, &shape)?;
            lowering.put_part(&base, &part, axis, start, step.max(1) as usize)?
        }
        Way::Fixed => return problem("it writes to a view that repeats elements; clone it before"),
    };
    Ok(Tensor {
        exported: base.exported.clone(),
        outer: base.outer,
        ..made
    })
}

/// The view that an operation gives, where it gives one; of several, the one of that number.
pub(super) fn view(lowering: &Lowering, base: &str, call: &Call, number: usize) -> Option<Way> {
    let rank = call.x().map_or(0, |x| lowering.rank(x));
    let int = |name: &str, other: i64| call.int_or(name, other).unwrap_or(other);
    Some(match base {
        "view" | "reshape" | "flatten" | "unflatten" | "squeeze" | "unsqueeze" | "alias"
        | "detach" | "_unsafe_view" | "contiguous" | "view_as" | "reshape_as" | "lift_fresh"
        | "dropout" | "feature_dropout" | "alpha_dropout" | "identity" => Way::Reshape,
        "to" | "type_as" | "_reshape_alias" => Way::Reshape,
        "permute" => Way::Permute(call.ints("dims").ok()?),
        "transpose" | "swapaxes" | "swapdims" => {
            let mut order: Vec<i64> = (0..rank.max(1) as i64).collect();
            let axis = |place: usize| crate::lower::axis(call.at(place).int().ok()?, rank).ok();
            order.swap(axis(1)?, axis(2)?);
            Way::Permute(order)
        }
        "t" | "numpy_T" | "mT" => Way::Permute((0..rank as i64).rev().collect()),
        "slice" => Way::Part {
            axis: int("dim", 0),
            start: int("start", 0),
            step: int("step", 1),
        },
        "narrow" => Way::Part {
            axis: int("dim", 0),
            start: int("start", 0),
            step: 1,
        },
        "select" => Way::Part {
            axis: int("dim", 0),
            start: int("index", 0),
            step: 1,
        },
        "unbind" => Way::Part {
            axis: int("dim", 0),
            start: number as i64,
            step: 1,
        },
        "split" | "split_with_sizes" | "chunk" => Way::Part {
            axis: int("dim", 0),
            start: start_of(lowering, call, base, number)?,
            step: 1,
        },
        "expand" | "expand_as" | "broadcast_to" | "diagonal" | "unfold" | "as_strided" => {
            Way::Fixed
        }
        _ => return None,
    })
}

fn start_of(lowering: &Lowering, call: &Call, base: &str, number: usize) -> Option<i64> {
    let x = call.x().ok()?;
    let shape = lowering.shape(x);
    let axis = crate::lower::axis(call.int_or("dim", 0).ok()?, shape.len()).ok()?;
    let length = *shape.get(axis)? as i64;
    let sizes = call.at(1).ints().ok()?;
    Some(match (base, &sizes[..]) {
        ("chunk", &[count]) => {
            let part = length.saturating_add(count.max(1) - 1) / count.max(1);
            part.saturating_mul(number as i64)
        }
        ("split", &[size]) => size.saturating_mul(number as i64),
        (_, sizes) => {
            let before = sizes.get(..number)?.iter();
            before.fold(0, |sum, &n| i64::saturating_add(sum, n))
        }
    })
}
