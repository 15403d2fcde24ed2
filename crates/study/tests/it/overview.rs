//! Pages about stored runs: what they say is what the operations say.

use landscape_core::short;
use landscape_plot::page::escape;
use landscape_storage::{RunKind, Store};
use landscape_study::Check;
use landscape_study::StudyError;
use landscape_study::details::RunDetails;
use landscape_study::diagnose::{Diagnosed, DiagnosisRequest};
use landscape_study::hessian::{CurvatureRequest, CurvatureStudy, CurvatureSummary};
use landscape_study::metrics::{LandscapeMetrics, ValueName};
use landscape_study::overview::{Overview, OverviewRequest, PartRequest};
use landscape_study::runs::{Landscape, LandscapeRequest, TrainRequest, Training};
use landscape_study::trajectory::{ProjectedPaths, TrajectoryRequest};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    store: Store,
}

impl Bench {
    /// A database with a training.
    fn new(trained: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().join("landscape.duckdb")).expect("a database");
        let bench = Bench { folder, store };
        bench.train(trained, 1).expect("trained");
        bench
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn train(&self, name: &str, seed: u64) -> Result<(), StudyError> {
        let mut request = TrainRequest::new("mlp:2-4-1:tanh".parse()?);
        request.data.data = Some("moons:n=40".parse()?);
        (request.config.epochs, request.config.seed) = (20, seed);
        request.keep.name = Some(name.to_owned());
        request.keep.replace = true;
        Training::prepare(&request, &())?
            .run(&self.store, &())
            .map(drop)
    }

    fn plane(&self, name: &str, trained: &str, seed: u64, dims: usize) -> Result<(), StudyError> {
        let mut request = LandscapeRequest {
            dims,
            ..LandscapeRequest::default()
        };
        request.network.run = Some(trained.to_owned());
        request.grid.counts = Some(vec![if dims == 3 { 3 } else { 9 }]);
        request.plane.seed = seed;
        request.keep.name = Some(name.to_owned());
        request.keep.command = Some(format!("landscape surface --name {name}"));
        let landscape = Landscape::prepare(&request, Some(&self.store), &())?;
        landscape.run(&self.store, &()).map(drop)
    }

    fn follow(&self, trained: &str) -> Result<(), StudyError> {
        let mut request = TrajectoryRequest {
            runs: vec![trained.to_owned()],
            ..TrajectoryRequest::default()
        };
        request.grid.counts = Some(vec![9]);
        request.keep.name = Some("path".to_owned());
        let paths = ProjectedPaths::prepare(&request, Some(&self.store), &())?;
        paths.run(&self.store, &()).map(drop)
    }

    fn curvature(&self, trained: &str) -> Result<(), StudyError> {
        let mut request = CurvatureRequest {
            top: Some(2),
            bottom: Some(1),
            trace: true,
            density: true,
            lanczos_steps: 8,
            probes: 2,
            ..CurvatureRequest::default()
        };
        request.network.run = Some(trained.to_owned());
        request.keep.name = Some("curvature".to_owned());
        let mut study = CurvatureStudy::prepare(&request, Some(&self.store), &())?;
        study.run(&self.store, &()).map(drop)
    }

    fn report(&self, run: &str, compute: bool) -> (Overview, String) {
        let request = OverviewRequest {
            compute,
            replace: true,
            ..OverviewRequest::new(run, self.file("page.html"))
        };
        let found = request.run(&self.store, &()).expect("a page");
        let page = fs::read_to_string(&request.output).expect("UTF-8");
        (found, page)
    }
}

fn check<'a>(found: &'a Overview, begins: &str) -> &'a Check {
    let mut checks = found.checks.iter();
    let check = checks.find(|check| check.name.starts_with(begins));
    check.unwrap_or_else(|| panic!("no check `{begins}`: {:?}", found.checks))
}

