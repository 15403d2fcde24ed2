//! Analytic landscapes with known minima.
