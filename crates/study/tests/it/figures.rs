//! Figures of stored runs: which ones they have, and the files that are asked for.

use landscape_core::{Grid, Measured, Sample, Term};
use landscape_plot::page::PageCurvature;
use landscape_storage::{RunKind, RunSpec, Store};
use landscape_study::StudyError;
use landscape_study::figures::{
    FigureFiles, FigureKind, FigureRequest, FigureSource, Figures, Look, RunContents, page_of,
};
use landscape_study::hessian::{CurvatureRequest, CurvatureStudy};
use landscape_study::runs::{Landscape, LandscapeRequest, TrainRequest, Training};
use landscape_study::trajectory::{ProjectedPaths, TrajectoryRequest};
use std::fs;
use tempfile::TempDir;

/// A database with a training, a line, a plane, a path with its plane, and curvature.
fn stored() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("landscape.duckdb")).expect("a database");
    train(&store).expect("trained");
    for (name, dims) in [("line", 1), ("plane", 2)] {
        sample(&store, name, dims).expect("sampled");
    }
    follow(&store).expect("followed");
    curve(&store).expect("curvature");
    (folder, store)
}

fn train(store: &Store) -> Result<(), StudyError> {
    let mut request = TrainRequest::new("mlp:2-4-1".parse()?);
    request.data.data = Some("moons:n=40".parse()?);
    request.config.epochs = 4;
    request.keep.name = Some("moons".to_owned());
    Training::prepare(&request, &())?.run(store, &()).map(drop)
}

fn sample(store: &Store, name: &str, dims: usize) -> Result<(), StudyError> {
    let mut request = LandscapeRequest {
        dims,
        ..LandscapeRequest::default()
    };
    request.network.run = Some("moons".to_owned());
    request.grid.counts = Some(vec![5]);
    request.keep.name = Some(name.to_owned());
    Landscape::prepare(&request, Some(store), &())?
        .run(store, &())
        .map(drop)
}

fn follow(store: &Store) -> Result<(), StudyError> {
    let mut request = TrajectoryRequest {
        runs: vec!["moons".to_owned()],
        ..TrajectoryRequest::default()
    };
    request.grid.counts = Some(vec![5]);
    request.keep.name = Some("path".to_owned());
    ProjectedPaths::prepare(&request, Some(store), &())?
        .run(store, &())
        .map(drop)
}

fn curve(store: &Store) -> Result<(), StudyError> {
    let mut request = CurvatureRequest {
        top: Some(1),
        density: true,
        lanczos_steps: 5,
        probes: 2,
        ..CurvatureRequest::default()
    };
    request.network.run = Some("moons".to_owned());
    request.keep.name = Some("curvature".to_owned());
    CurvatureStudy::prepare(&request, Some(store), &())?
        .run(store, &())
        .map(drop)
}

#[test]
fn runs_have_the_figures_of_what_they_hold() {
    use FigureKind as K;
    let (_folder, store) = stored();
    let known: [(&str, &[K]); 5] = [
        ("moons", &[K::Losses]),
        ("line", &[K::Line, K::Persistence]),
        (
            "plane",
            &[K::Contour, K::Heatmap, K::Surface, K::Persistence],
        ),
        (
            "path",
            &[
                K::Trajectory,
                K::Contour,
                K::Heatmap,
                K::Surface,
                K::Persistence,
                K::PlaneLosses,
            ],
        ),
        ("curvature", &[K::Spectrum]),
    ];
    for (name, kinds) in known {
        let run = RunContents::load(&store, name).expect("stored");
        let found = run.figures();
        let found_kinds: Vec<K> = found.iter().map(|figure| figure.kind).collect();
        assert_eq!(found_kinds, kinds, "{name}");
        for &kind in K::ALL {
            let drawn = run.draw(kind, &Look::default());
            assert_eq!(drawn.is_ok(), kinds.contains(&kind), "{name}: {kind}");
        }
    }
    let path = RunContents::load(&store, "path").expect("stored");
    assert_eq!(path.figures()[0].source, FigureSource::PathsOnLandscape);
}

