-- Curvature: eigenvalues, traces, spectral densities, sharpness, maps.

CREATE TABLE curvature (
    run_id          BIGINT NOT NULL,
    step            UBIGINT,
    parameters      UBIGINT NOT NULL,
    loss            DOUBLE,
    gradient_norm   DOUBLE,
    stability_limit DOUBLE,
    products        UBIGINT NOT NULL,
    seconds         DOUBLE NOT NULL
);

CREATE TABLE eigenvalues (
    run_id    BIGINT NOT NULL,
    step      UBIGINT,
    part      VARCHAR NOT NULL,
    side      VARCHAR NOT NULL,
    rank      UBIGINT NOT NULL,
    value     DOUBLE NOT NULL,
    residual  DOUBLE NOT NULL,
    converged BOOLEAN NOT NULL,
    method    VARCHAR NOT NULL
);

CREATE TABLE traces (
    run_id   BIGINT NOT NULL,
    step     UBIGINT,
    part     VARCHAR NOT NULL,
    method   VARCHAR NOT NULL,
    mean     DOUBLE NOT NULL,
    se       DOUBLE,
    probes   UBIGINT NOT NULL,
    products UBIGINT NOT NULL
);

CREATE TABLE spectra (
    run_id        BIGINT NOT NULL,
    step          UBIGINT,
    part          VARCHAR NOT NULL,
    lanczos_steps UBIGINT NOT NULL,
    probes        UBIGINT NOT NULL,
    width         DOUBLE NOT NULL
);

CREATE TABLE spectrum_points (
    run_id     BIGINT NOT NULL,
    step       UBIGINT,
    part       VARCHAR NOT NULL,
    ordinal    INTEGER NOT NULL,
    eigenvalue DOUBLE NOT NULL,
    density    DOUBLE NOT NULL,
    se         DOUBLE
);

CREATE TABLE sharpness (
    run_id   BIGINT NOT NULL,
    step     UBIGINT,
    measure  VARCHAR NOT NULL,
    value    DOUBLE NOT NULL,
    se       DOUBLE,
    settings JSON NOT NULL
);

CREATE TABLE curvature_points (
    run_id       BIGINT NOT NULL,
    i            INTEGER NOT NULL,
    j            INTEGER NOT NULL,
    k            INTEGER NOT NULL,
    alpha        DOUBLE NOT NULL,
    beta         DOUBLE,
    gamma        DOUBLE,
    lambda_max   DOUBLE NOT NULL,
    lambda_min   DOUBLE NOT NULL,
    residual_max DOUBLE NOT NULL,
    residual_min DOUBLE NOT NULL,
    converged    BOOLEAN NOT NULL
);

CREATE TABLE lanczos_states (
    run_id BIGINT NOT NULL,
    task   VARCHAR NOT NULL,
    state  JSON NOT NULL
);

CREATE TABLE lanczos_vectors (
    run_id  BIGINT NOT NULL,
    task    VARCHAR NOT NULL,
    ordinal INTEGER NOT NULL,
    data    BLOB NOT NULL
);

CREATE VIEW curvature_map AS
    SELECT r.name AS run, p.i, p.j, p.k, p.alpha, p.beta, p.gamma, p.lambda_max, p.lambda_min,
           abs(p.lambda_min / p.lambda_max) AS ratio, p.converged
    FROM curvature_points p JOIN runs r USING (run_id);

COMMENT ON TABLE tensors IS 'Parameters: origins and directions of planes, checkpoints, eigenvectors; f32, little endian, row-major';
COMMENT ON TABLE curvature IS 'One row a set of parameters whose curvature was computed';
COMMENT ON TABLE eigenvalues IS 'One row an eigenvalue, with its residual and whether it converged';
COMMENT ON TABLE traces IS 'One row an estimate of a trace, with its standard error';
COMMENT ON TABLE spectra IS 'One row a spectral density, with the settings of its quadrature';
COMMENT ON TABLE spectrum_points IS 'One row a point of a spectral density';
COMMENT ON TABLE sharpness IS 'One row a measure of sharpness';
COMMENT ON TABLE curvature_points IS 'Largest and smallest eigenvalue: one row a point of a grid';
COMMENT ON TABLE lanczos_states IS 'Lanczos iterations under way: one row an iteration';
COMMENT ON TABLE lanczos_vectors IS 'Lanczos iterations under way: one row a vector of the basis; f64, little endian';
COMMENT ON VIEW curvature_map IS 'Points of curvature maps under the name of their run, with |lambda_min / lambda_max|';
