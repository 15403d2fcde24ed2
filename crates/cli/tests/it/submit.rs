//! Shards handed to engines that are played by scripts, and looked after.

use crate::support::{Bench, PROGRAM, Said};
use serde_json::{Value, json};
use std::fs;

const WORDS: &str = "surface --model mlp:2-8-4-1 --data moons --grid 9x7 --name plane";

/// Puts a program before all others on the PATH of a bench's commands.
#[cfg(unix)]
fn engine(bench: &Bench, name: &str, lines: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(bench.path("bin")).unwrap();
    let path = bench.path("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A command with the engines of the bench before those of this machine.
fn with_engines(bench: &Bench, words: &str) -> Said {
    let mut command = bench.command(words);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bench.path("bin")).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).unwrap());
    Said::of(command.output().unwrap())
}

/// What a file of a job holds, without what changes from machine to machine.
fn told(bench: &Bench, name: &str) -> String {
    let whole = |path: &std::path::Path| fs::canonicalize(path).unwrap().display().to_string();
    let text = bench
        .read(name)
        .replace(&whole(PROGRAM.as_ref()), "/bin/landscape");
    text.replace(&whole(&bench.path("")), "/home/me")
}

/// Runs what Slurm would: one job of the array.
#[cfg(unix)]
fn task(bench: &Bench, number: usize) {
    let mut shell = std::process::Command::new("sh");
    shell.arg(bench.path("landscape-shards/shards.sbatch"));
    shell.env("SLURM_ARRAY_TASK_ID", number.to_string());
    assert!(shell.output().unwrap().status.success());
}

fn status(bench: &Bench) -> Value {
    bench.json("status")
}

#[test]
fn what_each_engine_is_given() {
    let bench = Bench::new();
    fs::create_dir(bench.path("my jobs")).unwrap();
    let words = "surface --model mlp:2-8-4-1 --data moons --grid 5 --threads 1 --name 'my $plane'";
    for (engine, files) in [
        ("hq", &["shards.toml", "submit.sh"][..]),
        ("slurm", &["shards.sbatch", "merge.sbatch", "submit.sh"]),
        ("mpi", &["rank.sh", "submit.sh"]),
        ("k8s", &["job.json", "submit.sh"]),
    ] {
        let folder = format!("my jobs/{engine}");
        let mut command = bench.command(&format!(
            "submit --engine {engine} --shards 3 --out '{folder}' --image landscape:1 --claim files --dry-run --json -- {words}"
        ));
        let said = Said::of(command.env("LANDSCAPE_SIMD", "portable").output().unwrap());
        assert_eq!(said.code, 0, "{}", said.err);
        let found: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(
            (&found["left"], &found["submitted"], &found["command"]),
            (
                &json!("0-2/3"),
                &json!(false),
                &json!(format!("sh '{folder}/submit.sh'"))
            )
        );
        let text: Vec<String> = { files.iter() }
            .map(|file| format!("== {file}\n{}", told(&bench, &format!("{folder}/{file}"))))
            .collect();
        insta::assert_snapshot!(format!("submit-{engine}"), text.join("\n"));
    }
}

