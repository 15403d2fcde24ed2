//! Folders of images, against Pillow and torchvision's transforms (`tests/reference/images.py`).

use crate::support::{file, says};
use landscape_models::{DataSpec, Dataset, ModelsError, Split, Targets, load};
use std::fs;
use std::path::Path;

fn place(dir: &Path, images: &[(&str, &str)]) {
    for (class, image) in images {
        let folder = dir.join(class);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(file("images").join(image), folder.join(image)).unwrap();
    }
}

fn open(dir: &Path, settings: &str, split: Split) -> Result<Dataset, ModelsError> {
    let spec: DataSpec = format!("{}/{settings}", dir.display()).parse()?;
    assert_eq!(spec.to_string().parse::<DataSpec>().unwrap(), spec);
    load(&spec, None, split, None)
}

/// Bytes that the other programs made.
fn references() -> Vec<(String, Vec<u8>)> {
    let text = fs::read_to_string(file("images/images.txt")).unwrap();
    let line = |line: &str| {
        let (name, hex) = line.split_once(": ").unwrap();
        let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        (name.to_owned(), (0..hex.len() / 2).map(byte).collect())
    };
    text.lines().map(line).collect()
}

#[test]
fn images_are_those_of_torchvision() {
    for (name, pixels) in references() {
        let dir = tempfile::tempdir().unwrap();
        let parts: Vec<&str> = name.split(' ').collect();
        let [image, side, size, channels] = parts[..] else {
            panic!("{name}");
        };
        place(dir.path(), &[("a", image)]);
        let size = match side {
            "0" => String::new(),
            side => format!(",resize={side},size={size}"),
        };
        let data = open(
            dir.path(),
            &format!(":scale=1,channels={channels}{size}"),
            Split::Train,
        )
        .unwrap();
        let tolerance = if image.ends_with("jpg") { 2.0 } else { 0.0 };
        assert_eq!(data.x().len(), pixels.len(), "{name}");
        for (at, (found, &right)) in data.x().iter().zip(&pixels).enumerate() {
            let off = (found - f32::from(right)).abs();
            assert!(
                off <= tolerance,
                "{name}: {found} where Pillow has {right}, at {at}"
            );
        }
    }
}

#[test]
fn a_folder_is_a_class() {
    let dir = tempfile::tempdir().unwrap();
    place(
        dir.path(),
        &[
            ("zebra", "colours.png"),
            ("ant", "colours.png"),
            ("ant", "palette.png"),
        ],
    );
    fs::write(dir.path().join("ant/notes.txt"), "no image").unwrap();
    fs::create_dir(dir.path().join(".hidden")).unwrap();
    fs::create_dir(dir.path().join("__MACOSX")).unwrap();
    let data = open(dir.path(), ":mean=0.5,std=0.25", Split::Train).unwrap();
    assert_eq!(data.shape(), [3, 3, 23, 31]);
    assert_eq!(data.y(), &Targets::Classes(vec![0, 0, 1]));
    let plain = open(dir.path(), "", Split::Train).unwrap();
    for (own, unit) in data.x().iter().zip(plain.x()) {
        assert_eq!(*own, (unit - 0.5) / 0.25);
        assert!((0.0..=1.0).contains(unit));
    }
    assert_eq!(
        data.notes(),
        [
            "2 classes, in alphabetical order from 0: `ant`, `zebra`",
            "inputs become (x / 255 - 0.5) / 0.25",
            "1 file is left out: PNG and JPEG images are read",
        ]
    );
    // A folder that is there needs no slash.
    let spec: DataSpec = dir.path().display().to_string().parse().unwrap();
    assert_eq!(spec.to_string(), format!("{}/", dir.path().display()));
    let two = load(&spec, None, Split::Train, Some(2)).unwrap();
    assert_eq!(two.len(), 2);
}

