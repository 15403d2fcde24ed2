//! CIFAR-10's binary version.

use crate::support::says;
use landscape_models::{DataSpec, Dataset, ModelsError, Split, Targets, load};
use std::fs;
use std::path::Path;

const RECORD: usize = 3073;

/// A record whose image has the same byte in every place of a channel, and another one first.
fn record(label: u8, first: u8, channels: [u8; 3]) -> Vec<u8> {
    let mut bytes = vec![label];
    for byte in channels {
        bytes.extend([byte; 1024]);
    }
    bytes[1] = first;
    bytes
}

/// Files of a few records each: labels count up, and so does the first byte.
fn write_files(dir: &Path, records: &[usize]) {
    fs::create_dir_all(dir).unwrap();
    let mut number = 0;
    for (file, &count) in records.iter().enumerate() {
        let bytes: Vec<u8> = (number..number + count)
            .flat_map(|n| record((n % 10) as u8, n as u8, [7, 127, 255]))
            .collect();
        number += count;
        fs::write(dir.join(format!("data_batch_{}.bin", file + 1)), bytes).unwrap();
    }
    fs::write(dir.join("test_batch.bin"), record(9, 200, [1, 2, 3])).unwrap();
}

fn cifar(spec: &str, dir: &Path, split: Split, n: Option<usize>) -> Result<Dataset, ModelsError> {
    load(&spec.parse().unwrap(), Some(dir), split, n)
}

fn labels(data: &Dataset) -> &[i64] {
    match data.y() {
        Targets::Classes(labels) => labels,
        _ => panic!("classes"),
    }
}

#[test]
fn images_are_read_in_file_order() {
    let dir = tempfile::tempdir().unwrap();
    write_files(&dir.path().join("cifar-10-batches-bin"), &[3, 2, 4, 1, 2]);
    let all = cifar("cifar10:pixels=unit", dir.path(), Split::Train, None).unwrap();
    assert_eq!(all.shape(), [12, 3, 32, 32]);
    assert_eq!(labels(&all), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    for (place, image) in all.x().chunks_exact(3072).enumerate() {
        assert_eq!(image[0], place as f32 / 255.0);
        assert_eq!((image[1], image[1023]), (7.0 / 255.0, 7.0 / 255.0));
        assert_eq!((image[1024], image[3071]), (127.0 / 255.0, 1.0));
    }
    // The folder of the files itself will do too.
    let inner = dir.path().join("cifar-10-batches-bin");
    let test = cifar("cifar10", &inner, Split::Test, None).unwrap();
    assert_eq!(
        (test.shape(), labels(&test)),
        (&[1, 3, 32, 32][..], &[9][..])
    );
}

#[test]
fn only_what_is_needed_is_read() {
    let dir = tempfile::tempdir().unwrap();
    write_files(dir.path(), &[3, 2]);
    let all = cifar("cifar10", dir.path(), Split::Train, Some(5)).unwrap();
    for n in 1..5 {
        let some = cifar("cifar10", dir.path(), Split::Train, Some(n)).unwrap();
        assert_eq!(some.x(), &all.x()[..n * 3072]);
        assert_eq!(labels(&some), &labels(&all)[..n]);
    }
    // Six need the third file, which is not there; a label after the second does no harm.
    let error = cifar("cifar10", dir.path(), Split::Train, Some(6)).unwrap_err();
    says(error, &["data_batch_3.bin", "download the files"]);
    let error = cifar("cifar10", dir.path(), Split::Test, Some(2)).unwrap_err();
    says(error, &["cifar10 (test", "1 sample, but 2 asked for"]);
    let mut bytes = fs::read(dir.path().join("data_batch_1.bin")).unwrap();
    bytes[2 * RECORD] = 10;
    fs::write(dir.path().join("data_batch_1.bin"), bytes).unwrap();
    assert!(cifar("cifar10", dir.path(), Split::Train, Some(2)).is_ok());
    says(
        cifar("cifar10", dir.path(), Split::Train, Some(3)).unwrap_err(),
        &[
            "data_batch_1.bin is corrupt",
            "record 2 has the label 10",
            "0 to 9",
        ],
    );
    let error = cifar("cifar10", dir.path(), Split::Train, Some(0)).unwrap_err();
    says(error, &["empty"]);
}

/// Values of PyTorch 2.9:
/// `torch.tensor(b).float().div(255).sub_(tensor([125.3, 123.0, 113.9]) / 255 in f64).div_(...)`.
#[test]
fn standard_pixels_equal_torchvisions_to_the_bit() {
    let bytes = [0, 1, 2, 77, 127, 128, 200, 254, 255];
    let expected: [[u32; 9]; 3] = [
        [
            0xbffe93e9, 0xbffc8bc9, 0xbffa83a8, 0xbf444444, 0x3cdd0dc3, 0x3d2f8b12, 0x3f97c57d,
            0x4002be2c, 0x4003c23c,
        ],
        [
            0xbffd86ce, 0xbffb7723, 0xbff96779, 0xbf3da12f, 0x3d83ea90, 0x3da4e544, 0x3f9eb636,
            0x40070210, 0x400809e4,
        ],
        [
            0xbfda9426, 0xbfd8a8df, 0xbfd6bd99, 0xbf0da00b, 0x3e491d8f, 0x3e5877c9, 0x3fa53ab9,
            0x40066dc5, 0x40076368,
        ],
    ];
    let dir = tempfile::tempdir().unwrap();
    let file: Vec<u8> = bytes.iter().flat_map(|&b| record(0, b, [b; 3])).collect();
    fs::write(dir.path().join("test_batch.bin"), file).unwrap();
    let data = cifar("cifar10", dir.path(), Split::Test, None).unwrap();
    for (place, image) in data.x().chunks_exact(3072).enumerate() {
        for (channel, expected) in image.chunks_exact(1024).zip(&expected) {
            assert_eq!(channel[0].to_bits(), expected[place], "{}", bytes[place]);
        }
    }
}

#[test]
fn files_of_a_wrong_length_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test_batch.bin");
    for length in [0, 1, RECORD - 1, RECORD + 1, 3074 * 5] {
        fs::write(&path, vec![0; length]).unwrap();
        let error = cifar("cifar10", dir.path(), Split::Test, Some(1)).unwrap_err();
        let found = format!("it has {length} bytes");
        says(
            error,
            &[
                "test_batch.bin is corrupt",
                &found,
                "30730000",
                "10000 records of 3073",
            ],
        );
    }
}

