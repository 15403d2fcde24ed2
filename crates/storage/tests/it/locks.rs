//! The lock that a process has on a file it has open, and when it gives it up.

use crate::support::{place, spec, store};
use landscape_storage::{Error, Store};
use std::path::Path;
use std::time::{Duration, Instant};

/// The lock that this process has on a file, in the words of the system.
fn lock_on(file: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{}", file.metadata().unwrap().ino());
    let process = std::process::id().to_string();
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ours = words.get(4) == Some(&process.as_str());
        (ours && words.get(5)?.ends_with(&inode)).then(|| words[3].to_owned())
    })
}

/// Whether this process has a file open without a lock on it.
fn is_unguarded(file: &Path) -> bool {
    let is_open = || {
        let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        { open }.any(|entry| std::fs::read_link(entry.path()).is_ok_and(|to| to == file))
    };
    is_open() && lock_on(file).is_none() && is_open()
}

/// Uses a file until it is met open: it is closed when it is idle.
fn until_open(store: &Store) {
    let start = Instant::now();
    while lock_on(store.path()).as_deref() != Some("WRITE") {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "it is never open"
        );
        store.begin(&spec(3)).unwrap();
    }
}

/// The system gives up every lock of a process on a file when the process closes the file anywhere: nothing does
/// while a connection is open.
#[test]
fn what_other_stores_of_the_process_do_gives_up_no_lock() {
    let (_dir, store) = store();
    let file = store.path().to_owned();
    let link = file.with_extension("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    type Act<'a> = &'a dyn Fn(&Store);
    let acts: [(&str, Act<'_>); 7] = [
        ("open", &|_| drop(Store::open(&file).unwrap())),
        ("open a link", &|_| drop(Store::open(&link).unwrap())),
        ("open to read", &|_| drop(Store::open_read(&file).unwrap())),
        ("read", &|store| drop(store.runs().unwrap())),
        ("look for", &|store| drop(store.stored(&spec(3)).unwrap())),
        ("fail", &|_| drop(Store::open(file.join("no")).unwrap_err())),
        ("summarize", &|store| {
            drop(store.summary("surface-1").unwrap())
        }),
    ];
    for (what, act) in acts {
        until_open(&store);
        act(&store);
        assert!(!is_unguarded(&file), "{what}");
        Store::close(&file);
        assert_eq!(lock_on(&file), None, "{what}");
    }
}

/// It is closed when nobody uses it, and with the last store.
#[test]
fn an_idle_file_is_closed() {
    let (_dir, store) = store();
    let file = store.path().to_owned();
    store.begin(&spec(1)).unwrap();
    let start = Instant::now();
    while lock_on(&file).is_some() {
        assert!(start.elapsed() < Duration::from_secs(20), "it stays open");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!file.with_extension("duckdb.wal").exists());
    let other = Store::open(&file).unwrap();
    drop(store);
    until_open(&other);
    drop(other);
    assert_eq!(lock_on(&file), None);
}

/// A link to a file that is yet to be made is another name of that file.
#[test]
fn a_file_made_through_a_link_is_one_file() {
    let (dir, link) = place();
    let file = dir.path().join("real.duckdb");
    std::os::unix::fs::symlink("real.duckdb", &link).unwrap();
    let by_link = Store::open(&link).unwrap();
    let by_name = Store::open(&file).unwrap();
    let run = by_link.begin(&spec(1)).unwrap();
    assert_eq!(by_name.find(&run.name).unwrap().id, run.id);
    until_open(&by_name);
    let run = by_link.begin(&spec(2)).unwrap();
    assert!(!is_unguarded(&file));
    assert_eq!(by_name.find(&run.name).unwrap().id, run.id);
}

/// A link into a folder that is not there is told by where it leads.
#[test]
fn a_file_is_not_made_through_a_link_to_nowhere() {
    let (dir, link) = place();
    std::os::unix::fs::symlink("nowhere/real.duckdb", &link).unwrap();
    let error = Store::open(&link).unwrap_err();
    let place = dir.path().join("nowhere/real.duckdb");
    assert!(
        matches!(&error, Error::Io { path, .. } if *path == place),
        "{error:?}"
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
