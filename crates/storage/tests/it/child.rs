//! Other processes: this test binary again, told by an environment variable what to do.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const TASK: &str = "LANDSCAPE_STORAGE_TEST_TASK";
const FILE: &str = "LANDSCAPE_STORAGE_TEST_FILE";

/// A process that does a task with a file. It is killed when dropped.
pub struct Process(Child);

impl Process {
    pub fn start(task: &str, file: &Path) -> Process {
        Process::from(Command::new(env::current_exe().unwrap()), task, file)
    }

    /// Through another program, to which the path of this one is added.
    pub fn from(mut command: Command, task: &str, file: &Path) -> Process {
        let child = command
            .args(["child::entry", "--exact", "--nocapture", "--test-threads=1"])
            .env(TASK, task)
            .env(FILE, file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Process(child)
    }

    /// Waits until the process has printed a line that ends so.
    pub fn wait_for(&mut self, word: &str) {
        let mut lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap().ends_with(word)),
            "the process ended before it said `{word}`"
        );
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    pub fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits for the end and gives what the process printed.
    pub fn output(mut self) -> String {
        use std::io::Read;
        let mut text = String::new();
        self.0
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{text}");
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets a child work on `file` up to a place, and no further: it is met before its end, however late it is looked at.
pub fn allow(file: &Path, place: usize) {
    let (leash, new) = (file.with_extension("leash"), file.with_extension("new"));
    std::fs::write(&new, place.to_string()).unwrap();
    std::fs::rename(new, leash).unwrap();
}

/// What a child does before it goes on to a place: it waits until that is allowed. Without [`allow`] everything is.
pub fn wait_until_allowed(file: &Path, place: usize) {
    let allowed = || match std::fs::read_to_string(file.with_extension("leash")) {
        Ok(text) => place <= text.parse().unwrap(),
        Err(_) => true,
    };
    while !allowed() {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Nothing holds a child back any more.
pub fn allow_all(file: &Path) {
    std::fs::remove_file(file.with_extension("leash")).unwrap();
}

/// Where a child begins; an empty test otherwise.
#[test]
fn entry() {
    let (Some(task), Some(file)) = (env::var_os(TASK), env::var_os(FILE)) else {
        return;
    };
    let file = Path::new(&file);
    match task.to_str().unwrap() {
        "sample" => crate::crash::sample_in_child(file),
        "create" => crate::crash::create_in_child(file),
        "migrate" => crate::crash::migrate_in_child(file),
        "fill-disk" => crate::errors::fill_disk_in_child(file),
        "hold" => crate::concurrency::hold_in_child(file),
        "own" => crate::concurrency::own_in_child(file),
        "create-and-begin" => crate::concurrency::create_and_begin_in_child(file),
        "compact" => crate::compact::compact_in_child(file),
        "compact-in-vain" => crate::compact::compact_in_vain_in_child(file),
        "append-leashed" => crate::concurrency::append_leashed_in_child(file),
        "append" => crate::concurrency::append_in_child(file),
        "map" => crate::curvature::map_in_child(file),
        "train" => crate::recorder::train_in_child(file),
        other => panic!("no task {other}"),
    }
}
