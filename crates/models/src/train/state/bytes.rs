//! States in bytes.

use super::TensorState;
use landscape_core::{Parameter, Params, Sample};
use std::collections::BTreeMap;

/// What the bytes of a state begin with; the last one is the version.
const MAGIC: &[u8; 8] = b"LLTRAIN\x01";

pub(super) struct Writer(Vec<u8>);

impl Default for Writer {
    fn default() -> Self {
        Writer(MAGIC.to_vec())
    }
}

impl Writer {
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }

    pub fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub fn count(&mut self, count: usize) {
        self.u64(count as u64);
    }

    fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    fn word(&mut self, word: &str) {
        self.count(word.len());
        self.0.extend_from_slice(word.as_bytes());
    }

    pub fn f32s(&mut self, values: &[f32]) {
        self.count(values.len());
        self.0.reserve(4 * values.len());
        for value in values {
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    pub fn f64s(&mut self, values: &[f64]) {
        self.count(values.len());
        for value in values {
            self.f64(*value);
        }
    }

    pub fn params(&mut self, params: &Params) {
        self.count(params.len());
        for tensor in params {
            self.word(&tensor.name);
            self.word(tensor.role.name());
            self.count(tensor.shape.len());
            for size in &tensor.shape {
                self.count(*size);
            }
            self.f32s(&tensor.data);
        }
    }

    pub fn tensor_state(&mut self, state: &TensorState) {
        self.count(state.tensors.len());
        for (name, values) in &state.tensors {
            self.word(name);
            self.f32s(values);
        }
        self.count(state.counts.len());
        for (name, count) in &state.counts {
            self.word(name);
            self.u64(*count);
        }
    }

    pub fn sample(&mut self, sample: Option<&Sample>) {
        let numbers = sample.map(|s| [Some(s.loss), s.loss_se, s.accuracy]);
        for number in numbers.into_iter().flatten() {
            self.count(number.iter().len());
            if let Some(number) = number {
                self.f64(number);
            }
        }
    }
}

/// Reads no further than the bytes go, and makes no list before its values are there.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, String> {
        let version = MAGIC.len() - 1;
        match bytes.split_at_checked(MAGIC.len()) {
            Some((magic, rest)) if magic == MAGIC => Ok(Reader(rest)),
            Some((magic, _)) if magic[..version] == MAGIC[..version] => Err(format!(
                "it has version {}, but this program reads version {}",
                magic[version], MAGIC[version]
            )),
            _ => Err("it is not the state of a training".to_owned()),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = { self.0.split_at_checked(count) }.ok_or("it ends early")?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn u64(&mut self) -> Result<u64, String> {
        let (number, rest) = self.0.split_first_chunk().ok_or("it ends early")?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    fn f64(&mut self) -> Result<f64, String> {
        Ok(f64::from_bits(self.u64()?))
    }

    /// A number of values, each of at least so many bytes.
    fn count(&mut self, size: usize) -> Result<usize, String> {
        let count = self.u64()?;
        let most = self.0.len() / size;
        match usize::try_from(count) {
            Ok(count) if count <= most => Ok(count),
            _ => Err("it ends early".to_owned()),
        }
    }

    /// A list of what takes 8 bytes or more.
    pub fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut list = Vec::new();
        for _ in 0..self.count(8)? {
            list.push(one(self)?);
        }
        Ok(list)
    }

    fn map<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<BTreeMap<String, T>, String> {
        let mut map = BTreeMap::new();
        for _ in 0..self.count(16)? {
            let name = self.word()?.to_owned();
            if map.insert(name, one(self)?).is_some() {
                return Err("it has a tensor twice".to_owned());
            }
        }
        Ok(map)
    }

    fn word(&mut self) -> Result<&'a str, String> {
        let length = self.count(1)?;
        std::str::from_utf8(self.take(length)?)
            .map_err(|_| "it has a name that is not text".to_owned())
    }

    pub fn f32s(&mut self) -> Result<Vec<f32>, String> {
        let count = self.count(4)?;
        let (values, _) = self.take(4 * count)?.as_chunks::<4>();
        Ok(values.iter().copied().map(f32::from_le_bytes).collect())
    }

    pub fn f64s(&mut self) -> Result<Vec<f64>, String> {
        self.list(Self::f64)
    }

    pub fn params(&mut self) -> Result<Params, String> {
        let tensors = self.list(|from| {
            let (name, role) = (from.word()?, from.word()?);
            let role = role.parse().map_err(|_| format!("role `{role}`"))?;
            let shape = from.list(|from| Ok(usize::try_from(from.u64()?).unwrap_or(usize::MAX)))?;
            landscape_files::product(&shape).ok_or("it has a tensor that is too large")?;
            Parameter::new(name, shape, from.f32s()?, role).map_err(|error| error.to_string())
        })?;
        Params::new(tensors).map_err(|error| error.to_string())
    }

    pub fn tensor_state(&mut self) -> Result<TensorState, String> {
        Ok(TensorState {
            tensors: self.map(Self::f32s)?,
            counts: self.map(Self::u64)?,
        })
    }

    /// What is left, if anything.
    pub fn sample(&mut self) -> Result<Option<Sample>, String> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let mut number = || -> Result<Option<f64>, String> {
            match self.u64()? {
                0 => Ok(None),
                1 => self.f64().map(Some),
                _ => Err("it has a number twice".to_owned()),
            }
        };
        let (loss, loss_se, accuracy) = (number()?, number()?, number()?);
        Ok(Some(Sample {
            loss: loss.ok_or("it has no initial loss")?,
            loss_se,
            accuracy,
            terms: Vec::new(),
        }))
    }

    pub fn end(&self) -> Result<(), String> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err("there are bytes after its end".to_owned()),
        }
    }
}
