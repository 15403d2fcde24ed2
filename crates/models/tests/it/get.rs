//! Downloads of standard files, from a server on this machine that behaves badly in many ways.

use crate::support::says;
use flate2::{Compression, write::GzEncoder};
use landscape_models::data::get::{
    Archive, Expected, GetError, GetProgress, Got, Packing, StandardSet, get,
};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What a client asked for: the path, and where its range begins.
type Asked = (String, Option<usize>);

/// What a server sends.
struct Reply {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
    /// It breaks off after so many bytes of the body.
    cut: Option<usize>,
}

impl Reply {
    fn whole(body: &[u8]) -> Self {
        Reply {
            status: 200,
            headers: vec![],
            body: body.to_vec(),
            cut: None,
        }
    }

    fn status(status: u16) -> Self {
        Reply {
            status,
            ..Reply::whole(b"sorry")
        }
    }

    /// What a good server answers.
    fn ranged(file: &[u8], start: Option<usize>) -> Self {
        let total = file.len();
        match start {
            None => Reply::whole(file),
            Some(start) if start >= total => Reply {
                headers: vec![format!("Content-Range: bytes */{total}")],
                ..Reply::status(416)
            },
            Some(start) => Reply {
                status: 206,
                headers: vec![format!(
                    "Content-Range: bytes {start}-{}/{total}",
                    total - 1
                )],
                ..Reply::whole(&file[start..])
            },
        }
    }

    fn cut(self, bytes: usize) -> Self {
        Reply {
            cut: Some(bytes),
            ..self
        }
    }
}

/// A server whose answers a closure gives: of the number of the request, path and range.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    fn new(answer: impl Fn(usize, &Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/files/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let request = read_request(&stream);
                let number = log.lock().unwrap().len();
                let reply = answer(number, &request);
                log.lock().unwrap().push(request);
                // A client that hangs up is its own affair.
                let _ = send(stream, &reply);
            }
        });
        Server { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read_request(stream: &TcpStream) -> Asked {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut start = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().ok();
        }
    }
    (path, start)
}

