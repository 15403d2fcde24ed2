//! # Lesson 6: what shortcuts do
//!
//! The pictures that made loss landscapes known (Li, Xu, Taylor, Studer, Goldstein 2018,
//! arXiv:1712.09913): CIFAR-10 networks with and without shortcuts, each on a plane through its
//! trained weights. Bring checkpoints of PyTorch; the library knows the networks by their names.
//!
//! You learn
//!
//! - how a file of weights becomes a network, and what is said when it is one of another network;
//! - that planes are compared on one scale, with directions that are normalised filter by filter:
//!   a step of 1 is then as long as the weights themselves, in each network;
//! - how the pictures become numbers, and what of the number depends on the range that is looked at;
//! - that what looks convex on a plane is nearly so in all dimensions: the smallest eigenvalue of the Hessian, as a share of the largest,
//!   over the same plane (their figure 7);
//! - how many of the points a sampler would have needed that measures only where it must.
//!
//! ```sh
//! landscape data get cifar10 --dir data
//! cargo run --release --example 06-resnet-shortcuts [FOLDER [CHECKPOINTS data | PLANES]]
//! ```
//!
//! CHECKPOINTS is a folder with any of `resnet20`, `resnet20-noshort`, `resnet56` and
//! `resnet56-noshort`, as `.safetensors`, `.pt`, `.pth` or `.t7`, with the names of the tensors of
//! tomgoldstein/loss-landscape. What is sampled is kept in FOLDER as `NAME.npz`, and the ends of the spectrum as
//! `NAME-ends.npz`; with PLANES, a folder of such files, nothing is sampled, and the pictures are drawn from them. Without any,
//! untrained networks and images of noise take their place, which shows how the lesson runs and nothing else.

mod common;

use burn::tensor::Device;
use common::Output;
use loss_landscape::core::{
    Adaptive, BiasMode, Direction, Distribution, Grid, Normalization, Params, Plane, Rng, Sample,
    Sampler, Source, Surface, Term, Value, from_fn, metrics, orthogonalize,
};
use loss_landscape::models::{
    Dataset, LossKind, ModelSpec, Network, Split, load, load_network_params, save_weights,
    trace_network,
};
use loss_landscape::plot::page::{PageData, PageRun};
use loss_landscape::plot::{
    Figure, Options, PanelOf, Scale, Size, Style, axis_label, contour, side_by_side, surface3d,
};
use loss_landscape::storage::{Format, Store, export_surface, import_surface};
use loss_landscape::study::hessian::{CurvatureRequest, CurvatureStudy};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const NAMES: [&str; 4] = [
    "resnet20",
    "resnet20-noshort",
    "resnet56",
    "resnet56-noshort",
];
const ENDINGS: [&str; 4] = ["safetensors", "pt", "pth", "t7"];
/// How directions are drawn and scaled.
const SEED: u64 = 42;
const NORM: Normalization = Normalization::Filter;
/// What is at the origin, where the networks have learnt something.
const TRAINED: &str = "trained point";