#[test]
fn the_page_says_what_the_operations_say() {
    let bench = Bench::new("moons");
    let Bench { store, .. } = &bench;
    bench.plane("plane", "moons", 42, 2).unwrap();
    bench.plane("other", "moons", 7, 2).unwrap();
    bench.curvature("moons").unwrap();
    let (found, page) = bench.report("plane", false);
    // The loss of the network is that of its record, and that of the plane at 0.
    let details = RunDetails::load(store, "moons").unwrap();
    let last = details.records.last().unwrap();
    let own = found.own.as_ref().unwrap();
    assert_eq!((Some(own.loss), own.accuracy), (last.loss, last.accuracy));
    let origin = check(&found, "loss at the origin");
    assert_eq!((origin.holds, origin.allowed), (Some(true), Some(1e-4)));
    assert_eq!(check(&found, "accuracy at the origin").holds, Some(true));
    // Planes.
    let names: Vec<&str> = found
        .planes
        .iter()
        .map(|plane| plane.run.as_str())
        .collect();
    assert_eq!(names, ["plane", "other"]);
    for plane in &found.planes {
        let metrics = LandscapeMetrics::of(&plane.run, &ValueName::Loss, store).unwrap();
        assert_eq!(plane.metrics.as_ref(), Some(&metrics.metrics));
        assert!(
            page.contains(&short(metrics.metrics.max_loss)),
            "{}",
            plane.run
        );
    }
    let largest: Vec<f64> = { found.planes.iter() }
        .map(|plane| plane.metrics.as_ref().unwrap().max_loss)
        .collect();
    let spread = found
        .spread
        .iter()
        .find(|spread| spread.figure == "max_loss")
        .unwrap();
    let mean = 0.5 * (largest[0] + largest[1]);
    assert!((spread.mean - mean).abs() < 1e-12);
    let deviation = (largest[0] - largest[1]).abs() / 2f64.sqrt();
    assert!((spread.deviation.unwrap() - deviation).abs() < 1e-12);
    // Curvature.
    let stored = store.curvature(&store.find("curvature").unwrap()).unwrap();
    assert_eq!(found.curvature, Some(CurvatureSummary::of(&stored[0])));
    let eigenvalues = &found.curvature.as_ref().unwrap().eigenvalues;
    assert!(
        eigenvalues
            .iter()
            .all(|found| page.contains(&short(found.value)))
    );
    assert_eq!(
        check(&found, "eigenvalues have converged").holds,
        Some(true)
    );
    // Diagnosis.
    let request = DiagnosisRequest {
        run: "plane".to_owned(),
        curvature: false,
        threads: 1,
    };
    let told = Diagnosed::of(&request, store, &()).unwrap();
    assert_eq!(found.diagnoses, told.diagnoses);
    let answers = &told.diagnoses[0].answers;
    for sentence in [
        &answers.difficulty.sentence,
        &answers.outlook.sentence,
        &answers.course.sentence,
    ] {
        assert!(page.contains(&escape(sentence)), "{sentence}");
    }
    for figure in &answers.difficulty.figures {
        assert!(page.contains(&escape(&figure.says)), "{figure:?}");
    }
    // Where it is from, and what made it.
    assert!(
        page.contains(
            &details.summary.run.settings["data"]["sha256"]
                .as_str()
                .unwrap()
                .to_owned()
        )
    );
    for name in names {
        assert!(
            page.contains(&format!("landscape surface --name {name}")),
            "{name}"
        );
    }
    assert_eq!(
        page.matches("<svg").count(),
        4,
        "contours, surface, planes, spectrum"
    );
}

