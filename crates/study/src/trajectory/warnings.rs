//! Where the planes of paths mislead.

use landscape_core::Fidelity;
use landscape_storage::NamedTrajectory;

/// Paths whose losses differ from the plane's that are named one by one.
const NAMED: usize = 2;

/// Where the plane of paths misleads; what is said of a joint plane is said once.
pub fn plane_warnings<'a>(paths: impl IntoIterator<Item = &'a NamedTrajectory>) -> Vec<String> {
    let paths: Vec<_> = { paths.into_iter() }
        .map(|named| (named.label.as_str(), Fidelity::of(&named.trajectory)))
        .collect();
    let together = differing(&paths);
    let mut said: Vec<String> = Vec::new();
    for (label, fidelity) in &paths {
        let alone = Fidelity {
            disagreement: fidelity.disagreement.filter(|_| together.is_none()),
            ..*fidelity
        };
        for warning in alone.warnings() {
            let words = match paths.len() > 1 && warning.starts_with("the loss at the projection") {
                true => format!("{label}: {warning}"),
                false => warning,
            };
            if !said.contains(&words) {
                said.push(words);
            }
        }
    }
    said.extend(together);
    said
}

/// One sentence on the paths whose losses differ from the plane's, where they are many.
fn differing(paths: &[(&str, Fidelity)]) -> Option<String> {
    let gap = |fidelity: &Fidelity| {
        let gap = fidelity.disagreement;
        gap.filter(|gap| *gap >= Fidelity::DISAGREEMENT)
    };
    let differ = { paths.iter() }.filter_map(|(label, fidelity)| Some((*label, gap(fidelity)?)));
    let differ: Vec<(&str, f64)> = differ.collect();
    let (label, most) = *differ.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (differ.len() > NAMED).then(|| {
        format!(
            "on {} of {} paths the loss at the projection differs from the true one, by up to {:.1}% of its range \
             ({label})",
            differ.len(),
            paths.len(),
            100.0 * most
        )
    })
}
