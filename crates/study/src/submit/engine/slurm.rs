//! Slurm: an array of jobs, and a job that merges when all of them have ended, well or not.

use super::{Job, script};
use crate::words::quoted;
use std::ffi::OsStr;

pub(super) fn files(job: &Job<'_>) -> Vec<(&'static str, String)> {
    let path = |name| job.path(name);
    let submit = format!(
        "id=$(sbatch --parsable {})\n\
         sbatch --dependency=\"afterany:${{id%%;*}}\" {}\n",
        path("shards.sbatch"),
        path("merge.sbatch")
    );
    vec![
        ("shards.sbatch", shards(job)),
        ("merge.sbatch", merge(job)),
        script(&submit),
    ]
}

fn shards(job: &Job<'_>) -> String {
    let plan = job.plan;
    let gpus = match plan.gpus {
        0 => String::new(),
        gpus => format!("#SBATCH --gres=gpu:{gpus}\n"),
    };
    format!(
        "{}#SBATCH --array={}\n\
         #SBATCH --cpus-per-task={}\n{gpus}\
         #SBATCH --requeue\n\
         {}exec {}\n",
        head(job, "shard-%a.log"),
        job.ranges(),
        plan.cpus,
        job.head(),
        job.line("$SLURM_ARRAY_TASK_ID")
    )
}

fn merge(job: &Job<'_>) -> String {
    format!(
        "{}{}exec {}\n",
        head(job, "merge.log"),
        job.head(),
        job.merge_line()
    )
}

fn head(job: &Job<'_>, log: &str) -> String {
    format!(
        "#!/bin/sh\n\
         #SBATCH --job-name=landscape-{}\n\
         #SBATCH --output={}\n\
         #SBATCH --open-mode=append\n",
        job.name,
        quoted(OsStr::new(&job.log(log)))
    )
}