fn main() -> ExitCode {
    match lesson() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn lesson() -> Result<()> {
    let out = Output::of("06-resnet-shortcuts")?;

    let (planes, origin) = match std::env::args_os().nth(2).map(PathBuf::from) {
        Some(folder) if std::env::args_os().len() == 3 => (stored(&folder)?, TRAINED),
        _ => sampled(&out)?,
    };

    // 3. Pictures on one scale: without it, a cliff and a dent have the same colours. The
    //    logarithm keeps the basin visible beside the walls.
    let surfaces: Vec<&Surface> = planes.iter().map(|plane| &plane.surface).collect();
    let log = Options {
        scale: Scale::Log,
        ..Options::default()
    };
    let shared = log.share(&surfaces);
    for Sampled { name, surface, .. } in &planes {
        let mut options = shared.clone();
        options.axes = axes();
        options.title = Some(heading(name));
        options.origin = Some(origin.into());
        out.figure(&format!("{name}-contour"), contour(surface, &options)?)?;
        out.figure(&format!("{name}-surface"), surface3d(surface, &options)?)?;
    }

    // 4. The same in numbers.
    print_metrics(&planes)?;

    // 5. Were all these points needed?
    for Sampled { name, surface, .. } in &planes {
        let (measured, error) = adaptively(surface, 0.01)?;
        let points = surface.grid().len();
        println!(
            "{name}, adaptive to 1%: {measured} of {points} points, largest error {error:.2}%"
        );
    }

    // 6. Is it convex in all dimensions? Both ends of the spectrum over the plane.
    let ends: Vec<(String, &Surface)> = planes
        .iter()
        .filter_map(|plane| Some((heading(&plane.name), plane.ends.as_ref()?)))
        .collect();
    if ends.len() > 1 {
        out.figure("ratio", ratios(&ends, origin)?)?;
    }

    let page = |plane: Sampled| PageRun::new(heading(&plane.name), plane.surface);
    let runs = planes.into_iter().map(page).collect();
    out.page(&PageData::new(
        "CIFAR-10 networks with and without shortcuts",
        runs,
    ))
}

/// 1 and 2. The planes of all checkpoints, and what the weights are.
fn sampled(out: &Output) -> Result<(Vec<Sampled>, &'static str)> {
    // 1. Test images that no network has seen in training, each channel shifted and scaled as it
    //    was there; here the first few, enough for the shape of a landscape.
    let inputs = Inputs::given(out)?;
    let split = Split::Test;
    let data = load(
        &"cifar10".parse()?,
        Some(&inputs.data),
        split,
        Some(inputs.images),
    )?;
    println!("images: {}", data.name());

    // 2. A plane for each checkpoint. All see the same images and the same grid.
    let grid = Grid::square(inputs.points, 1.0, 2)?;
    let mut planes = Vec::new();
    for (name, file) in &inputs.checkpoints {
        let mut plane = Sampled::new(name, file, &data, &grid)?;
        let keep = |surface: &Surface, file: &str| {
            export_surface(surface, Format::Npz, &out.file(file), true)
        };
        keep(&plane.surface, &format!("{name}.npz"))?;
        let ends = ends_of_spectrum(out, name, file, &inputs)?;
        keep(&ends, &format!("{name}-ends.npz"))?;
        plane.ends = Some(ends);
        planes.push(plane);
    }
    Ok((planes, inputs.origin))
}

/// Planes that were sampled before.
fn stored(folder: &Path) -> Result<Vec<Sampled>> {
    let file = |name: &str| folder.join(format!("{name}.npz"));
    let known = NAMES.into_iter().filter(|name| file(name).is_file());
    let read = |name: &str| -> Result<Sampled> {
        let surface = import_surface(&file(name), Format::Npz)?;
        let kept = file(&format!("{name}-ends"));
        let ends = kept.is_file().then(|| import_surface(&kept, Format::Npz));
        Ok(Sampled {
            name: name.to_owned(),
            surface,
            ends: ends.transpose()?,
        })
    };
    let planes: Vec<Sampled> = known.map(read).collect::<Result<_>>()?;
    match planes.is_empty() {
        true => Err(format!(
            "{} has no plane of {}.npz",
            folder.display(),
            NAMES.join(".npz, ")
        )
        .into()),
        false => Ok(planes),
    }
}

/// A network's plane: the losses on it, and the ends of the spectrum, as terms, on a coarser grid.
struct Sampled {
    name: String,
    surface: Surface,
    ends: Option<Surface>,
}

impl Sampled {
    fn new(name: &str, file: &Path, data: &Dataset, grid: &Grid) -> Result<Self> {
        // Every missing, unexpected or mis-shaped tensor is listed if the file is of another network.
        let spec: ModelSpec = name.parse()?;
        let params = load_network_params(file, &spec)?;
        let network = Network::from_params(&spec, &params, &Device::flex())?;
        let plane = random_plane(&params)?;

        let start = Instant::now();
        let trace = trace_network(&network, data, LossKind::CrossEntropy, &[])?;
        let mut surface = Surface::new(grid.clone(), vec![]);
        Sampler::new().run(&trace.objective(&plane, &[])?, &mut surface, &mut [])?;
        let seconds = start.elapsed().as_secs_f64();
        let rate = (grid.len() * data.len()) as f64 / seconds;
        println!(
            "{name}: {} points in {seconds:.1} s, {rate:.0} images/s",
            grid.len()
        );
        Ok(Sampled {
            name: name.to_owned(),
            surface,
            ends: None,
        })
    }
}

/// Names of the terms that hold the largest and the smallest eigenvalue.
const ENDS: [&str; 2] = ["max_eig", "min_eig"];

/// The largest and the smallest eigenvalue of the Hessian at points of the plane; where a search did not end, none.
fn ends_of_spectrum(out: &Output, name: &str, file: &Path, inputs: &Inputs) -> Result<Surface> {
    let store = Store::open(out.file("landscape.duckdb"))?;
    let mut request = CurvatureRequest {
        map: true,
        tolerance: 0.05,
        ..CurvatureRequest::default()
    };
    request.network.model = Some(name.parse()?);
    request.network.weights = Some(file.to_owned());
    request.data.data = Some("cifar10".parse()?);
    request.data.dir = Some(inputs.data.clone());
    request.data.split = Some(Split::Test);
    request.data.samples = Some(inputs.map.0);
    (request.plane.seed, request.plane.orthogonal) = (SEED, true);
    request.grid.counts = Some(vec![inputs.map.1]);
    request.keep.name = Some(format!("{name}-ends"));
    let start = Instant::now();
    let found = CurvatureStudy::prepare(&request, Some(&store), &())?.run(&store, &())?;
    let map = found.map.ok_or("a map was asked for")?;
    let term = |name: &str| Term {
        name: name.into(),
        weight: 0.0,
    };
    let mut surface = Surface::new(map.grid.clone(), ENDS.map(term).to_vec());
    for point in map.points.iter().flatten().filter(|point| point.converged) {
        let terms = vec![point.lambda_max, point.lambda_min];
        let sample = Sample {
            terms,
            ..Sample::of(ratio(point.lambda_max, point.lambda_min))
        };
        surface.set(point.index, sample)?;
    }
    let (points, seconds) = (map.grid.len(), start.elapsed().as_secs_f64());
    println!("{name}: ends of the spectrum at {points} points in {seconds:.1} s");
    Ok(surface)
}

/// How far from convex: 0 where no eigenvalue is negative.
fn ratio(largest: f64, smallest: f64) -> f64 {
    (smallest / largest).abs()
}

/// Where the direction of an axis is from.
fn drawn(stream: u64) -> Source {
    Source::Random {
        seed: SEED,
        stream,
        distribution: Distribution::Gaussian,
    }
}

/// Two random directions as long as the weights, filter by filter, at a right angle. Biases, and
/// scales and shifts of BatchNorm, stay as they are.
fn random_plane(params: &Params) -> Result<Plane> {
    let draw = |stream| {
        let raw = Direction::random(params, Distribution::Gaussian, SEED, stream);
        raw.normalize(params, NORM, BiasMode::Zero)
    };
    let mut directions = vec![draw(0)?, draw(1)?];
    orthogonalize(&mut directions)?;
    Ok(Plane::new(params.clone(), directions)?)
}

/// Names of the axes.
fn axes() -> [Option<String>; 3] {
    [0, 1, 2].map(|k| Some(axis_label(k, &drawn(k as u64), NORM)))
}

/// The ratio of both ends of the spectrum over the planes, on one scale.
fn ratios(ends: &[(String, &Surface)], origin: &str) -> Result<Figure> {
    println!();
    println!(
        "| ends of the spectrum | largest at the centre | smallest there | ratio there | median ratio | largest ratio | below 0.1 |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (name, surface) in ends {
        let centre = |value| surface.interpolate(value, [0.0; 3]).unwrap_or(f64::NAN);
        let mut all: Vec<f64> = surface.losses();
        all.retain(|ratio| ratio.is_finite());
        all.sort_by(f64::total_cmp);
        let [largest, smallest] = [0, 1].map(|term| centre(Value::Term(term)));
        let low = all.iter().filter(|ratio| **ratio < 0.1).count();
        println!(
            "| {name} | {largest:.3} | {smallest:.3} | {:.4} | {:.4} | {:.4} | {:.0}% |",
            centre(Value::Loss),
            all.get(all.len() / 2).unwrap_or(&f64::NAN),
            all.last().unwrap_or(&f64::NAN),
            100.0 * low as f64 / all.len() as f64,
        );
    }
    let panels = ends.iter().map(|(title, surface)| PanelOf {
        title,
        surface,
        paths: &[],
    });
    let options = Options {
        style: Style::of(Size::Double),
        value_label: Some("|λmin / λmax|".into()),
        axes: axes(),
        origin: Some(origin.into()),
        ..Options::default()
    };
    Ok(side_by_side(&panels.collect::<Vec<_>>(), &options)?)
}

/// One line a network. The basin holds what is connected to the lowest point and not more than a
/// tenth of the plane's range above it.
fn print_metrics(planes: &[Sampled]) -> Result<()> {
    println!();
    println!(
        "| network | accuracy | loss | on the plane | convexity | roughness | smoothness | basin width |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for Sampled { name, surface, .. } in planes {
        let m = metrics(surface)?;
        let centre = |value| surface.interpolate(value, [0.0; 3]).unwrap_or(f64::NAN);
        println!(
            "| {name} | {:.1}% | {:.3} | {:.3} to {:.2} | {:.3} | {:.4} | {:.3} | {:.2} |",
            100.0 * centre(Value::Accuracy),
            centre(Value::Loss),
            m.min_loss,
            m.max_loss,
            m.convexity.unwrap_or(f64::NAN),
            m.relative_roughness.unwrap_or(f64::NAN),
            m.smoothness.unwrap_or(f64::NAN),
            m.basin_width,
        );
    }
    println!();
    Ok(())
}

/// How many points adaptive sampling measures on the same grid, and its largest error in percent
/// of the range. What it asks for is looked up here; in earnest, the objective is the network's.
fn adaptively(surface: &Surface, tolerance: f64) -> Result<(usize, f64)> {
    let looked_up = from_fn(|[x, y]: [f64; 2]| {
        let loss = surface.interpolate(Value::Loss, [x, y, 0.0]);
        loss.unwrap_or(f64::NAN)
    });
    let mut sparse = Surface::new(surface.grid().clone(), vec![]);
    Adaptive::new(tolerance)?.run(&Sampler::new(), &looked_up, &mut sparse, &mut [])?;
    let pairs = std::iter::zip(surface.losses(), sparse.losses());
    let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    Ok((sparse.measured(), 100.0 * error / metrics(surface)?.range))
}

/// `resnet20-noshort` in words.
fn heading(name: &str) -> String {
    let (network, how) = match name.strip_suffix("-noshort") {
        Some(network) => (network, "without shortcuts"),
        None => (name, "with shortcuts"),
    };
    format!("{}, {how}", network.replace("resnet", "ResNet-"))
}

/// What the lesson looks at: checkpoints by the names of their networks, the folder of the data,
/// images a point, points an axis, the same for the ends of the spectrum, and what the weights are.
struct Inputs {
    checkpoints: Vec<(String, PathBuf)>,
    data: PathBuf,
    images: usize,
    points: usize,
    map: (usize, usize),
    origin: &'static str,
}

impl Inputs {
    /// Those of the second and third argument, or stand-ins.
    fn given(out: &Output) -> Result<Self> {
        let folders: Vec<PathBuf> = std::env::args_os().skip(2).map(PathBuf::from).collect();
        let (folder, data, images, points, map, origin) = match folders.as_slice() {
            [] => {
                println!("no CHECKPOINTS given: untrained networks and images of noise instead");
                let folder = stand_ins(out)?;
                (folder.clone(), folder, 16, 9, (16, 3), "initial point")
            }
            [checkpoints, data] => (checkpoints.clone(), data.clone(), 128, 33, (16, 9), TRAINED),
            _ => return Err("arguments: [FOLDER [CHECKPOINTS DATA | PLANES]]".into()),
        };
        Ok(Inputs {
            checkpoints: checkpoints(&folder)?,
            data,
            images,
            points,
            map,
            origin,
        })
    }
}

/// The checkpoints in a folder.
fn checkpoints(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let file = |name: &str| {
        let mut files = ENDINGS
            .iter()
            .map(|end| folder.join(format!("{name}.{end}")));
        files.find(|file| file.is_file())
    };
    let found = |name: &&str| Some((name.to_string(), file(name)?));
    let found: Vec<_> = NAMES.iter().filter_map(found).collect();
    match found.is_empty() {
        true => Err(format!(
            "{} has no checkpoint of {}, ending in .{}: put there state dictionaries of PyTorch, \
             trained on CIFAR-10, with the names of tomgoldstein/loss-landscape",
            folder.display(),
            NAMES.join(", "),
            ENDINGS.join(", .")
        )
        .into()),
        false => Ok(found),
    }
}

/// Files of the kinds that the lesson reads: initial weights of the two smaller networks, and
/// CIFAR-10's format, a byte of label and 3,072 of image a record.
fn stand_ins(out: &Output) -> Result<PathBuf> {
    let folder = out.file("stand-ins");
    std::fs::create_dir_all(&folder)?;
    for name in &NAMES[..2] {
        let network = Network::init(&name.parse()?, 42, &Device::flex());
        let file = folder.join(format!("{name}.safetensors"));
        save_weights(file, &network.params())?;
    }
    let mut rng = Rng::new(42, 0);
    let mut records = Vec::new();
    for image in 0..16 {
        records.push(image % 10);
        records.extend((0..3 * 32 * 32).map(|_| rng.below(256) as u8));
    }
    std::fs::write(folder.join("test_batch.bin"), records)?;
    Ok(folder)
}
