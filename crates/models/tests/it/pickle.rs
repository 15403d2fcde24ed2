//! Files of `torch.save`: real ones, damaged ones, and hostile ones.

use crate::support::{file, says, values};
use landscape_core::Params;
use landscape_models::{
    ModelSpec, ModelsError, PickleError, load_network_params, load_weights, save_weights,
};
use std::fs;
use std::io::Write;
use std::path::Path;

fn spec() -> ModelSpec {
    "mlp:2-3-1".parse().unwrap()
}

/// A file of `tests/data/pickles`.
fn saved(name: &str) -> std::path::PathBuf {
    file("pickles").join(name)
}

#[track_caller]
fn check(params: &Params) {
    let expected: [(&str, &[usize], usize); 4] = [
        ("fc1.weight", &[3, 2], 0),
        ("fc1.bias", &[3], 6),
        ("fc2.weight", &[1, 3], 9),
        ("fc2.bias", &[1], 12),
    ];
    assert_eq!(params.len(), 4);
    for (tensor, (name, shape, start)) in params.iter().zip(expected) {
        assert_eq!((tensor.name.as_str(), &tensor.shape[..]), (name, shape));
        assert_eq!(tensor.data, values(start, tensor.numel()), "{name}");
    }
}

/// What reading these bytes as a file of this name gives.
fn read_as(name: &str, bytes: &[u8]) -> Result<Params, ModelsError> {
    read_in(&tempfile::tempdir().unwrap(), name, bytes)
}

fn read_in(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> Result<Params, ModelsError> {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    load_weights(path)
}

#[track_caller]
fn refused(bytes: &[u8]) -> PickleError {
    match read_as("hostile.t7", bytes) {
        Err(ModelsError::Pickle { source, .. }) => source,
        other => panic!("not refused as a pickle: {other:?}"),
    }
}

// ---- real files

#[test]
fn files_of_both_formats_and_all_protocols_are_read() {
    for name in [
        "plain.pt",
        "plain.t7",
        "views.pth",
        "views.t7",
        "mixed.pth",
        "mixed.t7",
        "protocol5.pt",
        "protocol4.t7",
    ] {
        check(&load_network_params(saved(name), &spec()).unwrap());
        // Contents say what a file is, not its name.
        let bytes = fs::read(saved(name)).unwrap();
        assert_eq!(read_as("w.safetensors", &bytes).unwrap().len(), 4, "{name}");
    }
}

#[test]
fn tensors_of_another_network_are_all_listed() {
    let error = load_network_params(saved("broken.pt"), &spec()).unwrap_err();
    says(
        error,
        &[
            "broken.pt does not fit mlp:2-3-1",
            "missing: fc2.weight [1, 3], fc2.bias [1]",
            "unexpected: fc3.bias [1]",
            "fc1.weight [3, 3], expected [3, 2]",
        ],
    );
    let error = load_weights(saved("integers.t7")).unwrap_err();
    says(error, &["integers.t7", "`fc1.weight` holds integers"]);
}

#[test]
fn weights_that_are_not_finite_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut tensors = load_weights(saved("plain.pt")).unwrap().into_inner();
    tensors[2].data[1] = f32::NAN;
    tensors[2].data[2] = f32::INFINITY;
    let path = dir.path().join("diverged.safetensors");
    save_weights(&path, &Params::new(tensors).unwrap()).unwrap();
    says(
        load_network_params(&path, &spec()).unwrap_err(),
        &[
            "diverged.safetensors",
            "`fc2.weight` at [0, 1] is NaN",
            "2 of 3 values",
            "before the training diverged",
        ],
    );
}

// ---- damaged files

const SMALL: [&str; 4] = ["plain.pt", "plain.t7", "views.t7", "protocol5.pt"];

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for name in SMALL {
        let bytes = fs::read(saved(name)).unwrap();
        for length in 0..bytes.len() {
            let error = read_in(&dir, name, &bytes[..length]).unwrap_err();
            assert!(
                matches!(error, ModelsError::Pickle { .. }),
                "{length}: {error}"
            );
        }
    }
}

