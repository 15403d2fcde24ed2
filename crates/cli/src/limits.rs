//! Limits of this process.

/// The memory of this process is limited for as long as this lives: what asks for more is told that there is none.
/// Only Linux has a limit that holds for all of it; elsewhere this does nothing.
#[derive(Debug)]
pub struct MemoryLimit {
    #[cfg(target_os = "linux")]
    before: Option<(u64, u64)>,
}

#[cfg(target_os = "linux")]
impl MemoryLimit {
    /// A limit of so many bytes, those that are in use included. Pages of the program's and its libraries' files don't
    /// count (the system keeps as many of them in memory as it likes); a sixteenth is left to them.
    pub fn new(bytes: u64) -> Self {
        let before = rlimit::Resource::DATA.get().ok();
        if let Some((soft, hard)) = before {
            // Where it cannot be set, DuckDB's own limit is what there is.
            let _ = rlimit::Resource::DATA.set((bytes - bytes / 16).min(soft), hard);
        }
        MemoryLimit { before }
    }
}

#[cfg(target_os = "linux")]
impl Drop for MemoryLimit {
    fn drop(&mut self) {
        if let Some((soft, hard)) = self.before {
            // What comes now needs little.
            let _ = rlimit::Resource::DATA.set(soft, hard);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl MemoryLimit {
    /// No limit.
    pub fn new(_: u64) -> Self {
        MemoryLimit {}
    }
}
