//! Files of arrays under names of their own: which are taken, what is done to them, what is said.

use crate::support::says;
use landscape_models::{DataSpec, Dataset, LossKind, ModelsError, Split, Targets, load};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::path::{Path, PathBuf};

/// Name, type, shape and values of an array.
type Made<'a> = (&'a str, Dtype, &'a [usize], &'a [i64]);

fn write(dir: &Path, arrays: &[Made<'_>]) -> PathBuf {
    let bytes: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = arrays
        .iter()
        .map(|(name, dtype, shape, values)| {
            let bytes = values.iter().flat_map(|&value| match dtype {
                Dtype::U8 => vec![value as u8],
                Dtype::I64 => value.to_le_bytes().to_vec(),
                _ => (value as f32).to_le_bytes().to_vec(),
            });
            ((*name).to_owned(), *dtype, shape.to_vec(), bytes.collect())
        })
        .collect();
    let views = bytes.iter().map(|(name, dtype, shape, bytes)| {
        (
            name.clone(),
            TensorView::new(*dtype, shape.clone(), bytes).unwrap(),
        )
    });
    let path = dir.join("d.safetensors");
    let file = safetensors::serialize(views, None).unwrap();
    std::fs::write(&path, file).unwrap();
    path
}

fn open(path: &Path, settings: &str, split: Split) -> Result<Dataset, ModelsError> {
    let spec: DataSpec = format!("{}{settings}", path.display()).parse()?;
    assert_eq!(spec.to_string().parse::<DataSpec>().unwrap(), spec);
    load(&spec, None, split, None)
}

const X: Made<'_> = ("x", Dtype::F32, &[2, 3], &[1, 2, 3, 4, 5, 6]);
const Y: Made<'_> = ("y", Dtype::I64, &[2], &[1, 0]);

fn named<'a>(made: Made<'a>, name: &'a str) -> Made<'a> {
    (name, made.1, made.2, made.3)
}

#[test]
fn usual_names_are_found_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let plain = open(&write(dir.path(), &[X, Y]), "", Split::Train).unwrap();
    assert!(plain.notes().is_empty());
    for (x, y) in [
        ("images", "labels"),
        ("X", "Y"),
        ("inputs", "targets"),
        ("data", "target"),
        ("x_train", "y_train"),
        ("train_images", "train_labels"),
        ("arr_0", "arr_1"),
    ] {
        let data = open(
            &write(dir.path(), &[named(X, x), named(Y, y)]),
            "",
            Split::Train,
        )
        .unwrap();
        assert_eq!((data.x(), data.y()), (plain.x(), plain.y()));
        assert_eq!(data.digest(), plain.digest(), "the same numbers");
        let notes = data.notes().join("; ");
        says(
            &notes,
            &[
                &format!("inputs are the array `{x}`"),
                &format!("targets are the array `{y}`"),
            ],
        );
    }
    // x and y count before all others.
    let both = write(dir.path(), &[X, Y, named(X, "images"), named(Y, "labels")]);
    assert!(open(&both, "", Split::Train).unwrap().notes().is_empty());
}

#[test]
fn a_part_of_the_data_has_arrays_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let test = [
        ("x_test", Dtype::F32, &[1, 3][..], &[7, 8, 9][..]),
        ("y_test", Dtype::I64, &[1], &[1]),
    ];
    let arrays = [named(X, "x_train"), named(Y, "y_train"), test[0], test[1]];
    let path = write(dir.path(), &arrays);
    assert_eq!(open(&path, "", Split::Train).unwrap().len(), 2);
    let data = open(&path, "", Split::Test).unwrap();
    assert_eq!(data.x(), [7.0, 8.0, 9.0]);
    assert_eq!(data.y(), &Targets::Classes(vec![1]));
    let path = write(dir.path(), &[X, Y]);
    says(
        open(&path, "", Split::Test).unwrap_err(),
        &["no test split", "x_test", "its arrays are `x`, `y`"],
    );
}

