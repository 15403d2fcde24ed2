//! What each engine is given: a module for each of them.

mod hyperqueue;
mod kubernetes;
mod mpi;
mod slurm;

use super::{SCRIPT, command_line};
use crate::status::ShardPlan;
use crate::words::quoted;
use landscape_core::{Shard, Shards};
use std::ffi::OsStr;
use std::path::Path;

/// The folder of what shards say, in that of the plan.
pub(super) const LOGS: &str = "logs";

/// Who runs shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// HyperQueue: one task a shard, to whatever workers there are.
    HyperQueue,
    /// Slurm: an array of jobs.
    Slurm,
    /// Kubernetes: an indexed job.
    Kubernetes,
    /// MPI's launcher: one process a shard, all at once.
    Mpi,
}

landscape_core::named!(Engine, "engine", {
    HyperQueue => "hq": "HyperQueue: a task for each shard, shared out among its workers",
    Slurm => "slurm": "Slurm: an array of jobs",
    Kubernetes => "k8s": "Kubernetes: an indexed job",
    Mpi => "mpi": "mpirun or srun: a process for each shard, all at once",
});

/// Whether a command says where it is evaluated.
pub(super) fn names_device(command: &[String]) -> bool {
    let is_device = |word: &String| word == "--device" || word.starts_with("--device=");
    command.iter().any(is_device)
}

/// Shards that are to be run, and what an engine has to know of them.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub program: String,
    /// The first word of the command.
    pub name: String,
    pub left: &'a Shards,
    pub plan: &'a ShardPlan,
    /// Whether the command takes a number of threads.
    pub has_threads: bool,
    pub database: String,
    pub into: String,
    /// The folder in which paths of the command begin.
    pub here: String,
    /// Where the files are.
    pub folder: String,
    pub environment: Vec<(String, String)>,
    pub image: String,
    pub claim: String,
}

impl Engine {
    /// The program that takes shards.
    pub fn program(self) -> &'static str {
        match self {
            Engine::HyperQueue => "hq",
            Engine::Slurm => "sbatch",
            Engine::Kubernetes => "kubectl",
            Engine::Mpi => "mpirun",
        }
    }

    /// The most shards that are planned for it.
    pub(super) fn most_shards(self, cpus: usize) -> usize {
        match self {
            // The usual `MaxArraySize` is 1001.
            Engine::Slurm => 1000,
            // All run at once.
            Engine::Mpi => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                (cores / cpus.max(1)).max(1)
            }
            Engine::HyperQueue | Engine::Kubernetes => 100_000,
        }
    }

    /// Files of a job, the script that submits it among them.
    pub(super) fn files(self, job: &Job<'_>) -> Vec<(&'static str, String)> {
        match self {
            Engine::HyperQueue => hyperqueue::files(job),
            Engine::Slurm => slurm::files(job),
            Engine::Kubernetes => kubernetes::files(job),
            Engine::Mpi => mpi::files(job),
        }
    }
}

