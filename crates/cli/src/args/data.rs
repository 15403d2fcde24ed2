use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const DATA: &str = examples!["data get mnist", "data get cifar10 --dir ~/data"];
/// Standard data sets: get their files
#[derive(Debug, Args)]
#[command(before_help = DATA, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct StandardArgs {
    #[command(subcommand)]
    pub action: StandardAction,
}

/// What is done with a data set.
#[derive(Debug, Subcommand)]
pub enum StandardAction {
    Get(GetArgs),
}

/// Download a data set's files, or the rest of them, and verify their checksums
#[derive(Debug, Args)]
#[command(before_help = examples![
    "data get mnist",
    "data get cifar10 --dir ~/data",
    "data get mnist --url https://example.org/mirror/mnist",
])]
pub struct GetArgs {
    /// Which set
    #[arg(value_enum)]
    pub set: SetName,
    /// Where to put the files, which go into DIR/mnist, DIR/cifar-10-batches-bin or DIR/cifar-100-binary, and --data-dir DIR finds
    /// them
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Folder of the archives on another server
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// A data set with files of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SetName {
    /// Handwritten digits, 4 files, 11 MB to download
    Mnist,
    /// Photographs of 10 classes, 6 files, 170 MB to download
    Cifar10,
    /// Photographs of 100 classes, 2 files, 169 MB to download
    Cifar100,
}
