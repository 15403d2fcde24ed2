//! Numbers of bytes in words.

use std::fmt;
use std::str::FromStr;

/// A number of bytes. Shown in kB, MB and so on; read with those, or with KiB, MiB and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A text that is not a number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size: give for example 500MB or 8GiB")]
pub struct BadSize(String);

const UNITS: [(&str, u64); 11] = [
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

impl Size {
    /// A round size, as it is written, that is at least this one.
    pub fn enough(self) -> String {
        let round = self.0.max(1).checked_next_power_of_two();
        match round.unwrap_or(u64::MAX) {
            n if n >= 1 << 30 => format!("{}GiB", n >> 30),
            n => format!("{}MiB", (n >> 20).max(1)),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} bytes", self.0),
            1_000..1_000_000 => write!(f, "{:.1} kB", bytes / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", bytes / 1e6),
            1_000_000_000..1_000_000_000_000 => write!(f, "{:.1} GB", bytes / 1e9),
            _ => write!(f, "{:.1} TB", bytes / 1e12),
        }
    }
}

impl FromStr for Size {
    type Err = BadSize;

    fn from_str(given: &str) -> Result<Self, BadSize> {
        let bad = || BadSize(given.to_owned());
        let text = given.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let unit = UNITS.iter().find(|(name, _)| *name == unit.trim_start());
        let (_, unit) = unit.ok_or_else(bad)?;
        let number: f64 = number.parse().map_err(|_| bad())?;
        let bytes = number * *unit as f64;
        match bytes.is_finite() && bytes >= 1.0 {
            true => Ok(Size(bytes as u64)),
            false => Err(bad()),
        }
    }
}
