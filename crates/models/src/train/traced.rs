//! A traced loss under training, such as that of a program from a file: gradients are those of its trace, on the CPU's own
//! kernels.

use super::augment::{Images, images_of};
use super::{Batch, BatchStep, NetworkState, ResumableOptimizer, TrainConfig, Trainee};
use crate::{Dataset, ModelsError, host, streams};
use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use landscape_core::{Params, Rng, Role, Sample};
use landscape_trace::{BatchGradient, BatchGradients, Target, Trace, TraceError};

/// A loss as traces: of all the data, and of as many samples as each batch has.
#[derive(Debug)]
pub struct TracedLoss {
    /// Of all the data.
    pub whole: Trace,
    /// The same loss of as many of them as each batch has ([`TrainConfig::batch_sizes`]), whichever they are.
    pub sized: Vec<Trace>,
    /// Channels, height and width of the images that the first input is, where it is some.
    pub image: Option<[usize; 3]>,
}

/// Gradients of the batches of a traced loss, of all sizes that an epoch has.
#[derive(Debug)]
pub struct TracedBatches(Vec<BatchGradients>);

impl TracedBatches {
    /// `layout` has names and shapes of the parameters.
    ///
    /// # Errors
    /// [`ModelsError::BatchOfOne`], and those of [`BatchGradients::new`].
    pub fn new(loss: &TracedLoss, layout: &Params, batch: usize) -> Result<Self, ModelsError> {
        let one = |sized: &Trace| {
            BatchGradients::new(&loss.whole, sized, layout, 0).map_err(|error| match error {
                TraceError::OneValue { layer } => ModelsError::BatchOfOne {
                    layer,
                    samples: loss.whole.samples(),
                    batch,
                },
                error => error.into(),
            })
        };
        Ok(TracedBatches(
            loss.sized.iter().map(one).collect::<Result<_, _>>()?,
        ))
    }

    /// Loss, gradient and statistics of the samples at these places; `changed`: what their first input is instead; what is
    /// dropped is drawn from the seed and the number of the step.
    ///
    /// # Errors
    /// Those of [`BatchGradients::at`].
    ///
    /// # Panics
    /// Where batches have no such size.
    pub fn at(
        &mut self,
        params: &Params,
        places: &[i64],
        changed: Option<&[f32]>,
        [seed, step]: [u64; 2],
    ) -> Result<BatchGradient, ModelsError> {
        let places: Vec<usize> = places.iter().map(|&place| place as usize).collect();
        let mut sized = self.0.iter_mut();
        let sized = sized.find(|gradients| gradients.samples() == places.len());
        let sized = sized.expect("there are gradients for each size of batches");
        let mut rng = Rng::new(seed, streams::DROPOUT + step);
        Ok(sized.at(params, &places, changed, &mut rng)?)
    }

    /// The running statistics that training leaves as they are, since no normalisation of the trace measures them, or what it
    /// measures has no share in them: by name.
    pub fn still_statistics<'p>(&self, layout: &'p Params) -> Vec<&'p str> {
        let moved: Vec<usize> = self.0.iter().flat_map(BatchGradients::measured).collect();
        let running = |name: &&str| name.ends_with("running_mean") || name.ends_with("running_var");
        let still = layout.iter().enumerate();
        let still = still.filter(|(place, _)| !moved.contains(place));
        still
            .map(|(_, tensor)| tensor.name.as_str())
            .filter(running)
            .collect()
    }
}

/// A traced loss with its parameters, the optimiser, and the data.
pub struct TracedTrainee {
    whole: Trace,
    batches: TracedBatches,
    /// Names, shapes and roles, with the numbers that there are now.
    params: Params,
    optimizer: ResumableOptimizer,
    /// Those that are changed at random.
    images: Option<Images>,
    config: TrainConfig,
}

impl std::fmt::Debug for TracedTrainee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TracedTrainee")
            .field("tensors", &self.params.len())
            .finish_non_exhaustive()
    }
}

