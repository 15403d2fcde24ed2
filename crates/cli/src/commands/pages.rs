//! Completions and manual pages, from the definition of the command line.

use crate::args::{CompletionsArgs, ManArgs, definition};
use crate::error::CliError;
use crate::output::{self, Console};
use landscape_core::path_words;
use std::fs;

/// Prints the completions for a shell.
pub fn completions(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "landscape", &mut script);
    output::stdout(|out| std::io::Write::write_all(out, &script))
}

/// Prints the manual page, or writes one page a command.
pub fn man(args: &ManArgs, console: &Console) -> Result<(), CliError> {
    let command = definition();
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(CliError::Stdout)?;
        return output::stdout(|out| std::io::Write::write_all(out, &page));
    };
    let failed = |source| landscape_study::StudyError::Io {
        action: "write to",
        path: folder.clone(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    console.note(format_args!("pages written to {}", path_words(folder)));
    Ok(())
}
