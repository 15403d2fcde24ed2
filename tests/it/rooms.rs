//! The rooms of every crate, the modules at its top, know each other one way: no circles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Whom a room knows, and in which file it says so.
type Arrows = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// The rooms of `trace`, from the first to the last: a room knows those before it alone.
const TRACE: &[&str] = &[
    "error",
    "kernels",
    "replay",
    "capture",
    "ir",
    "ops",
    "passes",
    "schedule",
    "cpu",
    "device",
    "pool",
    "direct",
    "objective",
    "builder",
    "curvature",
    "batches",
    "units",
    "summary",
];

#[test]
fn no_rooms_know_each_other_in_a_circle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let mut seen = 0;
    for entry in std::fs::read_dir(crates).expect("crates") {
        let source = entry.expect("readable").path().join("src");
        let arrows = arrows(&source);
        assert!(!arrows.is_empty(), "{}: no rooms", source.display());
        if let Some(circle) = circle(&arrows) {
            panic!("{}: {circle}", source.display());
        }
        seen += 1;
    }
    assert!(seen >= 8, "{seen} crates");
}

#[test]
fn the_rooms_of_trace_stand_in_their_order() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/trace/src");
    let place = |room: &str| TRACE.iter().position(|&known| known == room);
    for (room, knows) in arrows(&source) {
        let own = place(&room).unwrap_or_else(|| panic!("{room} has no place in the order"));
        for (other, file) in knows {
            let before = place(&other).is_some_and(|place| place < own);
            assert!(before, "{}: {room} knows {other}", file.display());
        }
    }
}

/// Cargo hands a library's search path to nothing that links it: a crate whose programs or tests open a store has to
/// write the path into them itself. Where the environment names the library, its absence is not seen.
#[test]
fn what_links_the_store_is_built_with_the_way_to_its_library() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    for entry in std::fs::read_dir(crates).expect("crates") {
        let folder = entry.expect("readable").path();
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        if !manifest.contains("\nlandscape-storage") {
            continue;
        }
        let script = std::fs::read_to_string(folder.join("build.rs")).unwrap_or_default();
        assert!(
            script.contains("-Wl,-rpath,"),
            "{}: build.rs gives no run path",
            folder.display()
        );
    }
}

#[test]
fn circles_are_found() {
    let arrows = |lines: &[(&str, &str)]| {
        let mut arrows = Arrows::new();
        for (a, b) in lines {
            let file = PathBuf::from(format!("{a}.rs"));
            let knows = arrows.entry((*a).to_owned()).or_default();
            knows.insert((*b).to_owned(), file);
        }
        arrows
    };
    assert_eq!(circle(&arrows(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    let found = circle(&arrows(&[("a", "b"), ("b", "c"), ("c", "b")]));
    assert_eq!(found.as_deref(), Some("b -> c (b.rs) -> b (c.rs)"));
    let text = "use crate::a::X;\nuse crate::{b::{Y, Z}, c};\nlet x = crate::d::f(); // crate::e\n\
                #[cfg(test)]\nmod tests {\n    use crate::g;\n}\n";
    let names: Vec<String> = known(text).into_iter().collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
}

/// The arrows between the rooms of a crate; what stands at its root is known by the room that it comes from.
fn arrows(source: &Path) -> Arrows {
    let mut files = Vec::new();
    collect(source, &mut files);
    let room = |file: &Path| {
        let inside = file
            .strip_prefix(source)
            .expect("inside")
            .with_extension("");
        let first = inside.components().next().expect("a name");
        first.as_os_str().to_str().expect("UTF-8").to_owned()
    };
    let rooms: BTreeSet<String> = files.iter().map(|file| room(file)).collect();
    let root = std::fs::read_to_string(source.join("lib.rs")).unwrap_or_default();
    let origins = origins(&root);
    let mut arrows = Arrows::new();
    for file in &files {
        let own = room(file);
        if own == "lib" || own == "main" || own.ends_with("tests") {
            continue;
        }
        let knows = arrows.entry(own.clone()).or_default();
        let text = std::fs::read_to_string(file).expect("UTF-8");
        for name in known(&text) {
            let other = origins.get(&name).unwrap_or(&name);
            if *other != own && rooms.contains(other) {
                knows.entry(other.clone()).or_insert_with(|| file.clone());
            }
        }
    }
    arrows
}

pub fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

/// The room of every name that the root of a crate passes on.
fn origins(root: &str) -> BTreeMap<String, String> {
    let mut origins = BTreeMap::new();
    for statement in root.split("pub use ").skip(1) {
        let statement = statement.split(';').next().unwrap_or_default();
        let room = word(statement);
        let names = statement.rsplit("::").next().unwrap_or_default();
        for name in names.trim_matches(['{', '}']).split(',') {
            let name = name.rsplit(" as ").next().unwrap_or_default().trim();
            origins.insert(name.to_owned(), room.to_owned());
        }
    }
    origins
}

/// The names behind `crate::` in a source, without its comments and its tests.
fn known(source: &str) -> BTreeSet<String> {
    let source = source
        .split("#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default();
    let lines = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(first_words(group)),
            None => drop(names.insert(word(rest).to_owned())),
        }
    }
    names
}

/// The first words of the parts of a group, up to its closing brace.
fn first_words(group: &str) -> Vec<String> {
    let (mut depth, mut begins, mut words) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && !c.is_whitespace() => {
                words.push(word(&group[at..]).to_owned());
                begins = false;
            }
            _ => {}
        }
    }
    words
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// A circle of arrows, in words.
fn circle(arrows: &Arrows) -> Option<String> {
    let mut done = BTreeSet::new();
    arrows
        .keys()
        .find_map(|room| follow(arrows, room, &mut Vec::new(), &mut done))
}

fn follow<'a>(
    arrows: &'a Arrows,
    room: &'a str,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<String> {
    if let Some(start) = way.iter().position(|&passed| passed == room) {
        let mut text = room.to_owned();
        let next = way[start + 1..].iter().chain([&room]);
        for (from, to) in way[start..].iter().zip(next) {
            text += &format!(" -> {to} ({})", arrows[*from][*to].display());
        }
        return Some(text);
    }
    if !done.insert(room) {
        return None;
    }
    way.push(room);
    let further = arrows.get(room).into_iter().flat_map(BTreeMap::keys);
    let found = further
        .into_iter()
        .find_map(|other| follow(arrows, other, way, done));
    way.pop();
    found
}
