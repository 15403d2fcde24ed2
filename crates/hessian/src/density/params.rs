use super::DensityError;

/// Settings of a [`Density`] estimate. It costs `steps * probes` products.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DensityParams {
    /// Steps of Lanczos from each random vector, 80 by default: the resolution.
    pub steps: usize,
    /// Random vectors, 8 by default: the error band falls with their square root.
    pub probes: usize,
    /// Random vectors that advance together, 2 by default. Each holds `8 * steps * dim` bytes.
    pub block: usize,
    /// Standard deviation of the Gaussian at each node, as a share of the range of all nodes; 0.02 by
    /// default.
    pub width: f64,
    /// Points of the grid, 512 by default.
    pub points: usize,
    /// Seed of the random vectors, 0 by default.
    pub seed: u64,
}

impl Default for DensityParams {
    fn default() -> Self {
        DensityParams {
            steps: 80,
            probes: 8,
            block: 2,
            width: 0.02,
            points: 512,
            seed: 0,
        }
    }
}

/// The share of the range that steps resolve, times their number.
const RESOLVED: f64 = 1.6;

impl DensityParams {
    /// So many steps, with a Gaussian as narrow as they resolve, at most as wide as by default, and as many points as it takes.
    ///
    /// ```
    /// use landscape_hessian::DensityParams;
    ///
    /// assert_eq!(DensityParams::of_steps(80), DensityParams::default());
    /// let fine = DensityParams::of_steps(160);
    /// assert_eq!((fine.width, fine.points), (0.01, 1024));
    /// ```
    pub fn of_steps(steps: usize) -> Self {
        let usual = DensityParams::default();
        let width = usual.width.min(RESOLVED / steps.max(1) as f64);
        let points = (usual.points as f64 * usual.width / width).round();
        DensityParams {
            steps,
            width,
            points: points as usize,
            ..usual
        }
    }
}

/// A checked density estimate; see the [module](crate::density).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Density {
    params: DensityParams,
}

/// Widths that the grid goes beyond the outermost nodes.
pub(super) const MARGIN: f64 = 4.0;

impl Density {
    /// With settings that can work.
    ///
    /// # Errors
    /// One for each rule that they break.
    pub fn new(params: DensityParams) -> Result<Self, DensityError> {
        if params.steps < 2 {
            let given = params.steps;
            return Err(DensityError::Steps { given });
        }
        if params.probes < 2 {
            let given = params.probes;
            return Err(DensityError::Probes { given });
        }
        if params.block == 0 {
            return Err(DensityError::Block);
        }
        if !(params.width > 0.0 && params.width < 1.0) {
            let given = params.width;
            return Err(DensityError::Width { given });
        }
        let widths = 1.0 / params.width + 2.0 * MARGIN;
        let least = (2.0 * widths).ceil().min(1e15) as usize;
        if params.points < least {
            let given = params.points;
            return Err(DensityError::Points { given, least });
        }
        Ok(Density { params })
    }

    /// The settings.
    pub fn params(&self) -> &DensityParams {
        &self.params
    }
}
