//! Enumerations of modules that add nothing to the paths of their parameters.

/// Makes an enumeration, whose variants hold one module each, a Burn module.
///
/// A derived one would put the variant's name into every path: the first convolution of
/// `features: Vec<Layer>` would be `features.0.Conv.weight` instead of PyTorch's `features.0.weight`.
macro_rules! transparent {
    ($type:ident { $($variant:ident),+ $(,)? }) => {
        impl burn::module::Module for $type {
            fn collect_devices(&self, devices: burn::module::Devices) -> burn::module::Devices {
                match self { $($type::$variant(inner) => inner.collect_devices(devices)),+ }
            }

            fn fork(self, device: &burn::tensor::Device) -> Self {
                match self { $($type::$variant(inner) => $type::$variant(inner.fork(device))),+ }
            }

            fn to_device(self, device: &burn::tensor::Device) -> Self {
                match self {
                    $($type::$variant(inner) => $type::$variant(inner.to_device(device))),+
                }
            }

            fn train(self) -> Self {
                match self { $($type::$variant(inner) => $type::$variant(inner.train())),+ }
            }

            fn valid(&self) -> Self {
                match self { $($type::$variant(inner) => $type::$variant(inner.valid())),+ }
            }

            fn materialize(self) -> Self {
                match self { $($type::$variant(inner) => $type::$variant(inner.materialize())),+ }
            }

            fn visit<V: burn::module::ModuleVisitor>(&self, visitor: &mut V) {
                match self { $($type::$variant(inner) => inner.visit(visitor)),+ }
            }

            fn map<M: burn::module::ModuleMapper>(self, mapper: &mut M) -> Self {
                match self { $($type::$variant(inner) => $type::$variant(inner.map(mapper))),+ }
            }
        }

        impl burn::module::ModuleDisplayDefault for $type {
            fn content(&self, content: burn::module::Content) -> Option<burn::module::Content> {
                match self { $($type::$variant(inner) => inner.content(content)),+ }
            }

            fn num_params(&self) -> usize {
                burn::module::Module::num_params(self)
            }
        }

        impl burn::module::ModuleDisplay for $type {}
    };
}

pub(crate) use transparent;
