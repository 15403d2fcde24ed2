//! Images in folders, one folder a class.

mod decode;
mod resize;

use super::normalisation::{Normalisation, Scale};
use super::settings::{Setting, settings, with_settings};
use super::{Dataset, Split};
use crate::{ModelsError, Targets};
use decode::Image;
use landscape_core::{counted, free_memory, path_words};
use landscape_files::Size;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder with a folder of PNG and JPEG images for each class:
/// `FOLDER/[:resize=256,size=224,channels=1,mean=...,std=...]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FolderSpec {
    /// The folder.
    pub path: PathBuf,
    /// The length of the shorter side that images are brought to; that of `size` where absent.
    pub resize: Option<usize>,
    /// Rows and columns that are cut out of the middle; all of an image where absent.
    pub size: Option<[usize; 2]>,
    /// Whether images become grey; else they become red, green and blue.
    pub grey: bool,
    /// What is done to the bytes; without a factor, `byte / 255` goes before.
    pub normalisation: Normalisation,
}

/// The longest side of an image.
const MAX_SIDE: usize = 16_384;

impl FolderSpec {
    /// A folder and the settings behind its name.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let mut spec = FolderSpec {
            // Without the last slash.
            path: path.components().collect(),
            ..FolderSpec::default()
        };
        for setting in settings(text)? {
            match setting.key {
                "resize" => spec.resize = Some(side(&setting, setting.one()?)?),
                "size" => {
                    let given = setting.one()?;
                    let (rows, columns) = given.split_once('x').unwrap_or((given, given));
                    spec.size = Some([side(&setting, rows)?, side(&setting, columns)?]);
                }
                "channels" => {
                    spec.grey = match setting.one()? {
                        "1" => true,
                        "3" => false,
                        _ => return Err("channels must be 1 or 3".to_owned()),
                    }
                }
                _ if spec.normalisation.take(&setting)? => {}
                other => {
                    return Err(format!(
                        "unknown setting `{other}`; resize, size, channels, scale, mean, std"
                    ));
                }
            }
        }
        match (spec.resize, spec.size) {
            (Some(resize), Some(size)) if size.iter().any(|&side| side > resize) => {
                Err("size must not be larger than resize".to_owned())
            }
            _ => Ok(spec),
        }
    }

    /// What becomes of a byte.
    pub(super) fn of_bytes(&self) -> Normalisation {
        Normalisation {
            scale: self.normalisation.scale.or(Some(Scale::BYTES)),
            ..self.normalisation.clone()
        }
    }

    /// The same in words, after what is done to the image.
    pub(super) fn words(&self) -> String {
        let mut words = Vec::new();
        if let Some(short) = self.shorter_side() {
            words.push(format!("shorter side {short}"));
        }
        if let Some([rows, columns]) = self.size {
            words.push(format!("centre {rows}x{columns}"));
        }
        words.extend(self.of_bytes().words());
        words.join(", ")
    }

    /// The length of the shorter side that an image is brought to.
    fn shorter_side(&self) -> Option<usize> {
        self.resize
            .or(self.size.map(|[rows, columns]| rows.max(columns)))
    }

    fn settings(&self) -> Vec<String> {
        let resize = self.resize.map(|side| format!("resize={side}"));
        let size = self.size.map(|[rows, columns]| match rows == columns {
            true => format!("size={rows}"),
            false => format!("size={rows}x{columns}"),
        });
        let channels = self.grey.then(|| "channels=1".to_owned());
        let all = [resize, size, channels].into_iter().flatten();
        all.chain(self.normalisation.settings()).collect()
    }
}

impl fmt::Display for FolderSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // With a slash at the end, by which folders are known.
        f.write_str(&with_settings(&self.path.join(""), &self.settings()))
    }
}

fn side(setting: &Setting<'_>, text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    let number = number.filter(|side| (1..=MAX_SIDE).contains(side));
    number.ok_or_else(|| {
        format!(
            "`{}={text}`: {0} must be a whole number from 1 to {MAX_SIDE}",
            setting.key
        )
    })
}