#[test]
fn names_that_are_not_clear_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let error = |arrays: &[Made<'_>], settings: &str| {
        open(&write(dir.path(), arrays), settings, Split::Train).unwrap_err()
    };
    says(
        error(&[named(X, "a"), named(Y, "b")], ""),
        &[
            "no tensor `x`",
            "its arrays are `a`, `b`",
            "d.safetensors:x=ARRAY,y=ARRAY",
        ],
    );
    says(error(&[X, named(Y, "b")], ""), &["no tensor `y`", "y=none"]);
    says(
        error(&[named(X, "images"), named(X, "features"), Y], ""),
        &[
            "`features`",
            "`images`",
            "may all be the inputs",
            ":x=ARRAY",
        ],
    );
    says(error(&[X, Y], ":x=z"), &["no array `z`", "`x`, `y`"]);
    says(
        error(&[X, Y], ":x"),
        &["`x` is not a setting of the form key=value"],
    );
    says(error(&[X, Y], ":x=x,x=y"), &["`x` is given twice"]);
    says(error(&[X, Y], ":std=0"), &["std must be greater than 0"]);
    says(
        error(&[X, Y], ":mean=1,2"),
        &["mean has 2 numbers", "3 along its first axis"],
    );
    says(
        error(&[X, Y], ":scale=1/0"),
        &["scale must be a number other than 0"],
    );
}

#[test]
fn several_inputs_have_names() {
    let dir = tempfile::tempdir().unwrap();
    let ids = (
        "tokens",
        Dtype::I64,
        &[2, 3][..],
        &[7, 0, 5, 1, 2, 50_000][..],
    );
    let mask = ("mask", Dtype::U8, &[2, 3][..], &[1, 1, 0, 1, 1, 1][..]);
    let path = write(dir.path(), &[ids, mask, named(Y, "labels")]);
    let data = open(&path, ":ids=tokens,mask=mask,y=labels", Split::Train).unwrap();
    let names: Vec<&str> = data
        .named_inputs()
        .iter()
        .map(|input| input.name())
        .collect();
    assert_eq!(names, ["ids", "mask"]);
    let ids = data.input("ids").unwrap();
    assert_eq!(ids.integers().unwrap(), [7, 0, 5, 1, 2, 50_000]);
    assert_eq!(
        (ids.shape(), ids.sample_shape(), ids.features()),
        (&[2, 3][..], &[3][..], 3)
    );
    assert_eq!(data.input("mask").unwrap().values()[..3], [1.0, 1.0, 0.0]);
    assert!(data.input("x").is_none());
    let first = data.clone().take(1).unwrap();
    assert_eq!(first.input("mask").unwrap().values(), [1.0, 1.0, 0.0]);
    assert_ne!(first.digest(), data.digest());
    let other = open(&path, ":mask=mask,ids=tokens,y=labels", Split::Train).unwrap();
    assert_ne!(other.digest(), data.digest());
    says(
        data.check_inputs(&"mlp:3-2".parse().unwrap()).unwrap_err(),
        &["takes one input", "has 2: ids, mask", "name one"],
    );
    let short = ("mask", Dtype::U8, &[1, 3][..], &[1, 1, 0][..]);
    let path = write(dir.path(), &[X, short, Y]);
    says(
        open(&path, ":a=x,b=mask", Split::Train).unwrap_err(),
        &["2 samples of input `a` and 1 of `b`"],
    );
}

/// Without targets each token's is the next one; HF's and PyTorch's way of saying that there is none is -100.
#[test]
fn tokens_without_targets_have_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let ids = (
        "input_ids",
        Dtype::I64,
        &[2, 3][..],
        &[7, 0, 5, 1, 2, 9][..],
    );
    let data = open(&write(dir.path(), &[ids]), "", Split::Train).unwrap();
    assert_eq!(data.y().integers().unwrap(), [0, 5, -100, 2, 9, -100]);
    assert_eq!(data.target_shape(), [3]);
    says(
        data.notes().join("; "),
        &["the target of each token is the next one"],
    );
    // Numbers are not tokens.
    says(
        open(&write(dir.path(), &[X]), "", Split::Train).unwrap_err(),
        &["no tensor `y`"],
    );
    let none = open(&write(dir.path(), &[X]), ":y=none", Split::Train).unwrap();
    assert_eq!(none.y(), &Targets::None(2));
    let unsuited = none.y().suited_to(LossKind::Mse, 1, "d").unwrap_err();
    says(unsuited, &["there are no targets"]);
}

