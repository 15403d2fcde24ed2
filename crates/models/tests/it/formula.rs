//! Weights, directions and inputs by formula, and what PyTorch makes of them: see
//! `tests/reference/families.py`, which states the same formulas, and `curvature.py`, which uses them.

use landscape_core::{Params, Role};

/// What PyTorch computed, in f64.
pub struct Reference {
    /// The network's name.
    pub model: &'static str,
    /// The parameters that are differentiated, where not all are.
    pub part: Option<&'static str>,
    lines: Vec<(&'static str, Vec<f64>)>,
}

impl Reference {
    /// The lines of a network.
    #[track_caller]
    pub fn of(model: &str) -> Self {
        Self::in_file(include_str!("../reference/families.txt"), model)
    }

    /// Its derivatives, which `curvature.py` describes.
    #[track_caller]
    pub fn curvature(model: &str) -> Self {
        Self::in_file(include_str!("../reference/curvature.txt"), model)
    }

    /// A language model's numbers, which `gpt.py` describes.
    #[track_caller]
    pub fn gpt(model: &str) -> Self {
        Self::in_file(include_str!("../reference/gpt.txt"), model)
    }

    /// Derivatives with respect to parts of a network, which `parts.py` describes: a reference for each part.
    #[track_caller]
    pub fn parts(model: &str) -> Vec<Self> {
        let text = include_str!("../reference/parts.txt");
        let names = text.lines().filter_map(|line| line.split(' ').next());
        let mut names: Vec<&str> = names
            .filter(|name| name.split('|').next() == Some(model))
            .collect();
        names.dedup();
        assert!(!names.is_empty(), "no parts of {model}");
        names
            .into_iter()
            .map(|name| Self::in_file(text, name))
            .collect()
    }

    #[track_caller]
    fn in_file(text: &'static str, model: &str) -> Self {
        let all = text.lines();
        let mut reference = Reference {
            model: "",
            part: None,
            lines: Vec::new(),
        };
        for line in all {
            let mut words = line.split(' ');
            let (name, what) = (words.next().unwrap(), words.next().unwrap());
            if name == model {
                let numbers = words.map(|word| word.parse().unwrap()).collect();
                let (model, part) = match name.split_once('|') {
                    Some((model, part)) => (model, Some(part)),
                    None => (name, None),
                };
                (reference.model, reference.part) = (model, part);
                reference.lines.push((what, numbers));
            }
        }
        assert!(!reference.lines.is_empty(), "no reference for {model}");
        reference
    }

    /// The numbers of one line: `layout`, `logits`, `losses`, `plane`, ...
    #[track_caller]
    pub fn get(&self, what: &str) -> &[f64] {
        let line = self.lines.iter().find(|(name, _)| *name == what);
        &line.expect("such a line").1
    }

    /// Number of inputs.
    pub fn samples(&self) -> usize {
        self.get("samples")[0] as usize
    }

    /// The weights and running statistics.
    pub fn params(&self, layout: &Params) -> Params {
        let gain = self.get("gain")[0];
        filled(layout, |name, shape, _| {
            let leaf = name.rsplit('.').next().unwrap();
            let name = name.to_owned();
            match leaf {
                "running_var" => (name, Box::new(|u| 1.0 + 0.5 * u)),
                "weight" if shape.len() == 1 => (name, Box::new(move |u| gain * (1.0 + 0.2 * u))),
                _ => {
                    let scale = scale(shape);
                    (name, Box::new(move |u| scale * u))
                }
            }
        })
    }

    /// Direction 1 or 2; running statistics do not move.
    pub fn direction(&self, number: usize, layout: &Params) -> Params {
        filled(layout, |name, shape, role| {
            let scale = match role {
                Role::Buffer => 0.0,
                _ => 0.3 * scale(shape),
            };
            (format!("d{number}.{name}"), Box::new(move |u| scale * u))
        })
    }

    /// The inputs, one flattened image of `[channels, height, width]` a row.
    pub fn inputs(&self, [channels, height, width]: [usize; 3]) -> Vec<f32> {
        let (channels, pixels) = (self.samples() * channels, height * width);
        let means = unit("x.mean", channels);
        let noise = unit("x", channels * pixels).into_iter().enumerate();
        noise
            .map(|(place, u)| (2.0 * means[place / pixels] + u) as f32)
            .collect()
    }

    /// Ids of `vocab` tokens, for all the samples: the inputs `x`, the targets `y`.
    pub fn ids(&self, name: &str, vocab: usize) -> Vec<f32> {
        let count = self.samples() * self.get("tokens")[0] as usize;
        let id = |u: f64| ((u + 1.0) / 2.0 * vocab as f64).floor() as f32;
        unit(name, count).into_iter().map(id).collect()
    }

    /// The labels.
    pub fn labels(&self) -> Vec<i64> {
        (0..self.samples() as i64)
            .map(|i| (3 * i + 1) % 10)
            .collect()
    }
}

/// Coordinates of the planes, first and second axis.
pub const PLANE: (&[f64], &[f64]) = (&[-1.0, 0.0, 1.0], &[-1.0, -1.0 / 3.0, 1.0 / 3.0, 1.0]);

type Formula = (String, Box<dyn Fn(f64) -> f64>);

fn filled(layout: &Params, formula: impl Fn(&str, &[usize], Role) -> Formula) -> Params {
    let mut tensors = layout.clone().into_inner();
    for tensor in &mut tensors {
        let (name, of) = formula(&tensor.name, &tensor.shape, tensor.role);
        let values = unit(&name, tensor.data.len()).into_iter();
        tensor.data = values.map(|u| of(u) as f32).collect();
    }
    Params::new(tensors).unwrap()
}

/// He's bound of a weight; a constant for a vector.
fn scale(shape: &[usize]) -> f64 {
    match shape {
        [_, filter @ ..] if !filter.is_empty() => {
            (6.0 / filter.iter().product::<usize>() as f64).sqrt()
        }
        _ => 0.2,
    }
}

/// FNV-1a.
pub fn fnv1a(text: &str) -> u64 {
    let step = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Numbers in [-1, 1), multiples of 2^-23: FNV-1a of the name, then SplitMix64 at each index.
pub fn unit(name: &str, count: usize) -> Vec<f64> {
    let state = fnv1a(name);
    let number = |index: u64| {
        let z = state.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ (z >> 31);
        (z >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (1..=count as u64).map(number).collect()
}
