#![no_main]

use landscape_files::Unpacked;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = Unpacked::bytes(bytes) else {
        return;
    };
    let mut count = [0; 4];
    if file.fill(&mut count).is_ok() {
        let _ = file.rest(Some(u32::from_be_bytes(count) as usize));
    }
});
