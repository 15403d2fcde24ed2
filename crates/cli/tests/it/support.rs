//! A folder of its own for each test, and the command in it.

use assert_cmd::Command;
use landscape_core::Rng;
use landscape_core::files::{Seen, look};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_landscape");

/// A folder in which the command runs.
pub struct Bench {
    dir: tempfile::TempDir,
}

/// What a command printed.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub fn new() -> Self {
        Bench {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A bench with a trained two-moons network, run `moons`.
    pub fn trained() -> Self {
        let bench = Bench::new();
        bench
            .ok("train --model mlp:2-8-4-1 --data moons --epochs 20 --optimizer adam --name moons");
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Names in the folder, in order.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command.current_dir(self.dir.path());
        command.args(split(words));
        command
    }

    /// The same as a process that can be stopped, in a group of its own: where the shell that began the tests ends, their
    /// group is orphaned, and all of a group that is orphaned with a member that stands still are hung up.
    pub fn process(&self, words: &str) -> std::process::Command {
        let mut command = std::process::Command::new(PROGRAM);
        command.current_dir(self.dir.path()).args(split(words));
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }

    pub fn run(&self, words: &str) -> Said {
        Said::of(self.command(words).output().unwrap())
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub fn ok(&self, words: &str) -> Said {
        let said = self.run(words);
        assert_eq!(said.code, 0, "landscape {words}\n{}{}", said.out, said.err);
        said
    }

    /// Runs a command that must succeed, and reads what it prints as JSON.
    #[track_caller]
    pub fn json(&self, words: &str) -> Value {
        let said = self.ok(&format!("{words} --json -q"));
        assert_eq!(said.err, "", "-q keeps stderr empty");
        let value: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(value["schema"], 1);
        value
    }

    /// Runs a command that must fail with the code 2, print nothing on stdout, and change nothing
    /// in the folder; gives its message without the folder's name.
    #[track_caller]
    pub fn fails(&self, words: &str) -> String {
        let before = self.contents();
        let said = self.run(words);
        assert_eq!(said.code, 2, "landscape {words}\n{}{}", said.out, said.err);
        assert_eq!(said.out, "");
        assert_eq!(self.contents(), before, "landscape {words} changed files");
        let folder = self.dir.path().display().to_string();
        said.err.replace(&folder, "DIR")
    }

    fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let read = |name: String| {
            let bytes = std::fs::read(self.path(&name)).unwrap_or_default();
            (name, bytes)
        };
        self.files().into_iter().map(read).collect()
    }
}

