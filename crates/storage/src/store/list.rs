//! Which runs are listed, and in which order.

use super::Store;
use super::runs::{self, Stored};
use super::summary::{Of, summaries};
use crate::error::Error;
use crate::run::{Run, RunKind, RunSummary, Status};
use duckdb::params;

/// The order in which runs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RunOrder {
    /// Oldest first.
    #[default]
    Created,
    /// Newest first.
    Newest,
    /// By name.
    Name,
    /// By kind, and oldest first within one.
    Kind,
    /// Those whose checkpoints and points take most first.
    Size,
}

landscape_core::choices!(RunOrder);

impl RunOrder {
    /// Every order.
    pub const ALL: &'static [RunOrder] = &[
        RunOrder::Created,
        RunOrder::Newest,
        RunOrder::Name,
        RunOrder::Kind,
        RunOrder::Size,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            RunOrder::Created => "created",
            RunOrder::Newest => "newest",
            RunOrder::Name => "name",
            RunOrder::Kind => "kind",
            RunOrder::Size => "size",
        }
    }

    fn sql(self) -> &'static str {
        match self {
            RunOrder::Created | RunOrder::Size => "run_id",
            RunOrder::Newest => "run_id DESC",
            RunOrder::Name => "name",
            RunOrder::Kind => "kind::VARCHAR, run_id",
        }
    }
}

/// Which runs are listed: those that fit all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of these kinds; of every kind where there is none.
    pub kinds: Vec<RunKind>,
    /// Of these states; of every state where there is none.
    pub statuses: Vec<Status>,
    /// With a name that fits: `*` stands for any characters, `?` for one, `[ab]` for one of these.
    pub names: Option<String>,
    /// The order.
    pub order: RunOrder,
    /// At most this many, the first in that order.
    pub limit: Option<usize>,
}

impl RunFilter {
    /// Whether it may leave any run out.
    fn is_narrow(&self) -> bool {
        let all = self.kinds.is_empty() && self.statuses.is_empty() && self.names.is_none();
        !all || self.limit.is_some()
    }
}

/// Bytes of a stored point, about.
const POINT: u64 = 64;

impl Store {
    /// The runs in a state, oldest first; what they hold is not counted.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn runs_in(&self, status: Status) -> Result<Vec<Run>, Error> {
        self.read(|conn| {
            let mut statement = conn.prepare(&format!(
                "SELECT {} FROM runs ORDER BY run_id",
                runs::RUN_COLUMNS
            ))?;
            let mut rows = statement.query([])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(Stored::read(Some(conn.path()), row)?.run);
            }
            found.retain(|run| run.status == status);
            Ok(found)
        })
    }

    /// Runs and how much each holds: those of a filter.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn runs_where(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, Error> {
        self.read(|conn| {
            let mut statement = conn.prepare(&format!(
                "SELECT {} FROM runs
                 WHERE ?1::VARCHAR IS NULL OR run_id IN (SELECT n.run_id FROM names n WHERE n.name GLOB ?1)
                 ORDER BY {}",
                runs::RUN_COLUMNS,
                filter.order.sql()
            ))?;
            let mut rows = statement.query(params![filter.names])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let run = Stored::read(Some(conn.path()), row)?.run;
                let kind = filter.kinds.is_empty() || filter.kinds.contains(&run.kind);
                let status = filter.statuses.is_empty() || filter.statuses.contains(&run.status);
                if kind && status {
                    found.push(run);
                }
            }
            let limit = filter.limit.unwrap_or(usize::MAX);
            if filter.order != RunOrder::Size {
                found.truncate(limit);
            }
            let of = match filter.is_narrow() {
                true => Of::These,
                false => Of::All,
            };
            let mut found = summaries(conn, found, of)?;
            if filter.order == RunOrder::Size {
                let size = |run: &RunSummary| {
                    let rows = run.points.saturating_add(run.records).saturating_mul(POINT);
                    run.checkpoint_bytes.saturating_add(rows)
                };
                found.sort_by_key(|run| std::cmp::Reverse(size(run)));
                found.truncate(limit);
            }
            Ok(found)
        })
    }
}
