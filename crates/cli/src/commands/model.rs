//! What a network is.

use crate::args::ModelArgs;
use crate::error::CliError;
use crate::output::Console;
use serde_json::json;

/// Prints what is known of a network.
pub fn model(args: &ModelArgs, console: &Console) -> Result<(), CliError> {
    let found = args.request().run(console)?;
    console.result(|| json!(found), || found.to_string())
}