#[cfg(unix)]
#[test]
fn slurm_gets_an_array_and_later_what_is_left() {
    let bench = Bench::new();
    engine(&bench, "sbatch", "echo \"$@\" >> calls; echo '7;cluster'");
    let submit = format!("submit --engine slurm --shards 3 -- {WORDS}");
    let said = with_engines(&bench, &submit);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.starts_with("3 shards submitted to slurm\n"),
        "{}",
        said.out
    );
    let calls = told(&bench, "calls");
    assert_eq!(
        calls,
        "--parsable /home/me/landscape-shards/shards.sbatch\n\
         --dependency=afterany:7 /home/me/landscape-shards/merge.sbatch\n"
    );
    let waiting = status(&bench);
    assert_eq!(
        (
            &waiting["waiting"],
            &waiting["points"],
            &waiting["points_done"]
        ),
        (&json!(3), &json!(63), &json!(0))
    );
    task(&bench, 0);
    task(&bench, 2);
    // Some points of a shard are lost: it is not whole, and nobody computes it.
    let shard = bench.path("landscape-shards/shard-2-of-3.duckdb");
    let database = duckdb::Connection::open(shard).unwrap();
    let lost = database
        .execute("DELETE FROM points WHERE i = 0", [])
        .unwrap();
    drop(database);
    let half = status(&bench);
    let phases: Vec<&Value> = half["shards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["phase"])
        .collect();
    assert_eq!(phases, ["done", "waiting", "failed"]);
    assert_eq!(half["points_done"], 42 - lost);
    let said = bench.ok("status landscape-shards/shard-2-of-3.duckdb").out;
    assert!(said.contains("failed   1 (2/3)"), "{said}");
    // The same again hands over those two, and goes on with the division.
    let said = with_engines(&bench, &format!("submit --engine slurm -- {WORDS}"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.starts_with("2 of 3 shards (1-2/3) submitted"),
        "{}",
        said.out
    );
    assert!(
        bench
            .read("landscape-shards/shards.sbatch")
            .contains("--array=1-2\n")
    );
    for number in [1, 2] {
        task(&bench, number);
    }
    assert_eq!(status(&bench)["done"], 3);
    let said = with_engines(&bench, &submit).out;
    assert!(
        said.starts_with("nothing is submitted: all of 3 shards are done"),
        "{said}"
    );
    // What the merging job would do.
    let mut shell = std::process::Command::new("sh");
    let merged = shell
        .arg(bench.path("landscape-shards/merge.sbatch"))
        .output()
        .unwrap();
    assert!(merged.status.success(), "{merged:?}");
    bench.ok(&format!("{WORDS} --db whole.duckdb"));
    let csv = |db: &str| bench.ok(&format!("export plane --db {db}")).out;
    assert_eq!(csv("landscape.duckdb"), csv("whole.duckdb"));
}

#[cfg(unix)]
#[test]
fn mpi_runs_every_shard_and_merges() {
    let bench = Bench::trained();
    engine(
        &bench,
        "mpirun",
        "n=$2; shift 2; r=0; while [ $r -lt $n ]; do OMPI_COMM_WORLD_RANK=$r \"$@\" || exit 1; r=$((r + 1)); done",
    );
    let words = "hessian --run moons --map --grid 3 --name map";
    let said = with_engines(
        &bench,
        &format!("submit --engine mpi --shards 2 --json -q -- {words}"),
    );
    assert_eq!(said.code, 0, "{}", said.err);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(found["submitted"], true);
    assert!(
        found["said"].as_str().unwrap().contains("9 of 3x3 points"),
        "{found}"
    );
    assert_eq!(bench.json("runs")["runs"][1]["status"], "complete");
}

#[cfg(unix)]
#[test]
fn shards_are_waited_for_and_merged_as_they_end() {
    let bench = Bench::new();
    // The tasks go on when `hq` has ended.
    let lines = "for k in 0 1 2; do\n\
                 LANDSCAPE surface --model mlp:2-8-4-1 --data moons --grid 9x7 --name plane --shard $k/3 \
                 --db landscape-shards/shard-$k-of-3.duckdb >/dev/null 2>&1 &\ndone";
    engine(&bench, "hq", &lines.replace("LANDSCAPE", PROGRAM));
    let submit = format!("submit --engine hq --shards 3 --wait --json -- {WORDS}");
    let said = with_engines(&bench, &submit);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (&found["runs"][0]["status"], &found["runs"][0]["points"]),
        (&json!("complete"), &json!(63))
    );
    // Once more: there is nothing to wait for.
    assert_eq!(bench.json("status --wait")["runs"][0]["points"], 63);
}