impl Said {
    pub fn of(output: Output) -> Self {
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// How many kills have to come in the midst of what they end, in the tests that kill: 2, unless the environment says otherwise in
/// `LANDSCAPE_KILLS`, as `.ci/run` does with 20.
pub fn kills_wanted() -> usize {
    let asked = std::env::var("LANDSCAPE_KILLS").ok();
    asked.map_or(2, |kills| kills.parse().expect("a number of kills"))
}

/// `x` of `[n, 3, 32, 32]` f32 and `y` of `[n]` i64, as safetensors.
pub fn images(n: usize) -> Vec<u8> {
    let mut rng = Rng::new(3, 4);
    let size = n * 3 * 32 * 32;
    let header = format!(
        r#"{{"x":{{"dtype":"F32","shape":[{n},3,32,32],"data_offsets":[0,{}]}},"y":{{"dtype":"I64","shape":[{n}],"data_offsets":[{},{}]}}}}"#,
        4 * size,
        4 * size,
        4 * size + 8 * n
    );
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend((0..size).flat_map(|_| (rng.normal() as f32).to_le_bytes()));
    bytes.extend((0..n as i64).flat_map(|i| (i % 10).to_le_bytes()));
    bytes
}

/// Gives a database the schema version that a newer program would have written.
pub fn make_newer(bench: &Bench) {
    let database = duckdb::Connection::open(bench.path("landscape.duckdb")).unwrap();
    let query = "UPDATE meta SET value = '99' WHERE key = 'schema_version'";
    assert_eq!(database.execute(query, []).unwrap(), 1);
}

/// Keeps a bench's database open, as another program would.
pub struct Lock {
    _database: duckdb::Connection,
}

impl Lock {
    pub fn new(bench: &Bench) -> Self {
        Lock::try_new(bench).unwrap()
    }

    /// Nothing where the command has it open just now.
    ///
    /// The file has to be there: where it is not, DuckDB would make one, over what a command makes at the same time.
    pub fn try_new(bench: &Bench) -> Option<Self> {
        let database = duckdb::Connection::open(bench.path("landscape.duckdb"));
        let _database = database.ok()?;
        Some(Lock { _database })
    }
}

/// Lets a command work until it has a run of its own, and from then on in slices of a few milliseconds until `holds`, which
/// is asked while the command stands still and has the database closed. Between slices it stands still much longer than
/// it works: what it stores by the clock, and how long it keeps the database open, then takes little work, so that even on
/// a fast machine a command is met in its midst.
/// It stands still afterwards too; [`go_on`] lets it work.
#[track_caller]
pub fn halt_when(child: &mut Child, bench: &Bench, holds: impl FnMut(&Bench) -> bool) {
    assert!(halts_when(child, bench, holds), "it has ended");
}

/// As [`halt_when`], of a command that may come to its end before: says whether it was met.
#[track_caller]
pub fn halts_when(child: &mut Child, bench: &Bench, mut holds: impl FnMut(&Bench) -> bool) -> bool {
    let start = Instant::now();
    let ended = |child: &mut Child| {
        assert!(start.elapsed() < Duration::from_secs(240), "never met");
        child.try_wait().unwrap().is_some()
    };
    while !claimed(bench) {
        if ended(child) {
            return false;
        }
        sleep(Duration::from_millis(1));
    }
    loop {
        signal(child, Signal::Stop);
        if closed(bench) && holds(bench) {
            return !ended(child);
        }
        sleep(Duration::from_millis(60));
        go_on(child);
        if ended(child) {
            return false;
        }
        sleep(Duration::from_millis(8));
    }
}

/// Whether a command that works has a run of the bench.
fn claimed(bench: &Bench) -> bool {
    let names = bench.files().into_iter();
    let mut locks = names.filter(|name| name.ends_with(".lock"));
    locks.any(|name| look(&bench.path(&name)) == Seen::Held)
}

/// Lets a command work that [`halt_when`] has stopped.
pub fn go_on(child: &Child) {
    signal(child, Signal::Continue);
}

/// Whether the database is there and no program has it open.
fn closed(bench: &Bench) -> bool {
    bench.path("landscape.duckdb").exists() && Lock::try_new(bench).is_some()
}

/// Starts a command whose output can be read at its end, and which heeds all signals: under `nohup`, and in a shell's
/// background, programs inherit that some are ignored.
pub fn start(bench: &Bench, words: &str) -> Child {
    let mut command = bench.process(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    heed_signals(&mut command);
    command.spawn().unwrap()
}

#[cfg(unix)]
fn heed_signals(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    let heed = || {
        for number in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            // SAFETY: it takes two numbers, and may be called between fork and exec.
            #[allow(unsafe_code)]
            unsafe {
                libc::signal(number, libc::SIG_DFL)
            };
        }
        Ok(())
    };
    // SAFETY: `heed` allocates nothing and calls only what is safe after a fork.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(heed)
    };
}

#[cfg(not(unix))]
fn heed_signals(_command: &mut std::process::Command) {}

/// Points of the first run that are stored.
pub fn stored(bench: &Bench) -> u64 {
    let runs = bench.json("runs");
    runs["runs"][0]["points"].as_u64().unwrap_or(0)
}

/// Sends a signal to a command that [`halt_when`] has stopped, and lets it take note.
pub fn interrupt(child: &Child, name: Signal) {
    signal(child, name);
    go_on(child);
}

#[derive(Clone, Copy, Debug)]
pub enum Signal {
    Interrupt,
    Terminate,
    HangUp,
    Stop,
    Continue,
}

/// Sends a signal at once, without a program in between for which the command would work on.
#[cfg(unix)]
fn signal(child: &Child, name: Signal) {
    let number = match name {
        Signal::Interrupt => libc::SIGINT,
        Signal::Terminate => libc::SIGTERM,
        Signal::HangUp => libc::SIGHUP,
        Signal::Stop => libc::SIGSTOP,
        Signal::Continue => libc::SIGCONT,
    };
    let process = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: it takes two numbers; the process is a child that nobody has waited for, so that its number is its own.
    #[allow(unsafe_code)]
    let failed = unsafe { libc::kill(process, number) };
    assert_eq!(failed, 0, "{name:?}");
}

/// There are no signals here: a command works on.
#[cfg(not(unix))]
fn signal(_child: &Child, _name: Signal) {}

/// Words at spaces; what is in single quotes is one word.
fn split(words: &str) -> Vec<String> {
    let parts = words
        .split('\'')
        .enumerate()
        .flat_map(|(place, part)| match place % 2 {
            0 => part
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        });
    parts.collect()
}
