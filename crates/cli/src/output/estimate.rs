use super::{Console, duration, number};
use crate::error::CliError;
use crate::words::rate;
use landscape_study::estimate::{Estimate, Part};
use serde_json::{Value, json};

/// Prints what an operation would do and cost, and more of it: fields, and lines of words.
pub fn estimate(
    estimate: &Estimate,
    console: &Console,
    more: (Value, String),
) -> Result<(), CliError> {
    let (fields, lines) = more;
    let memory = estimate.memory as f64 / f64::from(1 << 20);
    console.result(
        || {
            let mut all = json!({
                "parts": estimate.parts.iter().map(part_json).collect::<Vec<_>>(),
                "seconds": number(estimate.seconds()),
                "memory_mib": number(memory),
            });
            if let (Some(all), Value::Object(fields)) = (all.as_object_mut(), fields) {
                all.extend(fields);
            }
            all
        },
        || {
            let parts: String = estimate.parts.iter().map(part_words).collect();
            let time = duration(estimate.seconds());
            format!("{parts}time    about {time}\nmemory  about {memory:.0} MiB\n{lines}")
        },
    )
}

fn part_json(part: &Part) -> Value {
    json!({
        "what": part.what,
        "count": part.count,
        "stored": part.stored,
        "at_most": part.at_most,
        "seconds": number(part.seconds()),
    })
}

fn part_words(part: &Part) -> String {
    let at_most = if part.at_most { "at most " } else { "" };
    let stored = match part.stored {
        0 => String::new(),
        stored => format!(" ({stored} stored already)"),
    };
    let Part {
        what, count, each, ..
    } = part;
    format!("{at_most}{count} {what}{stored}, {}\n", rate(1.0 / each))
}
