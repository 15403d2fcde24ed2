//! Which shard a launcher gives a process: from the variables that it sets.

use super::ShardError;
use landscape_core::Shard;
use std::fmt;

/// What a launcher says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    /// The variables, as `NAME=value`.
    words: String,
    number: usize,
    /// How many processes there are.
    of: Option<usize>,
    /// The number of a task as it was submitted, which stays the same when few of them are submitted again; ranks have none.
    task: Option<usize>,
    /// Whether it may stand for nothing, as in a batch script that its launcher did not start once a task.
    weak: bool,
}

/// A shard that was found, and by which words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundShard {
    /// The shard.
    pub shard: Shard,
    /// What says so, for example `SLURM_PROCID=1, SLURM_NTASKS=4`.
    pub words: String,
}

impl fmt::Display for FoundShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {}, by {}", self.shard, self.words)
    }
}

/// Variables of one process.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// A whole number; an empty variable is as good as none.
    fn number(&self, name: &'static str) -> Result<Option<usize>, ShardError> {
        let value = (self.0)(name).filter(|value| !value.trim().is_empty());
        let Some(value) = value else {
            return Ok(None);
        };
        match value.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(ShardError::Variable { name, value }),
        }
    }

    /// A launcher with a variable for the number of a process, and one for how many there are.
    fn pair(
        &self,
        number: &'static str,
        of: Option<&'static str>,
        is_task: bool,
    ) -> Result<Option<Said>, ShardError> {
        let Some(found) = self.number(number)? else {
            return Ok(None);
        };
        let count = of.map(|of| self.number(of)).transpose()?.flatten();
        let all = of.zip(count);
        let all = all.map_or(String::new(), |(name, count)| format!(", {name}={count}"));
        Ok(Some(Said {
            words: format!("{number}={found}{all}"),
            number: found,
            of: count,
            task: is_task.then_some(found),
            weak: false,
        }))
    }

    /// An array of Slurm's jobs, which need not begin at 0 nor count by ones.
    fn slurm_array(&self) -> Result<Option<Said>, ShardError> {
        let count = "SLURM_ARRAY_TASK_COUNT";
        let Some(mut said) = self.pair("SLURM_ARRAY_TASK_ID", Some(count), true)? else {
            return Ok(None);
        };
        let first = self.number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
        let last = self.number("SLURM_ARRAY_TASK_MAX")?;
        let step = self.number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
        let place = said.number.checked_sub(first);
        let even = place.is_some_and(|place| place.is_multiple_of(step))
            && last
                .zip(said.of)
                .is_none_or(|(last, of)| last.checked_sub(first) == Some(step * (of.max(1) - 1)));
        said.number = place.unwrap_or(0) / step;
        if !even {
            // Of a list of numbers, the place in it is not known.
            said.of = None;
        }
        Ok(Some(said))
    }

    fn slurm_step(&self) -> Result<Option<Said>, ShardError> {
        let Some(mut said) = self.pair("SLURM_PROCID", Some("SLURM_NTASKS"), false)? else {
            return Ok(None);
        };
        said.weak = said.number == 0 && self.number("SLURM_STEP_ID")?.is_none();
        Ok(Some(said))
    }

    fn all(&self) -> Result<Vec<Said>, ShardError> {
        let completions = Some("JOB_COMPLETIONS");
        let all = [
            self.pair("HQ_TASK_ID", None, true)?,
            self.slurm_array()?,
            self.slurm_step()?,
            self.pair("OMPI_COMM_WORLD_RANK", Some("OMPI_COMM_WORLD_SIZE"), false)?,
            self.pair("PMI_RANK", Some("PMI_SIZE"), false)?,
            self.pair("JOB_COMPLETION_INDEX", completions, true)?,
        ];
        Ok(all.into_iter().flatten().collect())
    }
}

/// The shard by a process's variables, of `of` where that is said.
///
/// Known are HyperQueue (`HQ_TASK_ID`), arrays of Slurm's jobs (`SLURM_ARRAY_TASK_ID`, `_COUNT`, `_MIN`, `_MAX`, `_STEP`), `srun`
/// (`SLURM_PROCID`, `SLURM_NTASKS`), OpenMPI (`OMPI_COMM_WORLD_RANK`, `_SIZE`), other MPI (`PMI_RANK`, `PMI_SIZE`) and Kubernetes'
/// indexed jobs (`JOB_COMPLETION_INDEX`, `JOB_COMPLETIONS`). With `of` the number of a task is taken as it is, so that some tasks
/// of an array can be submitted again. One process alone (0 of 1) contradicts nobody.
///
/// # Errors
/// Where no launcher says anything, one does not say of how many, or several disagree.
pub(super) fn find(
    variables: &dyn Fn(&str) -> Option<String>,
    of: Option<usize>,
) -> Result<FoundShard, ShardError> {
    let mut all = Variables(variables).all()?;
    let alone = |said: &Said| said.of == Some(1) && said.number == 0;
    for idle in [alone as fn(&Said) -> bool, |said| said.weak] {
        if all.iter().any(|said| !idle(said)) {
            all.retain(|said| !idle(said));
        }
    }
    let mut found: Option<FoundShard> = None;
    for said in &all {
        let next = said.shard(of)?;
        match &mut found {
            None => found = Some(next),
            Some(first) if first.shard == next.shard => {
                first.words = format!("{}; {}", first.words, next.words);
            }
            Some(first) => {
                let (first, other) = (first.to_string(), next.to_string());
                return Err(ShardError::Disagree { first, other });
            }
        }
    }
    found.ok_or(ShardError::NoLauncher)
}

impl Said {
    fn shard(&self, of: Option<usize>) -> Result<FoundShard, ShardError> {
        let words = self.words.clone();
        let (number, of) = match (of, self.task, self.of) {
            (Some(of), Some(task), _) => (task, of),
            (Some(asked), None, Some(of)) if asked != of => {
                return Err(ShardError::Count { words, asked, of });
            }
            (Some(of), ..) | (None, _, Some(of)) => (self.number, of),
            (None, _, None) => return Err(ShardError::NoCount { words }),
        };
        let shard = Shard::new(number, of);
        let shard = shard.map_err(|source| ShardError::Outside {
            words: words.clone(),
            source,
        })?;
        Ok(FoundShard { shard, words })
    }
}
