//! Recurrent layers, step by step.

use super::{Dropped, Lowered, Lowering, Tensor, problem};
use landscape_core::Role;
use landscape_trace::{Binary, Unary};

/// What a step computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Gates in the order input, forget, cell, output.
    Lstm,
    /// Gates in the order reset, update, new; the reset is applied to the product with the state, bias included.
    Gru,
    Tanh,
    Relu,
}

/// The layers of a recurrent network.
#[derive(Clone, Debug)]
pub(crate) struct Recurrent {
    pub cell: Cell,
    /// For each layer, and each direction in it: weights of the input and of the state, then their biases where there are some, then
    /// the weight that projects the state, where there is one.
    pub weights: Vec<Vec<Tensor>>,
    pub biases: bool,
    pub both_ways: bool,
    /// Whether the samples, not the steps, come first.
    pub batch_first: bool,
    /// The share of each layer's outputs but the last one's that is dropped in training.
    pub dropout: f64,
}

impl Lowering {
    /// The outputs `[steps, samples, width]` of the last layer, and the last states of all layers and directions `[layers, samples,
    /// width]`: the state, and for an LSTM that of its cells.
    pub fn recurrent(
        &mut self,
        x: &Tensor,
        states: &[Tensor],
        net: &Recurrent,
    ) -> Lowered<Vec<Tensor>> {
        if states.len() != 1 + usize::from(net.cell == Cell::Lstm) {
            return problem(format!("{} states", states.len()));
        }
        let unbatched = self.rank(x) == 2;
        let mut x = match (unbatched, net.batch_first) {
            (true, _) => self.unsqueeze(x, &[1])?,
            (false, true) => self.transpose(x, 0, 1)?,
            (false, false) => x.clone(),
        };
        let shape = self.shape(&x);
        let (Some(&steps), 3) = (shape.first(), shape.len()) else {
            return problem(format!("{shape:?} is not the shape of a sequence"));
        };
        self.spend_steps(steps.saturating_mul(16).saturating_mul(net.weights.len()))?;
        let ways = 1 + usize::from(net.both_ways);
        let mut last: Vec<Vec<Tensor>> = vec![Vec::new(); states.len()];
        for (layer, weights) in net.weights.chunks(ways).enumerate() {
            if layer > 0 {
                x = self.dropout(&x, net.dropout, Dropped::Elements)?;
            }
            let mut outputs = Vec::new();
            for (way, weights) in weights.iter().enumerate() {
                let number = (layer * ways + way) as i64;
                let mut state = Vec::new();
                for all in states {
                    let all = if unbatched {
                        self.unsqueeze(all, &[1])?
                    } else {
                        all.clone()
                    };
                    let own = self.select(&all, 0, number)?;
                    state.push(self.one_a_sample(&own, shape[1])?);
                }
                let out = self.one_way(&x, &mut state, weights, net, (steps, way == 1))?;
                last.iter_mut()
                    .zip(&state)
                    .for_each(|(last, state)| last.push(state.clone()));
                outputs.push(out);
            }
            x = match &outputs[..] {
                [one] => one.clone(),
                both => self.cat(both, 2)?,
            };
        }
        let x = match (unbatched, net.batch_first) {
            (true, _) => self.squeeze(&x, Some(&[1]))?,
            (false, true) => self.transpose(&x, 0, 1)?,
            (false, false) => x,
        };
        let mut all = vec![x];
        for last in last {
            let states = self.stack(&last, 0)?;
            all.push(if unbatched {
                self.squeeze(&states, Some(&[1]))?
            } else {
                states
            });
        }
        Ok(all)
    }

    /// A state `[samples, width]` for so many samples, where it is one for all.
    fn one_a_sample(&mut self, state: &Tensor, samples: usize) -> Lowered {
        let shape = self.shape(state);
        match shape[..] {
            [1, width] => self.expand_to(state, &[samples, width]),
            _ => Ok(state.clone()),
        }
    }

    fn one_way(
        &mut self,
        x: &Tensor,
        state: &mut [Tensor],
        weights: &[Tensor],
        net: &Recurrent,
        (steps, backwards): (usize, bool),
    ) -> Lowered {
        let biases = if net.biases { 4 } else { 2 };
        let (Some(weights), projection) = (weights.get(..biases), weights.get(biases)) else {
            return problem("weights are missing");
        };
        weights[..2].iter().for_each(|w| self.role(w, Role::Weight));
        weights[2..].iter().for_each(|b| self.role(b, Role::Bias));
        // The products with the inputs of all steps at once.
        let whole = self.linear(x, &weights[0], weights.get(2))?;
        let mut outputs = vec![None; steps];
        for step in 0..steps {
            let place = if backwards { steps - 1 - step } else { step };
            let own = self.select(&whole, 0, place as i64)?;
            self.step(&own, state, weights, net.cell)?;
            if let Some(projection) = projection {
                state[0] = self.linear(&state[0], projection, None)?;
            }
            outputs[place] = Some(state[0].clone());
        }
        let outputs: Vec<Tensor> = outputs.into_iter().flatten().collect();
        self.stack(&outputs, 0)
    }

    fn step(
        &mut self,
        own: &Tensor,
        state: &mut [Tensor],
        weights: &[Tensor],
        cell: Cell,
    ) -> Lowered<()> {
        let from_state = self.linear(&state[0], &weights[1], weights.get(3))?;
        let width = self.shape(&from_state).last().copied().unwrap_or(0);
        match cell {
            Cell::Tanh | Cell::Relu => {
                let sum = self.binary(Binary::Add, own, &from_state)?;
                let f = if cell == Cell::Tanh {
                    Unary::Tanh
                } else {
                    Unary::Relu
                };
                state[0] = self.unary(f, &sum);
            }
            Cell::Lstm => {
                let gates = self.binary(Binary::Add, own, &from_state)?;
                let parts = self.split(&gates, -1, &[width / 4; 4])?;
                let [input, forget, output] =
                    [0, 1, 3].map(|i| self.unary(Unary::Sigmoid, &parts[i]));
                let new = self.unary(Unary::Tanh, &parts[2]);
                let kept = self.binary(Binary::Mul, &forget, &state[1])?;
                let added = self.binary(Binary::Mul, &input, &new)?;
                state[1] = self.binary(Binary::Add, &kept, &added)?;
                let bounded = self.unary(Unary::Tanh, &state[1]);
                state[0] = self.binary(Binary::Mul, &output, &bounded)?;
            }
            Cell::Gru => {
                let parts = self.split(own, -1, &[width / 3; 3])?;
                let own = self.split(&from_state, -1, &[width / 3; 3])?;
                let mut gates = Vec::new();
                for i in 0..2 {
                    let sum = self.binary(Binary::Add, &parts[i], &own[i])?;
                    gates.push(self.unary(Unary::Sigmoid, &sum));
                }
                let kept = self.binary(Binary::Mul, &gates[0], &own[2])?;
                let sum = self.binary(Binary::Add, &parts[2], &kept)?;
                let new = self.unary(Unary::Tanh, &sum);
                // (1 - z) new + z state
                let change = self.binary(Binary::Sub, &state[0], &new)?;
                let change = self.binary(Binary::Mul, &gates[1], &change)?;
                state[0] = self.binary(Binary::Add, &new, &change)?;
            }
        }
        Ok(())
    }
}
