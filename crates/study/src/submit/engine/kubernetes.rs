//! Kubernetes: an indexed job on a volume, and a job that merges until all shards are there.

use super::{Job, script};
use serde_json::{Value, json};

/// Where the volume is in the containers.
const VOLUME: &str = "/work";
/// How often a shard may fail before it is given up.
const RETRIES: usize = 3;

pub(super) fn files(job: &Job<'_>) -> Vec<(&'static str, String)> {
    let submit = format!("kubectl create -f {}\n", job.path("job.json"));
    let manifest = json!({"apiVersion": "v1", "kind": "List", "items": [shards(job), merge(job)]});
    vec![("job.json", format!("{manifest:#}\n")), script(&submit)]
}

fn shards(job: &Job<'_>) -> Value {
    let count = job.numbers().len();
    let lines = format!(
        "{}\nexec {}",
        job.number_at("$JOB_COMPLETION_INDEX"),
        job.line("$1")
    );
    let mut limits = json!({"cpu": job.plan.cpus.to_string()});
    if job.plan.gpus > 0 {
        limits["nvidia.com/gpu"] = json!(job.plan.gpus.to_string());
    }
    let spec = json!({
        "completionMode": "Indexed",
        "completions": count,
        "parallelism": count,
        "backoffLimitPerIndex": RETRIES,
        "maxFailedIndexes": count,
    });
    manifest(job, "shards", spec, &lines, "Never", limits)
}

fn merge(job: &Job<'_>) -> Value {
    let lines = format!("until {}; do sleep 30; done", job.merge_line());
    manifest(
        job,
        "merge",
        json!({}),
        &lines,
        "OnFailure",
        json!({"cpu": "1"}),
    )
}

fn manifest(
    job: &Job<'_>,
    part: &str,
    mut spec: Value,
    lines: &str,
    restart: &str,
    limits: Value,
) -> Value {
    let environment: Vec<Value> = { job.environment.iter() }
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    spec["template"] = json!({"spec": {
        "restartPolicy": restart,
        "containers": [{
            "name": part,
            "image": job.image,
            "command": ["sh", "-c", lines],
            "workingDir": VOLUME,
            "env": environment,
            "resources": {"requests": limits, "limits": limits},
            "volumeMounts": [{"name": "files", "mountPath": VOLUME}],
        }],
        "volumes": [{"name": "files", "persistentVolumeClaim": {"claimName": job.claim}}],
    }});
    let name = format!("landscape-{}-{part}-", job.name);
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": name, "labels": {"app": "landscape"}},
        "spec": spec,
    })
}