#[test]
fn an_engine_that_is_not_there() {
    let bench = Bench::new();
    let mut command = bench.command(&format!("submit --engine hq -- {WORDS}"));
    let said = Said::of(command.env("PATH", bench.path("nowhere")).output().unwrap());
    assert_eq!((said.code, &said.out[..]), (1, ""), "{}", said.err);
    assert!(
        said.err.contains("there is no `hq` on this machine's PATH"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("run `sh landscape-shards/submit.sh`"),
        "{}",
        said.err
    );
    // A request of a moment is one shard, and says why.
    assert!(said.err.contains("63 points at "), "{}", said.err);
    assert!(said.err.contains(": 1 shard of about "), "{}", said.err);
    assert!(
        bench
            .read("landscape-shards/shards.toml")
            .contains("\"--shard\",\"0/1\"")
    );
}

#[cfg(unix)]
#[test]
fn an_engine_that_takes_nothing() {
    let bench = Bench::new();
    engine(&bench, "sbatch", "echo 'invalid partition' >&2; exit 3");
    let said = with_engines(&bench, &format!("submit --engine slurm -- {WORDS}"));
    assert_eq!((said.code, &said.out[..]), (1, ""), "{}", said.err);
    assert!(
        said.err.contains("`sbatch` failed: invalid partition"),
        "{}",
        said.err
    );
}

#[test]
fn paths_and_trainings_are_looked_after_too() {
    let bench = Bench::trained();
    let path = "trajectory --run moons --name path --samples 150";
    let sweep = "compare --seeds 0..3 --model mlp:2-4-1 --data moons:n=60 --epochs 2 --name seeds";
    for (folder, words, points) in [("path", path, 21), ("seeds", sweep, 3)] {
        bench.ok(&format!(
            "submit --engine hq --shards 2 --out {folder} --dry-run -- {words}"
        ));
        for (number, done) in [(0, 1), (1, 2)] {
            bench.ok(&format!(
                "{words} --shard {number}/2 --db {folder}/shard-{number}-of-2.duckdb"
            ));
            let now = bench.json(&format!("status {folder}"));
            assert_eq!(now["done"], done, "{now}");
        }
        let now = bench.json(&format!("status {folder}"));
        assert_eq!(
            (&now["points"], &now["points_done"]),
            (&json!(points), &json!(points))
        );
    }
    bench.json("status --wait seeds");
    assert_eq!(
        bench.json("runs --kind train")["runs"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn what_cannot_be_submitted_is_refused() {
    let bench = Bench::trained();
    bench.ok(&format!(
        "submit --engine hq --shards 3 --dry-run -- {WORDS}"
    ));
    for (words, message) in [
        (
            "submit --engine hq -- train --model mlp:2-4-1 --data moons",
            "`train` is not a command that can be divided",
        ),
        (
            "submit --engine hq -- nosuch",
            "give one of these behind `--`: line, surface, volume",
        ),
        (
            "submit --engine hq -- surface --run moons --shard 0/4",
            "leave --shard out behind `--`",
        ),
        (
            "submit --engine hq -- surface --run moons --dry-run",
            "leave --dry-run out behind `--`",
        ),
        (
            "submit --engine hq -- surface --run moons -o a.svg",
            "--output has no effect here",
        ),
        (
            "submit --engine hq -- surface --run moons --nrom layer",
            "unexpected argument '--nrom' found",
        ),
        (
            "submit --engine hq -- hessian --run moons",
            "it belongs to --map",
        ),
        (
            "submit --engine hq --out new -- surface --run moons --db a.duckdb",
            "`a.duckdb` is one database for all shards",
        ),
        (
            "submit --engine hq --out new -- surface --run moons --adaptive 0.01",
            "adaptive sampling goes in rounds",
        ),
        (
            "submit --engine hq --out new -- surface --run nosuch",
            "has no run `nosuch`",
        ),
        (
            "submit --engine hq --out new --shards 0 -- surface --run moons",
            "there has to be at least one",
        ),
        (
            "submit --engine k8s --out new -- surface --run moons",
            "give --image IMAGE",
        ),
        (
            "submit --engine hq -- surface --run moons",
            "`landscape-shards` holds the shards of another command",
        ),
        (
            "submit --engine hq --shards 4 -- surface --model mlp:2-8-4-1 --data moons --grid 9x7 --name plane",
            "is divided in 3 shards",
        ),
        (
            "submit --engine pbs -- surface",
            "possible values: hq, slurm, k8s, mpi",
        ),
        ("status nowhere", "there is no database or folder `nowhere`"),
        (
            "status landscape.duckdb",
            "`landscape.duckdb` holds no shard",
        ),
        ("status --wait landscape.duckdb", "holds no plan of shards"),
    ] {
        let said = bench.fails(words);
        assert!(said.contains(message), "{words}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn words_that_job_files_cannot_hold() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new();
    let mut command = bench.command("submit --engine slurm -- surface --model mlp:2-4-1 --weights");
    let name = std::ffi::OsStr::from_bytes(b"a\xff.safetensors");
    let said = Said::of(command.arg(name).output().unwrap());
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(
        said.err.contains(r"$'a\xff.safetensors' is not UTF-8"),
        "{}",
        said.err
    );
}
