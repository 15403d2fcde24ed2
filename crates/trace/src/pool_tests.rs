use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A device that takes so long a point, and fails after so many calls.
struct Fake {
    name: &'static str,
    each: Duration,
    calls: AtomicUsize,
    fails_at: usize,
    panics: bool,
}

impl Fake {
    fn new(name: &'static str, micros: u64) -> Self {
        Fake {
            name,
            each: Duration::from_micros(micros),
            calls: AtomicUsize::new(0),
            fails_at: usize::MAX,
            panics: false,
        }
    }

    fn failing(self, fails_at: usize) -> Self {
        Fake { fails_at, ..self }
    }
}

impl Executor for Fake {
    fn evaluate(&self, points: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if call >= self.fails_at {
            assert!(!self.panics, "the driver is gone");
            return Err(ObjectiveError::new("out of memory"));
        }
        thread::sleep(self.each * points.len() as u32);
        let evaluated = |point: &Point| Evaluated {
            outputs: vec![point[0]],
            spread: None,
        };
        Ok(points.iter().map(evaluated).collect())
    }

    fn describe(&self) -> String {
        self.name.to_owned()
    }
}

fn pool(all: Vec<Fake>) -> Pool {
    let boxed = |one: Fake| -> Box<dyn Executor> { Box::new(one) };
    Pool::new(all.into_iter().map(boxed).collect())
}

/// Evaluates so many points, whose loss is their number.
fn run(pool: &Pool, count: usize) -> Result<(), ObjectiveError> {
    let points: Vec<Point> = (0..count).map(|i| [i as f64, 0.0, 0.0]).collect();
    let found = pool.evaluate(&points)?;
    let losses: Vec<f64> = found.iter().map(|one| one.outputs[0]).collect();
    let expected: Vec<f64> = points.iter().map(|point| point[0]).collect();
    assert_eq!(losses, expected);
    Ok(())
}

fn points(pool: &Pool) -> Vec<u64> {
    pool.shares().iter().map(|share| share.points).collect()
}

#[test]
fn devices_share_the_points_by_their_speed() {
    let pool = pool(vec![Fake::new("fast", 200), Fake::new("slow", 1000)]);
    assert_eq!(pool.at_once(), 2);
    for _ in 0..4 {
        run(&pool, 150).unwrap();
    }
    let done = points(&pool);
    assert_eq!(done.iter().sum::<u64>(), 600);
    // Five sixths are 500; sleeps are longer than they should be, and more so short ones.
    assert!((300..=590).contains(&done[0]), "{done:?}");
    // As many points as it takes for the slow one to have one.
    assert!((2..=8).contains(&pool.at_once()), "{}", pool.at_once());
}

#[test]
fn a_device_that_is_far_too_slow_takes_no_points_of_small_batches() {
    let pool = pool(vec![Fake::new("fast", 50), Fake::new("slow", 50_000)]);
    run(&pool, 2).unwrap();
    for _ in 0..10 {
        run(&pool, 20).unwrap();
    }
    let slow = points(&pool)[1];
    assert!((1..=2).contains(&slow), "{slow}: one to know its speed");
    assert_eq!(pool.at_once(), 1);
}

#[test]
fn a_device_that_fails_gives_its_points_back() {
    for panics in [false, true] {
        let broken = Fake {
            panics,
            ..Fake::new("broken", 10).failing(2)
        };
        let pool = pool(vec![broken, Fake::new("good", 10), Fake::new("other", 10)]);
        // Where processors are busy, the others may have taken all points before the broken one asks for its second.
        let mut runs = 0;
        while pool.shares()[0].failed.is_none() && runs < 1_000 {
            run(&pool, 100).unwrap();
            runs += 1;
        }
        let shares = pool.shares();
        let points = shares.iter().map(|share| share.points).sum::<u64>();
        assert_eq!(points, 100 * runs);
        let why = shares[0].failed.as_deref().unwrap();
        let expected = match panics {
            true => "it panicked: the driver is gone",
            false => "out of memory",
        };
        assert_eq!(why, expected);
        assert!(shares[1].failed.is_none() && shares[2].failed.is_none());
    }
}

#[test]
fn the_last_of_the_devices_takes_what_the_others_give_back() {
    // The slow one stands aside until the fast one is gone.
    let pool = pool(vec![
        Fake::new("fast", 10).failing(3),
        Fake::new("slow", 2_000),
    ]);
    for _ in 0..3 {
        run(&pool, 30).unwrap();
    }
    let done = points(&pool);
    assert_eq!(done.iter().sum::<u64>(), 90);
    assert!(done[1] >= 60, "{done:?}");
}

#[test]
fn when_all_fail_each_says_why() {
    let pool = pool(vec![
        Fake::new("one", 10).failing(0),
        Fake {
            panics: true,
            ..Fake::new("two", 10).failing(1)
        },
    ]);
    let error = run(&pool, 100).unwrap_err();
    assert_eq!(
        words(&error),
        "every device failed: one: out of memory; two: it panicked: the driver is gone"
    );
    // And again, with nothing left to try.
    assert!(run(&pool, 1).is_err());
}

#[test]
fn one_device_alone_reports_its_own_error() {
    let pool = pool(vec![Fake::new("one", 10).failing(1)]);
    run(&pool, 3).unwrap();
    assert_eq!(words(&run(&pool, 3).unwrap_err()), "out of memory");
    assert!(pool.shares().is_empty());
}

#[test]
fn a_device_that_cannot_be_prepared_leaves_all_points_to_the_others() {
    let failure = |device: &str| TraceError::Device {
        device: device.to_owned(),
        reason: "no room for the data".to_owned(),
    };
    let prepare = |name: &&'static str| -> Result<Box<dyn Executor>, TraceError> {
        match *name {
            "full" => Err(failure(name)),
            "unknown" => Err(TraceError::TooManyThreads { given: 5000 }),
            name => Ok(Box::new(Fake::new(name, 10))),
        }
    };
    let pool = Pool::new(prepared(&["full", "good"], prepare).unwrap());
    // The good one may be done before the other is asked at all.
    let mut runs = 0;
    while pool.shares()[0].failed.is_none() {
        run(&pool, 50).unwrap();
        runs += 1;
    }
    let shares = pool.shares();
    assert_eq!(shares[0].failed.as_deref(), Some("no room for the data"));
    assert_eq!(
        (&shares[1].device[..], shares[1].points),
        ("good", 50 * runs)
    );
    let error = |names: &[&'static str]| prepared(names, prepare).err().unwrap().to_string();
    assert_eq!(error(&["full", "full"]), failure("full").to_string());
    assert!(error(&["good", "unknown"]).contains("5000"));
}
