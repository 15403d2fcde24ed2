use landscape_core::Shard;
use landscape_study::shard::{FoundShard, ShardChoice, ShardError, file_beside, file_of};
use std::path::Path;

/// What `auto` finds in these variables, written `NAME=value NAME=value`.
fn found(choice: &str, variables: &str) -> Result<FoundShard, ShardError> {
    let known: Vec<(&str, &str)> = { variables.split_whitespace() }
        .map(|one| one.split_once('=').unwrap())
        .collect();
    let value = |name: &str| {
        let one = known.iter().find(|(known, _)| *known == name);
        one.map(|(_, value)| (*value).to_owned())
    };
    choice.parse::<ShardChoice>()?.find(&value)
}

#[test]
fn launchers_say_which_shard_a_process_is() {
    let array = "SLURM_ARRAY_TASK_MAX=15 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=1";
    for (choice, variables, shard) in [
        ("auto/16", "HQ_TASK_ID=3 HQ_JOB_ID=1", "3/16"),
        (
            "auto",
            "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=16",
            "3/16",
        ),
        // An array from 1 to 16.
        (
            "auto",
            "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=16 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=16 \
             SLURM_ARRAY_TASK_STEP=1",
            "0/16",
        ),
        // From 0 to 30 by twos.
        (
            "auto",
            "SLURM_ARRAY_TASK_ID=6 SLURM_ARRAY_TASK_COUNT=16 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=30 \
             SLURM_ARRAY_TASK_STEP=2",
            "3/16",
        ),
        // Two of sixteen, submitted again.
        (
            "auto/16",
            "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=7 \
             SLURM_ARRAY_TASK_STEP=1",
            "7/16",
        ),
        (
            "auto",
            "SLURM_PROCID=2 SLURM_NTASKS=4 SLURM_STEP_ID=0",
            "2/4",
        ),
        ("auto", "SLURM_PROCID=0 SLURM_NTASKS=4", "0/4"),
        (
            "auto",
            "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2",
            "1/2",
        ),
        ("auto", "PMI_RANK=1 PMI_SIZE=2", "1/2"),
        ("auto/2", "PMI_RANK=1", "1/2"),
        ("auto", "JOB_COMPLETION_INDEX=4 JOB_COMPLETIONS=5", "4/5"),
        ("auto/5", "JOB_COMPLETION_INDEX=4", "4/5"),
        // Two that agree, one that is empty, and one process alone.
        (
            "auto",
            "SLURM_PROCID=1 SLURM_NTASKS=2 PMI_RANK=1 PMI_SIZE=2 HQ_TASK_ID=",
            "1/2",
        ),
        (
            "auto",
            &format!(
                "{array} SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_COUNT=16 SLURM_PROCID=0 SLURM_NTASKS=1"
            ),
            "5/16",
        ),
        // The script of a job, which starts processes itself.
        (
            "auto",
            "SLURM_PROCID=0 SLURM_NTASKS=4 OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4",
            "2/4",
        ),
        (
            "3/7",
            "OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4",
            "3/7",
        ),
    ] {
        let found = found(choice, variables).unwrap_or_else(|error| panic!("{variables}: {error}"));
        assert_eq!(found.shard.to_string(), shard, "{choice} {variables}");
    }
    let said = found("auto", "PMI_RANK=1 PMI_SIZE=2").unwrap();
    assert_eq!(said.to_string(), "shard 1/2, by PMI_RANK=1, PMI_SIZE=2");
}

#[test]
fn launchers_that_say_too_little_or_too_much_are_refused() {
    for (choice, variables, message) in [
        ("auto", "", "no launcher says which shard this process is"),
        ("auto", "SLURM_NTASKS=4", "no launcher says"),
        (
            "auto",
            "HQ_TASK_ID=3",
            "HQ_TASK_ID=3 says which shard this process is, but nothing says of how many",
        ),
        (
            "auto",
            "PMI_RANK=x PMI_SIZE=2",
            "the variable PMI_RANK is `x`",
        ),
        (
            "auto",
            "PMI_RANK=-1 PMI_SIZE=2",
            "the variable PMI_RANK is `-1`",
        ),
        ("auto", "PMI_RANK=2 PMI_SIZE=2", "there is no shard 2 of 2"),
        ("auto", "PMI_RANK=0 PMI_SIZE=0", "there is no shard 0 of 0"),
        ("auto/16", "HQ_TASK_ID=16", "there is no shard 16 of 16"),
        (
            "auto/3",
            "PMI_RANK=0 PMI_SIZE=2",
            "shards of 3 are asked for, but there are 2 processes",
        ),
        (
            "auto",
            "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4",
            "launchers disagree: shard 1/4, by SLURM_ARRAY_TASK_ID=1, SLURM_ARRAY_TASK_COUNT=4, but shard 2/4",
        ),
        (
            "auto",
            "SLURM_PROCID=1 SLURM_NTASKS=4 OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4",
            "launchers disagree",
        ),
        // The numbers 3 and 7 alone: places in a list are not known.
        (
            "auto",
            "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=7 \
             SLURM_ARRAY_TASK_STEP=1",
            "nothing says of how many",
        ),
        ("auto/0", "PMI_RANK=0", "there is no shard 0 of 0"),
        ("auto/x", "PMI_RANK=0", "`0/x` is not a shard"),
        ("4/4", "", "they are counted from 0/4 to 3/4"),
        ("Auto", "", "`Auto` is not a shard"),
    ] {
        let error = found(choice, variables).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(message), "{choice} {variables}: {text}");
    }
}

#[test]
fn shards_have_files_of_their_own() {
    let shard: Shard = "3/16".parse().unwrap();
    let beside = |file: &str| file_beside(Path::new(file), shard);
    assert_eq!(
        beside("landscape.duckdb"),
        Path::new("landscape-shard-3-of-16.duckdb")
    );
    assert_eq!(
        beside("a/b.c.duckdb"),
        Path::new("a/b.c-shard-3-of-16.duckdb")
    );
    assert_eq!(beside("plain"), Path::new("plain-shard-3-of-16"));
    assert_eq!(
        file_of(Path::new("out/s{K}-{N}.duckdb"), shard),
        Path::new("out/s3-16.duckdb")
    );
    assert_eq!(
        file_of(Path::new("own.duckdb"), shard),
        Path::new("own.duckdb")
    );
}
