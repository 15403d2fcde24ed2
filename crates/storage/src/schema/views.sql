-- The views of the newest tables. A run with several names is there under each.

CREATE OR REPLACE VIEW weights AS
    SELECT run_id, list(weight ORDER BY term) AS weights FROM terms GROUP BY run_id;

CREATE OR REPLACE VIEW landscape AS
    SELECT r.name AS run, p.i, p.j, p.k, p.alpha, p.beta, p.gamma, p.loss, p.loss_se, p.accuracy,
           p.loss + coalesce(list_dot_product(p.terms, w.weights), 0) AS total, p.interpolated
    FROM points p JOIN names r USING (run_id) LEFT JOIN weights w USING (run_id);

CREATE OR REPLACE VIEW point_terms AS
    SELECT r.name AS run, p.i, p.j, p.k, t.name AS term, t.weight, p.terms[t.term] AS value
    FROM points p JOIN names r USING (run_id) JOIN terms t USING (run_id);

CREATE OR REPLACE VIEW checkpoints AS
    WITH stored AS (
        SELECT run_id, step, count(*) AS tensors, sum(octet_length(data)) AS bytes, 'raw' AS form
        FROM tensors WHERE part = 'checkpoint' GROUP BY run_id, step
        UNION ALL
        SELECT d.run_id, d.step, l.tensors, d.bytes, d.coding
        FROM deltas d JOIN (SELECT run_id, count(*) AS tensors FROM layouts GROUP BY run_id) l
             USING (run_id)
    )
    SELECT r.name AS run, s.step, c.epoch, c.loss, c.accuracy, c.lr, s.tensors, s.bytes, s.form
    FROM stored s JOIN names r USING (run_id)
         LEFT JOIN records c ON c.run_id = s.run_id AND c.step = s.step;

CREATE OR REPLACE VIEW curvature_map AS
    SELECT r.name AS run, p.i, p.j, p.k, p.alpha, p.beta, p.gamma, p.lambda_max, p.lambda_min,
           abs(p.lambda_min / p.lambda_max) AS ratio, p.converged
    FROM curvature_points p JOIN names r USING (run_id);

COMMENT ON VIEW weights IS 'Weights of the extra terms of each run as one list';
COMMENT ON VIEW landscape IS 'Points under the names of their run, with the total loss';
COMMENT ON VIEW point_terms IS 'One row a point and extra term';
COMMENT ON VIEW checkpoints IS 'One row a checkpoint with parameters';
COMMENT ON VIEW curvature_map IS 'Points of curvature maps under the names of their run, with |lambda_min / lambda_max|';
