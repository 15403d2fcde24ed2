//! A training in words.

use crate::args::DiagnoseArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Console, Typed};
use crate::reports::diagnosis_words;
use landscape_storage::RunKind;
use landscape_study::diagnose::{Evidence, evidence};
use serde_json::json;

/// Answers the three questions about a run.
pub fn diagnose(args: &DiagnoseArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
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
    let mut all = evidence(&store, &run)?;
    if all.iter().all(Evidence::is_empty) {
        return Err(CliError::Conflict {
            what: format!("run `{}` holds neither losses nor a landscape", run.name),
            remedy: "give a training run, a trajectory or a landscape; `landscape runs` lists them"
                .to_owned(),
        });
    }
    let mut next = Vec::new();
    for evidence in all.iter_mut().filter(|_| !args.no_curvature) {
        if let Some((trained, step)) = evidence.find_curvature(&store, args.threads, console)? {
            let keep = Typed::new("hessian")
                .option("--run", &trained)
                .option("--step", step.to_string())
                .option("--top", "1")
                .db(&args.db.db);
            next.push(format!(
                "{keep}    # stores the eigenvalue, for `show` and pages"
            ));
        }
    }
    console.result(
        || json!({"run": run.name, "diagnoses": all.iter().map(Evidence::report).collect::<Vec<_>>()}),
        || all.iter().map(diagnosis_words).collect::<Vec<_>>().join("\n"),
    )?;
    console.next(&next);
    Ok(())
}
