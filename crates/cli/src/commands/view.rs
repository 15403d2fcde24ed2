//! Pages in the browser.

use crate::args::ViewArgs;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::Console;
use crate::words::DATABASE;
use landscape_view::{View, ViewRequest};
use serde_json::json;

/// Serves pages until it is stopped.
pub fn view(args: &ViewArgs, console: &Console) -> Result<(), CliError> {
    Interrupt::listen();
    let request = ViewRequest {
        named: args.named.clone(),
        databases: args.db.clone(),
        usual: DATABASE.into(),
        port: args.port,
        pause: None,
    };
    let view = View::prepare(&request, console)?;
    let address = view.address();
    console.result(|| json!({"address": address}), || format!("{address}\n"))?;
    if !args.no_open {
        view.open(console);
    }
    Ok(view.serve(console)?)
}