/// The images of a part, in the order of their classes and names; the first `samples` of them.
pub(super) fn load(
    spec: &FolderSpec,
    split: Split,
    samples: Option<usize>,
) -> Result<Dataset, ModelsError> {
    let found = Found::of(spec, split)?;
    let name = match found.part {
        true => format!("{spec} ({split})"),
        false => spec.to_string(),
    };
    let available = found.images.len();
    if let Some(asked) = samples.filter(|&asked| asked > available) {
        return Err(ModelsError::TooFewSamples {
            name,
            asked,
            available,
        });
    }
    let wanted = &found.images[..samples.unwrap_or(available)];
    let (mut x, mut labels) = (Vec::new(), Vec::with_capacity(wanted.len()));
    let mut first: Option<([usize; 3], &Path)> = None;
    for (path, class) in wanted {
        let image = prepared(spec, path)?;
        match first {
            None => {
                plan(&name, wanted.len(), image.pixels.len())?;
                first = Some((image.shape(), path));
            }
            Some((shape, before)) if shape != image.shape() => {
                let [_, rows, columns] = image.shape();
                let reason = format!(
                    "{} has {rows}x{columns} pixels, {} {}x{}; bring all to one size, as in size=224",
                    path_words(path),
                    path_words(before),
                    shape[1],
                    shape[2]
                );
                return Err(ModelsError::DataShape { name, reason });
            }
            Some(_) => {}
        }
        x.extend(image.pixels.iter().map(|&byte| f32::from(byte)));
        labels.push(*class);
    }
    let Some(([channels, rows, columns], _)) = first else {
        return Err(ModelsError::EmptyData { name });
    };
    let sample = [channels, rows, columns];
    let normalised = spec.of_bytes().apply_to(&mut x, &sample);
    normalised.map_err(|reason| ModelsError::BadData {
        spec: spec.to_string(),
        reason,
    })?;
    let shape = vec![wanted.len(), channels, rows, columns];
    let data = Dataset::new(name, shape, x, Targets::Classes(labels))?;
    Ok(data.with_notes(found.notes(spec)))
}

/// Checks that there is memory for all images.
fn plan(name: &str, images: usize, values: usize) -> Result<(), ModelsError> {
    let needed = (images as u64)
        .saturating_mul(values as u64)
        .saturating_mul(size_of::<f32>() as u64);
    match free_memory().filter(|&free| needed > free) {
        None => Ok(()),
        Some(free) => Err(ModelsError::DataShape {
            name: name.to_owned(),
            reason: format!(
                "its {} need {} of memory, and {} are free; take fewer samples, or a smaller size",
                counted(images, "image"),
                Size(needed),
                Size(free)
            ),
        }),
    }
}

/// An image in its size and colours, channel by channel.
fn prepared(spec: &FolderSpec, path: &Path) -> Result<Image, ModelsError> {
    let mut image = decode::read(path)?;
    if spec.grey {
        image = image.grey();
    }
    if let Some(side) = spec.shorter_side() {
        image = resize::shorter_side(image, side);
    }
    Ok(match spec.size {
        Some([rows, columns]) => image.centre(rows, columns),
        None => image,
    })
}

/// What lies in a folder.
struct Found {
    /// Names of the classes, in their order.
    classes: Vec<String>,
    /// Images, and the classes that they are of.
    images: Vec<(PathBuf, i64)>,
    /// Files that are passed over.
    others: usize,
    /// Whether it is a part of the data.
    part: bool,
}