/// Folders within that of a class are its own too, behind its own images, in the order of torchvision.
#[test]
fn folders_within_a_class_belong_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let images = [
        ("a/in/deep", "grey.png"),
        ("a", "palette.png"),
        ("b/in", "grey.png"),
    ];
    place(dir.path(), &images);
    let data = open(dir.path(), ":size=4", Split::Train).unwrap();
    assert_eq!(data.y(), &Targets::Classes(vec![0, 0, 1]));
    let alone = open(&dir.path().join("a"), ":size=4", Split::Train);
    // The class of `in` alone: its images stand in `deep`.
    assert_eq!(alone.unwrap().len(), 1);
    let [first, second] = [0, 1].map(|n| &data.x()[48 * n..][..48]);
    assert_ne!(first, second);
    let grey = &data.x()[96..];
    assert_eq!(second, grey);
}

#[test]
fn parts_are_folders() {
    let dir = tempfile::tempdir().unwrap();
    place(
        dir.path(),
        &[
            ("train/a", "grey.png"),
            ("train/b", "grey.png"),
            ("val/b", "grey.png"),
            ("val/a", "grey.png"),
        ],
    );
    assert_eq!(open(dir.path(), "", Split::Train).unwrap().len(), 2);
    let test = open(dir.path(), ":channels=1", Split::Test).unwrap();
    assert_eq!(
        (test.shape(), test.y()),
        (&[2, 1, 9, 5][..], &Targets::Classes(vec![0, 1]))
    );
    says(
        open(&dir.path().join("train"), "", Split::Test).unwrap_err(),
        &["no test split"],
    );
}

#[test]
fn what_is_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = |settings: &str| open(dir.path(), settings, Split::Train).unwrap_err();
    says(error(""), &["has no folders", "one for each class"]);
    place(dir.path(), &[("a", "colours.png"), ("a", "grey.png")]);
    says(
        error(""),
        &["grey.png has 9x5 pixels", "colours.png 23x31", "size=224"],
    );
    says(
        error(":size=0"),
        &["`size=0`: size must be a whole number from 1"],
    );
    says(
        error(":resize=4,size=8"),
        &["size must not be larger than resize"],
    );
    says(
        error(":colour=1"),
        &["unknown setting `colour`; resize, size, channels"],
    );
    says(
        error(":size=4,mean=1,2"),
        &["mean has 2 numbers", "3 along its first axis"],
    );
    says(
        load(
            &format!("{}/:size=4", dir.path().display()).parse().unwrap(),
            None,
            Split::Train,
            Some(3),
        )
        .unwrap_err(),
        &["has 2 samples, but 3 asked for"],
    );
    fs::create_dir(dir.path().join("b")).unwrap();
    says(
        error(":size=4"),
        &["/b: it holds no images", "remove the folder"],
    );
    fs::write(dir.path().join("b/x.webp"), "RIFF").unwrap();
    says(
        error(":size=4"),
        &[
            "/b: it holds no PNG or JPEG images",
            "such as `x.webp`",
            "as PNG",
        ],
    );
    fs::write(dir.path().join("b/x.png"), "GIF89a").unwrap();
    says(
        error(":size=4"),
        &["x.png: it does not begin like a PNG or JPEG image"],
    );
    says(
        open(Path::new("no/such"), "", Split::Train).unwrap_err(),
        &["cannot read no/such"],
    );
}

/// A few bytes that promise many pixels, and damaged ones.
#[test]
fn damaged_images_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    for name in ["colours.png", "photo.jpg"] {
        let sound = fs::read(file("images").join(name)).unwrap();
        for keep in [3, 20, sound.len() / 3] {
            fs::write(dir.path().join("a/x.png"), &sound[..keep]).unwrap();
            says(open(dir.path(), "", Split::Train).unwrap_err(), &["x.png"]);
        }
    }
    let mut large = fs::read(file("images/colours.png")).unwrap();
    large[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    // The checksum of the header.
    let sum = crc(&large[12..29]);
    large[29..33].copy_from_slice(&sum.to_be_bytes());
    fs::write(dir.path().join("a/x.png"), &large).unwrap();
    says(
        open(dir.path(), "", Split::Train).unwrap_err(),
        &["x.png", "of memory once unpacked", "a file of"],
    );
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, &byte: &u8| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| match sum & 1 {
            0 => sum >> 1,
            _ => sum >> 1 ^ 0xedb8_8320,
        })
    };
    !bytes.iter().fold(!0, step)
}