/// Names that a drawing defines are its own.
#[test]
fn drawings_on_one_page_do_not_meet() {
    let bench = Bench::new("moons");
    bench.plane("plane", "moons", 42, 2).unwrap();
    let (_, page) = bench.report("plane", false);
    let mut ids: Vec<&str> = { page.split(" id=\"").skip(1) }
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for used in page
        .split("url(#")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap())
    {
        assert!(ids.contains(&used), "{used}");
    }
    for foreign in [
        "http-equiv=\"refresh",
        "<script",
        "src=\"http",
        "href=\"http",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn hostile_names_are_words() {
    let name = "</title><script>alert('1')</script>\"&\u{202e}🙂";
    let bench = Bench::new(name);
    bench.plane("-x $(rm -r x) <b>", name, 42, 2).unwrap();
    for run in [name, "-x $(rm -r x) <b>"] {
        let (found, page) = bench.report(run, false);
        assert_eq!(found.run, run);
        assert!(!page.contains("<script") && !page.contains("x) <b>"));
        assert!(page.contains(&escape(run)));
    }
    let (_, page) = bench.report("-x $(rm -r x) <b>", false);
    let db = bench.file("landscape.duckdb");
    let show = format!(
        "landscape show --db {} -- '-x $(rm -r x) <b>'",
        db.display()
    );
    let show = escape(&show);
    assert!(page.contains(&show), "{show}");
}

#[test]
fn a_network_that_has_moved_is_told() {
    let bench = Bench::new("moons");
    bench.plane("plane", "moons", 42, 2).unwrap();
    let (found, _) = bench.report("plane", false);
    let place = check(&found, "the network is still");
    assert_eq!(place.holds, Some(true), "{place:?}");
    // Another training under its name.
    bench.train("moons", 2).unwrap();
    let (found, page) = bench.report("plane", true);
    let place = check(&found, "the network is still");
    assert_eq!(place.holds, Some(false));
    assert!(
        place.found.ends_with("holds other parameters now"),
        "{place:?}"
    );
    assert!(page.contains("does not hold"));
    // Its loss is not that of this network, and what is computed is not of it.
    assert_eq!(found.own, None);
    assert_eq!(found.missing.len(), 4);
    for part in &found.missing {
        let told = part.why.as_ref().is_some_and(|why| why.ends_with("now"));
        assert!(part.command.is_none() && told, "{part:?}");
    }
    let runs = bench.store.runs().unwrap().len();
    assert_eq!(runs, 2, "nothing is computed of another network");
    // And none at all.
    bench.store.remove("moons").unwrap();
    let (found, _) = bench.report("plane", false);
    let place = check(&found, "the network is still");
    assert!(
        place.found.ends_with("is not in the database any longer"),
        "{place:?}"
    );
}

#[test]
fn what_is_lacking_is_computed_where_that_is_asked_for() {
    let bench = Bench::new("moons");
    bench.plane("plane", "moons", 42, 2).unwrap();
    let (found, page) = bench.report("plane", false);
    let lacking: Vec<String> = found.missing.iter().map(|part| part.what.clone()).collect();
    assert_eq!(lacking.len(), 4, "{lacking:?}");
    assert!(lacking[0].ends_with("of the seed 43") && lacking[1].ends_with("of the seed 44"));
    let commands: Vec<String> = found
        .missing
        .iter()
        .filter_map(|part| part.command.clone())
        .collect();
    assert!(
        commands
            .iter()
            .all(|command| page.contains(&escape(command)))
    );
    let Some(PartRequest::Landscape(request)) = found.missing[0].request() else {
        panic!("a plane: {:?}", found.missing[0]);
    };
    assert_eq!(
        (request.plane.seed, &request.grid.counts),
        (43, &Some(vec![9, 9]))
    );

    let (found, page) = bench.report("plane", true);
    assert!(found.missing.is_empty(), "{:?}", found.missing);
    assert!(
        found.checks.iter().all(|check| check.holds != Some(false)),
        "{}",
        found
    );
    assert_eq!(found.planes.len(), 3);
    assert!(found.eigenplane.is_some() && found.curvature.is_some());
    // The plane along eigenvectors has the range that suits it.
    let range = found.range.as_ref().unwrap();
    let eigenplane = bench.store.find("plane-eigenvectors").unwrap();
    let grid = bench
        .store
        .load_surface(&eigenplane)
        .unwrap()
        .grid()
        .clone();
    let ends: Vec<f64> = grid.axes().iter().map(|axis| axis.max()).collect();
    assert_eq!(ends, range.eigenvectors);
    // What was said to be typed is what was done.
    for (name, command) in [
        ("plane-seed-43", &commands[0]),
        ("plane-hessian", &commands[2]),
    ] {
        assert_eq!(found.commands.get(name), Some(command));
    }
    assert!(page.contains("3 planes along random directions"));
    // Done once, it is found.
    let runs = bench.store.runs().unwrap().len();
    bench.report("plane", true);
    assert_eq!(bench.store.runs().unwrap().len(), runs);
}

#[test]
fn every_kind_of_run_has_a_page() {
    let bench = Bench::new("moons");
    for (name, dims) in [("line", 1), ("plane", 2), ("volume", 3)] {
        bench.plane(name, "moons", 42, dims).unwrap();
    }
    bench.follow("moons").unwrap();
    bench.curvature("moons").unwrap();
    let figures = [
        ("moons", 1),
        ("line", 1),
        ("plane", 2),
        ("volume", 1),
        ("path", 3),
        ("curvature", 0),
    ];
    for (run, own) in figures {
        let (found, page) = bench.report(run, false);
        // Its own figures, and the spectrum.
        assert_eq!(page.matches("<svg").count(), own + 1, "{run}");
        let origin = check(&found, "loss at the origin");
        assert_eq!(origin.holds, Some(true), "{run}: {origin:?}");
        assert_eq!(found.planes.len(), 1, "{run}");
        assert!(found.own.is_some(), "{run}");
        assert!(!found.to_string().contains("--"), "{found}");
    }
    let (found, _) = bench.report("path", false);
    let end = check(&found, "end of the path `moons`");
    assert_eq!(end.holds, Some(true), "{end:?}");
}

#[test]
fn a_landscape_of_another_program_has_a_page_of_what_it_has() {
    let bench = Bench::new("moons");
    bench.plane("plane", "moons", 42, 2).unwrap();
    let run = bench.store.find("plane").unwrap();
    let surface = bench.store.load_surface(&run).unwrap();
    let spec = landscape_storage::RunSpec::new(RunKind::Import, serde_json::json!({"file": "x"}));
    let (imported, _) = bench
        .store
        .begin_surface(&spec.named("theirs"), surface.grid(), &[], None)
        .unwrap();
    let (found, page) = bench.report("theirs", false);
    assert_eq!(found.own, None);
    assert_eq!(check(&found, "everything is computed").holds, Some(false));
    assert_eq!(
        check(&found, "every point has").found,
        "0 points known, 81 missing"
    );
    assert!(found.missing[0].why.is_some() && found.missing[0].command.is_none());
    assert!(page.contains("it is not about one network that is stored"));
    assert_eq!(imported.kind, RunKind::Import);
}

#[test]
fn files_that_are_no_pages_are_refused_before_the_work() {
    let bench = Bench::new("moons");
    let at = |name: &str| OverviewRequest::new("moons", bench.file(name));
    let refused = |request: &OverviewRequest| request.run(&bench.store, &()).expect_err("refused");
    assert!(matches!(
        refused(&at("page.svg")),
        StudyError::NoPage { .. }
    ));
    at("page.htm").run(&bench.store, &()).expect("a page");
    assert!(matches!(
        refused(&at("page.htm")),
        StudyError::Exists { .. }
    ));
    let unknown = OverviewRequest::new("nosuch", bench.file("other.html"));
    assert!(matches!(refused(&unknown), StudyError::Store(_)));
    assert!(!bench.file("other.html").exists());
}
