//! Where a command keeps its results: in the database, or a shard of them in one of its own.

use super::{read_if, read_store};
use crate::args::{DbArgs, Given, ShardArgs};
use crate::error::CliError;
use crate::output::{Console, Typed};
use crate::words::{DATABASE, DB, variable};
use landscape_core::{Shard, path_words};
use landscape_storage::Store;
use landscape_study::shard::{file_beside, file_of};
use std::path::PathBuf;

/// Which shard of the points is computed, where it is kept, and where runs are looked up.
pub struct Place {
    /// The shard, where one is asked for.
    pub shard: Option<Shard>,
    /// The database of the results.
    pub db: PathBuf,
    /// The usual database, where shards are merged and runs are that a shard's has not.
    pub usual: PathBuf,
}

impl Place {
    /// That of a command with these options. Says which shard a launcher gives this process.
    pub fn of(
        args: &ShardArgs,
        db: &DbArgs,
        given: &Given,
        console: &Console,
    ) -> Result<Self, CliError> {
        let named = || PathBuf::from(variable(DB).unwrap_or_else(|| DATABASE.into()));
        let Some(choice) = args.shard else {
            let db = db.db.clone();
            return Ok(Place {
                shard: None,
                usual: db.clone(),
                db,
            });
        };
        let value = |name: &str| std::env::var(name).ok();
        let found = choice
            .find(&value)
            .map_err(landscape_study::StudyError::from)?;
        if choice.is_auto() {
            console.note(&found);
        }
        let file = match given.has("db") {
            true => file_of(&db.db, found.shard),
            false => file_beside(&db.db, found.shard),
        };
        Ok(Place {
            shard: Some(found.shard),
            db: file,
            usual: named(),
        })
    }

    /// What puts shards together, this one and the others beside it.
    pub fn merge(&self) -> Typed {
        let merge = Typed::new("merge")
            .name(&self.db)
            .option("--into", &self.usual);
        merge.remark("with the files of the other shards")
    }

    /// The store in which a run of that name is looked up: that of the results, or the usual one where it has none of the name.
    pub fn runs(&self, run: Option<&String>, console: &Console) -> Result<Option<Store>, CliError> {
        let Some((name, _)) = run.zip(self.shard) else {
            return read_if(run.is_some(), &self.db, console);
        };
        if self.db.exists() {
            let own = read_store(&self.db, console)?;
            if own.find(name).is_ok() {
                return Ok(Some(own));
            }
        }
        console.note(format_args!(
            "run `{name}` is looked up in `{}`",
            path_words(&self.usual)
        ));
        read_store(&self.usual, console).map(Some)
    }
}
