//! HyperQueue: a file of tasks, one a shard, and one that merges when all are done.

use super::{Job, script};
use serde_json::json;
use std::fmt::Write;

pub(super) fn files(job: &Job<'_>) -> Vec<(&'static str, String)> {
    let submit = format!("hq job submit-file {}\n", job.path("shards.toml"));
    vec![("shards.toml", tasks(job)), script(&submit)]
}

/// Strings and lists are written as in JSON, which TOML reads in the same way.
fn tasks(job: &Job<'_>) -> String {
    let plan = job.plan;
    let mut text = format!(
        "# Made by `landscape submit`: `hq job submit-file` takes it.\nname = {}\n",
        json!(format!("landscape-{}", job.name))
    );
    let mut program = vec![job.program.clone()];
    let gpus = match plan.gpus {
        0 => String::new(),
        gpus => format!(", \"gpus/nvidia\" = {gpus}"),
    };
    for number in job.numbers() {
        program.truncate(1);
        program.extend(job.words(&number.to_string()));
        task(
            &mut text,
            job,
            (number, &json!(program)),
            &format!("shard-{number}"),
        );
        let _ = writeln!(
            text,
            "[[task.request]]\nresources = {{ \"cpus\" = {}{gpus} }}",
            plan.cpus
        );
    }
    let merge = json!(["sh", "-c", job.merge_line()]);
    task(&mut text, job, (plan.shards, &merge), "merge");
    let _ = writeln!(text, "deps = {}", json!(job.numbers()));
    text
}

fn task(text: &mut String, job: &Job<'_>, (id, command): (usize, &serde_json::Value), log: &str) {
    let environment: Vec<String> = { job.environment.iter() }
        .map(|(name, value)| format!("{} = {}", json!(name), json!(value)))
        .collect();
    // Writing to memory does not fail.
    let _ = write!(
        text,
        "\n[[task]]\nid = {id}\ncommand = {command}\ncwd = {}\nstdout = {}\nstderr = {}\n",
        json!(job.here),
        json!(job.log(&format!("{log}.out"))),
        json!(job.log(&format!("{log}.err")))
    );
    if !environment.is_empty() {
        let _ = writeln!(text, "env = {{ {} }}", environment.join(", "));
    }
}
