//! Numbers that have to agree, computed in several ways on this machine.

use crate::args::DoctorArgs;
use crate::error::CliError;
use crate::output::Console;
use landscape_study::doctor::Checkup;

/// Checks, and says what does not hold.
pub fn doctor(args: &DoctorArgs, console: &Console) -> Result<(), CliError> {
    let found = Checkup::of(&args.eval.request(), console)?;
    console.tell(&found)?;
    match found.ok {
        true => Ok(()),
        false => Err(CliError::Unsound {
            what: found.failed().join(", "),
        }),
    }
}
