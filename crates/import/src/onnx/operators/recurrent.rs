//! Recurrent layers.

use super::Table;
use crate::lower::{Cell, Kind, Lowered, Lowering, Operand, Recurrent, Tensor, problem, size};
use crate::onnx::run::Call;
use landscape_core::Role;
use landscape_trace::{Binary, Unary};

pub(super) const TABLE: Table = &[
    ("LSTM", |l, c| recurrent(l, c, Gates::Lstm)),
    ("GRU", |l, c| recurrent(l, c, Gates::Gru)),
    ("RNN", |l, c| recurrent(l, c, Gates::One)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gates {
    /// Input, output, forget, cell.
    Lstm,
    /// Update, reset, hidden.
    Gru,
    One,
}

impl Gates {
    fn count(self) -> usize {
        match self {
            Gates::Lstm => 4,
            Gates::Gru => 3,
            Gates::One => 1,
        }
    }

    fn functions(self) -> &'static [&'static str] {
        match self {
            Gates::Lstm => &["Sigmoid", "Tanh", "Tanh"],
            Gates::Gru => &["Sigmoid", "Tanh"],
            Gates::One => &["Tanh"],
        }
    }
}

/// A function of a gate, with its numbers.
#[derive(Clone, Debug, PartialEq)]
struct Function {
    name: String,
    alpha: Option<f64>,
    beta: Option<f64>,
}

/// One direction of a layer.
struct Way {
    weights: [Tensor; 2],
    /// Of the input and of the state, `[gates width]`.
    biases: Option<[Tensor; 2]>,
    peepholes: Option<Tensor>,
    state: Vec<Tensor>,
    functions: Vec<Function>,
    backwards: bool,
}

/// What all directions share.
struct Layer {
    gates: Gates,
    width: usize,
    clip: f64,
    linear_before_reset: bool,
    input_forget: bool,
}

fn recurrent(l: &mut Lowering, c: &Call, gates: Gates) -> Lowered<Vec<Operand>> {
    let batch_first = c.int("layout", 0) != 0;
    let x = match batch_first {
        true => l.transpose(c.tensor(0)?, 0, 1)?,
        false => c.tensor(0)?.clone(),
    };
    let [steps, samples, _] = l.shape(&x)[..] else {
        return problem(format!("{:?} is not the shape of a sequence", l.shape(&x)));
    };
    check_lengths(c, steps)?;
    let layer = Layer {
        gates,
        width: size(c.int("hidden_size", 0))?,
        clip: c.float("clip", 0.0),
        linear_before_reset: c.int("linear_before_reset", 0) != 0,
        input_forget: c.int("input_forget", 0) != 0,
    };
    let directions: &[bool] = match c.text("direction", "forward") {
        "forward" => &[false],
        "reverse" => &[true],
        _ => &[false, true],
    };
    let (mut outputs, mut last) = (vec![], vec![vec![]; 1 + usize::from(gates == Gates::Lstm)]);
    for (number, &backwards) in directions.iter().enumerate() {
        let mut way = way(l, c, &layer, (number, backwards, directions.len()), samples)?;
        let out = match common(&layer, &way) {
            Some(cell) => with_common(l, &x, &mut way, &layer, cell)?,
            None => step_by_step(l, &x, &mut way, &layer, steps)?,
        };
        outputs.push(out);
        last.iter_mut()
            .zip(way.state)
            .for_each(|(last, state)| last.push(state));
    }
    // [steps, directions, n, width], or [n, steps, directions, width]
    let all = l.stack(&outputs, 1)?;
    let all = match batch_first {
        true => l.permute(&all, &[2, 0, 1, 3])?,
        false => all,
    };
    let mut made = vec![Operand::Tensor(all)];
    for states in last {
        made.push(Operand::Tensor(
            l.stack(&states, if batch_first { 1 } else { 0 })?,
        ));
    }
    Ok(made)
}

fn check_lengths(c: &Call, steps: usize) -> Lowered<()> {
    let Some(lengths) = c.optional(4) else {
        return Ok(());
    };
    match &lengths.known {
        Some(known) if known.iter().all(|&n| n == steps as f64) => Ok(()),
        _ => problem(
            "sequences of different lengths are not supported; pad them, and leave the padding out of the loss",
        ),
    }
}

fn way(
    l: &mut Lowering,
    c: &Call,
    layer: &Layer,
    (number, backwards, ways): (usize, bool, usize),
    samples: usize,
) -> Lowered<Way> {
    let own = |l: &mut Lowering, position: usize| l.select(c.tensor(position)?, 0, number as i64);
    let weights = [own(l, 1)?, own(l, 2)?];
    let rows = layer.gates.count() * layer.width;
    let biases = match c.optional(3) {
        None => None,
        Some(_) => {
            let both = own(l, 3)?;
            let mut halves = l.split(&both, 0, &[rows, rows])?.into_iter();
            halves.next().zip(halves.next()).map(|(a, b)| [a, b])
        }
    };
    let mut state = vec![];
    for position in 5..6 + usize::from(layer.gates == Gates::Lstm) {
        let start = match c.optional(position) {
            None => {
                l.spend(&[samples, layer.width])?;
                l.constant(&[1, layer.width], vec![0.0; layer.width], Kind::Float)?
            }
            Some(all) => {
                let place = if c.int("layout", 0) != 0 { 1 } else { 0 };
                l.select(all, place, number as i64)?
            }
        };
        state.push(match l.shape(&start)[..] {
            [1, width] if samples != 1 => l.expand_to(&start, &[samples, width])?,
            _ => start,
        });
    }
    let peepholes = match c.optional(7) {
        Some(_) => Some(own(l, 7)?),
        None => None,
    };
    Ok(Way {
        weights,
        biases,
        peepholes,
        state,
        functions: functions(c, layer.gates, number, ways),
        backwards,
    })
}

/// The functions of a direction's gates.
fn functions(c: &Call, gates: Gates, number: usize, ways: usize) -> Vec<Function> {
    let own = gates.functions();
    let names = c
        .texts("activations")
        .filter(|names| names.len() == own.len() * ways);
    let at = |name: &str, i: usize| c.floats(name).and_then(|all| all.get(i).copied());
    let of = |i: usize| {
        let place = number * own.len() + i;
        Function {
            name: names.map_or(own[i], |names| &names[place]).to_owned(),
            alpha: at("activation_alpha", place),
            beta: at("activation_beta", place),
        }
    };
    (0..own.len()).map(of).collect()
}

/// The cell of the common lowering that computes the same.
fn common(layer: &Layer, way: &Way) -> Option<Cell> {
    let usual = way
        .functions
        .iter()
        .zip(layer.gates.functions())
        .all(|(f, name)| f.name == **name);
    let plain = layer.clip == 0.0 && way.peepholes.is_none() && !layer.input_forget;
    match (layer.gates, plain) {
        (_, false) => None,
        (Gates::Lstm, _) => usual.then_some(Cell::Lstm),
        (Gates::Gru, _) => (usual && layer.linear_before_reset).then_some(Cell::Gru),
        (Gates::One, _) => match &*way.functions[0].name {
            "Tanh" => Some(Cell::Tanh),
            "Relu" => Some(Cell::Relu),
            _ => None,
        },
    }
}

fn with_common(l: &mut Lowering, x: &Tensor, way: &mut Way, layer: &Layer, cell: Cell) -> Lowered {
    // From ONNX's order of the gates to PyTorch's.
    let order: &[usize] = match layer.gates {
        Gates::Lstm => &[0, 2, 3, 1],
        Gates::Gru => &[1, 0, 2],
        Gates::One => &[0],
    };
    let width = layer.width;
    let mut weights = vec![];
    for own in way.weights.iter().chain(way.biases.iter().flatten()) {
        let places = order
            .iter()
            .flat_map(|&gate| (0..width).map(move |i| Some(gate * width + i)));
        let places: Vec<_> = places.collect();
        weights.push(match layer.gates {
            Gates::One => own.clone(),
            _ => {
                let turned = l.pick("select", own, 0, places.into_iter())?;
                // The same tensor as far as its use is concerned.
                Tensor {
                    origin: own.origin.clone(),
                    ..turned
                }
            }
        });
    }
    let mut states = vec![];
    for state in &way.state {
        states.push(l.unsqueeze(state, &[0])?);
    }
    let x = if way.backwards {
        l.flip(x, &[0])?
    } else {
        x.clone()
    };
    let net = Recurrent {
        cell,
        weights: vec![weights],
        biases: way.biases.is_some(),
        both_ways: false,
        batch_first: false,
        dropout: 0.0,
    };
    let mut made = l.recurrent(&x, &states, &net)?.into_iter();
    let out = made
        .next()
        .map_or_else(|| problem("it has no output"), Ok)?;
    way.state.clear();
    for last in made {
        way.state.push(l.select(&last, 0, 0)?);
    }
    if way.backwards {
        l.flip(&out, &[0])
    } else {
        Ok(out)
    }
}

/// With any functions, peepholes and limits.
fn step_by_step(
    l: &mut Lowering,
    x: &Tensor,
    way: &mut Way,
    layer: &Layer,
    steps: usize,
) -> Lowered {
    way.weights.iter().for_each(|w| l.role(w, Role::Weight));
    way.biases
        .iter()
        .flatten()
        .for_each(|b| l.role(b, Role::Bias));
    let whole = l.linear(x, &way.weights[0], way.biases.as_ref().map(|b| &b[0]))?;
    let mut outputs = vec![None; steps];
    for step in 0..steps {
        let place = if way.backwards {
            steps - 1 - step
        } else {
            step
        };
        let own = l.select(&whole, 0, place as i64)?;
        match layer.gates {
            Gates::Lstm => lstm(l, &own, way, layer)?,
            Gates::Gru => gru(l, &own, way, layer)?,
            Gates::One => {
                let from_state = from_state(l, way)?;
                let sum = l.binary(Binary::Add, &own, &from_state)?;
                way.state[0] = apply(l, &way.functions[0], &sum, layer)?;
            }
        }
        outputs[place] = Some(way.state[0].clone());
    }
    let outputs: Vec<Tensor> = outputs.into_iter().flatten().collect();
    l.stack(&outputs, 0)
}

fn from_state(l: &mut Lowering, way: &Way) -> Lowered {
    l.linear(
        &way.state[0],
        &way.weights[1],
        way.biases.as_ref().map(|b| &b[1]),
    )
}

fn lstm(l: &mut Lowering, own: &Tensor, way: &mut Way, layer: &Layer) -> Lowered<()> {
    let from_state = from_state(l, way)?;
    let sum = l.binary(Binary::Add, own, &from_state)?;
    let parts = l.split(&sum, -1, &[layer.width; 4])?;
    let cell = way.state[1].clone();
    let peeped =
        |l: &mut Lowering, part: &Tensor, number: usize, cell: &Tensor| match &way.peepholes {
            None => Ok(part.clone()),
            Some(all) => {
                let start = (number * layer.width) as i64;
                let own = l.slice(all, 0, Some(start), Some(start + layer.width as i64), 1)?;
                let seen = l.binary(Binary::Mul, &own, cell)?;
                l.binary(Binary::Add, part, &seen)
            }
        };
    let [gate, new_function, out_function] = [0, 1, 2].map(|i| way.functions[i].clone());
    let input = peeped(l, &parts[0], 0, &cell)?;
    let input = apply(l, &gate, &input, layer)?;
    let forget = match layer.input_forget {
        true => {
            let less = l.unary(Unary::Neg, &input);
            l.unary(Unary::AddScalar(1.0), &less)
        }
        false => {
            let forget = peeped(l, &parts[2], 2, &cell)?;
            apply(l, &gate, &forget, layer)?
        }
    };
    let new = apply(l, &new_function, &parts[3], layer)?;
    let kept = l.binary(Binary::Mul, &forget, &cell)?;
    let added = l.binary(Binary::Mul, &input, &new)?;
    let cell = l.binary(Binary::Add, &kept, &added)?;
    let output = peeped(l, &parts[1], 1, &cell)?;
    let output = apply(l, &gate, &output, layer)?;
    let bounded = apply(l, &out_function, &cell, layer)?;
    way.state[0] = l.binary(Binary::Mul, &output, &bounded)?;
    way.state[1] = cell;
    Ok(())
}

fn gru(l: &mut Lowering, own: &Tensor, way: &mut Way, layer: &Layer) -> Lowered<()> {
    let width = layer.width;
    let parts = l.split(own, -1, &[width; 3])?;
    let rows = l.split(&way.weights[1], 0, &[width; 3])?;
    let biases = match &way.biases {
        Some([_, bias]) => l
            .split(bias, 0, &[width; 3])?
            .into_iter()
            .map(Some)
            .collect(),
        None => vec![None; 3],
    };
    let state = way.state[0].clone();
    let product =
        |l: &mut Lowering, i: usize, x: &Tensor| l.linear(x, &rows[i], biases[i].as_ref());
    let mut gates = vec![];
    for (i, part) in parts.iter().take(2).enumerate() {
        let from_state = product(l, i, &state)?;
        let sum = l.binary(Binary::Add, part, &from_state)?;
        gates.push(apply(l, &way.functions[0], &sum, layer)?);
    }
    let kept = match layer.linear_before_reset {
        true => {
            let all = product(l, 2, &state)?;
            l.binary(Binary::Mul, &gates[1], &all)?
        }
        false => {
            let kept = l.binary(Binary::Mul, &gates[1], &state)?;
            product(l, 2, &kept)?
        }
    };
    let sum = l.binary(Binary::Add, &parts[2], &kept)?;
    let new = apply(l, &way.functions[1], &sum, layer)?;
    // (1 - z) new + z state
    let change = l.binary(Binary::Sub, &state, &new)?;
    let change = l.binary(Binary::Mul, &gates[0], &change)?;
    way.state[0] = l.binary(Binary::Add, &new, &change)?;
    Ok(())
}

/// The function of a gate, of what is first limited to `[-clip, clip]`.
fn apply(l: &mut Lowering, f: &Function, x: &Tensor, layer: &Layer) -> Lowered {
    let x = match layer.clip > 0.0 {
        true => l.unary(Unary::Clamp(-layer.clip, layer.clip), x),
        false => x.clone(),
    };
    let number = |given: Option<f64>, other: f64| given.unwrap_or(other);
    Ok(match &*f.name.to_ascii_lowercase() {
        "relu" => l.unary(Unary::Relu, &x),
        "tanh" => l.unary(Unary::Tanh, &x),
        "sigmoid" => l.unary(Unary::Sigmoid, &x),
        "leakyrelu" => l.unary(Unary::LeakyRelu(number(f.alpha, 0.01)), &x),
        "hardsigmoid" => l.unary(
            Unary::HardSigmoid(number(f.alpha, 0.2), number(f.beta, 0.5)),
            &x,
        ),
        "elu" => l.elu(&x, number(f.alpha, 1.0), 1.0, 1.0)?,
        "affine" => {
            let scaled = l.unary(Unary::MulScalar(number(f.alpha, 1.0)), &x);
            l.unary(Unary::AddScalar(number(f.beta, 0.0)), &scaled)
        }
        "scaledtanh" => {
            let scaled = l.unary(Unary::MulScalar(number(f.beta, 1.0)), &x);
            let bounded = l.unary(Unary::Tanh, &scaled);
            l.unary(Unary::MulScalar(number(f.alpha, 1.0)), &bounded)
        }
        "softsign" => {
            let size = l.unary(Unary::Abs, &x);
            let size = l.unary(Unary::AddScalar(1.0), &size);
            l.binary(Binary::Div, &x, &size)?
        }
        "softplus" => l.softplus(&x, 1.0, f64::INFINITY)?,
        name => return problem(format!("the activation `{name}` is not supported")),
    })
}
