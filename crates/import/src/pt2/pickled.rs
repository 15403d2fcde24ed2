//! The tensors of a part that `torch.save` wrote, as programs of PyTorch 2.5 to 2.8 have them.

use super::archive::{Kind, Places, Stored};
use landscape_files::{Budget, FileError, PickleError, pickle};

/// Tensors by name, in the order of the part; what is no tensor is left out.
pub(super) fn tensors(
    part: &str,
    bytes: &[u8],
    budget: &Budget,
) -> Result<Vec<(String, Stored)>, FileError> {
    let wrong = |error| match error {
        PickleError::TooLarge(error) => error.into(),
        error => FileError::Corrupt(format!("its part `{part}`: {error}")),
    };
    let opened = pickle::open_within(bytes, budget.clone()).map_err(wrong)?;
    let named = match opened.all() {
        // A program without constants.
        Err(PickleError::NoTensors) => return Ok(Vec::new()),
        named => named.map_err(wrong)?,
    };
    let mut all = Vec::new();
    for pickle::Named { name, found, .. } in named {
        let pickle::Found::Tensor(number) = found else {
            continue;
        };
        let raw = opened.raw(number).map_err(wrong)?;
        let stored = stored(&name, &raw, budget)?;
        all.push((name, stored));
    }
    Ok(all)
}

fn stored(name: &str, raw: &pickle::Raw, budget: &Budget) -> Result<Stored, FileError> {
    let kind = Kind::stored(raw.kind).ok_or_else(|| {
        FileError::Unsupported(format!(
            "tensor `{name}` is of a type that is not read; convert the network: net.float()"
        ))
    })?;
    let count = raw.bytes.len() / kind.bytes();
    budget.spend_each(count, kind.width_in_memory())?;
    let numbers = kind.numbers(&raw.bytes, Places::Run(0), count, raw.big_endian);
    let (key, first, steps) = raw.place;
    Ok(Stored {
        numbers,
        stored_as: kind.name(),
        place: format!("{key:?} {:?} {steps:?} {first}", raw.shape),
        shape: raw.shape.to_vec(),
    })
}
