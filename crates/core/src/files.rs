//! Files that are whole or not there, and files that a process keeps locked: the system lets go of
//! these when it ends, however it ends.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file that is either whole or not there: beside its place, then renamed. A failure leaves
/// a file of that name as it was.
///
/// # Errors
/// The system's, and [`io::ErrorKind::AlreadyExists`] when there is one and it is not to be
/// overwritten.
pub fn write_whole(path: &Path, bytes: &[u8], overwrite: bool) -> io::Result<()> {
    let mut draft = Draft::new(path)?;
    draft.lock.file.write_all(bytes)?;
    draft.place(overwrite)
}

/// A file that is written beside its place, `.NAME.landscape-part`, and appears under its name once it
/// is whole. It is removed when it is dropped before. One that a killed process left is removed by
/// the next that writes into the same folder.
#[derive(Debug)]
pub struct Draft {
    lock: Lock,
    place: PathBuf,
    placed: bool,
}

/// How names of drafts end.
const PART: &str = ".landscape-part";

impl Draft {
    /// An empty draft of a file. Waits for others that write the same.
    ///
    /// # Errors
    /// The system's, for example [`io::ErrorKind::NotFound`] where there is no such folder.
    pub fn new(place: &Path) -> io::Result<Draft> {
        let name = place.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(PART);
        let lock = Lock::wait(&place.with_file_name(hidden))?;
        lock.file.set_len(0)?;
        sweep_drafts(place);
        Ok(Draft {
            lock,
            place: place.to_owned(),
            placed: false,
        })
    }

    /// Where it is written; the file is there and empty, and must be written in place.
    pub fn path(&self) -> &Path {
        &self.lock.path
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The system's, and [`io::ErrorKind::AlreadyExists`] when there is one of that name that is not to
    /// be overwritten.
    pub fn place(mut self, overwrite: bool) -> io::Result<()> {
        self.lock.file.sync_all()?;
        if overwrite {
            fs::rename(self.path(), &self.place)?;
            self.placed = true;
            return Ok(());
        }
        match fs::hard_link(self.path(), &self.place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // File systems without links.
            Err(_) if !self.place.try_exists()? => {
                fs::rename(self.path(), &self.place)?;
                self.placed = true;
                Ok(())
            }
            Err(error) => Err(error),
            Ok(()) => Ok(()),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            // The first error is the one to report.
            let _ = fs::remove_file(self.path());
        }
    }
}

/// Removes drafts beside a file that nobody writes any more.
fn sweep_drafts(place: &Path) {
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty());
    let Ok(files) = fs::read_dir(folder.unwrap_or(Path::new("."))) else {
        return;
    };
    for file in files.flatten() {
        let name = file.file_name();
        let name = name.as_encoded_bytes();
        let is_draft = name.starts_with(b".") && name.ends_with(PART.as_bytes());
        if is_draft || is_old_draft(name, place) {
            sweep(&file.path());
        }
    }
}

/// Whether a file is a draft as earlier versions named them: `.NAME.PROCESS.part`, or `.landscape-XXXXXX.part`.
fn is_old_draft(name: &[u8], place: &Path) -> bool {
    let Some(stem) = name
        .strip_prefix(b".")
        .and_then(|n| n.strip_suffix(b".part"))
    else {
        return false;
    };
    let filled = |rest: &[u8], of: fn(&u8) -> bool| !rest.is_empty() && rest.iter().all(of);
    let of_place = { place.file_name() }.and_then(|file| {
        stem.strip_prefix(file.as_encoded_bytes())?
            .strip_prefix(b".")
    });
    let random = stem.strip_prefix(b"landscape-");
    of_place.is_some_and(|process| filled(process, u8::is_ascii_digit))
        || random.is_some_and(|word| word.len() == 6 && filled(word, u8::is_ascii_alphanumeric))
}

/// A file that this process has locked. It stays when the lock is dropped, see [`Lock::remove`].
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// What is known of a file that somebody may have locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// There is no such file.
    Absent,
    /// A living process has it locked, maybe this one.
    Held,
    /// It was left by a process that has ended.
    Left,
    /// The file system does not say.
    Unknown,
}