#[test]
fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = cifar("cifar10", dir.path(), Split::Train, None).unwrap_err();
    says(
        error,
        &[
            "CIFAR-10's data_batch_1.bin not found",
            "cifar-10-batches-bin",
            "download the files",
        ],
    );
    fs::create_dir(dir.path().join("cifar-10-batches-py")).unwrap();
    let error = cifar("cifar10", dir.path(), Split::Test, None).unwrap_err();
    says(
        error,
        &["the version for Python", "the binary version is needed"],
    );
}

#[test]
fn the_name_says_how_pixels_are_scaled() {
    for (given, shown, words) in [
        ("cifar10", "cifar10", "std = (63.0, 62.1, 66.7) / 255"),
        (
            "cifar10:pixels=standard",
            "cifar10",
            "mean = (125.3, 123.0, 113.9) / 255",
        ),
        ("cifar10:pixels=unit", "cifar10:pixels=unit", "x / 255"),
        ("mnist", "mnist", "x / 255"),
        ("mnist:pixels=standard", "mnist:pixels=standard", "0.1307"),
    ] {
        let spec: DataSpec = given.parse().unwrap();
        assert_eq!(spec.to_string(), shown);
        assert!(spec.preprocessing().unwrap().contains(words));
    }
    assert_eq!("moons".parse::<DataSpec>().unwrap().preprocessing(), None);
    says(
        "cifar10:gray".parse::<DataSpec>().unwrap_err(),
        &["cifar10:gray", "pixels="],
    );
}

/// CIFAR-100: two bytes before each image, of which the second is the class.
#[test]
fn a_hundred_classes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cifar-100-binary");
    fs::create_dir_all(&folder).unwrap();
    let image = |fine: u8| [vec![11, fine], record(0, 51, [51, 102, 153])[1..].to_vec()].concat();
    fs::write(
        folder.join("train.bin"),
        [image(99), image(3), image(0)].concat(),
    )
    .unwrap();
    fs::write(folder.join("test.bin"), image(42)).unwrap();
    let data = cifar("cifar100:pixels=unit", dir.path(), Split::Train, Some(2)).unwrap();
    assert_eq!(
        (data.shape(), labels(&data)),
        (&[2, 3, 32, 32][..], &[99, 3][..])
    );
    assert_eq!(
        [data.x()[0], data.x()[1024], data.x()[2048]],
        [0.2, 0.4, 0.6]
    );
    let test = cifar("cifar100", &folder, Split::Test, None).unwrap();
    assert_eq!(labels(&test), [42]);
    let right = (f64::from(51.0f32 / 255.0) - 129.3 / 255.0) / (68.2 / 255.0);
    assert!((f64::from(test.x()[0]) - right).abs() < 1e-6);
    fs::write(folder.join("test.bin"), image(100)).unwrap();
    says(
        cifar("cifar100", &folder, Split::Test, None).unwrap_err(),
        &["has the label 100", "those of CIFAR-100 are 0 to 99"],
    );
    fs::write(folder.join("test.bin"), record(0, 1, [1, 2, 3])).unwrap();
    says(
        cifar("cifar100", &folder, Split::Test, None).unwrap_err(),
        &["it has 3073 bytes", "30740000", "3074"],
    );
    says(
        cifar("cifar100", Path::new("nowhere"), Split::Train, None).unwrap_err(),
        &["CIFAR-100's train.bin", "download the files"],
    );
}