/// A flipped bit gives an error, or other values (the older format has no checksums); never a
/// panic, and never more memory than the file is worth.
#[test]
fn flipped_bits_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    for name in SMALL {
        let bytes = fs::read(saved(name)).unwrap();
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << (place % 8);
            if let Ok(params) = read_in(&dir, name, &damaged) {
                assert!(params.numel() <= 4096, "{name} {place}");
            }
        }
    }
}

#[test]
fn the_zip_format_notices_every_damaged_value() {
    let bytes = fs::read(saved("plain.pt")).unwrap();
    let value = 0.25f32.to_le_bytes();
    let place = bytes
        .windows(4)
        .rposition(|window| window == value)
        .unwrap();
    let mut damaged = bytes.clone();
    damaged[place] ^= 1;
    says(
        read_as("plain.pt", &damaged).unwrap_err(),
        &["plain.pt", "checksum", "get the file again"],
    );
}

// ---- hand-made files

const MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// A file of the older format of an object's pickle, keys and the bytes after them.
fn legacy(object: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend(b"\x80\x02M\xe9\x03.");
    file.extend(b"\x80\x02}X\x0d\0\0\0little_endian\x88s.");
    file.extend(object);
    file.extend(rest);
    file
}

/// A zip of torch.save with this list of tensors.
fn zipped(list: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("archive/data.pkl", stored).unwrap();
    zip.write_all(list).unwrap();
    for (key, bytes) in storages {
        zip.start_file(format!("archive/data/{key}"), stored)
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// `{"w": tensor}` of a storage `0` of `elements` f32.
fn one_tensor(elements: i32, offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let int = |n: i32| [&b"J"[..], &n.to_le_bytes()].concat();
    let tuple = |ns: &[i32]| {
        let items: Vec<u8> = ns.iter().flat_map(|&n| int(n)).collect();
        [&b"("[..], &items, b"t"].concat()
    };
    [
        &b"\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n("[..],
        b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu",
        &int(elements),
        b"tQ",
        &int(offset),
        &tuple(shape),
        &tuple(strides),
        b"\x89NtRs.",
    ]
    .concat()
}

/// As Python 2 and PyTorch 0.3 wrote it: byte strings, lists of pairs, `torch.cuda` storages that
/// are a part of another one, `_rebuild_tensor`.
#[test]
fn files_of_old_versions_are_read() {
    let object =
        b"\x80\x02}q\x01(U\x03accq\x02G@V\xd0\0\0\0\0\0U\x05epochq\x03K\x03U\x0astate_dict\
        ccollections\nOrderedDict\nq\x04]q\x05]q\x06(U\x10module.fc.weightq\x07ctorch._utils\n\
        _rebuild_tensor\nq\x08((U\x07storageq\x09ctorch.cuda\nFloatStorage\nq\x0aU\x0842\
        949672q\x0bU\x06cuda:0q\x0cK\x05(U\x04viewK\x01K\x04ttQK\x00K\x02K\x02\x86K\x01K\x02\x86\
        tRq\x0dea\x85Rq\x0eu.";
    let mut rest = b"\x80\x02]U\x0842949672a.".to_vec();
    rest.extend(5u64.to_le_bytes());
    for value in [9.0f32, 1.0, 2.0, 3.0, 4.0] {
        rest.extend(value.to_le_bytes());
    }
    let params = read_as("old.t7", &legacy(object, &rest)).unwrap();
    let tensor = params.iter().next().unwrap();
    assert_eq!(
        (tensor.name.as_str(), &tensor.shape[..]),
        ("fc.weight", &[2, 2][..])
    );
    assert_eq!(tensor.data, [1.0, 3.0, 2.0, 4.0]);
}

#[test]
fn numbers_may_be_stored_with_the_most_significant_byte_first() {
    let bytes = [1.5f32, -2.0].map(f32::to_be_bytes).concat();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, part) in [
        ("a/data.pkl", &one_tensor(2, 0, &[2], &[1])[..]),
        ("a/byteorder", b"big"),
        ("a/data/0", &bytes),
    ] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(part).unwrap();
    }
    let file = zip.finish().unwrap().into_inner();
    let params = read_as("big.pt", &file).unwrap();
    assert_eq!(params.get("w").unwrap().data, [1.5, -2.0]);
}

