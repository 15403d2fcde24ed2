//! The two networks, and how runs between them are told apart.

use crate::args::ConnectArgs;
use crate::error::CliError;
use crate::output::Console;
use landscape_core::{Direction, Params};
use landscape_storage::Store;
use landscape_study::directions::check_statistics;
use landscape_study::problem::{NetworkRequest, Problem, last_checkpoint, load_file};
use landscape_study::record::{Origin, Place};

/// Two networks of one kind, data and a loss.
pub struct Ends {
    /// With the first network.
    pub problem: Problem,
    /// The second network.
    pub other: Params,
    /// What both are called.
    names: [String; 2],
    /// Where the second is from, for the provenance.
    pub source: Origin,
}

impl Ends {
    /// The networks that are asked for.
    pub fn load(
        args: &ConnectArgs,
        store: Option<&Store>,
        console: &Console,
    ) -> Result<Self, CliError> {
        check(args)?;
        let network = NetworkRequest {
            model: args.model.clone(),
            weights: args.weights.clone(),
            run: args.run.first().cloned(),
            step: None,
        };
        let data = args.data.request();
        let problem = Problem::load(&network, &data, args.curve.seed, store, console)?;
        let (other, source) = match (args.run.get(1), &args.to, store) {
            (Some(name), _, Some(store)) => last_checkpoint(name, &problem.spec, store)?,
            (_, Some(path), _) => {
                let params = load_file(path, &problem.spec, console)?;
                (params, Origin::file(path))
            }
            _ => return Err(two_networks("one network is given")),
        };
        if other == problem.params {
            return Err(CliError::Conflict {
                what: "both networks have the same parameters".to_owned(),
                remedy: "give two networks that differ, for example trained from two seeds"
                    .to_owned(),
            });
        }
        let between = Direction::between(&problem.params, &other)?;
        check_statistics(&between, args.batch_norm.statistics())?;
        let names = [problem.origin.name(), source.name()];
        Ok(Ends {
            problem,
            other,
            names,
            source,
        })
    }

    /// Both networks as models on a line, the second under another name where it was changed.
    pub fn places(&self, changed: Option<&str>) -> Vec<Place> {
        let place = |name: String, at: f64| Place {
            name,
            file: None,
            at: vec![at],
        };
        let [from, to] = self.names.clone();
        let to = match changed {
            Some(how) => format!("{to}, {how}"),
            None => to,
        };
        vec![place(from, 0.0), place(to, 1.0)]
    }
}

/// Counts what is given before any of it is read.
fn check(args: &ConnectArgs) -> Result<(), CliError> {
    let first = usize::from(args.weights.is_some());
    let given = args.run.len() + first + usize::from(args.to.is_some());
    match given {
        2 => Ok(()),
        0 => Err(CliError::Missing {
            what: "--run",
            remedy: "give two training runs, --run A --run B, or two files, --weights FILE --to FILE",
        }),
        1 => Err(two_networks("one network is given")),
        more => Err(two_networks(&format!("{more} networks are given"))),
    }
}

fn two_networks(what: &str) -> CliError {
    CliError::Conflict {
        what: format!("{what}; ways lead from one network to one other"),
        remedy: "give --run A --run B, --weights FILE --to FILE, or --run A --to FILE".to_owned(),
    }
}
