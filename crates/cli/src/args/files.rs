use super::DbArgs;
use super::values::choice;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap_complete::Shell;
use landscape_core::Rise;
use landscape_storage::{CurvatureTable, Format, Height, RunKind, RunOrder, Status};
use landscape_study::export::{ExportRequest, Part};
use landscape_study::metrics::ValueName;
use std::path::PathBuf;

/// Figures of a stored landscape: range, convexity, basin, roughness, minima and their barriers, saddles
#[derive(Debug, Args)]
#[command(before_help = examples!["metrics plane", "metrics plane --json", "metrics line --rise 5%,0.5"])]
pub struct MetricsArgs {
    /// A run by name or number
    #[arg(value_name = "RUN")]
    pub name: String,
    /// loss, accuracy, loss-se, total, or the name of an extra term
    #[arg(long, value_name = "NAME", default_value = "loss")]
    pub value: ValueName,
    /// Rises of the loss at which the basins around the networks on a line are measured: of that much, or of that share of
    /// the loss; 10%,0.1 by default
    #[arg(long, value_name = "RISE,...", value_delimiter = ',')]
    pub rise: Vec<Rise>,
    #[command(flatten)]
    pub db: DbArgs,
}

/// Write a stored landscape for other programs
#[derive(Debug, Args)]
#[command(before_help = examples![
    "export plane --format csv > plane.csv",
    "export plane -o plane.h5",
    "export plane --directions -o directions.h5",
    "export plane --height log -o plane.vtp",
    "export path --trajectory -o path.vtp",
    "export path --height log -o path.glb",
    "export curvature --curvature spectrum > spectrum.csv",
])]
pub struct ExportArgs {
    /// A run by name or number
    #[arg(value_name = "RUN")]
    pub name: String,
    /// The format, h5 as in tomgoldstein/loss-landscape, vtk for ParaView, obj and gltf for Blender and slides; by default
    /// from the extension of the file, else csv
    #[arg(long, value_name = "NAME", value_parser = formats(&[]))]
    pub format: Option<Format>,
    /// The file; by default stdout (csv and json)
    #[arg(long, short)]
    pub output: Option<PathBuf>,
    /// Write the directions instead (h5)
    #[arg(long, conflicts_with = "trajectory")]
    pub directions: bool,
    /// Write a path of training instead (h5, vtk)
    #[arg(long)]
    pub trajectory: bool,
    /// Write a table of curvature instead (csv, json, parquet); by default that of the eigenvalues or the map of a run
    /// of `landscape hessian`
    #[arg(
        long,
        value_name = "TABLE",
        value_parser = choice(CurvatureTable::ALL),
        conflicts_with_all = ["directions", "trajectory"]
    )]
    pub curvature: Option<CurvatureTable>,
    /// Which path, by the name of its run, where a run has several
    #[arg(id = "path", long = "path", alias = "label", value_name = "NAME")]
    pub label: Option<String>,
    /// What the height of a mesh shows (vtk, obj, gltf); log is the decimal logarithm of the loss
    #[arg(long, default_value = "loss", value_parser = choice(Height::ALL))]
    pub height: Height,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub db: DbArgs,
}

impl ExportArgs {
    /// What the library is asked for.
    pub fn request(&self) -> ExportRequest {
        ExportRequest {
            run: self.name.clone(),
            part: match (self.directions, self.trajectory, self.curvature) {
                (true, ..) => Part::Directions,
                (_, true, _) => Part::Trajectory {
                    label: self.label.clone(),
                },
                (_, _, Some(table)) => Part::Curvature(table),
                _ => Part::Usual,
            },
            format: self.format,
            output: self.output.clone(),
            height: self.height,
            replace: self.force,
        }
    }
}

/// Store a landscape from a file
#[derive(Debug, Args)]
#[command(before_help = examples!["import plane.csv --name theirs", "import surface.h5"])]
pub struct ImportArgs {
    /// The file
    pub file: PathBuf,
    /// The format, h5 as in tomgoldstein/loss-landscape; by default from the extension of the file
    #[arg(long, value_name = "NAME", value_parser = formats(&[Format::Vtk, Format::Obj, Format::Gltf]))]
    pub format: Option<Format>,
    #[command(flatten)]
    pub store: super::StoreArgs,
}