impl Job<'_> {
    /// The words of one shard, whose number need not be known yet.
    fn words(&self, number: &str) -> Vec<String> {
        let mut words = Vec::new();
        let mut rest = self.plan.command.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                // Said anew below.
                "--db" => drop(rest.next()),
                "--threads" if self.has_threads => drop(rest.next()),
                other if other.starts_with("--db=") => {}
                other if self.has_threads && other.starts_with("--threads=") => {}
                _ => words.push(word.clone()),
            }
        }
        if self.has_threads {
            words.extend(["--threads".to_owned(), self.plan.cpus.to_string()]);
        }
        words.extend([
            "--shard".to_owned(),
            format!("{number}/{}", self.plan.shards),
        ]);
        words.extend(["--db".to_owned(), self.database.clone()]);
        words
    }

    /// The command of a shard for a shell, which puts the number in the place of `variable`.
    fn line(&self, variable: &str) -> String {
        const NUMBER: &str = "NUMBER-OF-THE-SHARD";
        let line = command_line(&self.program, &self.words(NUMBER));
        let given = format!("{NUMBER}/{}", self.plan.shards);
        line.replace(&given, &format!("\"{variable}/{}\"", self.plan.shards))
    }

    /// The command that merges whatever shards there are, for a shell.
    fn merge_line(&self) -> String {
        let pattern = self.database.replace("{N}", &self.plan.shards.to_string());
        let parts: Vec<String> = { pattern.split("{K}") }
            .map(|part| match part.is_empty() {
                true => String::new(),
                false => quoted(OsStr::new(part)),
            })
            .collect();
        let (program, into) = (
            quoted(OsStr::new(&self.program)),
            quoted(OsStr::new(&self.into)),
        );
        format!("{program} merge {} --into {into}", parts.join("[0-9]*"))
    }

    /// The numbers of the shards that are left.
    fn numbers(&self) -> Vec<usize> {
        self.left.iter().map(Shard::number).collect()
    }

    /// The same as `0-3,7`.
    fn ranges(&self) -> String {
        let all = self.left.to_string();
        all.split_once('/')
            .map_or(all.clone(), |(ranges, _)| ranges.to_owned())
    }

    /// A line of a shell that takes the number of a shard from its place among those that are left, which a variable has.
    fn number_at(&self, place: &str) -> String {
        let numbers: Vec<String> = self.numbers().iter().map(usize::to_string).collect();
        format!("set -- {}\nshift \"{place}\"", numbers.join(" "))
    }

    /// Lines of a shell that go to where the command was given, and set the variables that it had.
    fn head(&self) -> String {
        let mut head = format!("cd -- {} || exit 2\n", quoted(OsStr::new(&self.here)));
        for (name, value) in &self.environment {
            head += &format!("export {name}={}\n", quoted(OsStr::new(value)));
        }
        head
    }

    /// A file in the folder, for a shell.
    fn path(&self, name: &str) -> String {
        quoted(Path::new(&self.folder).join(name).as_os_str())
    }

    /// A file in the folder of what shards say, as it is.
    fn log(&self, name: &str) -> String {
        let path = Path::new(&self.folder).join(LOGS).join(name);
        path.to_string_lossy().into_owned()
    }
}

/// The script that submits.
fn script(lines: &str) -> (&'static str, String) {
    let text = format!("#!/bin/sh\n# Made by `landscape submit`.\nset -e\n{lines}");
    (SCRIPT, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shards 0 and 2 of three, on two GPUs each.
    fn files(engine: Engine) -> String {
        let plan = ShardPlan {
            command: ["surface", "--threads=4", "--db", "a-{K}.duckdb"]
                .map(str::to_owned)
                .into(),
            shards: 3,
            units: 25,
            seconds: 60.0,
            preparation: 1.0,
            cpus: 1,
            gpus: 2,
            database: "/here/a-{K}.duckdb".into(),
            into: "/here/all.duckdb".into(),
        };
        let left: Shards = "0,2/3".parse().expect("shards");
        let job = Job {
            program: "landscape".to_owned(),
            name: "surface".to_owned(),
            left: &left,
            plan: &plan,
            has_threads: true,
            database: "/here/a-{K}.duckdb".to_owned(),
            into: "/here/all.duckdb".to_owned(),
            here: "/here".to_owned(),
            folder: "/here/shards".to_owned(),
            environment: Vec::new(),
            image: "image".to_owned(),
            claim: "files".to_owned(),
        };
        let files = engine.files(&job).into_iter();
        files
            .map(|(name, text)| format!("{name}\n{text}"))
            .collect()
    }

    #[test]
    fn gpus_are_asked_for_and_done_shards_left_out() {
        for (engine, gpus, shards) in [
            (Engine::HyperQueue, "\"gpus/nvidia\" = 2", "deps = [0,2]"),
            (Engine::Slurm, "#SBATCH --gres=gpu:2", "--array=0,2\n"),
            (
                Engine::Kubernetes,
                "\"nvidia.com/gpu\": \"2\"",
                "set -- 0 2\\nshift \\\"$JOB_COMPLETION_INDEX\\\"",
            ),
            (Engine::Mpi, "", "mpirun -n 2 sh /here/shards/rank.sh"),
        ] {
            let files = files(engine);
            assert!(files.contains(gpus) && files.contains(shards), "{files}");
            assert!(
                files.contains("merge /here/a-[0-9]*.duckdb --into /here/all.duckdb"),
                "{files}"
            );
            assert!(!files.contains("threads=4"), "{files}");
        }
    }
}
