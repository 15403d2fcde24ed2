//! How far shards scale: a simulation of workers that an engine gives shards to, event by event.
//!
//! ```sh
//! cargo bench --bench scale -- [--preparation SECONDS] [--file SECONDS] [--point SECONDS]
//! ```
//!
//! A worker that is free is given the next shard by the engine, which starts so many a second; it prepares (loads the network and the
//! data, records, plans), and computes the shard's points, whose times differ by a tenth. Workers fail at random; what a
//! shard has stored by then stays, the batch in flight is lost, and after a while the engine starts the shard again. In the end
//! shards are merged one by one, those that ended first while others are still computed. The seed is fixed.
//!
//! What follows of it is in `docs/scale.md`.

#![allow(missing_docs)]

use landscape_core::Rng;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::error::Error;

/// Points of a plane of 201 x 201.
const POINTS: usize = 40_401;
/// Points of a batch that fit into so many seconds are lost together; one that takes longer is lost alone.
const BATCH: f64 = 2.0;
/// Until a failed worker is noticed and its shard started again.
const NOTICE: f64 = 30.0;
/// Times of points differ by so much of their mean (standard deviation).
const SPREAD: f64 = 0.1;
/// A shard takes so many seconds and its preparation at most a share of them: the rule of `landscape submit`.
const SHARD: f64 = 60.0;
const PREPARATION: f64 = 0.05;

/// What is simulated; times in seconds.
#[derive(Debug, Clone, Copy)]
struct Cluster {
    workers: usize,
    /// Of a point, on average.
    point: f64,
    preparation: f64,
    /// Between two starts of the engine.
    start: f64,
    /// Between two failures of a worker, on average.
    failures: f64,
    /// To merge a file, and a point.
    merge: [f64; 2],
    shards: usize,
}

/// What came of it: shares of the time of all workers, until everything is merged.
#[derive(Debug, Default)]
struct Outcome {
    seconds: f64,
    /// Points that were computed once, which is what is wanted.
    useful: f64,
    preparing: f64,
    /// Points that were lost and computed again, and their workers until that was noticed.
    lost: f64,
    /// After the last point: shards that are not merged yet.
    merging: f64,
    failures: usize,
}

impl Outcome {
    /// Waiting for the engine, or for other shards to end.
    fn idle(&self) -> f64 {
        1.0 - self.useful - self.preparing - self.lost - self.merging
    }
}

/// Points of a shard that are left, and from when on it can be started.
struct Waiting {
    points: usize,
    from: f64,
}

impl Cluster {
    /// By the rule of `landscape submit`.
    fn planned(self) -> Self {
        let least = SHARD.max(self.preparation * (1.0 - PREPARATION) / PREPARATION);
        self.divided(least)
    }

    /// In shards of so many seconds.
    fn divided(self, seconds: f64) -> Self {
        let shards = (POINTS as f64 * self.point / seconds).floor() as usize;
        Cluster {
            shards: shards.clamp(1, POINTS),
            ..self
        }
    }

    fn run(&self) -> Outcome {
        let mut rng = Rng::new(1, self.workers as u64);
        let mut free: BinaryHeap<Reverse<Time>> =
            (0..self.workers).map(|_| Reverse(Time(0.0))).collect();
        let mut queue: VecDeque<Waiting> = (0..self.shards)
            .map(|number| Waiting {
                points: (POINTS - number).div_ceil(self.shards),
                from: 0.0,
            })
            .collect();
        let (mut engine, mut outcome, mut ended) = (0.0_f64, Outcome::default(), Vec::new());
        while let Some(shard) = queue.pop_front() {
            let Reverse(Time(worker)) = free.pop().expect("there are workers");
            let begun = worker.max(engine).max(shard.from);
            engine = begun + self.start;
            let mean = shard.points as f64 * self.point;
            let spread = SPREAD * self.point * (shard.points as f64).sqrt();
            let computing = (mean + spread * rng.normal()).max(0.1 * mean);
            let fails = -self.failures * (1.0 - rng.uniform(0.0, 1.0)).ln();
            let end = match fails < self.preparation + computing {
                false => {
                    outcome.preparing += self.preparation;
                    outcome.useful += computing;
                    ended.push(begun + self.preparation + computing);
                    begun + self.preparation + computing
                }
                true => {
                    let each = computing / shard.points as f64;
                    let batch = (BATCH / each).floor().max(1.0);
                    let computed = (fails - self.preparation).max(0.0) / each;
                    let stored =
                        ((computed / batch).floor() * batch).min(shard.points as f64 - 1.0);
                    outcome.failures += 1;
                    outcome.preparing += fails.min(self.preparation);
                    outcome.useful += stored * each;
                    outcome.lost += NOTICE + (computed - stored) * each;
                    queue.push_back(Waiting {
                        points: shard.points - stored as usize,
                        from: begun + fails + NOTICE,
                    });
                    begun + fails + NOTICE
                }
            };
            free.push(Reverse(Time(end)));
        }
        ended.sort_by(f64::total_cmp);
        let of_a_file = self.merge[0] + self.merge[1] * POINTS as f64 / self.shards as f64;
        let merged = ended
            .iter()
            .fold(0.0, |at: f64, &end| at.max(end) + of_a_file);
        let last = ended.last().copied().unwrap_or(0.0);
        let all = merged * self.workers as f64;
        Outcome {
            seconds: merged,
            useful: outcome.useful / all,
            preparing: outcome.preparing / all,
            lost: outcome.lost / all,
            merging: (merged - last) / merged,
            ..outcome
        }
    }
}

