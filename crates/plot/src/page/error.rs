/// Why a page was not made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// There is nothing to show.
    #[error("a page needs at least one run or some curvature")]
    NoRuns,
    /// A run has not one label an axis.
    #[error("run `{run}` has {expected} axes but {found} axis labels")]
    Labels {
        /// The run's name.
        run: String,
        /// Number of axes.
        expected: usize,
        /// Number of labels.
        found: usize,
    },
    /// An axis has too few points to draw lines between them.
    #[error("run `{run}` has {found} point on axis {axis}; a page needs 2 or more")]
    TooFewPoints {
        /// The run's name.
        run: String,
        /// Which axis, from 1.
        axis: usize,
        /// How many points it has.
        found: usize,
    },
    /// A curve has not one loss a step, or some accuracies but not one a step.
    #[error(
        "curve `{curve}` of run `{run}` has {steps} steps but {losses} losses and {accuracies} accuracies"
    )]
    CurveLength {
        /// The run's name.
        run: String,
        /// The curve's name.
        curve: String,
        /// Number of steps.
        steps: usize,
        /// Number of losses.
        losses: usize,
        /// Number of accuracies.
        accuracies: usize,
    },
    /// The data could not be written as JSON.
    #[error("cannot write the page's data")]
    Json(#[from] serde_json::Error),
}
