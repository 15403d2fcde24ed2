//! Normalisations, embeddings and other layers with weights.

use super::{Kind, Lowered, Lowering, Tensor, problem};
use landscape_core::Role;
use landscape_trace::{Binary, Unary};

impl Lowering {
    /// A value for each channel, of which there are so many: the given one, or a number for all.
    fn channels(&mut self, x: Option<&Tensor>, count: usize, other: f64, role: Role) -> Lowered {
        match x {
            Some(x) => {
                self.role(x, role);
                self.reshape_to(x, &[count])
            }
            None => {
                self.spend(&[count])?;
                self.constant(&[count], vec![other; count], Kind::Float)
            }
        }
    }

    /// BatchNorm with given statistics: `scale (x - mean) / sqrt(variance + epsilon) + shift`. The trace can measure others,
    /// which have the share `momentum` in the running ones after a step of training.
    pub fn batch_norm(
        &mut self,
        x: &Tensor,
        [scale, shift]: [Option<&Tensor>; 2],
        [mean, variance]: [&Tensor; 2],
        [epsilon, momentum]: [f64; 2],
    ) -> Lowered {
        let shape = self.shape(x);
        let Some(&count) = shape.get(1) else {
            return problem(format!("{shape:?} has no channels"));
        };
        let all = [
            self.channels(scale, count, 1.0, Role::NormScale)?,
            self.channels(shift, count, 0.0, Role::NormShift)?,
            self.channels(Some(mean), count, 0.0, Role::Buffer)?,
            self.channels(Some(variance), count, 1.0, Role::Buffer)?,
        ];
        let [scale, shift, mean, variance] = all.map(|x| x.value);
        let value =
            self.builder
                .batch_norm([x.value, scale, shift, mean, variance], epsilon, momentum)?;
        Ok(Tensor::new(value, Kind::Float))
    }

    /// `scale (x - mean) / sqrt(variance + epsilon) + shift` along the last `axes` axes, of the shape of which scale and shift are.
    pub fn layer_norm(
        &mut self,
        x: &Tensor,
        axes: usize,
        [scale, shift]: [Option<&Tensor>; 2],
        epsilon: f64,
    ) -> Lowered {
        let shape = self.shape(x);
        let Some(first) = shape.len().checked_sub(axes).filter(|_| axes > 0) else {
            return problem(format!("{shape:?} has no {axes} axes"));
        };
        let count = shape[first..].iter().product();
        let scale = self.channels(scale, count, 1.0, Role::NormScale)?;
        let shift = match shift {
            Some(shift) => Some(self.channels(Some(shift), count, 0.0, Role::NormShift)?),
            None => None,
        };
        let rows = self.reshape_to(x, &[&shape[..first], &[count]].concat())?;
        let shift = shift.map(|s| s.value);
        let value = self
            .builder
            .layer_norm(rows.value, scale.value, shift, epsilon)?;
        let made = self.reshape_to(&Tensor::new(value, Kind::Float), &shape)?;
        Ok(Tensor {
            outer: x.outer,
            ..made
        })
    }

    /// `scale x / sqrt(mean(x^2) + epsilon)` along the last `axes` axes.
    pub fn rms_norm(
        &mut self,
        x: &Tensor,
        axes: usize,
        scale: Option<&Tensor>,
        epsilon: f64,
    ) -> Lowered {
        let along: Vec<i64> = (1..=axes as i64).map(|a| -a).collect();
        let squares = self.binary(Binary::Mul, x, x)?;
        let mean = self.mean(&squares, &along, true)?;
        let mean = self.unary(Unary::AddScalar(epsilon), &mean);
        let root = self.unary(Unary::Sqrt, &mean);
        let normal = self.binary(Binary::Div, x, &root)?;
        match scale {
            None => Ok(normal),
            Some(scale) => {
                self.role(scale, Role::NormScale);
                self.binary(Binary::Mul, &normal, scale)
            }
        }
    }

    /// Normalisation of each sample's groups of channels (axis 1).
    pub fn group_norm(
        &mut self,
        x: &Tensor,
        groups: usize,
        scales: [Option<&Tensor>; 2],
        epsilon: f64,
    ) -> Lowered {
        let shape = self.shape(x);
        let count = shape.get(1).copied().unwrap_or(0);
        if groups == 0 || count == 0 || !count.is_multiple_of(groups) {
            return problem(format!(
                "{count} channels cannot be divided into {groups} groups"
            ));
        }
        let own = shape[1..].iter().product::<usize>() / groups;
        let rows = self.reshape_to(x, &[shape[0], groups, own])?;
        let normal = self.layer_norm(&rows, 1, [None, None], epsilon)?;
        let normal = self.reshape_to(&normal, &shape)?;
        self.scaled(&normal, scales)
    }

    /// `scale x + shift`, of one number a channel (axis 1) each.
    pub fn scaled(&mut self, x: &Tensor, [scale, shift]: [Option<&Tensor>; 2]) -> Lowered {
        let mut along = vec![1; self.rank(x)];
        let Some(channels) = along.get_mut(1) else {
            return problem("there are no channels");
        };
        *channels = self.shape(x)[1];
        let mut x = x.clone();
        for (numbers, role, f) in [
            (scale, Role::NormScale, Binary::Mul),
            (shift, Role::NormShift, Binary::Add),
        ] {
            if let Some(numbers) = numbers {
                self.role(numbers, role);
                let numbers = self.reshape_to(numbers, &along)?;
                x = self.binary(f, &x, &numbers)?;
            }
        }
        Ok(x)
    }

    /// Rows of a table `[entries, width]` at indices of any shape.
    pub fn embedding(&mut self, table: &Tensor, index: &Tensor) -> Lowered {
        self.role(table, Role::Weight);
        self.filters(table, 0, &[1], 1);
        if index.scalar {
            let row = self.reshape_to(index, &[1])?;
            let rows = self.embedding(table, &row)?;
            return self.select(&rows, 0, 0);
        }
        if index.known.is_some() && self.rank(index) == 1 {
            return self.take(table, 0, index);
        }
        let value = self.builder.embedding(table.value, index.value)?;
        Ok(Tensor {
            outer: index.outer,
            ..Tensor::new(value, table.kind)
        })
    }

    /// `scale x` where lengths along axes are more than the largest: `x / max(norm, epsilon)`.
    pub fn normalized(&mut self, x: &Tensor, p: f64, along: &[i64], epsilon: f64) -> Lowered {
        let norm = self.norm(x, p, along, true)?;
        let norm = self.unary(Unary::Clamp(epsilon, f64::INFINITY), &norm);
        self.binary(Binary::Div, x, &norm)
    }
}
