//! Networks as what is trained, whatever they come from.

use super::{Model, ProgramModel};
use crate::StudyError;
use crate::device::DeviceName;
use crate::report::{Level, Reporter};
use landscape_core::{Params, counted, path_words};
use landscape_models::{
    Dataset, LossKind, Network, NetworkTrainee, TracedTrainee, TrainConfig, Trainee,
};

/// What a network is trained on, and how.
#[derive(Debug, Clone, Copy)]
pub struct TrainingTask<'t> {
    /// The data.
    pub data: &'t Dataset,
    /// The loss.
    pub loss: LossKind,
    /// The settings, those of these data ([`TrainConfig::on`]).
    pub config: &'t TrainConfig,
}

impl Model {
    /// The network under training, from these parameters on: families on any device, programs on the CPU's own kernels. What of
    /// a program is not as in PyTorch's training is said.
    ///
    /// # Errors
    /// [`StudyError::ProgramDevice`], [`StudyError::AdaptersTrained`], and those of [`NetworkTrainee::new`] and [`TracedTrainee::new`].
    pub fn trainee(
        &self,
        params: &Params,
        device: DeviceName,
        task: TrainingTask,
        reporter: &dyn Reporter,
    ) -> Result<Box<dyn Trainee>, StudyError> {
        let TrainingTask { data, loss, config } = task;
        match self {
            Model::Family(spec) => {
                let network = Network::from_params(spec, params, &device.open()?)?;
                Ok(Box::new(NetworkTrainee::new(network, data, loss, config)?))
            }
            Model::Program(_) if !matches!(device, DeviceName::Cpu | DeviceName::Flex) => {
                Err(StudyError::ProgramDevice {
                    device: device.to_string(),
                })
            }
            Model::Adapted(adapted) => Err(StudyError::AdaptersTrained {
                model: adapted.model().to_string(),
            }),
            Model::Program(program) => {
                let loss = program.traced_loss(params, task)?;
                let trainee = TracedTrainee::new(params.clone(), loss, data, config)?;
                program.say_of_training(&trainee.batches().still_statistics(params), reporter);
                Ok(Box::new(trainee))
            }
        }
    }
}

impl ProgramModel {
    /// What of it is not as in PyTorch's training.
    fn say_of_training(&self, still: &[&str], reporter: &dyn Reporter) {
        let path = path_words(self.path());
        let say = |words: &dyn std::fmt::Display| reporter.say_once(Level::Note, words);
        if let Some(first) = still.first() {
            let count = counted(still.len(), "running statistic");
            say(&format_args!(
                "{path}: {count} stay as they are while it is trained, `{first}` first: no normalisation of the file \
                 measures them"
            ));
        }
    }
}
