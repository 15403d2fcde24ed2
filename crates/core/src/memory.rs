//! How much memory the system has left for this process.

use std::fs;
use std::path::{Path, PathBuf};

/// Free memory in bytes: of the machine, of the control groups that this process is in, or of its own limits
/// (`ulimit -v`, `ulimit -d`), whichever is least. `None` where the system does not say, which is all but Linux.
pub fn free_memory() -> Option<u64> {
    free_below(Path::new("/"))
}

/// Bytes in words, in KiB, MiB or GiB.
pub fn memory_words(bytes: u64) -> String {
    let of = |unit: u32| bytes as f64 / f64::from(1u32 << unit);
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes.div_ceil(1024)),
        0x10_0000..0x4000_0000 => format!("{:.1} MiB", of(20)),
        _ => format!("{:.1} GiB", of(30)),
    }
}

/// The same by the files below `root`.
fn free_below(root: &Path) -> Option<u64> {
    let machine = field(&read(root, "proc/meminfo"), "MemAvailable:").map(|kib| kib << 10);
    let groups = groups(root);
    let own = [
        ("Max address space", "VmSize:"),
        ("Max data size", "VmData:"),
    ];
    let own = own.iter().filter_map(|(most, used)| {
        let most = field(&read(root, "proc/self/limits"), most)?;
        let used = field(&read(root, "proc/self/status"), used)? << 10;
        Some(most.saturating_sub(used))
    });
    machine.into_iter().chain(groups).chain(own).min()
}

/// What the control groups leave, each with those around it.
fn groups(root: &Path) -> Vec<u64> {
    let text = read(root, "proc/self/cgroup");
    let mut found = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (base, version) = match controllers {
            "" => ("sys/fs/cgroup", &SECOND),
            _ if controllers.split(',').any(|c| c == "memory") => ("sys/fs/cgroup/memory", &FIRST),
            _ => continue,
        };
        let base = root.join(base);
        let all = Path::new(path.trim_start_matches('/')).ancestors();
        found.extend(all.filter_map(|path| version.left(&base.join(path))));
    }
    found
}

/// The names of a version's files.
struct Version {
    most: &'static str,
    used: &'static str,
    /// Of files that have been read, which make room when it is needed; a field of `memory.stat`.
    idle: &'static str,
}

const FIRST: Version = Version {
    most: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    idle: "total_inactive_file",
};

const SECOND: Version = Version {
    most: "memory.max",
    used: "memory.current",
    idle: "inactive_file",
};

impl Version {
    fn left(&self, group: &Path) -> Option<u64> {
        let number = |name| read(group, name).trim().parse::<u64>().ok();
        let idle = field(&read(group, "memory.stat"), self.idle).unwrap_or(0);
        let used = number(self.used)?.saturating_sub(idle);
        Some(number(self.most)?.saturating_sub(used))
    }
}

/// A file's text, empty where there is none.
fn read(folder: &Path, name: &str) -> String {
    let path: PathBuf = folder.join(name);
    fs::read_to_string(path).unwrap_or_default()
}

/// The first number after a name at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let line = lines.find_map(|line| {
        line.strip_prefix(name)
            .filter(|l| l.starts_with([' ', '\t']))
    })?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// A system with these files.
    fn system(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        free_below(root.path())
    }

    const MACHINE: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:       33554432 kB\nMemFree:         1048576 kB\nMemAvailable:   16777216 kB\n",
    );

    #[test]
    fn the_machine_has_what_is_available() {
        assert_eq!(system(&[MACHINE]), Some(16 * GIB));
        assert_eq!(system(&[]), None);
    }

    #[test]
    fn every_group_around_the_process_counts() {
        let second = |most, used| {
            system(&[
                MACHINE,
                ("proc/self/cgroup", "0::/user/job\n"),
                ("sys/fs/cgroup/user/memory.max", "4294967296\n"),
                ("sys/fs/cgroup/user/memory.current", "3221225472\n"),
                (
                    "sys/fs/cgroup/user/memory.stat",
                    "anon 5\ninactive_file 1073741824\n",
                ),
                ("sys/fs/cgroup/user/job/memory.max", most),
                ("sys/fs/cgroup/user/job/memory.current", used),
            ])
        };
        assert_eq!(second("max\n", "1073741824\n"), Some(2 * GIB));
        assert_eq!(second("3221225472\n", "2147483648\n"), Some(GIB));
        assert_eq!(second("1\n", "2147483648\n"), Some(0));
    }

    #[test]
    fn groups_of_the_first_version_count() {
        let free = system(&[
            MACHINE,
            (
                "proc/self/cgroup",
                "7:cpu,cpuacct:/a\n5:memory:/docker/b\n1:name=systemd:/c\n",
            ),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1610612736\n"),
            (
                "sys/fs/cgroup/memory/memory.stat",
                "inactive_file 1\ntotal_inactive_file 536870912\n",
            ),
        ]);
        assert_eq!(free, Some(GIB));
    }

    #[test]
    fn limits_of_the_process_count() {
        let free = |limits: String| {
            let status = (
                "proc/self/status",
                "Name:\tx\nVmSize:\t 2097152 kB\nVmData:\t 1048576 kB\n",
            );
            system(&[MACHINE, ("proc/self/limits", &limits), status])
        };
        let header =
            "Limit                     Soft Limit           Hard Limit           Units     \n";
        let lines = |data: &str, space: &str| {
            format!(
                "{header}Max data size             {data} unlimited bytes\nMax address space         {space} unlimited bytes\n"
            )
        };
        assert_eq!(free(lines("unlimited", "unlimited")), Some(16 * GIB));
        assert_eq!(free(lines("unlimited", "3221225472")), Some(GIB));
        assert_eq!(free(lines("1610612736", "unlimited")), Some(GIB / 2));
    }

    #[test]
    fn sizes_have_units() {
        let words = [1, 3 << 20, 5 << 29].map(memory_words);
        assert_eq!(words, ["1 KiB", "3.0 MiB", "2.5 GiB"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_system_says() {
        assert!(free_memory().unwrap() > 0);
    }
}
