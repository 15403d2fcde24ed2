use landscape_core::Params;
use sha2::{Digest, Sha256};

/// SHA-256 of names, shapes and values, in hexadecimal: equal exactly when all of them are.
pub fn digest(params: &Params) -> String {
    let mut hash = Sha256::new();
    for tensor in params {
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

/// SHA-256 of digests in their order.
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
