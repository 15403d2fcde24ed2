//! Pairs of tensors in files, against files written by NumPy.

use crate::support::{file, says, values};
use landscape_models::{DataSpec, Dataset, ModelsError, Split, Targets, load};
use std::fs;

fn open(spec: &str) -> Result<Dataset, ModelsError> {
    load(&spec.parse::<DataSpec>()?, None, Split::Train, None)
}

fn at(name: &str) -> String {
    file(name).display().to_string()
}

#[test]
fn classes_are_whole_numbers() {
    let pair = format!("{},{}", at("x.npy"), at("y.npy"));
    for spec in [at("classes.safetensors"), at("classes.npz"), pair] {
        let data = open(&spec).unwrap();
        assert_eq!(data.shape(), [5, 2]);
        assert_eq!(data.x(), values(0, 10));
        assert_eq!(data.y(), &Targets::Classes(vec![0, 1, 2, 1, 0]), "{spec}");
        assert_eq!(data.name(), spec);
    }
}

#[test]
fn values_are_rows_of_numbers() {
    for name in ["values.safetensors", "fortran.npz"] {
        let data = open(&at(name)).unwrap();
        assert_eq!(data.x(), values(0, 10), "{name}");
        let y = values(3, 15);
        assert_eq!(data.y(), &Targets::Values { data: y, width: 3 }, "{name}");
    }
}

#[test]
fn axes_in_fortran_order_come_out_row_major() {
    let data = open(&at("cube.npz")).unwrap();
    assert_eq!((data.shape(), data.features()), (&[4, 3, 2][..], 6));
    let expected: Vec<f32> = (0..24).map(|v| v as f32).collect();
    assert_eq!(data.x(), expected);
    assert_eq!(data.y(), &Targets::Classes(vec![1, 0, 1, 1]));
}

#[test]
fn the_digest_is_of_the_numbers() {
    let digest = |name: &str| open(&at(name)).unwrap().digest();
    assert_eq!(digest("classes.safetensors"), digest("classes.npz"));
    assert_ne!(digest("classes.safetensors"), digest("values.safetensors"));
    let whole = open(&at("classes.npz")).unwrap();
    let part = whole.clone().take(4).unwrap();
    assert_ne!(whole.digest(), part.digest());
    assert_eq!(whole.digest().len(), 64);
    let flat = Dataset::new(
        "flat",
        vec![10],
        vec![0.0; 10],
        Targets::Classes(vec![0; 10]),
    )
    .unwrap();
    let square = Dataset::new(
        "square",
        vec![10, 1],
        vec![0.0; 10],
        Targets::Classes(vec![0; 10]),
    );
    assert_ne!(flat.digest(), square.unwrap().digest());
}

#[test]
fn samples_are_taken_from_the_front() {
    let data = load(
        &at("classes.npz").parse().unwrap(),
        None,
        Split::Train,
        Some(2),
    )
    .unwrap();
    assert_eq!((data.len(), data.x()), (2, &values(0, 4)[..]));
    assert_eq!(data.y(), &Targets::Classes(vec![0, 1]));
    let error = |n| {
        load(
            &at("classes.npz").parse().unwrap(),
            None,
            Split::Train,
            Some(n),
        )
    };
    says(error(6).unwrap_err(), &["has 5 samples, but 6 asked for"]);
    says(error(0).unwrap_err(), &["is empty"]);
}

#[test]
fn corrupt_files_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["classes.safetensors", "classes.npz", "fortran.npz"] {
        let sound = fs::read(file(name)).unwrap();
        for keep in [0, 1, 7, sound.len() / 3, sound.len() / 2, sound.len() - 1] {
            let path = dir.path().join(name);
            fs::write(&path, &sound[..keep]).unwrap();
            says(
                open(path.to_str().unwrap()).unwrap_err(),
                &[name, "corrupt"],
            );
        }
    }
    let sound = fs::read(file("x.npy")).unwrap();
    for keep in [0, 5, 9, 60, sound.len() - 1] {
        fs::write(dir.path().join("x.npy"), &sound[..keep]).unwrap();
        let spec = format!("{},{}", dir.path().join("x.npy").display(), at("y.npy"));
        says(open(&spec).unwrap_err(), &["x.npy", "corrupt"]);
    }
}

#[test]
fn a_header_of_absurd_size_is_an_error_not_an_allocation() {
    let dir = tempfile::tempdir().unwrap();
    let (x, y) = (dir.path().join("x.npy"), at("y.npy"));
    for shape in ["(1000000000000, 2)", "(99999999999, 99999999999)", "(3, 2)"] {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend([0; 16]);
        fs::write(&x, bytes).unwrap();
        let spec = format!("{},{y}", x.display());
        says(
            open(&spec).unwrap_err(),
            &["x.npy is corrupt", "has 16 bytes of data"],
        );
    }
}

