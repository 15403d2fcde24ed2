//! Queries that ask for too much.

use crate::support::Bench;

/// Queries that would take far more than a gibibyte: single values, aggregates, recursion, sorts, joins, long answers.
#[cfg(target_os = "linux")]
const GREEDY: [&str; 14] = [
    "SELECT repeat(chr(97), 1000000000)",
    "SELECT md5(repeat(chr(97), 3000000000))",
    "SELECT generate_series(1, 1000000000)",
    "SELECT unnest(range(1000000000))",
    "SELECT list_transform(range(100000000), x -> repeat(chr(97), 100))",
    "SELECT * FROM range(1000000000)",
    "SELECT * FROM range(100000) a, range(100000) b",
    "SELECT repeat(chr(97), 1000000) FROM range(10000)",
    "SELECT list(i) FROM range(300000000) t(i)",
    "SELECT string_agg(i::VARCHAR, chr(44)) FROM range(300000000) t(i)",
    "SELECT i, count(*) FROM range(300000000) t(i) GROUP BY i",
    "SELECT i FROM range(300000000) t(i) ORDER BY hash(i)",
    "SELECT count(*) FROM range(100000000) a JOIN range(100000000) b USING (range)",
    "WITH RECURSIVE r(n, s) AS (SELECT 1, $$a$$ UNION ALL SELECT n + 1, s || s FROM r WHERE n < 60) SELECT length(s) FROM r",
];

/// The exit code of a query, what it said, and the largest memory that it took, in MiB.
#[cfg(target_os = "linux")]
// It is waited for, by a call that says what it took.
#[allow(clippy::zombie_processes)]
fn measured(bench: &Bench, query: &str, memory: &str) -> (i32, String, i64) {
    use std::process::Stdio;
    let mut command = bench.process(&format!("sql '{query}' {memory}"));
    let file = bench.path("said");
    command.stdout(Stdio::null());
    command.stderr(std::fs::File::create(&file).unwrap());
    let child = command.spawn().unwrap();
    let process = libc::pid_t::try_from(child.id()).unwrap();
    let mut status = 0;
    // SAFETY: all fields of `rusage` are numbers, of which zero is one.
    #[allow(unsafe_code)]
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointers are to variables that live longer, and the process is a child that nobody else waits for.
    #[allow(unsafe_code)]
    let ended = unsafe { libc::wait4(process, &mut status, 0, &mut usage) };
    assert_eq!(ended, process);
    assert!(libc::WIFEXITED(status), "{query}: status {status}");
    let said = std::fs::read_to_string(file).unwrap();
    (libc::WEXITSTATUS(status), said, usage.ru_maxrss >> 10)
}

/// MiB of the files of the command and of the DuckDB library that this program has linked as well.
#[cfg(target_os = "linux")]
fn programs() -> i64 {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let paths = maps.lines().filter_map(|line| line.get(line.find('/')?..));
    let library = paths.filter(|path| path.contains("libduckdb")).max();
    let size = |path| std::fs::metadata(path).unwrap().len();
    let bytes = size(crate::support::PROGRAM) + library.map_or(0, size);
    i64::try_from(bytes >> 20).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn no_query_takes_more_than_its_memory() {
    let bench = Bench::trained();
    for query in GREEDY {
        let (code, said, peak) = measured(&bench, query, "");
        assert!(peak < 1100, "{query}: {peak} MiB");
        assert_eq!(code, 2, "{query}: {said}");
        // What, and the remedy.
        assert_eq!(said.lines().count(), 2, "{said}");
        assert!(
            said.contains("LIMIT") && said.contains("--max-memory 2GiB"),
            "{query}: {said}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_query_may_be_given_more_and_less_memory() {
    let bench = Bench::trained();
    let query = "SELECT length(list(i)) FROM range(20000000) t(i)";
    let (code, said, peak) = measured(&bench, query, "");
    assert_eq!(code, 0, "{said}");
    assert!(peak < 1100, "{peak} MiB");
    let (code, said, peak) = measured(&bench, query, "--max-memory 200MiB");
    assert_eq!(code, 2, "{said}");
    // How much of the programs is in memory is the system's choice.
    let most = 200 + programs();
    assert!(peak < most, "{peak} of {most} MiB");
    assert!(
        said.contains("the 200 MiB of memory") && said.contains("--max-memory 512MiB"),
        "{said}"
    );
    let wide = "SELECT repeat(repeat(chr(97), 1000), 300000)";
    assert_eq!(measured(&bench, wide, "").0, 2);
    assert_eq!(measured(&bench, wide, "--max-memory 4GiB").0, 0);
}

#[test]
fn answers_are_printed_whole() {
    let bench = Bench::trained();
    let said = bench.ok("sql 'SELECT i, repeat(chr(97), 3) AS word FROM range(100000) t(i)'");
    assert_eq!(said.out.lines().count(), 100_001);
    assert_eq!(said.out.lines().next(), Some("    i  word"));
    assert_eq!(said.out.lines().last(), Some("99999  aaa"));
    let answer = bench.json("sql 'SELECT 1.5 AS a, [1, NULL] AS b, NULL AS c'");
    let expected = serde_json::json!({"schema": 1, "columns": ["a", "b", "c"], "rows": [["1.5", [1, null], null]]});
    assert_eq!(answer, expected);
}