// ---- hostile files

#[test]
fn nothing_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let witness = dir.path().join("witness");
    let command = format!("touch {}", witness.display());
    let call = |module: &str, name: &str, word: &str| {
        let mut object = format!("\u{2}c{module}\n{name}\n").into_bytes();
        object.splice(0..0, [0x80]);
        object.extend([b'X']);
        object.extend((word.len() as u32).to_le_bytes());
        object.extend(word.as_bytes());
        object.extend(b"\x85R.");
        object
    };
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("builtins", "getattr"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_qtensor"),
        ("torch", "ComplexFloatStorage"),
        ("resnet", "ResNet"),
        ("collections", "OrderedDict\u{0}"),
    ] {
        let object = call(module, name, &command);
        for file in [legacy(&object, b""), zipped(&object, &[])] {
            let error = refused(&file);
            let PickleError::Global { name: named } = &error else {
                panic!("{error}");
            };
            assert!(named.starts_with(&format!("{module}.{}", name.trim_end_matches('\0'))));
            // Tensors that PyTorch itself can read become usual ones there.
            let tensors = name.contains("qtensor") || name.contains("Complex");
            let remedy = match tensors {
                true => "torch.load(FILE).items()",
                false => "model.state_dict()",
            };
            says(error, &["nothing was run", remedy]);
        }
    }
    assert!(!witness.exists());
}

#[test]
fn every_way_to_name_a_class_is_checked() {
    for object in [
        &b"\x80\x02(ios\nsystem\n."[..],
        b"\x80\x02(cos\nsystem\no.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x02}(U\x01acos\nsystem\n}bu.",
        b"\x80\x02cos\nsystem\n)\x81.",
        b"\x80\x04cos\nsystem\n)}\x92.",
    ] {
        says(refused(&legacy(object, b"")), &["`os.system`"]);
    }
    // Extension codes, textual persistent identifiers, buffers elsewhere.
    for code in [0x82, 0x83, 0x84, b'P', 0x97, 0x98, 0xff] {
        let error = refused(&legacy(&[0x80, 2, code, 1, 0, 0, 0, b'\n', b'.'], b""));
        assert!(matches!(error, PickleError::Opcode { code: found, .. } if found == code));
    }
}

#[test]
fn long_and_odd_names_are_shown_in_part() {
    let object = [
        b"\x80\x02c\x1b[31m\n".to_vec(),
        vec![b'x'; 5000],
        b"\n.".to_vec(),
    ]
    .concat();
    let message = refused(&legacy(&object, b"")).to_string();
    assert!(
        message.len() < 400 && !message.contains('\u{1b}'),
        "{message}"
    );
}

#[test]
fn lengths_are_not_believed() {
    let huge = u64::MAX.to_le_bytes();
    for start in [
        &b"\x80\x04\x8d"[..],
        b"\x80\x04\x8e",
        b"\x80\x05\x96",
        b"\x80\x02X",
        b"\x80\x02B",
        b"\x80\x02T",
        b"\x80\x02\x8b",
        b"\x80\x02U",
        b"\x80\x02\x8a",
    ] {
        let object = [start, &huge].concat();
        assert!(matches!(
            refused(&legacy(&object, b"")),
            PickleError::Truncated { .. }
        ));
    }
    // A storage of 2^63 values; one that is longer than the file.
    let wrong = [
        (i32::MAX, i32::MAX as u64),
        (4, u64::MAX),
        (4, 4),
        (-1, u64::MAX),
    ];
    for (elements, length) in wrong {
        let object = one_tensor(elements, 0, &[1], &[1]);
        let rest = [&b"\x80\x02]U\x010a."[..], &length.to_le_bytes(), &[0; 8]].concat();
        refused(&legacy(&object, &rest));
    }
}

