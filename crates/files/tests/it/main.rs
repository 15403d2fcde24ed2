//! The tests of `landscape-files`.

use landscape_files::{Budget, FileError, Npy, Npz, Size, TooLarge, Unpacked, open, read};
use std::io::{Cursor, ErrorKind, Write};

fn header(descr: &str, shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

fn archive(name: &str, content: &[u8], zeros: usize) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    out.start_file(name, zip::write::SimpleFileOptions::default())
        .unwrap();
    out.write_all(content).unwrap();
    for _ in 0..zeros.div_ceil(1 << 20) {
        out.write_all(&vec![0; 1 << 20]).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn values(bytes: &[u8], name: &str) -> Result<Vec<f32>, FileError> {
    let mut npz = Npz::new(Cursor::new(bytes), bytes.len() as u64)?;
    npz.array(name)?.unwrap().values()
}

#[test]
fn every_type_of_numbers_is_read() {
    let cases: [(&str, Vec<u8>, f32); 8] = [
        ("|b1", vec![1], 1.0),
        ("|u1", vec![200], 200.0),
        ("|i1", vec![200], -56.0),
        (">i2", vec![255, 254], -2.0),
        ("<u4", vec![1, 0, 0, 128], 2_147_483_649.0),
        ("<f2", vec![0, 0xc0], -2.0),
        (">f4", 1.5f32.to_be_bytes().to_vec(), 1.5),
        ("<f8", (-0.1f64).to_le_bytes().to_vec(), -0.1),
    ];
    for (descr, data, expected) in cases {
        let bytes = [header(descr, "(1,)"), data].concat();
        let budget = Budget::new(bytes.len() as u64);
        let npy = Npy::new(&bytes[..], bytes.len() as u64, &budget).unwrap();
        assert_eq!(npy.values::<f32>().unwrap(), [expected], "{descr}");
    }
}

#[test]
fn what_a_header_promises_is_compared_with_what_there_is() {
    for shape in ["(1099511627776,)", "(3,)", "(99999999999, 99999999999)"] {
        let bytes = archive("x.npy", &[header("<f4", shape), vec![0; 16]].concat(), 0);
        let error = values(&bytes, "x").unwrap_err();
        assert!(matches!(error, FileError::Corrupt(_)), "{error}");
        assert!(
            error.to_string().contains("has 16 bytes of data"),
            "{error}"
        );
    }
}

#[test]
fn archives_that_unpack_to_far_more_are_refused() {
    let count = 64 << 20;
    let bytes = archive("x.npy", &header("<f4", &format!("({},)", count / 4)), count);
    assert!(bytes.len() < 1 << 20);
    let error = values(&bytes, "x").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("67.1 MB") && !text.contains("--"), "{text}");
    let reason = TooLarge::below(&error).unwrap();
    assert_eq!(reason.enough(), "64MiB");
    // A modest one is taken.
    let count = 32 << 20;
    let bytes = archive("x.npy", &header("<f4", &format!("({},)", count / 4)), count);
    assert_eq!(values(&bytes, "x").unwrap().len(), count / 4);
}

#[test]
fn bytes_that_become_numbers_take_what_they_are() {
    // As the test images of MNIST, packed, and as zeros.
    assert!(Budget::new(9_912_422).spend_bytes(47_040_000, 5).is_ok());
    assert!(Budget::new(0).spend_bytes(10_000_000, 5).is_ok());
    assert!(Budget::new(0).spend_bytes(11_000_000, 5).is_err());
    let twice = Budget::new(10 << 20);
    twice.spend_bytes(40 << 20, 4).unwrap();
    assert!(twice.spend_bytes(40 << 20, 4).is_err());
    let count = 16 << 20;
    let bytes = archive("x.npy", &header("|u1", &format!("({count},)")), count);
    let error = values(&bytes, "x").unwrap_err();
    assert!(matches!(error, FileError::TooLarge(_)), "{error}");
}

/// An archive whose directory has `count` entries, all of them the same empty file.
fn directory(count: u64) -> Vec<u8> {
    let numbers = |numbers: &[u16]| -> Vec<u8> {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
        bytes.collect()
    };
    let entry = numbers(&[
        20, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    let mut bytes = [
        b"PK\x03\x04",
        &numbers(&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])[..],
    ]
    .concat();
    bytes.push(b'a');
    let start = bytes.len() as u64;
    for number in 0..count as u32 {
        bytes.extend(b"PK\x01\x02");
        bytes.extend(&entry);
        bytes.extend(&number.to_le_bytes()[..3]);
    }
    let end = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44u64.to_le_bytes());
    bytes.extend(numbers(&[45, 45, 0, 0, 0, 0]));
    for number in [count, count, end - start, start] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(end.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(b"PK\x05\x06");
    bytes.extend(numbers(&[
        0, 0, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0,
    ]));
    bytes
}

#[test]
fn directories_of_archives_are_bounded() {
    let open = |count| {
        let bytes = directory(count);
        Npz::new(Cursor::new(&bytes), bytes.len() as u64).map(|npz| npz.names().len())
    };
    assert_eq!(open(1000).unwrap(), 1000);
    let error = open(300_000).unwrap_err();
    assert!(matches!(error, FileError::TooLarge(_)), "{error}");
}

#[test]
fn packed_files_are_bounded() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for _ in 0..64 {
        packed.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bytes = packed.finish().unwrap();
    let error = Unpacked::bytes(&bytes)
        .unwrap()
        .rest(Some(64 << 20))
        .unwrap_err();
    assert!(matches!(error, FileError::TooLarge(_)), "{error}");
    let rest = Unpacked::bytes(&bytes)
        .unwrap()
        .rest(Some(1000))
        .unwrap_err();
    assert!(matches!(rest, FileError::Corrupt(_)), "{rest}");
    assert_eq!(
        Unpacked::bytes(b"abc").unwrap().rest(Some(3)).unwrap(),
        b"abc"
    );
}

#[test]
fn folders_and_devices_are_no_files() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        open(dir.path()).unwrap_err().kind(),
        ErrorKind::IsADirectory
    );
    let empty = dir.path().join("empty");
    std::fs::write(&empty, b"").unwrap();
    assert_eq!(read(&empty).unwrap(), b"");
    #[cfg(unix)]
    {
        let error = read(std::path::Path::new("/dev/zero")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let loops = dir.path().join("loop");
        std::os::unix::fs::symlink(&loops, &loops).unwrap();
        let error = read(&loops).unwrap_err();
        assert!(error.to_string().contains("symbolic links"), "{error}");
    }
}

#[test]
fn sizes_in_words() {
    for (text, bytes) in [
        ("8GiB", 8 << 30),
        ("500MB", 500_000_000),
        ("12", 12),
        ("1.5kB", 1500),
    ] {
        assert_eq!(text.parse::<Size>().unwrap().0, bytes, "{text}");
    }
    for text in ["", "0", "-1", "8X", "inf", "NaN", "1e400"] {
        let error = text.parse::<Size>().unwrap_err();
        assert!(error.to_string().contains("8GiB"), "{error}");
    }
}
