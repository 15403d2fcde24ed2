//! Shards for an engine.

use crate::args::{Command, SampleArgs, StoreArgs, SubmitArgs};
use crate::error::CliError;
use crate::inputs::{Place, begin};
use crate::output::{Console, Typed};
use landscape_study::submit::{Submission, Work};

/// Divides a command, and hands its shards to an engine.
pub fn submit(args: &SubmitArgs, console: &Console) -> Result<(), CliError> {
    let (command, given) = args.inner()?;
    let divided = Divided::of(&command, console)?;
    let db = &divided.store.db;
    let place = Place::of(&args.whole(), db, &given, console)?;
    let runs = place.runs(divided.run, console)?;
    let database = given.has("db").then(|| db.db.clone());
    let request = args.request(divided.work, database);
    let submission = Submission::prepare(&request, runs.as_ref(), console)?;
    if args.dry_run {
        return console.tell(&submission.write()?);
    }
    let submitted = submission.run()?;
    if args.wait {
        console.note(submitted.to_string().trim_end());
        let store = begin(&submission.plan.into, console)?;
        return console.tell(&submission.plan.follow(&store, console)?);
    }
    console.tell(&submitted)?;
    let status = Typed::new("status").name(&args.out);
    let wait = status.clone().flag("--wait");
    console.suggest([status, wait].map(|typed| typed.to_string()));
    Ok(())
}

/// A command that can be divided.
struct Divided<'a> {
    work: Work,
    store: &'a StoreArgs,
    /// The training that it takes its network from.
    run: Option<&'a String>,
}

impl<'a> Divided<'a> {
    fn of(command: &'a Command, console: &Console) -> Result<Self, CliError> {
        let words = console.command();
        let (work, store, run) = match command {
            Command::Line(args) => return Ok(Divided::landscape(args, words)),
            Command::Surface(args) => return Ok(Divided::landscape(args, words)),
            Command::Volume(args) => return Ok(Divided::landscape(args, words)),
            Command::Hessian(args) => {
                let work = Work::Map(Box::new(args.request(words, None)));
                (work, &args.store, args.network.run.as_ref())
            }
            Command::Trajectory(args) => {
                let work = Work::Paths(Box::new(args.request(words, None)));
                (work, &args.store, args.run.first())
            }
            Command::Compare(args) => {
                let work = Work::Trainings(Box::new(args.request(words, None)?));
                (work, &args.store, None)
            }
            _ => unreachable!("commands without shards are refused when they are read"),
        };
        Ok(Divided { work, store, run })
    }

    fn landscape<const DIMS: usize>(args: &'a SampleArgs<DIMS>, words: &str) -> Self {
        Divided {
            work: Work::Landscape(Box::new(args.request(words, None))),
            store: &args.store,
            run: args.network.run.as_ref(),
        }
    }
}
