//! Files that are not what they should be, and disks that are full.

use crate::child::Process;
use crate::support::{assert_same, grid, place, points, raw, spec, surface};
use landscape_core::{Grid, Measured};
use landscape_storage::{Error, SCHEMA_VERSION, Store};
use std::fs;
use std::path::Path;
use std::process::Command;

fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text
}

#[test]
fn a_missing_file_can_be_made_but_not_read() {
    let (_dir, path) = place();
    let error = Store::open_read(&path).unwrap_err();
    assert!(matches!(&error, Error::NotFound { path: p } if *p == path));
    assert!(!path.exists());
    Store::open(&path).unwrap();
    Store::open_read(&path).unwrap();
    let left: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["landscape.duckdb"]);
}

#[test]
fn other_files_are_not_databases_and_stay_as_they_are() {
    let (dir, path) = place();
    for content in [
        &b""[..],
        b"hello",
        &[b'x'; 5000],
        b"SQLite format 3\0 and so on",
    ] {
        fs::write(&path, content).unwrap();
        for result in [Store::open(&path), Store::open_read(&path)] {
            let error = result.unwrap_err();
            assert!(matches!(error, Error::NotADatabase { .. }), "{error}");
            assert!(error.to_string().contains("is not a DuckDB database"));
        }
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    assert!(matches!(
        Store::open(dir.path()),
        Err(Error::NotADatabase { .. })
    ));
}

#[test]
fn a_database_of_another_program_is_refused() {
    let (_dir, path) = place();
    let conn = raw(&path);
    conn.execute_batch("CREATE TABLE customers (name VARCHAR)")
        .unwrap();
    drop(conn);
    for result in [Store::open(&path), Store::open_read(&path)] {
        assert!(matches!(result, Err(Error::Foreign { .. })), "{result:?}");
    }
    let conn = raw(&path);
    conn.execute_batch("CREATE TABLE meta (key VARCHAR, value VARCHAR)")
        .unwrap();
    drop(conn);
    assert!(matches!(Store::open(&path), Err(Error::Foreign { .. })));
}

#[test]
fn an_empty_database_is_filled() {
    let (_dir, path) = place();
    drop(raw(&path));
    assert!(matches!(
        Store::open_read(&path),
        Err(Error::Foreign { .. })
    ));
    Store::open(&path).unwrap().begin(&spec(1)).unwrap();
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let (_dir, path) = place();
    Store::open(&path).unwrap();
    let conn = raw(&path);
    let newer = SCHEMA_VERSION + 41;
    conn.execute(
        "UPDATE meta SET value = ? WHERE key = 'schema_version'",
        [newer.to_string()],
    )
    .unwrap();
    drop(conn);
    for result in [Store::open(&path), Store::open_read(&path)] {
        let text = message(result);
        assert!(text.contains(&format!("schema version {newer}")), "{text}");
        assert!(text.contains(&format!("up to {SCHEMA_VERSION}")), "{text}");
    }
}

/// A first block with the version number of DuckDB 2.0.
#[test]
fn a_file_of_a_newer_duckdb_is_refused() {
    let (_dir, path) = place();
    fs::write(&path, header(69)).unwrap();
    let text = message(Store::open(&path));
    assert!(text.contains("newer DuckDB"), "{text}");
    assert!(text.contains("69"), "{text}");
}

/// A database header with that version number and the checksum DuckDB expects.
fn header(version: u64) -> Vec<u8> {
    let mut block = vec![0u8; 3 * 4096];
    block[8..12].copy_from_slice(b"DUCK");
    block[12..20].copy_from_slice(&version.to_le_bytes());
    let sum = checksum(&block[8..4096]);
    block[..8].copy_from_slice(&sum.to_le_bytes());
    block
}

/// DuckDB's checksum of a block whose length is a multiple of eight.
fn checksum(data: &[u8]) -> u64 {
    let (words, rest) = data.as_chunks::<8>();
    assert!(rest.is_empty());
    let hash = |x: u64| x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    words
        .iter()
        .fold(5381, |sum, word| sum ^ hash(u64::from_le_bytes(*word)))
}

#[test]
fn a_truncated_file_is_an_error() {
    let (_dir, path) = place();
    let store = Store::open(&path).unwrap();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    store.append_points(&run, &points(&grid(), 0)).unwrap();
    drop(store);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..20_000]).unwrap();
    let text = message(Store::open(&path).and_then(|store| store.load_surface(&run)));
    assert!(text.contains(&path.display().to_string()), "{text}");
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let (dir, _) = place();
    let path = dir.path().join("no/such/landscape.duckdb");
    let text = message(Store::open(&path));
    assert!(
        text.starts_with(&format!("cannot create `{}`", path.display())),
        "{text}"
    );
    assert!(text.contains("No such file or directory"), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_directory_that_takes_no_files_is_named() {
    let text = message(Store::open("/proc/landscape.duckdb"));
    assert!(
        text.starts_with("cannot create `/proc/landscape.duckdb`"),
        "{text}"
    );
}

#[test]
fn a_log_left_by_a_deleted_database_is_not_applied_to_a_new_one() {
    let (_dir, path) = place();
    let left = b"d\0be\0\x02\xff\xffleft over";
    fs::write(path.with_extension("duckdb.wal"), left).unwrap();
    Store::open(&path).unwrap().begin(&spec(1)).unwrap();
}

/// DuckDB passes over what is not a log, and overwrites it: notes of the user's, or the log of a file system that lost
/// its first bytes.
#[test]
fn a_file_in_the_place_of_the_log_is_not_overwritten() {
    let (_dir, path) = place();
    let log = path.with_extension("duckdb.wal");
    let refused = |opened: Result<Store, Error>| {
        let error = opened.unwrap_err();
        assert!(matches!(error, Error::NotALog { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("landscape.duckdb.wal` has the name"),
            "{text}"
        );
        assert!(text.contains("move it elsewhere"), "{text}");
    };
    for other in [&b"my own notes"[..], &[0; 300], b"d\0b\0"] {
        fs::write(&log, other).unwrap();
        refused(Store::open(&path));
        assert!(!path.exists());
        assert_eq!(fs::read(&log).unwrap(), other);
    }
    fs::remove_file(&log).unwrap();
    Store::open(&path).unwrap().begin(&spec(1)).unwrap();
    for other in [&b"my own notes"[..], &[0; 300]] {
        fs::write(&log, other).unwrap();
        refused(Store::open(&path));
        refused(Store::open_read(&path));
        assert_eq!(fs::read(&log).unwrap(), other);
    }
    // A log whose first entry was not written whole holds nothing.
    for cut in [&b""[..], b"d", b"d\0be\0\x02"] {
        fs::write(&log, cut).unwrap();
        assert_eq!(Store::open_read(&path).unwrap().runs().unwrap().len(), 1);
        Store::open(&path).unwrap();
    }
}

fn large() -> Grid {
    Grid::square(200, 1.0, 2).unwrap()
}

/// Stores points until the system refuses, and says how many it said were stored.
pub fn fill_disk_in_child(file: &Path) {
    let store = Store::open(file).unwrap();
    let run = store.find("surface-1").unwrap();
    let mut stored = 0;
    for batch in noisy_points().chunks(2_000) {
        match store.append_points(&run, batch) {
            Ok(added) => stored += added,
            Err(error) => {
                println!("stored {stored}, then: {}", message(Err::<(), _>(error)));
                return;
            }
        }
    }
    println!("stored {stored}, all");
}

/// Points that hardly compress.
fn noisy_points() -> Vec<Measured> {
    let mut points = points(&large(), 0);
    let mut rng = landscape_core::Rng::new(1, 0);
    for point in &mut points {
        point.sample.loss = rng.normal();
        point.sample.loss_se = Some(rng.normal());
        point.sample.accuracy = Some(rng.normal());
    }
    points
}

/// A limit on the size of files acts as a full disk does.
#[test]
#[cfg(unix)]
fn a_full_disk_is_an_error_that_loses_nothing() {
    let (_dir, path) = place();
    let store = Store::open(&path).unwrap();
    let (run, _) = store.begin_surface(&spec(1), &large(), &[], None).unwrap();
    drop(store);
    let blocks = fs::metadata(&path).unwrap().len() / 512 + 900;
    let mut shell = Command::new("sh");
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    shell
        .args(["-c", &limited])
        .arg(std::env::current_exe().unwrap());
    let output = Process::from(shell, "fill-disk", &path).output();
    let line = output
        .lines()
        .find(|line| line.contains("stored "))
        .unwrap();
    let said: usize = line
        .split(['d', ','])
        .find_map(|word| word.trim().parse().ok())
        .unwrap_or_else(|| panic!("{output}"));
    assert!(line.contains(", then: "), "{line}");
    assert!(line.contains(&path.display().to_string()), "{line}");
    let store = Store::open(&path).unwrap();
    let surface = store.load_surface(&run).unwrap();
    let known = surface.grid().len() - surface.missing();
    assert!(
        known >= said,
        "{known} points are there, {said} were said to be"
    );
    store.append_points(&run, &noisy_points()).unwrap();
    assert!(store.load_surface(&run).unwrap().is_complete());
}

#[test]
fn an_error_leaves_the_store_usable() {
    let (_dir, path) = place();
    let store = Store::open(&path).unwrap();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    assert!(store.sql("SELECT broken").is_err());
    assert!(store.append_points(&run, &points(&grid(), 3)).is_err());
    store.append_points(&run, &points(&grid(), 0)).unwrap();
    assert_same(
        &store.load_surface(&run).unwrap(),
        &surface(grid(), vec![], 0),
    );
}

/// A file with the tables of version 1.
fn older(path: &std::path::Path) {
    let conn = raw(path);
    conn.execute_batch(include_str!("../../src/schema/v1.sql"))
        .unwrap();
    conn.execute_batch("INSERT INTO meta VALUES ('schema_version', '1')")
        .unwrap();
}

#[test]
fn an_older_schema_is_read_as_it_is_and_migrated() {
    let (_dir, path) = place();
    older(&path);
    assert!(Store::open_read(&path).unwrap().runs().unwrap().is_empty());
    assert_eq!(Store::migrate(&path).unwrap(), 1);
    assert_eq!(Store::migrate(&path).unwrap(), SCHEMA_VERSION);
    Store::open_read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Store::migrate(&path), Err(Error::NotFound { .. })));
    assert!(!path.exists());
}

/// A file that was deleted is not made again, empty, and nothing is lost without a word.
#[test]
#[cfg(unix)]
fn a_file_deleted_meanwhile_is_said_to_be() {
    for open in [false, true] {
        let (dir, path) = place();
        let store = Store::open(&path).unwrap();
        let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
        if !open {
            Store::close(&path);
        }
        let moved = dir.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        let error = store.append_points(&run, &points(&grid(), 0)).unwrap_err();
        assert!(matches!(error, Error::Vanished { .. }), "{error}");
        assert!(!path.exists());
        fs::rename(&moved, &path).unwrap();
        store.append_points(&run, &points(&grid(), 0)).unwrap();
        fs::remove_file(&path).unwrap();
        Store::open(&path).unwrap();
        let error = store.append_points(&run, &points(&grid(), 0)).unwrap_err();
        assert!(matches!(error, Error::Gone { .. }), "{error}");
    }
}

/// Whoever works on runs of a file that is gone lets go of them: nothing stays beside it, also where it went
/// by another name, nor beside one that another has put in its place.
#[test]
#[cfg(unix)]
fn nothing_stays_beside_a_file_that_was_deleted() {
    for linked in [false, true] {
        for replaced in [false, true] {
            let (dir, path) = place();
            let real = dir.path().join("real");
            fs::create_dir(&real).unwrap();
            let real = real.join("there.duckdb");
            let asked = if linked { &path } else { &real };
            if linked {
                Store::open(&real).unwrap();
                std::os::unix::fs::symlink(&real, &path).unwrap();
            }
            let store = Store::open(asked).unwrap();
            let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
            let folder = real.parent().unwrap();
            assert!(has_lock(folder));
            fs::remove_file(&real).unwrap();
            if replaced {
                let other = folder.join("other.duckdb");
                Store::open(&other).unwrap();
                fs::rename(other, &real).unwrap();
            }
            let error = store.append_points(&run, &points(&grid(), 0)).unwrap_err();
            match replaced {
                true => assert!(matches!(error, Error::Gone { .. }), "{error}"),
                false => assert!(matches!(error, Error::Vanished { .. }), "{error}"),
            }
            assert!(!has_lock(folder), "linked {linked}, replaced {replaced}");
            assert!(!has_lock(dir.path()));
        }
    }
}

fn has_lock(folder: &std::path::Path) -> bool {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name());
    names
        .into_iter()
        .any(|name| name.to_string_lossy().ends_with(".lock"))
}

