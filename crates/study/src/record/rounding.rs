use landscape_core::{json, short};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The difference of an objective in bf16 from the same in f32 at a few points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rounding {
    /// Points compared: those at which the loss is finite in f32.
    pub points: usize,
    /// Largest difference of the loss; infinite where it is lost.
    #[serde(with = "json::float")]
    pub loss: f64,
    /// Largest difference of the loss as a share of it.
    #[serde(with = "json::float")]
    pub relative: f64,
    /// Largest difference of the accuracy, where there is one.
    #[serde(default, with = "json::float_option")]
    pub accuracy: Option<f64>,
}

/// What a precision costs, in a sentence.
impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.points == 0 {
            return f.write_str(
                "bf16 is not compared with f32: no loss is finite at the centre and the corners",
            );
        }
        let (loss, share) = (short(self.loss), short(100.0 * self.relative));
        write!(
            f,
            "bf16 differs from f32 by at most {loss} ({share}% of the loss)"
        )?;
        if let Some(share) = self.accuracy {
            write!(f, ", the accuracy by {:.2}%", 100.0 * share)?;
        }
        write!(f, ", at {} points", self.points)
    }
}