/// List the stored runs
#[derive(Debug, Args)]
#[command(before_help = examples![
    "runs",
    "runs --kind train --status interrupted",
    "runs --match 'compare-*' --sort newest --limit 10 --json",
])]
pub struct RunsArgs {
    /// Only runs of this kind; may be given several times
    #[arg(long, value_name = "KIND", value_parser = choice(RunKind::ALL))]
    pub kind: Vec<RunKind>,
    /// Only runs in this state; may be given several times
    #[arg(long, value_name = "STATE", value_parser = choice(Status::ALL))]
    pub status: Vec<Status>,
    /// Only runs whose name matches: * stands for any characters, ? for one
    #[arg(long = "match", value_name = "PATTERN")]
    pub pattern: Option<String>,
    /// The order: created is oldest first, size is largest first
    #[arg(long, value_name = "ORDER", value_parser = choice(RunOrder::ALL), default_value = "created")]
    pub sort: RunOrder,
    /// At most this many, the first in that order
    #[arg(long)]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub db: DbArgs,
}

/// Everything that is known about a run
#[derive(Debug, Args)]
#[command(before_help = examples!["show plane", "show plane --json"])]
pub struct ShowArgs {
    /// A run by name or number
    #[arg(value_name = "RUN")]
    pub name: String,
    #[command(flatten)]
    pub db: DbArgs,
}

/// Query the database with SQL; nothing can be changed
#[derive(Debug, Args)]
#[command(before_help = examples![
    "sql \"SELECT alpha, beta, loss FROM landscape WHERE run = 'plane' ORDER BY loss LIMIT 5\"",
    "sql \"SHOW TABLES\"",
])]
pub struct SqlArgs {
    /// The query
    pub query: String,
    #[command(flatten)]
    pub db: DbArgs,
}

/// Bring a database of an earlier version up to date
///
/// Every command that writes does so by itself; those that only read leave the file as it is.
#[derive(Debug, Args)]
#[command(before_help = examples!["migrate", "migrate --db older.duckdb"])]
pub struct MigrateArgs {
    #[command(flatten)]
    pub db: DbArgs,
}

/// Remove stored runs
///
/// A run with several names keeps the others, and what it holds. The space is used again by later runs; `landscape
/// compact` gives it back.
#[derive(Debug, Args)]
#[command(before_help = examples!["rm plane", "rm trial-1 trial-2 --dry-run"])]
pub struct RmArgs {
    /// Runs by name, or by number, which is the run with all its names
    #[arg(required = true, value_name = "RUN")]
    pub names: Vec<String>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub db: DbArgs,
}

/// Give a stored run another name
#[derive(Debug, Args)]
#[command(before_help = examples!["rename surface-1 valley"])]
pub struct RenameArgs {
    /// A run by name or number
    #[arg(value_name = "RUN")]
    pub name: String,
    /// The new name
    #[arg(value_name = "NAME", value_parser = super::run_name)]
    pub to: String,
    #[command(flatten)]
    pub db: DbArgs,
}

/// Give back the space that removed runs took
///
/// All that the database holds is copied into a new file, which then takes its place. Needs as much space as that takes.
#[derive(Debug, Args)]
#[command(before_help = examples!["compact", "compact --db large.duckdb"])]
pub struct CompactArgs {
    #[command(flatten)]
    pub db: DbArgs,
}

/// Reads a format by its name, or another usual ending of its files; not these.
fn formats(without: &'static [Format]) -> impl TypedValueParser<Value = Format> {
    let value = |format: &Format| {
        let value = PossibleValue::new(format.name());
        match format {
            Format::H5 => value.alias("hdf5"),
            Format::Vtk => value.aliases(["vtp", "vti"]),
            Format::Gltf => value.alias("glb"),
            _ => value,
        }
    };
    let known = Format::ALL
        .iter()
        .filter(|format| !without.contains(format));
    PossibleValuesParser::new(known.map(value)).try_map(|given| given.parse::<Format>())
}

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(before_help = examples![
    "completions bash > ~/.local/share/bash-completion/completions/landscape",
    "completions zsh > ~/.zfunc/_landscape",
])]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Print the manual page, or write the pages of all commands
#[derive(Debug, Args)]
#[command(before_help = examples!["man | man -l -", "man --out ~/.local/share/man/man1"])]
pub struct ManArgs {
    /// Folder for one page per command
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
