#![no_main]

use landscape_files::Npz;
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut archive) = Npz::new(Cursor::new(bytes), bytes.len() as u64) else {
        return;
    };
    for name in archive.names().iter().take(8) {
        if let Ok(Some(array)) = archive.array(name) {
            let _ = array.values::<f64>();
        }
    }
});
