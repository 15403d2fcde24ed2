#![no_main]

use landscape_files::{Budget, Npy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let budget = Budget::new(bytes.len() as u64);
    if let Ok(npy) = Npy::new(bytes, bytes.len() as u64, &budget) {
        let count = npy.shape().iter().product::<usize>();
        if let Ok(values) = npy.values::<f32>() {
            assert_eq!(values.len(), count);
        }
    }
});
