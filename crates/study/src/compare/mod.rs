//! Several trainings of one task side by side.
