//! Digests of parameters and planes: equal exactly when all that they are of is.

use crate::params::Params;
use crate::plane::Plane;
use sha2::{Digest, Sha256};

impl Params {
    /// SHA-256 of names, shapes and the bits of the values, in hexadecimal: equal exactly when all of
    /// them are. Roles do not count.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for tensor in self {
            hash.update((tensor.name.len() as u64).to_le_bytes());
            hash.update(tensor.name.as_bytes());
            hash.update((tensor.shape.len() as u64).to_le_bytes());
            for &length in &tensor.shape {
                hash.update((length as u64).to_le_bytes());
            }
            for some in tensor.data.chunks(4096) {
                let bytes: Vec<u8> = some.iter().flat_map(|v| v.to_le_bytes()).collect();
                hash.update(&bytes);
            }
        }
        hexadecimal(hash)
    }
}

impl Plane {
    /// SHA-256 of the digests of the origin and of each direction, in hexadecimal: planes with one digest
    /// have the same parameters at every point.
    pub fn digest(&self) -> String {
        let directions = self.directions().iter().map(|one| one.tensors.digest());
        let all: Vec<String> = std::iter::once(self.origin().digest())
            .chain(directions)
            .collect();
        digest_all(&all)
    }
}

/// SHA-256 of digests in their order, in hexadecimal.
pub fn digest_all(digests: &[String]) -> String {
    let mut hash = Sha256::new();
    digests
        .iter()
        .for_each(|digest| hash.update(digest.as_bytes()));
    hexadecimal(hash)
}

fn hexadecimal(hash: Sha256) -> String {
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
