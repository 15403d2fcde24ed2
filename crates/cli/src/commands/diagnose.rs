//! A training in words.

mod curvature;
mod evidence;
mod gather;
mod report;

pub use evidence::Evidence;
pub use gather::gather;
pub use report::{brief, to_json, verdicts};

use crate::args::DiagnoseArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::Console;
use landscape_storage::RunKind;
use serde_json::json;

/// Answers the three questions about a run.
pub fn diagnose(args: &DiagnoseArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
    let _hold = store.hold();
    let run = store.find(&args.name)?;
    if run.kind == RunKind::Hessian {
        return Err(CliError::Conflict {
            what: format!(
                "run `{}` is curvature, which alone says nothing of a training",
                run.name
            ),
            remedy:
                "give the training run, its trajectory or a landscape; `landscape runs` lists them"
                    .to_owned(),
        });
    }
    let mut all = gather(&store, &run)?;
    if all.iter().all(Evidence::is_empty) {
        return Err(CliError::Conflict {
            what: format!("run `{}` holds neither losses nor a landscape", run.name),
            remedy: "give a training run, a trajectory or a landscape; `landscape runs` lists them"
                .to_owned(),
        });
    }
    let mut next = Vec::new();
    for evidence in &mut all {
        if let Some(keep) = evidence.find_curvature(&store, args, console)? {
            next.push(format!(
                "{keep}    # stores the eigenvalue, for `show` and pages"
            ));
        }
    }
    console.result(
        || json!({"run": run.name, "diagnoses": all.iter().map(to_json).collect::<Vec<_>>()}),
        || all.iter().map(report::words).collect::<Vec<_>>().join("\n"),
    )?;
    console.next(&next);
    Ok(())
}
