//! A training in words.

use crate::args::DiagnoseArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Console, Typed};
use landscape_study::diagnose::{Diagnosed, DiagnosisRequest};

/// Answers the three questions about a run.
pub fn diagnose(args: &DiagnoseArgs, console: &Console) -> Result<(), CliError> {
    let request = DiagnosisRequest {
        run: args.name.clone(),
        curvature: !args.no_curvature,
        threads: args.threads,
    };
    let store = read_store(&args.db.db, console)?;
    if args.dry_run {
        return console.tell(&request.estimate(&store)?);
    }
    let found = Diagnosed::of(&request, &store, console)?;
    console.tell(&found)?;
    let keep = |(trained, step): &(String, u64)| {
        let typed = Typed::new("hessian").option("--run", trained);
        let typed = typed
            .option("--step", step.to_string())
            .option("--top", "1");
        typed.remark("stores the eigenvalue, for `show` and pages")
    };
    console.next(&args.db.db, found.computed.iter().map(keep));
    Ok(())
}
