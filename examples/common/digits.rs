//! Digits to learn, and others to test with.

use loss_landscape::models::{Dataset, Split, Targets, load};
use std::error::Error;
use std::path::Path;

/// Of the thousand built-in images so many train; the rest tests.
const TRAINING: usize = 800;

/// Images to learn, and images that no network has seen.
pub struct Digits {
    pub train: Dataset,
    pub test: Dataset,
}

impl Digits {
    /// The first `most` training images and all test images of MNIST in a folder, as `landscape data get mnist` fills it; without
    /// a folder 800 and 200 of those that are built in.
    pub fn load(folder: Option<&Path>, most: Option<usize>) -> Result<Self, Box<dyn Error>> {
        let Some(folder) = folder else {
            let all = load(
                &"mnist-1k:pixels=standard".parse()?,
                None,
                Split::Train,
                None,
            )?;
            println!("images: {TRAINING} of the built-in ones, the rest to test with");
            let test = after(&all, TRAINING)?;
            let train = all.take(TRAINING)?;
            return Ok(Digits { train, test });
        };
        let spec = "mnist".parse()?;
        let of = |split, most| load(&spec, Some(folder), split, most);
        let (train, test) = (of(Split::Train, most)?, of(Split::Test, None)?);
        println!(
            "images: {} of MNIST, {} to test with",
            train.len(),
            test.len()
        );
        Ok(Digits { train, test })
    }
}

/// The images after the first `n`.
fn after(data: &Dataset, n: usize) -> Result<Dataset, Box<dyn Error>> {
    let Targets::Classes(labels) = data.y() else {
        return Err("digits have classes".into());
    };
    let (features, left) = (data.features(), data.len() - n);
    let x = data.x()[n * features..].to_vec();
    let y = Targets::Classes(labels[n..].to_vec());
    Ok(Dataset::new(
        "mnist-1k, the rest",
        vec![left, features],
        x,
        y,
    )?)
}
