use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::Console;
use landscape_storage::{Error, Store};
use landscape_study::report::{Level, Reporter, say_journal};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Readers that take no longer than this are not worth a word.
const BRIEF: Duration = Duration::from_secs(1);

/// The database of a command that computes: from here on, stopping it saves what is done.
pub fn begin(path: &Path, console: &Console) -> Result<Store, CliError> {
    Interrupt::listen();
    open_store(path, console)
}

/// The database of a command that stores results. While another process has it open the command waits,
/// says so once, and goes on; Ctrl-C ends that, and what was computed is kept beside the file.
pub fn open_store(path: &Path, console: &Console) -> Result<Store, CliError> {
    let store = Store::open(path)?;
    say_journal(&store, console);
    let (console, said) = (console.clone(), AtomicBool::new(false));
    Ok(store.waiting(move |error| {
        if Interrupt::listen().raised() {
            return ControlFlow::Break(());
        }
        if let Error::Locked { path, holder, waited } = error
            && *waited > BRIEF
            && !said.swap(true, Ordering::Relaxed)
        {
            let who = holder.as_ref().map_or("another process".to_owned(), ToString::to_string);
            let words = format_args!(
                "`{}` is in use by {who}: the run continues, keeps its results in `{0}.journal`, and stores \
                 them when the file is free",
                path.display()
            );
            console.say(Level::Warning, &words);
        }
        ControlFlow::Continue(())
    }))
}

/// The database of a command that reads.
pub fn read_store(path: &Path, console: &Console) -> Result<Store, CliError> {
    let store = Store::open_read(path)?;
    say_journal(&store, console);
    Ok(store)
}

/// The same where one is asked for; nothing where none is.
pub fn read_if(asked: bool, path: &Path, console: &Console) -> Result<Option<Store>, CliError> {
    match asked {
        true => read_store(path, console).map(Some),
        false => Ok(None),
    }
}
