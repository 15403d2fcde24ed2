//! Damaged forms of sound files, for tests of whatever reads them.

use std::time::Duration;

/// Mutants of each file, unless the environment says otherwise in `LANDSCAPE_MUTANTS`.
const COUNT: usize = 1_000;
/// Memory that a file may take beside ten times its length.
const SLACK: u64 = 64 << 20;

/// Values that integers are set to.
const EXTREMES: [u64; 10] = [
    0,
    1,
    0x7f,
    0x7fff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    u64::MAX - 1,
    u64::MAX,
];

/// Mutants in a fixed order.
#[derive(Debug)]
pub struct Mutants(u64);

impl Mutants {
    /// The mutants of a seed.
    pub fn new(seed: u64) -> Self {
        Mutants(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }

    /// The next mutant of a file.
    pub fn next(&mut self, sound: &[u8]) -> Vec<u8> {
        let mut bytes = sound.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            bytes.push(self.below(256) as u8);
        }
        let at = self.below(bytes.len());
        let length = 1 + self.below(16.min(bytes.len() - at));
        match self.below(9) {
            0 | 1 => bytes[at] ^= 1 << self.below(8),
            2 => bytes[at] = self.below(256) as u8,
            3 => bytes.truncate(at),
            4 => drop(bytes.splice(at..at, vec![self.below(256) as u8; length])),
            5 => drop(bytes.drain(at..at + length)),
            6 => self.splice(bytes, at),
            7 => self.integer(bytes, at),
            _ => self.digits(bytes, at),
        }
    }

    /// Puts a part of the file somewhere else.
    fn splice(&mut self, bytes: &mut Vec<u8>, to: usize) {
        let from = self.below(bytes.len());
        let length = 1 + self.below(bytes.len() - from);
        let part = bytes[from..from + length].to_vec();
        let end = match self.below(2) {
            0 => to,
            _ => (to + length).min(bytes.len()),
        };
        bytes.splice(to..end, part);
    }

    /// Sets a binary number to an extreme.
    fn integer(&mut self, bytes: &mut [u8], at: usize) {
        let width = 1 << self.below(4);
        let value = EXTREMES[self.below(EXTREMES.len())];
        let coded = match self.below(2) {
            0 => value.to_le_bytes()[..width].to_vec(),
            _ => value.to_be_bytes()[8 - width..].to_vec(),
        };
        let width = width.min(bytes.len() - at);
        bytes[at..at + width].copy_from_slice(&coded[..width]);
    }

    /// Sets a number in digits to an extreme: the next one after a place.
    fn digits(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let Some(start) = bytes[at..].iter().position(is_digit).map(|n| at + n) else {
            return;
        };
        let length = bytes[start..].iter().take_while(|b| is_digit(b)).count();
        let value = match self.below(4) {
            0 => "1e999".to_owned(),
            1 => "-1".to_owned(),
            _ => EXTREMES[self.below(EXTREMES.len())].to_string(),
        };
        bytes.splice(start..start + length, value.into_bytes());
    }
}

/// How many mutants the environment asks for in `LANDSCAPE_MUTANTS`, or `usual`.
pub fn asked(usual: usize) -> usize {
    let asked = std::env::var("LANDSCAPE_MUTANTS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Reads mutants of a file, one after the other, in a process without other threads at work. Where the
/// environment has a folder in `LANDSCAPE_MUTANTS_SOUND`, the file itself is kept there.
///
/// # Panics
/// When one takes a second of computing or more memory than ten times its length and 64 MiB; when
/// `read` panics. The number of the mutant is printed.
pub fn survive(name: &str, sound: &[u8], read: impl FnMut(&[u8])) {
    survive_some(COUNT, name, sound, read);
}

/// As [`survive`], with so many mutants unless the environment asks for others: for what takes long.
///
/// # Panics
/// As [`survive`].
pub fn survive_some(count: usize, name: &str, sound: &[u8], mut read: impl FnMut(&[u8])) {
    let count = asked(count);
    let from = std::env::var("LANDSCAPE_MUTANTS_SEED").ok();
    let seed: u64 = from.and_then(|n| n.parse().ok()).unwrap_or(1);
    if let Some(folder) = std::env::var_os("LANDSCAPE_MUTANTS_SOUND") {
        let path = std::path::Path::new(&folder).join(name.replace('/', "-"));
        std::fs::write(path, sound).expect("the folder takes files");
    }
    let mut mutants = Mutants::new(seed);
    read(sound);
    for number in 0..count {
        let bytes = mutants.next(sound);
        let time = endure(&format!("{name} {number}"), &bytes, &mut read);
        assert!(time < Duration::from_secs(1), "{name} {number}: {time:?}");
    }
}

/// Reads a file in a process without other threads at work; gives the time that it computed.
///
/// # Panics
/// When it takes more memory than ten times its length and 64 MiB.
pub fn endure(name: &str, bytes: &[u8], mut read: impl FnMut(&[u8])) -> Duration {
    Usage::forget_peak();
    let before = Usage::now();
    read(bytes);
    let after = Usage::now();
    let memory = after.peak.saturating_sub(before.held);
    let most = 10 * bytes.len() as u64 + SLACK;
    let length = bytes.len();
    assert!(
        memory < most,
        "{name}: {memory} bytes of memory for {length}"
    );
    after.time.saturating_sub(before.time)
}

/// What this process takes, as Linux tells; nothing elsewhere.
#[derive(Debug, Default)]
struct Usage {
    held: u64,
    peak: u64,
    time: Duration,
}

impl Usage {
    fn now() -> Usage {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) << 10
        };
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|n| n.parse::<u64>().ok()).sum();
        Usage {
            held: field("VmRSS:"),
            peak: field("VmHWM:"),
            time: Duration::from_millis(10 * ticks),
        }
    }

    fn forget_peak() {
        // Where this is not allowed, the peak is that of the whole process: the bound is harder.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }
}