#[test]
fn several_runs_are_files_of_their_own_or_one_page() {
    let (folder, store) = stored();
    let file = |name: &str| folder.path().join(name);
    let request = FigureRequest::new(["plane", "path"], file("all.svg"));
    let drawn = Figures::prepare(&request, &store).and_then(|figures| figures.run());
    let drawn = drawn.expect("drawn").files;
    assert_eq!(drawn, [file("all-plane.svg"), file("all-path.svg")]);
    assert!(drawn.iter().all(|file| file.exists()) && !file("all.svg").exists());
    let files = FigureFiles {
        output: vec![file("plane.html"), file("plane.png")],
        ..FigureFiles::default()
    };
    files.check().expect("they can be written");
    let drawn = files.draw("plane", &store).expect("drawn").files;
    assert_eq!(drawn, files.output);
    let page = fs::read_to_string(file("plane.html")).expect("UTF-8");
    assert!(page.starts_with("<!doctype html>"));
    // Nothing is replaced unasked.
    assert!(matches!(files.check(), Err(StudyError::Exists { .. })));
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let (folder, store) = stored();
    let refused = |name: &str, kind: Option<FigureKind>, file: &str, path: Option<&str>| {
        let mut request = FigureRequest::new([name], folder.path().join(file));
        request.kind = kind;
        request.look.path = path.map(str::to_owned);
        let figures = Figures::prepare(&request, &store);
        let error = figures.and_then(|figures| figures.run()).expect_err(name);
        assert!(!folder.path().join(file).exists());
        error
    };
    let trajectory = Some(FigureKind::Trajectory);
    assert!(matches!(
        refused("plane", None, "a.jpg", None),
        StudyError::NoPicture { .. }
    ));
    assert!(matches!(
        refused("path", trajectory, "a.svg", Some("other")),
        StudyError::UnknownPath { known, .. } if known == ["moons"]
    ));
    assert!(matches!(
        refused("plane", Some(FigureKind::Spectrum), "a.svg", None),
        StudyError::NoCurvature { trained: Some(trained), .. } if trained == "moons"
    ));
    let error = refused("moons", Some(FigureKind::Contour), "a.svg", None);
    assert_eq!(error.to_string(), "run `moons` (train) has no landscape");
}

/// Without a landscape a page shows what there is.
#[test]
fn trainings_and_paths_have_pages() {
    let (folder, store) = stored();
    let page = |names: &[&str]| {
        let runs = names.iter().map(|name| RunContents::load(&store, name));
        let runs = runs.collect::<Result<Vec<_>, _>>().expect("loaded");
        page_of(&runs, None).expect("a page")
    };
    let headings = |names: &[&str]| {
        let found = page(names).curvature;
        let heading = |section: &PageCurvature| {
            let heading = section.heading.as_deref().unwrap_or("Curvature");
            format!("{heading}: {}, {}", section.name, section.figures.len())
        };
        found.iter().map(heading).collect::<Vec<_>>()
    };
    assert_eq!(headings(&["moons"]), ["Training: moons, 1"]);
    let mut other = TrainRequest::new("mlp:2-3-1".parse().expect("a network"));
    other.data.data = Some("moons:n=40".parse().expect("data"));
    other.config.epochs = 2;
    other.keep.name = Some("other".to_owned());
    let training = Training::prepare(&other, &()).expect("prepared");
    training.run(&store, &()).expect("trained");
    assert_eq!(
        headings(&["moons", "other"]),
        [
            "Trainings: moons, other, 1",
            "Training: moons, 0",
            "Training: other, 0"
        ]
    );
    let mut bare = TrajectoryRequest {
        runs: vec!["moons".to_owned()],
        ..TrajectoryRequest::default()
    };
    bare.keep.name = Some("bare".to_owned());
    let paths = ProjectedPaths::prepare(&bare, Some(&store), &()).expect("prepared");
    paths.run(&store, &()).expect("projected");
    assert_eq!(headings(&["bare"]), ["Path: bare, 1"]);
    // Beside a landscape a training is its curve there.
    assert_eq!(headings(&["moons", "plane"]), [""; 0]);
    assert_eq!(page(&["moons", "plane"]).runs[0].curves.len(), 1);
    drop(folder);
}

#[test]
fn a_landscape_in_a_file_is_a_run_that_is_not_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("plane.csv");
    fs::write(
        &file,
        "i,j,alpha,beta,loss\n0,0,0,0,1\n0,1,0,1,2\n1,0,1,0,3\n1,1,1,1,4\n",
    )
    .expect("written");
    let (run, _) = RunContents::read(&file).expect("read");
    assert_eq!((run.run.name.as_str(), run.dims()), ("plane.csv", 2));
    assert_eq!(
        page_of(&[run], None).expect("a page").runs[0].name,
        "plane.csv"
    );
    assert!(RunContents::read(&folder.path().join("none.csv")).is_err());
    assert!(RunContents::read(&folder.path().join("plane.txt")).is_err());
}

#[test]
fn requests_are_written_and_read() {
    let mut request = FigureRequest::new(["plane"], "plane.svg");
    request.kind = Some(FigureKind::PlaneLosses);
    request.look.log = true;
    request.look.clip.high = Some(2.0);
    let json = serde_json::to_string(&request).expect("JSON");
    assert_eq!(
        serde_json::from_str::<FigureRequest>(&json).expect("read"),
        request
    );
    let short = r#"{"runs": ["plane"], "output": "plane.svg"}"#;
    let read: FigureRequest = serde_json::from_str(short).expect("read");
    assert_eq!(read, FigureRequest::new(["plane"], "plane.svg"));
}