fn send(mut stream: TcpStream, reply: &Reply) -> std::io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {} Word\r\nContent-Length: {}\r\nConnection: close\r\n",
        reply.status,
        reply.body.len()
    );
    for header in &reply.headers {
        head += &format!("{header}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let length = reply.cut.unwrap_or(reply.body.len());
    stream.write_all(&reply.body[..length])?;
    stream.flush()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    gzip(&builder.into_inner().unwrap())
}

fn expected(name: &str, bytes: &[u8]) -> Expected {
    let digest = Sha256::digest(bytes);
    Expected {
        name: name.into(),
        bytes: bytes.len() as u64,
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Bytes that cannot be packed.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// A file `a` in `a.gz`.
fn one() -> (Vec<u8>, StandardSet) {
    let file = noise(1, 200_000);
    let archive = Archive {
        name: "a.gz".into(),
        packing: Packing::Gzip,
        files: vec![expected("a", &file)],
    };
    (gzip(&file), set(archive))
}

fn set(archive: Archive) -> StandardSet {
    StandardSet {
        folder: "set".into(),
        url: "http://127.0.0.1:1/nowhere".into(),
        archives: vec![archive],
    }
}

fn fetch(set: &StandardSet, dir: &Path, server: &Server) -> Result<Got, GetError> {
    get(set, dir, Some(&server.url), &mut |_| {})
}

/// Names in the set's folder.
fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir.join("set")) else {
        return vec![];
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn files_come_are_unpacked_and_kept() {
    let (dir, (packed, set)) = (tempfile::tempdir().unwrap(), one());
    let file = packed.clone();
    let server = Server::new(move |_, (_, start)| Reply::ranged(&file, *start));
    let mut heard = Vec::new();
    let mut observe = |p: GetProgress<'_>| heard.push((p.done, p.total, p.resumed));
    let got = get(&set, dir.path(), Some(&server.url), &mut observe).unwrap();
    assert_eq!(got.folder, dir.path().join("set"));
    assert_eq!(
        (&got.fetched[..], got.kept.len()),
        (&["a".to_owned()][..], 0)
    );
    assert_eq!(got.bytes, packed.len() as u64);
    assert_eq!(
        fs::read(dir.path().join("set/a")).unwrap(),
        noise(1, 200_000)
    );
    assert_eq!(names(dir.path()), ["a"], "nothing else is left");
    assert_eq!(heard.first(), Some(&(0, Some(packed.len() as u64), 0)));
    assert_eq!(heard.last().unwrap().0, packed.len() as u64);
    // What is there is not asked for again.
    let again = fetch(&set, dir.path(), &server).unwrap();
    assert_eq!(
        (again.kept.len(), again.fetched.len(), again.bytes),
        (1, 0, 0)
    );
    assert_eq!(server.asked(), [("/files/a.gz".to_owned(), None)]);
    // A file of another content is.
    fs::write(dir.path().join("set/a"), noise(2, 200_000)).unwrap();
    assert_eq!(fetch(&set, dir.path(), &server).unwrap().fetched, ["a"]);
    assert_eq!(
        fs::read(dir.path().join("set/a")).unwrap(),
        noise(1, 200_000)
    );
}

#[test]
fn a_tar_archive_gives_its_wanted_files_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let (x, y) = (noise(3, 5000), noise(4, 7000));
    let packed = tar(&[
        ("cifar/batches.meta.txt", b"words"),
        ("cifar/x.bin", &x),
        ("elsewhere/y.bin", &y),
        ("cifar/z.bin", b"not wanted"),
    ]);
    let archive = Archive {
        name: "xy.tar.gz".into(),
        packing: Packing::TarGzip,
        files: vec![expected("y.bin", &y), expected("x.bin", &x)],
    };
    let server = Server::new(move |_, _| Reply::whole(&packed));
    let got = fetch(&set(archive), dir.path(), &server).unwrap();
    assert_eq!(got.fetched, ["y.bin", "x.bin"]);
    assert_eq!(names(dir.path()), ["x.bin", "y.bin"]);
    assert_eq!(fs::read(dir.path().join("set/y.bin")).unwrap(), y);
}

#[test]
fn a_broken_connection_is_taken_up_again() {
    let (dir, (packed, set)) = (tempfile::tempdir().unwrap(), one());
    let file = packed.clone();
    let server = Server::new(move |number, (_, start)| {
        let reply = Reply::ranged(&file, *start);
        match number {
            0 => reply.cut(70_000),
            1 => reply.cut(50_000),
            _ => reply,
        }
    });
    let got = fetch(&set, dir.path(), &server).unwrap();
    assert_eq!(got.bytes, packed.len() as u64, "no byte comes twice");
    let starts: Vec<_> = server.asked().into_iter().map(|(_, start)| start).collect();
    assert_eq!(starts, [None, Some(70_000), Some(120_000)]);
    assert_eq!(names(dir.path()), ["a"]);
}

#[test]
fn the_next_call_continues_what_an_interruption_left() {
    let (dir, (packed, set)) = (tempfile::tempdir().unwrap(), one());
    let file = packed.clone();
    let server = Server::new(move |number, (_, start)| match number {
        0 => Reply::whole(&file).cut(90_000),
        1..4 => Reply::ranged(&file, *start).cut(0),
        _ => Reply::ranged(&file, *start),
    });
    let error = fetch(&set, dir.path(), &server).unwrap_err();
    assert!(
        matches!(error, GetError::Connection { done: 90_000, .. }),
        "{error}"
    );
    says(
        error,
        &[
            "a.gz",
            "after 90000 bytes",
            "continues there",
            "another server",
        ],
    );
    assert_eq!(
        names(dir.path()),
        ["a.gz.part"],
        "nothing stands in a file's place"
    );
    let before = server.asked().len();
    // The one that gave up asked twice: there was no sense in going on.
    assert_eq!(before, 2);
    let _ = fetch(&set, dir.path(), &server).unwrap_err();
    let _ = fetch(&set, dir.path(), &server).unwrap_err();
    let mut resumed = 0;
    let mut observe = |p: GetProgress<'_>| resumed = p.resumed;
    let got = get(&set, dir.path(), Some(&server.url), &mut observe).unwrap();
    assert_eq!((got.bytes, resumed), (packed.len() as u64 - 90_000, 90_000));
    assert_eq!(names(dir.path()), ["a"]);
}

#[test]
fn a_server_without_ranges_sends_all_of_it() {
    let (dir, (packed, set)) = (tempfile::tempdir().unwrap(), one());
    fs::create_dir(dir.path().join("set")).unwrap();
    fs::write(dir.path().join("set/a.gz.part"), &packed[..1000]).unwrap();
    let file = packed.clone();
    let server = Server::new(move |_, _| Reply::whole(&file));
    let got = fetch(&set, dir.path(), &server).unwrap();
    assert_eq!(server.asked(), [("/files/a.gz".to_owned(), Some(1000))]);
    assert_eq!(got.bytes, packed.len() as u64);
    assert_eq!(names(dir.path()), ["a"]);
}

#[test]
fn a_part_that_is_complete_or_too_long_is_understood() {
    let (packed, set) = one();
    for (part, requests) in [
        (packed.clone(), 1),
        ([&packed[..], b"more"].concat(), 2),
        // Of another file, as long as this one.
        (noise(9, packed.len()), 2),
        // The beginning of another file.
        (noise(9, 5000), 2),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("set")).unwrap();
        fs::write(dir.path().join("set/a.gz.part"), &part).unwrap();
        let file = packed.clone();
        let server = Server::new(move |_, (_, start)| Reply::ranged(&file, *start));
        fetch(&set, dir.path(), &server).unwrap();
        assert_eq!(server.asked().len(), requests);
        assert_eq!(names(dir.path()), ["a"]);
    }
}

#[test]
fn a_server_that_sends_another_range_is_asked_for_all() {
    let (dir, (packed, set)) = (tempfile::tempdir().unwrap(), one());
    fs::create_dir(dir.path().join("set")).unwrap();
    fs::write(dir.path().join("set/a.gz.part"), &packed[..1000]).unwrap();
    let file = packed.clone();
    let server = Server::new(move |_, (_, start)| Reply::ranged(&file, start.map(|_| 500)));
    fetch(&set, dir.path(), &server).unwrap();
    assert_eq!(names(dir.path()), ["a"]);
}

#[test]
fn what_is_wrong_is_thrown_away() {
    let (packed, set) = one();
    let mut flipped = packed.clone();
    flipped[100_000] ^= 1;
    let short = &packed[..150_000];
    for (sent, words) in [
        (&flipped[..], &["a.gz is corrupt", "discarded"][..]),
        (short, &["a.gz is corrupt", "try again"]),
        (
            b"<html>moved</html>",
            &["a.gz is corrupt", "another server"],
        ),
        (
            &gzip(&noise(2, 200_000)),
            &["a from http", "SHA-256", "expected", "discarded"],
        ),
        (
            &gzip(&noise(1, 199_999)),
            &["has 199999 bytes, expected 200000"],
        ),
        (&gzip(&vec![0; 3_000_000]), &["more than 200000 bytes"]),
        (&noise(5, 2_000_000), &["longer than the", "a.gz"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let old = dir.path().join("set/a");
        fs::create_dir(dir.path().join("set")).unwrap();
        fs::write(&old, "what was there before").unwrap();
        let file = sent.to_vec();
        let server = Server::new(move |_, _| Reply::whole(&file));
        says(fetch(&set, dir.path(), &server).unwrap_err(), words);
        assert_eq!(names(dir.path()), ["a"]);
        assert_eq!(fs::read_to_string(&old).unwrap(), "what was there before");
    }
}

#[test]
fn a_tar_archive_without_a_wanted_file_is_an_error() {
    let x = noise(3, 5000);
    let archive = |packed: Vec<u8>| {
        let dir = tempfile::tempdir().unwrap();
        let files = vec![expected("x.bin", &x), expected("y.bin", b"y")];
        let set = set(Archive {
            name: "xy.tar.gz".into(),
            packing: Packing::TarGzip,
            files,
        });
        let server = Server::new(move |_, _| Reply::whole(&packed));
        let error = fetch(&set, dir.path(), &server).unwrap_err();
        (error.to_string(), names(dir.path()))
    };
    let (error, left) = archive(tar(&[("x.bin", &x)]));
    says(error, &["xy.tar.gz is corrupt", "y.bin is not in it"]);
    assert_eq!(left, ["x.bin"], "what is right may stay");
    let (error, left) = archive(gzip(&noise(6, 5000)));
    says(error, &["xy.tar.gz is corrupt"]);
    assert!(left.is_empty());
    let whole = tar(&[("x.bin", &x), ("y.bin", b"y")]);
    let (error, _) = archive(whole[..2000].to_vec());
    says(error, &["xy.tar.gz is corrupt"]);
}

#[test]
fn a_tar_archive_that_unpacks_to_far_more_is_refused() {
    let (x, zeros) = (noise(3, 5000), vec![0; 64 << 20]);
    // Zeros in a file that is not wanted, and in a name that is too long for its field.
    let kinds = [
        (tar::EntryType::Regular, "other.bin"),
        (tar::EntryType::GNULongName, "././@LongLink"),
        (tar::EntryType::XHeader, "pax"),
    ];
    for (kind, name) in kinds {
        for (length, is_refused) in [(3000, false), (zeros.len(), true)] {
            let mut builder = tar::Builder::new(Vec::new());
            for (kind, name, bytes) in [
                (kind, name, &zeros[..length]),
                (tar::EntryType::Regular, "x.bin", &x[..]),
            ] {
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(kind);
                header.set_size(bytes.len() as u64);
                header.set_mode(0o644);
                builder.append_data(&mut header, name, bytes).unwrap();
            }
            let packed = gzip(&builder.into_inner().unwrap());
            let set = set(Archive {
                name: "x.tar.gz".into(),
                packing: Packing::TarGzip,
                files: vec![expected("x.bin", &x)],
            });
            let dir = tempfile::tempdir().unwrap();
            let server = Server::new(move |_, _| Reply::whole(&packed));
            match (fetch(&set, dir.path(), &server), is_refused) {
                (Ok(_), false) => assert_eq!(names(dir.path()), ["x.bin"]),
                (Err(error), true) => says(error, &["x.tar.gz is corrupt"]),
                (other, _) => panic!("{kind:?} {length}: {other:?}"),
            }
        }
    }
}

#[test]
fn servers_that_refuse_and_addresses_that_are_none() {
    let (dir, (_, set)) = (tempfile::tempdir().unwrap(), one());
    for status in [404, 403, 500] {
        let server = Server::new(move |_, _| Reply::status(status));
        let error = fetch(&set, dir.path(), &server).unwrap_err();
        says(
            error,
            &[
                "/files/a.gz",
                &format!("answers {status}"),
                "another server",
            ],
        );
    }
    for url in ["nonsense", "http://", "ftp://example.org", "http://a b/"] {
        let error = get(&set, dir.path(), Some(url), &mut |_| {}).unwrap_err();
        says(error, &["is not an address", "https://example.org"]);
    }
    // The set's own address, where nobody listens.
    let error = get(&set, dir.path(), None, &mut |_| {}).unwrap_err();
    says(error, &["http://127.0.0.1:1/nowhere/a.gz", "after 0 bytes"]);
    assert!(!dir.path().join("set").exists(), "nothing is made");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let (dir, (packed, set)) = (tempfile::tempdir().unwrap(), one());
    fs::write(dir.path().join("set"), "a file in the folder's place").unwrap();
    let server = Server::new(move |_, _| Reply::whole(&packed));
    let error = fetch(&set, dir.path(), &server).unwrap_err();
    says(error, &["cannot create", "set", "permissions"]);
}

#[test]
fn the_standard_sets_are_what_the_loaders_look_for() {
    let names = |set: StandardSet| -> Vec<String> {
        let files = set.archives.into_iter().flat_map(|archive| archive.files);
        files
            .map(|file| format!("{}/{} {}", set.folder, file.name, file.sha256.len()))
            .collect()
    };
    assert_eq!(
        names(StandardSet::mnist())[0],
        "mnist/train-images-idx3-ubyte 64"
    );
    assert_eq!(names(StandardSet::mnist()).len(), 4);
    assert_eq!(
        names(StandardSet::cifar10())[5],
        "cifar-10-batches-bin/test_batch.bin 64"
    );
}
