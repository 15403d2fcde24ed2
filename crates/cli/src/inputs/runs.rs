//! How a loss is computed, in words, for every command that evaluates one.

use crate::output::Console;
use landscape_trace::{Group, Summary, Trace};

/// Warns of what is slower or less than it could be; the whole summary is for those who ask for more (`-v`).
pub fn say_how_it_runs(trace: &Trace, console: &Console) -> Summary {
    let summary = trace.summary();
    for warning in summary.warnings() {
        console.warn_once(format_args!("warning: {warning}"));
    }
    console.detail_once(&summary);
    summary
}

/// Says where points are evaluated, and what devices compute together, to those who ask for more.
pub fn say_where(place: &str, groups: &[Group], console: &Console) {
    console.detail_once(format_args!("evaluated on: {place}"));
    for group in groups {
        console.detail_once(format_args!("  {group}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::OutputArgs;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Device, Tensor};
    use landscape_trace::Loss;

    #[test]
    fn a_warning_is_said_once() {
        let device = Device::flex();
        let model = LinearConfig::new(2, 1).init(&device);
        let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]], &device);
        let trace = Trace::capture(&model, &x, |model: &Linear, x: &Tensor<2>| {
            Loss::new(model.forward(x.clone()).powi_scalar(2).mean().sqrt())
        });
        let args = OutputArgs {
            json: false,
            quiet: true,
            verbose: false,
        };
        let trace = trace.unwrap();
        for quiet in [false, true] {
            let console = Console::new(&OutputArgs { quiet, ..args }, Vec::new());
            say_how_it_runs(&trace, &console);
            say_how_it_runs(&trace, &console.within(&[]));
            let said = console.said();
            assert_eq!(said.len(), usize::from(!quiet), "{said:?}");
            assert!(said.iter().all(|words| words.contains("no standard error")));
        }
    }
}