#[test]
fn views_outside_their_storage_are_refused() {
    let data = [0u8; 24];
    for (elements, offset, shape, strides) in [
        (6, 0, &[7][..], &[1][..]),
        (6, 1, &[6], &[1]),
        (6, 0, &[2, 2], &[5, 1]),
        (6, 0, &[i32::MAX, i32::MAX], &[i32::MAX, i32::MAX]),
        (6, -1, &[1], &[1]),
        (6, 0, &[2], &[-1]),
        (6, 0, &[-2], &[1]),
        (6, 0, &[2, 3], &[1]),
        (7, 0, &[6], &[1]),
        (6, 7, &[0], &[1]),
        (5, 0, &[5], &[1]),
    ] {
        let object = one_tensor(elements, offset, shape, strides);
        let error = refused(&zipped(&object, &[("0", &data)]));
        assert!(matches!(error, PickleError::Malformed { .. }), "{error}");
    }
    let sound = one_tensor(6, 0, &[2, 3], &[3, 1]);
    assert_eq!(
        read_as("a.pt", &zipped(&sound, &[("0", &data)]))
            .unwrap()
            .numel(),
        6
    );
    says(refused(&zipped(&sound, &[])), &["`w`", "not in the file"]);
}

#[test]
fn repeated_values_have_a_limit() {
    let data = 1f32.to_le_bytes();
    let shape = [i32::MAX, i32::MAX];
    let object = one_tensor(1, 0, &shape, &[0, 0]);
    let error = refused(&zipped(&object, &[("0", &data)]));
    assert!(matches!(error, PickleError::TooLarge(_)), "{error}");
    let expanded = one_tensor(1, 0, &[3, 5], &[0, 0]);
    let params = read_as("a.pt", &zipped(&expanded, &[("0", &data)])).unwrap();
    assert_eq!(params.get("w").unwrap().data, [1.0; 15]);
}

#[test]
fn deep_nesting_and_cycles_end() {
    // Lists in lists, deep and so deep that their memory is bounded; dictionaries likewise; one that
    // holds itself.
    let lists = |depth: usize| {
        let lists = [vec![b']'; depth], vec![b'a'; depth - 1]].concat();
        legacy(&[b"\x80\x02", &lists[..], b"."].concat(), b"\x80\x02].")
    };
    assert_eq!(refused(&lists(100_000)), PickleError::NoTensors);
    let error = refused(&lists(1_000_000));
    assert!(matches!(error, PickleError::TooLarge(_)), "{error}");
    let mut dicts = b"\x80\x02".to_vec();
    (0..100_000).for_each(|_| dicts.extend(b"}U\x03net"));
    dicts.extend(b"N");
    dicts.extend(vec![b's'; 100_000]);
    dicts.extend(b".");
    refused(&legacy(&dicts, b"\x80\x02]."));
    refused(&legacy(b"\x80\x02}q\0U\x03neth\0s.", b"\x80\x02]."));
    refused(&legacy(b"\x80\x02}q\0U\x01ah\0s.", b"\x80\x02]."));
}

#[test]
fn copies_of_copies_stay_small() {
    // Each dictionary holds the one before twice: 2^60 ways to nothing.
    let mut object = b"\x80\x02}q\0".to_vec();
    for level in 0..60u8 {
        object.extend([b'}', b'q', level + 1]);
        object.extend([
            b'(', b'U', 1, b'a', b'h', level, b'U', 1, b'b', b'h', level, b'u',
        ]);
    }
    object.push(b'.');
    let error = refused(&legacy(&object, b"\x80\x02]."));
    assert!(matches!(error, PickleError::Limit { .. }), "{error}");
    // One long list of pairs, made into dictionaries again and again.
    let mut object = b"\x80\x02ccollections\nOrderedDict\nq\x01(".to_vec();
    (0..5000).for_each(|_| object.extend(b"NN\x86"));
    object.extend(b"l\x85q\x02");
    (0..5000).for_each(|_| object.extend(b"h\x01h\x02R0"));
    object.extend(b"N.");
    let error = refused(&legacy(&object, b"\x80\x02]."));
    assert!(matches!(error, PickleError::TooLarge(_)), "{error}");
}

