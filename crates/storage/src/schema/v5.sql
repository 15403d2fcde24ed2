-- The interval of a spectral density, and the eigenvalues that were known to it.

ALTER TABLE spectra ADD COLUMN atoms UBIGINT;
ALTER TABLE spectra ADD COLUMN confidence DOUBLE;
ALTER TABLE spectrum_points ADD COLUMN lower DOUBLE;
ALTER TABLE spectrum_points ADD COLUMN upper DOUBLE;