impl Lock {
    /// Locks a file, which is made where there is none; nothing where somebody has it.
    ///
    /// # Errors
    /// The system's.
    pub fn try_new(path: &Path) -> io::Result<Option<Lock>> {
        Lock::with(path, |file| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            // File systems without locks.
            Err(TryLockError::Error(_)) => Ok(true),
        })
    }

    /// Locks a file, which is made where there is none, as soon as nobody else has it.
    ///
    /// # Errors
    /// The system's.
    pub fn wait(path: &Path) -> io::Result<Lock> {
        loop {
            let lock = Lock::with(path, |file| match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
                // File systems without locks.
                _ => Ok(true),
            })?;
            if let Some(lock) = lock {
                return Ok(lock);
            }
        }
    }

    fn with(
        path: &Path,
        mut lock: impl FnMut(&File) -> io::Result<bool>,
    ) -> io::Result<Option<Lock>> {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            if !lock(&file)? {
                return Ok(None);
            }
            // Whoever had it may have removed it meanwhile: a lock on a file without a name keeps
            // nobody out.
            if is_still(&file, path)? {
                let path = path.to_owned();
                return Ok(Some(Lock { file, path }));
            }
        }
    }

    /// Removes the file and lets go of it.
    pub fn remove(self) {
        // Should it fail, the next one to look finds a file that was left.
        let _ = fs::remove_file(&self.path);
        drop(self.file);
    }
}

/// Looks whether a living process has a file locked.
pub fn look(path: &Path) -> Seen {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Seen::Absent,
        Err(_) => return Seen::Unknown,
    };
    match file.try_lock_shared() {
        Ok(()) => Seen::Left,
        Err(TryLockError::WouldBlock) => Seen::Held,
        Err(TryLockError::Error(_)) => Seen::Unknown,
    }
}

/// Removes a file unless somebody has it locked.
pub fn sweep(path: &Path) {
    if look(path) == Seen::Left
        && let Ok(Some(lock)) = Lock::try_new(path)
    {
        lock.remove();
    }
}

#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let of = |data: fs::Metadata| (data.dev(), data.ino());
    match fs::metadata(path) {
        Ok(there) => Ok(of(there) == of(file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where open files are not removed there is no other.
#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let files = fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().file_name()).collect()
    }

    #[test]
    fn a_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write_whole(&path, b"first", false).unwrap();
        let error = write_whole(&path, b"second", false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write_whole(&path, b"2nd", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2nd");
        let draft = Draft::new(&path).unwrap();
        fs::write(draft.path(), b"third").unwrap();
        drop(draft);
        assert_eq!(names(folder.path()), ["a.csv"]);
        let error = write_whole(&folder.path().join("no/b"), b"", true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn drafts_of_ended_processes_are_swept_and_those_of_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let left = [
            ".a.csv.landscape-part",
            ".b.csv.landscape-part",
            ".c.part",
            ".landscape-Ab12Cd.part",
            ".landscape-notes.part",
            ".a.csv.4711.part",
            ".other.csv.4711.part",
            ".a.csv.x.part",
        ];
        for name in left {
            fs::write(folder.path().join(name), b"a long rest").unwrap();
        }
        let other = Draft::new(&folder.path().join("d.csv")).unwrap();
        write_whole(&folder.path().join("a.csv"), b"x", false).unwrap();
        assert!(other.path().exists());
        other.place(false).unwrap();
        let mut left = names(folder.path());
        left.sort();
        let others = [
            ".a.csv.x.part",
            ".c.part",
            ".landscape-notes.part",
            ".other.csv.4711.part",
        ];
        assert_eq!(left, [&others[..], &["a.csv", "d.csv"]].concat());
        assert_eq!(fs::read(folder.path().join("a.csv")).unwrap(), b"x");
    }

    #[test]
    fn a_lock_is_seen_until_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(look(&path), Seen::Absent);
        let lock = Lock::try_new(&path).unwrap().unwrap();
        assert_eq!(look(&path), Seen::Held);
        assert!(Lock::try_new(&path).unwrap().is_none());
        sweep(&path);
        drop(lock);
        assert_eq!(look(&path), Seen::Left);
        Lock::try_new(&path).unwrap().unwrap().remove();
        assert_eq!(look(&path), Seen::Absent);
        fs::write(&path, b"").unwrap();
        sweep(&path);
        assert_eq!(look(&path), Seen::Absent);
    }

    /// Each that waits gets the lock, though the file is removed between.
    #[test]
    fn one_at_a_time_has_a_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let lock = Lock::wait(&path).unwrap();
                        let others = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(others, 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        lock.remove();
                    }
                });
            }
        });
    }
}