#[test]
fn images_have_their_axes_in_the_networks_order() {
    let check = |shape: &[usize], model: &str| {
        let values = vec![0.0; shape.iter().product()];
        let data = Dataset::new("d", shape.to_vec(), values, Targets::Classes(vec![0; 2]));
        data.unwrap().check_inputs(&model.parse().unwrap())
    };
    for shape in [&[2, 3, 32, 32][..], &[2, 3072]] {
        check(shape, "resnet20").unwrap();
        check(shape, "mlp:3072-10").unwrap();
    }
    for shape in [&[2, 28, 28][..], &[2, 1, 28, 28], &[2, 784]] {
        check(shape, "vit:patch=7,image=1x28x28").unwrap();
    }
    says(
        check(&[2, 32, 32, 3], "resnet20").unwrap_err(),
        &["resnet20 takes 3x32x32 inputs per sample, but data d has 32x32x3"],
    );
    says(
        check(&[2, 3, 28, 28], "vgg9").unwrap_err(),
        &["takes 3x32x32 inputs", "has 3x28x28"],
    );
    says(
        check(&[2, 5], "mlp:4-1").unwrap_err(),
        &["mlp:4-1 takes 4 inputs per sample, but data d has 5"],
    );
}

#[test]
fn what_is_missing_or_disagrees_is_named() {
    says(
        open(&at("mlp-2-3-1.safetensors")).unwrap_err(),
        &["no tensor `x`", "store the inputs as x"],
    );
    says(
        open("no/such/file.npz").unwrap_err(),
        &["cannot read no/such/file.npz"],
    );
    let pair = format!("{},{}", at("y.npy"), at("x.npy"));
    assert_eq!(open(&pair).unwrap().shape(), [5]);
    let swapped = Dataset::new("d", vec![2, 2], vec![0.0; 4], Targets::Classes(vec![0; 3]));
    says(swapped.unwrap_err(), &["2 samples x and 3 targets y"]);
    let ragged = Dataset::new("d", vec![2, 2], vec![0.0; 5], Targets::Classes(vec![0; 2]));
    says(ragged.unwrap_err(), &["5 inputs in shape [2, 2]"]);
    let nan = Dataset::new(
        "d",
        vec![2, 2],
        vec![0.0, 0.0, 0.0, f32::NAN],
        Targets::Classes(vec![0; 2]),
    );
    says(nan.unwrap_err(), &["x of sample 1 is NaN"]);
    let y = Targets::Values {
        data: vec![0.0, f32::INFINITY],
        width: 1,
    };
    says(
        Dataset::new("d", vec![2, 1], vec![0.0; 2], y).unwrap_err(),
        &["y of sample 1 is inf"],
    );
    let none = Dataset::new("d", vec![0, 3], vec![], Targets::Classes(vec![]));
    says(none.unwrap_err(), &["d is empty"]);
    says(
        load(&"mnist-1k".parse().unwrap(), None, Split::Test, None).unwrap_err(),
        &["mnist-1k", "no test split"],
    );
}

#[test]
fn files_of_kinds_that_are_not_read_say_what_to_write() {
    for (name, words) in [
        ("x.npy", "X.npy,Y.npy"),
        ("data.pt", "x=x.numpy(), y=y.numpy()"),
        ("data.pkl", "pickles are not run"),
        ("data.mat", "scipy.io.loadmat"),
        ("data.h5", "h5py.File"),
        ("train.bin", "reshape(-1, 128)"),
        ("data.xlsx", "save the sheet as CSV"),
        ("data.feather", "frame.to_parquet"),
        ("table.txt", "the ending .csv"),
        ("data.csv.gz", "unpack it"),
    ] {
        says(name.parse::<DataSpec>().unwrap_err(), &[name, words]);
    }
}

/// Types of NumPy that hold no numbers that are read, with the line that makes such of them.
#[test]
fn arrays_of_other_types_say_what_to_store() {
    let dir = tempfile::tempdir().unwrap();
    for (descr, words) in [
        ("|O", "numpy.array(x.tolist(), dtype=\"float32\")"),
        ("<U3", "numpy.unique(y, return_inverse=True)[1]"),
        ("|S1", "numpy.unique(y, return_inverse=True)[1]"),
        ("<c8", "x.real and x.imag"),
        ("<f16", "x.astype(\"float64\")"),
        ("<M8[D]", "integers and f2, f4, f8 can be read"),
    ] {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2, 2), }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        let bytes = [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), &[0; 64]].concat();
        let path = dir.path().join("x.npy");
        std::fs::write(&path, bytes).unwrap();
        let pair = format!("{},{}", path.display(), at("y.npy"));
        says(open(&pair).unwrap_err(), &["x.npy", descr, words]);
    }
}