impl Found {
    fn of(spec: &FolderSpec, split: Split) -> Result<Self, ModelsError> {
        let top = entries(&spec.path)?.0;
        let named = |names: &[&str]| {
            top.iter().find(|folder| {
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                names.contains(&name.to_lowercase().as_str())
            })
        };
        let train = named(&["train", "training"]);
        let test = named(&["test", "testing", "val", "valid", "validation"]);
        let root = match (split, train, test) {
            (Split::Train, Some(train), _) if test.is_some() || top.len() == 1 => train,
            (Split::Test, Some(_), Some(test)) => test,
            (Split::Train, ..) => &spec.path,
            (Split::Test, ..) => {
                return Err(ModelsError::BadData {
                    spec: spec.to_string(),
                    reason:
                        "it has no test split, which needs folders train and test in it; use the split `train`"
                            .to_owned(),
                });
            }
        };
        let part = *root != spec.path;
        let mut found = Found {
            classes: Vec::new(),
            images: Vec::new(),
            others: 0,
            part,
        };
        let (folders, files) = entries(root)?;
        if folders.is_empty() {
            let reason = match files.iter().any(|file| is_image(file)) {
                true => {
                    "its images are not in folders of their classes; make a folder for each class in it"
                }
                false => {
                    "it has no folders; make one for each class in it, with PNG and JPEG images"
                }
            };
            return Err(ModelsError::unsupported(root, reason));
        }
        for (class, folder) in folders.iter().enumerate() {
            let before = found.images.len();
            let others = found.class(folder, class as i64, DEEPEST)?;
            if found.images.len() == before {
                let reason = match others.as_slice() {
                    [] => "it holds no images; put some in, or remove the folder".to_owned(),
                    [other, ..] => format!(
                        "it holds no PNG or JPEG images, but files such as `{}`; write them as PNG, or remove the folder",
                        path_words(Path::new(other.file_name().unwrap_or_default()))
                    ),
                };
                return Err(ModelsError::unsupported(folder, reason));
            }
            let name = folder.file_name().unwrap_or_default();
            found.classes.push(path_words(Path::new(name)));
        }
        Ok(found)
    }

    /// The images of a class, those of the folders within too, which come behind its own, as torchvision has them; what else
    /// there is.
    fn class(
        &mut self,
        folder: &Path,
        class: i64,
        depth: usize,
    ) -> Result<Vec<PathBuf>, ModelsError> {
        let (folders, files) = entries(folder)?;
        let (images, mut others): (Vec<_>, Vec<_>) = files.into_iter().partition(|f| is_image(f));
        self.images
            .extend(images.into_iter().map(|image| (image, class)));
        self.others += others.len();
        if depth > 0 {
            for inner in &folders {
                others.extend(self.class(inner, class, depth - 1)?);
            }
        }
        Ok(others)
    }

    fn notes(&self, spec: &FolderSpec) -> Vec<String> {
        const SHOWN: usize = 12;
        let shown = self.classes.iter().take(SHOWN);
        let shown: Vec<String> = shown.map(|name| format!("`{name}`")).collect();
        let more = match self.classes.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let classes = match self.classes.len() {
            1 => "1 class".to_owned(),
            n => format!("{n} classes"),
        };
        let mut notes = vec![
            format!(
                "{classes}, in alphabetical order from 0: {}{more}",
                shown.join(", ")
            ),
            format!("inputs become {}", spec.words()),
        ];
        if self.others > 0 {
            notes.push(format!(
                "{} left out: PNG and JPEG images are read",
                landscape_core::counted_are(self.others, "file")
            ));
        }
        notes
    }
}

/// Folders within the folder of a class that are looked into.
const DEEPEST: usize = 8;

/// Folders and files in a folder, by their names; hidden ones, and what archives of macOS add, are passed over.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), ModelsError> {
    let failed = |source| ModelsError::read(folder, source);
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX" {
            continue;
        }
        let path = entry.path();
        match path.is_dir() {
            true => folders.push(path),
            false => files.push(path),
        }
    }
    folders.sort_unstable();
    files.sort_unstable();
    Ok((folders, files))
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    matches!(ending.to_lowercase().as_str(), "png" | "jpg" | "jpeg")
}
