//! What a network is.

use crate::args::ModelArgs;
use crate::error::CliError;
use crate::output::Console;

/// Prints what is known of a network.
pub fn model(args: &ModelArgs, console: &Console) -> Result<(), CliError> {
    console.tell(&args.request().run(console)?)
}