impl TracedTrainee {
    /// The loss at the parameters where it starts. The data are those of its trace; of `data` it takes the images that are
    /// changed. `config` must be that of these data, see [`TrainConfig::on`].
    ///
    /// # Errors
    /// [`ModelsError::BadTraining`] for the settings, [`ModelsError::BatchOfOne`], and those of [`BatchGradients::new`].
    pub fn new(
        params: Params,
        loss: TracedLoss,
        data: &Dataset,
        config: &TrainConfig,
    ) -> Result<Self, ModelsError> {
        config.check()?;
        Ok(TracedTrainee {
            batches: TracedBatches::new(&loss, &params, config.batch)?,
            images: images_of(data, loss.image, config)?,
            optimizer: ResumableOptimizer::new(config),
            config: config.clone(),
            params,
            whole: loss.whole,
        })
    }

    /// The gradients of its batches.
    pub fn batches(&self) -> &TracedBatches {
        &self.batches
    }

    /// Moves the parameters by the optimiser, and the running statistics by those of the batch.
    fn follow(&mut self, gradient: BatchGradient, lr: f64) {
        let mut tensors = std::mem::take(&mut self.params).into_inner();
        let moving = |role: Role| role != Role::Buffer;
        let device = Device::flex();
        let vector = |data: Vec<f32>| {
            let shape = [data.len()];
            Tensor::<1>::from_data(TensorData::new(data, shape), &device)
        };
        let mut registered = GradientsParams::new();
        let mut module = Vec::new();
        for (tensor, gradient) in tensors.iter_mut().zip(gradient.gradient) {
            if moving(tensor.role) {
                let param = Param::from_tensor(vector(std::mem::take(&mut tensor.data)));
                if !gradient.is_empty() {
                    registered.register(param.id, vector(gradient));
                }
                module.push(param);
            }
        }
        let moved = self.optimizer.step(lr, module.train(), registered).valid();
        let mut moved = moved.into_iter();
        for tensor in tensors.iter_mut().filter(|tensor| moving(tensor.role)) {
            tensor.data = host::floats(moved.next().expect("as many as before").val());
        }
        for statistic in &gradient.statistics {
            statistic.update(&mut tensors[statistic.place].data);
        }
        self.params = Params::new(tensors).expect("names and lengths are those of before");
    }

    /// Modules of the tensors that the optimiser moves, as it knows them.
    fn module(&self) -> Vec<Param<Tensor<1>>> {
        let device = Device::flex();
        let zeros = |numel| Param::from_tensor(Tensor::zeros([numel], &device));
        self.params.weights().map(|t| zeros(t.data.len())).collect()
    }
}

impl Trainee for TracedTrainee {
    fn samples(&self) -> usize {
        self.whole.samples()
    }

    /// Checked when it was made.
    fn check_batches(&self, _: usize) -> Result<(), ModelsError> {
        Ok(())
    }

    fn evaluate(&self) -> Result<Sample, ModelsError> {
        Ok(self.whole.sample_at(&self.params, &[Target::default()])?)
    }

    fn step(&mut self, batch: &Batch) -> Result<BatchStep, ModelsError> {
        let images = self.images.as_ref();
        let changed = images.map(|images| images.batch(batch.places, batch.step));
        let params = &self.params;
        let gradient = self.batches.at(
            params,
            batch.places,
            changed.as_deref(),
            [self.config.seed, batch.step],
        )?;
        let numbers = gradient.gradient.iter().flatten();
        let squares: f64 = numbers.map(|&x| f64::from(x).powi(2)).sum();
        let loss = Tensor::from_floats([gradient.loss as f32], &Device::flex());
        self.follow(gradient, batch.lr);
        Ok(BatchStep {
            loss,
            gradient_norm: batch.wants_norm.then(|| squares.sqrt()),
        })
    }

    fn params(&self) -> Params {
        self.params.clone()
    }

    fn state(&self) -> NetworkState {
        NetworkState {
            params: self.params.clone(),
            optimizer: self.optimizer.state(),
        }
    }

    fn restore(&mut self, state: &NetworkState, steps: u64) -> Result<(), ModelsError> {
        let params = state.params.clone().conform(&self.params);
        let params = params.map_err(|source| ModelsError::Layout {
            model: "the program".to_owned(),
            source,
        })?;
        let optimizer =
            ResumableOptimizer::resumed(&self.config, &self.module(), &state.optimizer, steps);
        self.optimizer = optimizer.map_err(|reason| ModelsError::BadState { reason })?;
        self.params = params;
        Ok(())
    }
}