/// Terms are known by their names: each run may hold them in an order of its own.
#[test]
fn a_term_has_one_scale_wherever_it_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("landscape.duckdb")).expect("a database");
    let grid = Grid::square(5, 1.0, 2).expect("a grid");
    let weighted = |name: &str| Term {
        name: name.to_owned(),
        weight: 1.0,
    };
    for (name, terms, largest) in [("ab", ["a", "b"], 1.0), ("ba", ["b", "a"], 2.0)] {
        let spec = RunSpec::new(RunKind::Surface, serde_json::json!({"name": name})).named(name);
        let terms = terms.map(weighted);
        let (run, _) = store
            .begin_surface(&spec, &grid, &terms, None)
            .expect("begun");
        let of = |term: &Term, index: usize| match term.name.as_str() {
            "a" => largest * index as f64 / 24.0,
            _ => 100.0 + 900.0 * index as f64 / 24.0,
        };
        let point = |index: usize| Measured {
            index,
            sample: Sample {
                loss: 0.0,
                loss_se: None,
                accuracy: None,
                terms: terms.iter().map(|term| of(term, index)).collect(),
            },
        };
        let points: Vec<Measured> = (0..grid.len()).map(point).collect();
        store.append_points(&run, &points).expect("stored");
    }
    let mut request = FigureRequest::new(["ab", "ba"], folder.path().join("a.svg"));
    request.look.shared_scale = true;
    request.look.value = "a".parse().expect("a name");
    let drawn = Figures::prepare(&request, &store).and_then(|figures| figures.run());
    let bars = drawn.expect("drawn").files.into_iter().map(|file| {
        let svg = fs::read_to_string(file).expect("UTF-8");
        let words = svg.split("<text ").skip(1);
        let words = words.filter_map(|text| text.split('>').nth(1)?.split('<').next());
        let numbers = words.filter_map(|word| word.replace('\u{2212}', "-").parse().ok());
        numbers.fold(0.0, f64::max)
    });
    // The largest number on each page is on its bar: both reach to where the second run does, not to the other term.
    let bars: Vec<f64> = bars.collect();
    assert_eq!(bars[0], bars[1]);
    assert!((1.5..=2.0).contains(&bars[0]), "{bars:?}");
}

/// A database with planes of `c x² + y²`, by name.
fn bowls(of: &[(&str, f64, usize)]) -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("landscape.duckdb")).expect("a database");
    for &(name, c, side) in of {
        let grid = Grid::square(side, 1.0, 2).expect("a grid");
        let spec = RunSpec::new(RunKind::Surface, serde_json::json!({"name": name})).named(name);
        let begun = store.begin_surface(&spec, &grid, &[], None);
        let (run, _) = begun.expect("begun");
        let point = |index: usize| {
            let [x, y, _] = grid.point(index);
            let sample = Sample {
                loss: c * x * x + y * y,
                accuracy: Some(0.5),
                ..Sample::default()
            };
            Measured { index, sample }
        };
        let points: Vec<Measured> = (0..grid.len()).map(point).collect();
        store.append_points(&run, &points).expect("stored");
    }
    (folder, store)
}

#[test]
fn runs_are_subtracted_point_by_point() {
    let (folder, store) = bowls(&[
        ("a", 1.0, 5),
        ("b", 3.0, 5),
        ("c", 0.5, 5),
        ("other", 1.0, 7),
    ]);
    let of = |names: &[&str]| {
        let file = folder.path().join("difference.svg");
        let mut request = FigureRequest::new(names.iter().copied(), file);
        request.look.difference = true;
        Figures::prepare(&request, &store)
    };
    let figures = of(&["a", "b", "c"]).expect("prepared");
    let names: Vec<&str> = figures
        .runs
        .iter()
        .map(|run| run.run.name.as_str())
        .collect();
    assert_eq!(names, ["b − a", "c − a"]);
    for (run, factor) in figures.runs.iter().zip([2.0, -0.5]) {
        let surface = run.landscape().expect("a plane");
        for index in 0..surface.grid().len() {
            let [x, ..] = surface.grid().point(index);
            let sample = surface.get(index).expect("known");
            assert!((sample.loss - factor * x * x).abs() < 1e-15);
            assert_eq!(sample.accuracy, Some(0.0));
        }
    }
    let drawn = of(&["a", "b"])
        .and_then(|figures| figures.run())
        .expect("drawn");
    let svg = fs::read_to_string(&drawn.files[0]).expect("UTF-8");
    assert!(svg.contains("difference of loss"), "{svg}");
    let refused = |names: &[&str]| of(names).expect_err("refused").to_string();
    assert!(refused(&["a", "other"]).contains("runs `a` and `other` have different points"));
    assert!(refused(&["a"]).contains("at least two"));
}

#[test]
fn planes_are_drawn_along_a_line() {
    let (folder, store) = bowls(&[("a", 1.0, 5), ("b", 3.0, 5)]);
    let mut request = FigureRequest::new(["a", "b"], folder.path().join("line.svg"));
    request.look.along = Some("-1,-1:1,1".parse().expect("a line"));
    let drawn = Figures::prepare(&request, &store).and_then(|figures| figures.run());
    let files = drawn.expect("drawn").files;
    assert_eq!(files.len(), 1);
    let svg = fs::read_to_string(&files[0]).expect("UTF-8");
    for words in ["distance from A", "A = (−1, −1)", ">a<", ">b<"] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
}