/// A moment, in order.
#[derive(Debug, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut bench, mut times) = (false, [0.5, 0.05, 2.5e-6]);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let place = ["--preparation", "--file", "--point"]
            .iter()
            .position(|known| *known == word);
        match (word.as_str(), place) {
            ("--bench", _) => bench = true,
            (_, Some(place)) => times[place] = words.next().ok_or("a value is missing")?.parse()?,
            _ => return Err(format!("unknown option {word}").into()),
        }
    }
    if !bench {
        println!("nothing is simulated; run `cargo bench --bench scale`");
        return Ok(());
    }
    let base = Cluster {
        workers: 1,
        point: 1.0,
        preparation: times[0],
        start: 0.01,
        failures: 24.0 * 3600.0,
        merge: [times[1], times[2]],
        shards: 1,
    };
    check(base);
    by_workers(base);
    by_length(base);
    by_engine(base);
    by_failures(base);
    Ok(())
}

/// What is known in closed form: one worker that never fails, and as many shards as workers of points that take nothing.
fn check(base: Cluster) {
    let alone = Cluster {
        shards: 7,
        failures: f64::INFINITY,
        start: 0.0,
        ..base
    };
    let found = alone.run();
    let expected = 7.0 * alone.preparation + found.useful * found.seconds;
    let merging = found.merging * found.seconds;
    assert!(
        (found.seconds - merging - expected).abs() < 1e-6 * expected,
        "{found:?}"
    );
    let many = Cluster {
        workers: 50,
        shards: 50,
        point: 0.0,
        ..alone
    };
    let found = many.run();
    let merged = many.preparation + 50.0 * many.merge[0] + many.merge[1] * POINTS as f64;
    assert!((found.seconds - merged).abs() < 1e-9 * merged, "{found:?}");
}

const HEAD: &str = "time | used | preparing | lost | idle | merging |";

fn row(first: &str, cluster: &Cluster) {
    let found = cluster.run();
    let percent = |share: f64| format!("{:.1}%", 100.0 * share.max(0.0));
    println!(
        "| {first} | {} | {} | {} | {} | {} | {} | {} |",
        cluster.shards,
        duration(found.seconds),
        percent(found.useful),
        percent(found.preparing),
        percent(found.lost),
        percent(found.idle()),
        percent(found.merging)
    );
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..100.0 => format!("{seconds:.1} s"),
        ..6000.0 => format!("{:.1} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// Workers and seconds a point, by the rule.
fn by_workers(base: Cluster) {
    println!("| workers, a point takes | shards | {HEAD}\n|---|---|---|---|---|---|---|---|");
    for point in [0.1, 1.0, 10.0, 100.0] {
        for workers in [1, 10, 100, 1000] {
            let cluster = Cluster {
                workers,
                point,
                ..base
            };
            row(&format!("{workers}, {point} s"), &cluster.planned());
        }
    }
}

/// How long a shard takes.
fn by_length(base: Cluster) {
    println!("\n| seconds of a shard | shards | {HEAD}\n|---|---|---|---|---|---|---|---|");
    for seconds in [2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0] {
        let cluster = Cluster {
            workers: 100,
            ..base
        };
        row(&format!("{seconds}"), &cluster.divided(seconds));
    }
}

/// How many shards an engine starts a second.
fn by_engine(base: Cluster) {
    println!("\n| workers, starts a second | shards | {HEAD}\n|---|---|---|---|---|---|---|---|");
    for workers in [100, 1000] {
        for starts in [1.0, 10.0, 100.0] {
            let cluster = Cluster {
                workers,
                point: 10.0,
                start: 1.0 / starts,
                ..base
            };
            row(&format!("{workers}, {starts}"), &cluster.planned());
        }
    }
}

/// How often a worker fails.
fn by_failures(base: Cluster) {
    println!(
        "\n| hours between failures, seconds of a shard | shards | {HEAD}\n|---|---|---|---|---|---|---|---|"
    );
    for hours in [24.0, 1.0, 0.25] {
        for seconds in [60.0, 1800.0] {
            let cluster = Cluster {
                workers: 100,
                point: 10.0,
                failures: 3600.0 * hours,
                ..base
            };
            row(&format!("{hours}, {seconds}"), &cluster.divided(seconds));
        }
    }
}