#[test]
fn targets_of_any_shape_keep_it() {
    let dir = tempfile::tempdir().unwrap();
    let y = (
        "y",
        Dtype::I64,
        &[2, 2, 2][..],
        &[0, 1, 2, 3, 4, 5, 6, 7][..],
    );
    let data = open(&write(dir.path(), &[X, y]), "", Split::Train).unwrap();
    assert_eq!(data.target_shape(), [2, 2]);
    assert_eq!(data.y().integers().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(data.take(1).unwrap().y().len(), 1);
    let data = open(&write(dir.path(), &[X, Y]), "", Split::Train).unwrap();
    assert!(data.target_shape().is_empty());
}

/// In the f32 operations of torchvision's `ToTensor` and `Normalize`.
#[test]
fn inputs_are_normalised_as_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let images = ("x", Dtype::U8, &[1, 2, 1, 2][..], &[0, 255, 51, 128][..]);
    let path = write(dir.path(), &[images, ("y", Dtype::I64, &[1], &[0])]);
    let read = |settings: &str| open(&path, settings, Split::Train);
    assert_eq!(read("").unwrap().x(), [0.0, 255.0, 51.0, 128.0]);
    let unit = [0.0, 1.0, 51.0 / 255.0, 128.0f32 / 255.0];
    assert_eq!(read(":scale=1/255").unwrap().x(), unit);
    let data = read(":scale=1/255,mean=0.5,0.25,std=0.5,2").unwrap();
    let right = [
        (unit[0] - 0.5) / 0.5,
        (unit[1] - 0.5) / 0.5,
        (unit[2] - 0.25) / 2.0,
        (unit[3] - 0.25) / 2.0,
    ];
    assert_eq!(data.x(), right);
    assert_eq!(
        data.notes(),
        ["inputs become (x / 255 - (0.5, 0.25)) / (0.5, 2)"]
    );
    let spec: DataSpec = "d.npz:scale=1/255,mean=0.5,std=0.5".parse().unwrap();
    assert_eq!(spec.preprocessing().unwrap(), "(x / 255 - 0.5) / 0.5");
    says(
        read(":mean=0.5,std=0.5").unwrap_err(),
        &["inputs are bytes", "add scale=1/255", "or scale=1"],
    );
}

/// The case of the digits whose pixels were in [-1, 1].
#[test]
fn standard_images_take_a_mean_and_a_deviation() {
    let read = |name: &str| {
        let spec: DataSpec = name.parse().unwrap();
        assert_eq!(spec.to_string(), name);
        (load(&spec, None, Split::Train, Some(20)).unwrap(), spec)
    };
    let (unit, _) = read("mnist-1k");
    let (own, spec) = read("mnist-1k:mean=0.5,std=0.5");
    for (a, b) in unit.x().iter().zip(own.x()) {
        assert_eq!((a - 0.5) / 0.5, *b);
    }
    assert_eq!(spec.preprocessing().unwrap(), "(x / 255 - 0.5) / 0.5");
    let spec: DataSpec = "cifar10:mean=0.485,0.456,0.406,std=0.229,0.224,0.225"
        .parse()
        .unwrap();
    assert_eq!(
        spec.preprocessing().unwrap(),
        "(x / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)"
    );
    let error = |name: &str| name.parse::<DataSpec>().unwrap_err();
    says(
        error("mnist:mean=0.1,0.2,0.3"),
        &["mean has 3 numbers; give one"],
    );
    says(
        error("cifar10:mean=0.1,std=0"),
        &["std must be greater than 0"],
    );
    says(error("mnist:std=0.5,n=5"), &["unknown setting `n`"]);
}

#[test]
fn names_with_settings_are_read_as_they_are_written() {
    for name in [
        "d.npz",
        "runs:1/d.npz",
        "a=b.npz:x=images,y=labels",
        "d.safetensors:ids=tokens,mask=mask,y=labels",
        "d.npz:x=a,y=none,scale=1/255,mean=0.5,0.4,0.3,std=1,2,3",
        r"$'d\xff.npz':x=images",
        r"$'d\xff.npz'",
        "table.csv:target=price,drop=id,name,mean=1,std=2",
        "table.parquet",
    ] {
        let spec: DataSpec = name.parse().unwrap();
        assert_eq!(spec.to_string(), name);
    }
    // As one word whose quotes are around all of it.
    let spec: DataSpec = r"$'d\xff.npz:x=images'".parse().unwrap();
    assert_eq!(spec.to_string(), r"$'d\xff.npz':x=images");
}

/// Rows with several ones, or none, are not classes: their squared error is said.
#[test]
fn the_loss_that_rows_suggest_is_said_where_it_may_surprise() {
    let suggested = |data: &[f32]| {
        let data = data.to_vec();
        LossKind::suggested(2, &Targets::Values { data, width: 2 })
    };
    let found = suggested(&[1.0, 1.0, 0.0, 1.0]);
    assert_eq!((found.kind, found.usual), (LossKind::Mse, false));
    let found = suggested(&[1.5, 1.0, 0.0, 1.0]);
    assert_eq!((found.kind, found.usual), (LossKind::Mse, true));
    let found = suggested(&[1.0, 0.0, 0.25, 0.75]);
    assert_eq!((found.kind, found.usual), (LossKind::CrossEntropy, false));
    let none = LossKind::suggested(2, &Targets::None(3));
    assert_eq!(none.kind, LossKind::Mse);
}