#[test]
fn programs_that_make_no_sense_are_refused() {
    for object in [
        &b"\x80\x02."[..],
        b"\x80\x020.",
        b"\x80\x02(2.",
        b"\x80\x02t.",
        b"\x80\x02(K\x01s.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02h\x07.",
        b"\x80\x02g99999999999999999999\n.",
        b"\x80\x02Iten\n.",
        b"\x80\x02K\x01)R.",
        b"\x80\x02NQ.",
        b"\x80\x02)Q.",
        b"\x80\x02ctorch\nFloatStorage\n)R.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"\x80\x02ctorch._utils\n_rebuild_parameter\n)R.",
        b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n)R.",
        b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.",
        b"\x80\x02ccollections\nOrderedDict\n]K\x01a\x85R.",
        b"\x80\x02(o.",
        b"\x80\x02NNb.",
        b"\x80\x02NNa.",
        b"\x80\x09N.",
    ] {
        let error = refused(&legacy(object, b"\x80\x02]."));
        assert!(
            matches!(error, PickleError::Malformed { .. }),
            "{object:?}: {error}"
        );
    }
}

#[test]
fn other_files_are_told_apart() {
    says(
        refused(b"\x80\x02}."),
        &["not one that torch.save wrote", "model.state_dict()"],
    );
    says(
        refused(&legacy(b"\x80\x02]q\0.", b"\x80\x02].")),
        &["no dictionary of tensors"],
    );
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    says(refused(&tar), &["before PyTorch 0.1.10"]);
    says(
        refused(b"\x89PNG and so on"),
        &["does not begin like a file of torch.save"],
    );
    says(refused(b""), &["get the file again"]);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file(
        "photo.jpg",
        options.compression_method(zip::CompressionMethod::Stored),
    )
    .unwrap();
    let file = zip.finish().unwrap().into_inner();
    says(refused(&file), &["zip archive", "no data.pkl"]);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a/data.pkl", options).unwrap();
    zip.write_all(&[b'0'; 100_000]).unwrap();
    let file = zip.finish().unwrap().into_inner();
    says(refused(&file), &["compressed"]);
}

#[test]
fn wrong_sizes_in_a_zip_are_noticed() {
    let list = one_tensor(6, 0, &[6], &[1]);
    let sound = zipped(&list, &[("0", &[0; 24])]);
    assert!(read_as("a.pt", &sound).is_ok());
    let directory = sound.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    // Sizes of the first entry in the directory: far beyond the file, and of the wrong kind.
    for (place, size) in [
        (20, u32::MAX - 1),
        (24, u32::MAX - 1),
        (20, 1),
        (24, 1),
        (42, u32::MAX - 1),
    ] {
        let mut file = sound.clone();
        file[directory + place..][..4].copy_from_slice(&u32::to_le_bytes(size));
        refused(&file);
    }
}

#[test]
fn which_dictionary_is_meant_must_be_clear() {
    let tensor = one_tensor(1, 0, &[1], &[1]);
    // `{"w": T}` between its head and its end.
    let dict = &tensor[2..tensor.len() - 1];
    let data: (&str, &[u8]) = ("0", &1f32.to_le_bytes());
    let both = [b"\x80\x02}(U\x03net", dict, b"U\x0astate_dict", dict, b"u."].concat();
    says(
        refused(&zipped(&both, &[data])),
        &["several", "net, state_dict", "['net']"],
    );
    let nested = [
        b"\x80\x02}(U\x05modelU\x06resnetU\x0astate_dict}U\x03net",
        dict,
        b"su.",
    ]
    .concat();
    let params = read_as("a.pt", &zipped(&nested, &[data])).unwrap();
    assert_eq!(params.get("w").unwrap().data, [1.0]);
    let parts = [
        b"\x80\x02}(U\x07encoder",
        dict,
        b"U\x07decoder",
        dict,
        b"u.",
    ]
    .concat();
    let params = read_as("a.pt", &zipped(&parts, &[data])).unwrap();
    let names: Vec<&str> = params.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["encoder.w", "decoder.w"]);
}

#[test]
fn a_missing_file_is_an_error() {
    let error = load_weights(Path::new("nowhere/a.pth")).unwrap_err();
    says(error, &["cannot read", "nowhere/a.pth"]);
}