/// Files that were cut short, as copies are that were stopped, say so, and not that they are safe.
#[test]
fn a_database_that_was_cut_short_is_damaged() {
    let (dir, path) = place();
    let store = Store::open(&path).unwrap();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    store.append_points(&run, &points(&grid(), 0)).unwrap();
    drop(store);
    let whole = fs::read(&path).unwrap();
    for kept in [13_000, 100_000, whole.len() / 2] {
        let cut = dir.path().join(format!("{kept}.duckdb"));
        fs::write(&cut, &whole[..kept]).unwrap();
        let error = Store::open_read(&cut).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Damaged { .. }), "{kept}: {error:?}");
        assert!(text.contains("ends too early"), "{kept}: {text}");
    }
}

/// DuckDB takes the name of a file for the name of a database, which is text.
#[test]
#[cfg(target_os = "linux")]
fn a_database_whose_name_is_no_text_is_refused_in_words() {
    use std::os::unix::ffi::OsStrExt;
    let (dir, path) = place();
    Store::open(&path).unwrap();
    let odd = dir
        .path()
        .join(std::ffi::OsStr::from_bytes(b"a \xff.duckdb"));
    fs::rename(&path, &odd).unwrap();
    for error in [
        Store::open_read(&odd).unwrap_err(),
        Store::open(&odd).unwrap_err(),
    ] {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error} {source:?}");
        assert!(text.contains("name is not UTF-8"), "{text}");
    }
}
